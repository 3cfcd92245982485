"""Backups, crash dumps, passwords, diagnostics, volumes swapped."""

import hashlib

import pytest


@pytest.fixture
def server(world):
    return world.boot()


def agent_image(world):
    made = world.cloud.request("POST", "/image/v2/images", {
        "name": "agent", "disk_format": "raw", "container_format": "bare", "hw_qemu_guest_agent": "yes"},
        as_="demo").json
    world.cloud.request("PUT", f"/image/v2/images/{made['id']}/file", bytes(65536), as_="demo",
                        headers={"Content-Type": "application/octet-stream"})
    return made["id"]


def backups(world, kind):
    found = world.cloud.request("GET", f"/image/v2/images?backup_type={kind}&sort_key=created_at&sort_dir=asc",
                                as_="demo").json["images"]
    return [one["name"] for one in found]


def test_backups_rotate(world, server):
    for number in range(4):
        answer = world.act(server, "createBackup", {"name": f"day {number}", "backup_type": "daily", "rotation": "2"})
        assert answer.status == 202, answer
        image = world.cloud.request("GET", f"/image/v2/images/{answer.json['image_id']}", as_="demo").json
        assert (image["image_type"], image["instance_uuid"], image["status"]) == ("backup", server, "active")
    world.act(server, "createBackup", {"name": "week", "backup_type": "weekly", "rotation": 1})
    assert backups(world, "daily") == ["day 2", "day 3"]
    assert backups(world, "weekly") == ["week"]
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)
    old = world.act(server, "createBackup", {"name": "old", "backup_type": "daily", "rotation": 1}, version="2.44")
    assert old.headers["location"].rpartition("/")[2]
    assert world.act(server, "createBackup", {"name": "bad", "backup_type": "daily", "rotation": -1}).status == 400
    world.act(server, "createBackup", {"name": "gone", "backup_type": "daily", "rotation": 0})
    assert backups(world, "daily") == []


def test_backups_of_one_second_rotate(world, server):
    for number in range(5):
        world.act(server, "createBackup", {"name": f"quick {number}", "backup_type": "quick", "rotation": 2}, run_s=0.1)
    assert sorted(backups(world, "quick")) == ["quick 3", "quick 4"]


