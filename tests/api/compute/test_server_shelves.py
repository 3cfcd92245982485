"""Shelving, offloading and taking off the shelf."""

import pytest


@pytest.fixture
def server(world):
    return world.boot()


def images(world, name="one-shelved"):
    return world.cloud.request("GET", f"/image/v2/images?name={name}", as_="demo").json["images"]


def used(world, server):
    found = world.cloud.request("GET", f"/placement/allocations/{server}").json["allocations"]
    return [one["resources"] for one in found.values()]


def ports(world, server):
    return world.cloud.request("GET", f"/network/v2.0/ports?device_id={server}").json["ports"]


def test_shelved_offloaded_and_back(world, server):
    before = world.show(server)
    assert world.act(server, "shelve").status == 202
    shown = world.show(server, as_="admin")
    assert (shown["status"], shown["OS-EXT-STS:vm_state"]) == ("SHELVED_OFFLOADED", "shelved_offloaded")
    assert (shown["OS-EXT-SRV-ATTR:host"], shown["OS-EXT-AZ:availability_zone"]) == (None, "")
    assert shown["OS-EXT-STS:task_state"] is None
    assert [one["status"] for one in images(world)] == ["active"]
    assert used(world, server) == []
    assert [(one["binding:host_id"], one["binding:vif_type"]) for one in ports(world, server)] == [("", "unbound")]
    assert list(world.driver().observe()) == []
    assert world.ask("GET", "/limits").json["limits"]["absolute"]["totalInstancesUsed"] == 1
    for action in ("shelve", "shelveOffload", "os-start", "os-stop", "pause"):
        assert world.act(server, action, as_="admin").status == 409, action
    assert world.act(server, "unshelve").status == 202
    after = world.show(server)
    assert after["status"] == "ACTIVE"
    assert after["addresses"] == before["addresses"]
    assert after["image"] == before["image"]
    assert images(world) == []
    assert used(world, server) == [{"VCPU": 1, "MEMORY_MB": 64, "DISK_GB": 1}]
    assert [one["binding:host_id"] for one in ports(world, server)] == ["host1"]
    actions = [one["action"] for one in world.ask("GET", f"/servers/{server}/os-instance-actions").json[
        "instanceActions"]]
    assert actions == ["unshelve", "shelve", "create"]
    assert world.act(server, "unshelve").status == 409


def test_the_image_is_what_comes_back(world, server):
    world.act(server, "shelve")
    world.act(server, "unshelve")
    world.act(server, "shelve")
    assert len(images(world)) == 1
    world.delete(server)
    assert images(world) == []


def test_a_shelved_server_is_deleted(world, server):
    world.act(server, "shelve")
    assert world.ask("DELETE", f"/servers/{server}").status == 204
    world.cloud.run(5)
    assert world.ask("GET", f"/servers/{server}").status == 404
    assert ports(world, server) == []


def test_a_failed_snapshot_keeps_the_server(world, server):
    world.driver().fail("snapshot", times=-1)
    world.act(server, "shelve", run_s=120)
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)
    assert images(world) == []
    assert [one.power.value for one in world.driver().observe()] == ["running"]


def test_a_failed_spawn_leaves_it_on_the_shelf(world, server):
    world.act(server, "shelve")
    world.driver().fail("spawn", times=-1)
    world.act(server, "unshelve", run_s=120)
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("SHELVED_OFFLOADED", None)
    assert used(world, server) == []
    assert [one["binding:host_id"] for one in ports(world, server)] == [""]
    world.driver().heal()
    world.act(server, "unshelve")
    assert world.show(server)["status"] == "ACTIVE"


def volume(world):
    made = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}, as_="demo").json["volume"]["id"]
    world.cloud.run(3)
    return made


def volume_status(world, volume_id):
    return world.cloud.request("GET", f"/volume/v3/volumes/{volume_id}", as_="demo").json["volume"]["status"]


def test_volumes_of_a_shelved_server(world, server):
    first, second = volume(world), volume(world)
    path = f"/servers/{server}/os-volume_attachments"
    world.ask("POST", path, {"volumeAttachment": {"volumeId": first}}, "2.79")
    world.cloud.run(5)
    world.act(server, "shelve")
    assert volume_status(world, first) == "reserved"
    assert world.ask("POST", path, {"volumeAttachment": {"volumeId": second}}, "2.19").status == 409
    assert world.ask("POST", path, {"volumeAttachment": {"volumeId": second}}, "2.20").status == 200
    world.cloud.run(5)
    assert volume_status(world, second) == "in-use"
    assert world.ask("DELETE", f"{path}/{first}", version="2.19").status == 409
    assert world.ask("DELETE", f"{path}/{first}", version="2.20").status == 202
    world.cloud.run(5)
    assert volume_status(world, first) == "available"
    world.act(server, "unshelve")
    assert world.show(server)["status"] == "ACTIVE"
    assert [one["id"] for one in world.show(server)["os-extended-volumes:volumes_attached"]] == [second]
    assert volume_status(world, second) == "in-use"
    assert world.driver().guest(server).volumes == [second]
    world.delete(server)
    for one in (first, second):
        assert world.cloud.request("DELETE", f"/volume/v3/volumes/{one}", as_="demo").status == 202