def test_no_backup_of_a_root_volume(world):
    disk = {"source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}
    server = world.boot(block_device_mapping_v2=[disk], imageRef="", run_s=10)
    assert world.act(server, "createBackup", {"name": "b", "backup_type": "daily", "rotation": 1}).status == 400


def test_a_failed_backup(world, server):
    world.driver().fail("snapshot", times=-1)
    world.act(server, "createBackup", {"name": "broken", "backup_type": "broken", "rotation": 1}, run_s=60)
    assert backups(world, "broken") == []
    assert world.show(server)["OS-EXT-STS:task_state"] is None


def test_crash_dump(world, server):
    assert world.act(server, "trigger_crash_dump", version="2.16").status == 404
    assert world.act(server, "trigger_crash_dump", version="2.17").status == 202
    assert world.driver().guest(server).interrupts == 1
    world.act(server, "os-stop")
    assert world.act(server, "trigger_crash_dump").status == 409


def test_password_without_an_agent(world, server):
    refused = world.act(server, "changePassword", {"adminPass": "x"})
    assert refused.status == 409
    assert "agent is not enabled" in refused.json["conflictingRequest"]["message"]


def test_password_through_the_agent(world):
    server = world.boot(imageRef=agent_image(world))
    assert world.act(server, "changePassword", {"adminPass": "new"}).status == 202
    assert world.driver().guest(server).passwords == {"root": hashlib.sha256(b"new").hexdigest()}
    actions = world.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"]
    assert actions[0]["action"] == "changePassword"
    world.act(server, "os-stop")
    assert world.act(server, "changePassword", {"adminPass": "new"}).status == 409


def test_diagnostics(world, server):
    path = f"/servers/{server}/diagnostics"
    old = world.ask("GET", path, version="2.47", as_="admin").json
    assert old["memory"] == 64 * 1024
    assert {"cpu0_time", "vda_read", "vda_errors", "vnet0_rx", "vnet0_tx_packets"} <= set(old)
    new = world.ask("GET", path, version="2.48", as_="admin").json
    assert (new["state"], new["num_cpus"], new["num_nics"], new["num_disks"]) == ("running", 1, 1, 1)
    assert new["uptime"] == 5
    assert new["cpu_details"] == [{"id": 0, "time": 50000000, "utilisation": 1}]
    assert new["nic_details"][0]["rx_rate"] is None
    assert world.ask("GET", path).status == 403
    world.act(server, "os-stop")
    assert world.ask("GET", path, version="2.48", as_="admin").status == 409


def test_ports_are_wired_anew(world, server):
    wired = world.cloud.cloud.agents["network"].driver.ports
    before = dict(wired)
    assert before
    wired.clear()
    assert world.act(server, "injectNetworkInfo").status == 403
    assert world.act(server, "injectNetworkInfo", as_="admin").status == 202
    assert wired.keys() == before.keys()
    shelf = world.boot(run_s=5)
    world.act(shelf, "shelve")
    assert world.act(shelf, "injectNetworkInfo", as_="admin").status == 409


def test_what_is_gone(world, server):
    assert world.act(server, "resetNetwork", as_="admin").status == 410


def volume(world, size=1):
    made = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": size}}, as_="demo").json["volume"]
    world.cloud.run(3)
    return made["id"]


def status(world, volume_id):
    return world.cloud.request("GET", f"/volume/v3/volumes/{volume_id}", as_="demo").json["volume"]["status"]


def test_a_volume_in_the_place_of_another(world, server):
    old, new, small = volume(world, 2), volume(world, 2), volume(world)
    path = f"/servers/{server}/os-volume_attachments"
    world.ask("POST", path, {"volumeAttachment": {"volumeId": old}})
    world.cloud.run(5)
    assert world.ask("PUT", f"{path}/{old}", {"volumeAttachment": {"volumeId": new}}).status == 403
    for wrong in (small, old):
        assert world.ask("PUT", f"{path}/{old}", {"volumeAttachment": {"volumeId": wrong}}, as_="admin").status == 400
    assert world.ask("PUT", f"{path}/{new}", {"volumeAttachment": {"volumeId": old}}, as_="admin").status == 404
    assert world.ask("PUT", f"{path}/{old}", {"volumeAttachment": {"volumeId": new}}, as_="admin").status == 202
    world.cloud.run(10)
    assert [one["volumeId"] for one in world.ask("GET", path).json["volumeAttachments"]] == [new]
    assert (status(world, old), status(world, new)) == ("available", "in-use")
    assert world.driver().guest(server).volumes == [new]
    world.delete(server)
    for one in (old, new, small):
        world.cloud.request("DELETE", f"/volume/v3/volumes/{one}", as_="demo")


def test_a_failed_swap_keeps_the_old_volume(world, server):
    old, new = volume(world), volume(world)
    path = f"/servers/{server}/os-volume_attachments"
    world.ask("POST", path, {"volumeAttachment": {"volumeId": old}})
    world.cloud.run(5)
    world.driver().fail("swap_volume", times=6)
    world.ask("PUT", f"{path}/{old}", {"volumeAttachment": {"volumeId": new}}, as_="admin")
    world.cloud.run(120)
    assert [one["volumeId"] for one in world.ask("GET", path).json["volumeAttachments"]] == [old]
    assert (status(world, old), status(world, new)) == ("in-use", "available")
    assert world.driver().guest(server).volumes == [old]


def test_what_becomes_of_a_volume(world, server):
    one = volume(world)
    path = f"/servers/{server}/os-volume_attachments"
    world.ask("POST", path, {"volumeAttachment": {"volumeId": one}})
    world.cloud.run(5)
    wish = {"volumeAttachment": {"volumeId": one, "delete_on_termination": True}}
    assert world.ask("PUT", f"{path}/{one}", wish, "2.84").status == 400
    assert world.ask("PUT", f"{path}/{one}", wish, "2.85").status == 202
    shown = world.ask("GET", f"{path}/{one}", version="2.79").json["volumeAttachment"]
    assert shown["delete_on_termination"] is True
    wish["volumeAttachment"]["serverId"] = world.image
    assert world.ask("PUT", f"{path}/{one}", wish, "2.85").status == 400
    shown = world.ask("GET", f"{path}/{one}", version="2.89").json["volumeAttachment"]
    assert "id" not in shown and shown["attachment_id"] and shown["bdm_uuid"]


def test_a_root_volume_is_filled_anew(world):
    disk = {"source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}
    server = world.boot(block_device_mapping_v2=[disk], imageRef="", run_s=10)
    other = agent_image(world)
    volume_id = world.show(server)["os-extended-volumes:volumes_attached"][0]["id"]
    assert world.act(server, "rebuild", {"imageRef": other}, version="2.92").status == 400
    assert world.act(server, "rebuild", {"imageRef": other}, version="2.93", run_s=20).status == 202
    shown = world.show(server)
    assert (shown["status"], shown["image"]) == ("ACTIVE", "")
    found = world.cloud.request("GET", f"/volume/v3/volumes/{volume_id}", as_="demo").json["volume"]
    assert (found["status"], found["volume_image_metadata"]["image_id"]) == ("in-use", other)


def test_usage_audits(world, server):
    """The month that is over is told of; a cloud that was not there then had no hosts."""
    assert world.ask("GET", "/os-instance_usage_audit_log").status == 403
    now = world.ask("GET", "/os-instance_usage_audit_log", as_="admin").json["instance_usage_audit_logs"]
    assert (now["num_hosts"], now["total_instances"], now["log"]) == (0, 0, {})
    path = "/os-instance_usage_audit_log/{}%20{}"
    assert world.ask("GET", path.format("2016-12-10", "13:59:59.999999"), as_="admin").json[
        "instance_usage_audit_log"]["period_beginning"] == "2016-11-01 00:00:00"
    later = world.ask("GET", path.format("2199-01-10", "13:59:59"), as_="admin").json["instance_usage_audit_log"]
    assert later["period_ending"] == "2199-01-01 00:00:00"
    assert (later["num_hosts_done"], later["total_instances"]) == (later["num_hosts"], 1)
    assert world.ask("GET", path.format("nothing", "x"), as_="admin").status == 400
    assert world.ask("GET", path.format("0001-01-10", "13:59:59"), as_="admin").status == 200


def test_resources_that_are_gone(world, server):
    for path in ("/os-agents", "/os-fping", f"/servers/{server}/os-virtual-interfaces"):
        assert world.ask("GET", path).status == 410
    assert world.ask("POST", "/os-networks", {"network": {}}).status == 410


def test_a_resize_sets_how_disks_are_divided(world, server):
    flavor = world.ask("POST", "/flavors", {"flavor": {"name": "big", "ram": 128, "vcpus": 1, "disk": 10}},
                       as_="admin").json["flavor"]["id"]
    assert world.show(server)["OS-DCF:diskConfig"] == "MANUAL"
    world.act(server, "resize", {"flavorRef": flavor, "OS-DCF:diskConfig": "AUTO"}, run_s=20)
    assert world.show(server)["OS-DCF:diskConfig"] == "AUTO"


def test_an_image_deleted_at_once_stays_deleted(world, server):
    made = world.ask("POST", f"/servers/{server}/action", {"createImage": {"name": "brief"}}, "2.79").json["image_id"]
    assert world.cloud.request("DELETE", f"/image/v2/images/{made}", as_="demo").status == 204
    world.cloud.run(30)
    assert world.cloud.request("GET", f"/image/v2/images/{made}", as_="demo").status == 404
    assert world.show(server)["OS-EXT-STS:task_state"] is None