def test_a_server_with_a_root_volume(world):
    disk = {"source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}
    server = world.boot(block_device_mapping_v2=[disk], imageRef="", run_s=10)
    world.act(server, "shelve")
    assert world.show(server)["status"] == "SHELVED_OFFLOADED"
    assert images(world) == []
    world.act(server, "unshelve")
    assert world.show(server)["status"] == "ACTIVE"


def test_where_to(world, server):
    path = f"/servers/{server}/action"
    assert world.act(server, "unshelve", {"availability_zone": "nova"}, version="2.77").status == 409
    world.act(server, "shelve")
    assert world.act(server, "unshelve", {}, version="2.77").status == 400
    assert world.act(server, "unshelve", {}, version="2.91").status == 400
    assert world.act(server, "unshelve", {"host": "host1"}, version="2.90").status == 400
    assert world.act(server, "unshelve", {"availability_zone": "none"}, version="2.77").status == 400
    assert world.act(server, "unshelve", {"host": "host1"}, version="2.91").status == 403
    assert world.act(server, "unshelve", {"host": "other"}, version="2.91", as_="admin").status == 400
    assert world.ask("POST", path, {"unshelve": {"availability_zone": "nova"}}, "2.77").status == 202
    world.cloud.run(5)
    assert world.show(server)["status"] == "ACTIVE"
    assert world.show(server, "2.96")["pinned_availability_zone"] == "nova"
    world.act(server, "shelve")
    assert world.act(server, "unshelve", {"host": "host1", "availability_zone": None}, version="2.91",
                     as_="admin").status == 202
    assert world.show(server, "2.96")["pinned_availability_zone"] is None
    assert world.show(server, as_="admin")["OS-EXT-SRV-ATTR:host"] == "host1"


def test_a_host_outside_of_the_zone(world):
    server = world.boot(availability_zone="nova")
    made = world.ask("POST", "/os-aggregates", {"aggregate": {"name": "east", "availability_zone": "east"}},
                     as_="admin").json["aggregate"]["id"]
    world.act(server, "shelve")
    world.ask("POST", f"/os-aggregates/{made}/action", {"add_host": {"host": "host1"}}, as_="admin")
    world.cloud.run(5)
    refused = world.act(server, "unshelve", {"host": "host1"}, version="2.91", as_="admin")
    assert refused.status == 409, refused
    world.ask("POST", f"/os-aggregates/{made}/action", {"remove_host": {"host": "host1"}}, as_="admin")
    world.ask("DELETE", f"/os-aggregates/{made}", as_="admin")
    world.cloud.run(5)
    assert world.act(server, "unshelve", {"host": "host1"}, version="2.91", as_="admin").status == 202


def test_a_server_that_is_unpinned_may_go_to_any_zone(world):
    server = world.boot(availability_zone="nova")
    made = world.ask("POST", "/os-aggregates", {"aggregate": {"name": "east", "availability_zone": "east"}},
                     as_="admin").json["aggregate"]["id"]
    world.act(server, "shelve")
    world.ask("POST", f"/os-aggregates/{made}/action", {"add_host": {"host": "host1"}}, as_="admin")
    world.cloud.run(5)
    assert world.act(server, "unshelve").status == 202
    assert world.show(server)["status"] == "SHELVED_OFFLOADED"
    for zone, status in ((None, 200), ("nova", 409), ("east", 409)):
        body = {"server": {"pinned_availability_zone": zone}}
        assert world.ask("PUT", f"/servers/{server}", body, "2.104").status == status
    assert world.act(server, "unshelve").status == 202
    shown = world.show(server, "2.104")
    assert (shown["status"], shown["OS-EXT-AZ:availability_zone"], shown["pinned_availability_zone"]) == (
        "ACTIVE", "east", None)
    world.delete(server)
    world.ask("POST", f"/os-aggregates/{made}/action", {"remove_host": {"host": "host1"}}, as_="admin")
    world.ask("DELETE", f"/os-aggregates/{made}", as_="admin")
