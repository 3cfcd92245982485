"""Rescuing servers."""

import pytest


@pytest.fixture
def server(world):
    return world.boot()


def image_with(world, **properties):
    made = world.cloud.request("POST", "/image/v2/images", {"name": "rescue", "disk_format": "raw",
                                                            "container_format": "bare", **properties}, as_="demo").json
    world.cloud.request("PUT", f"/image/v2/images/{made['id']}/file", bytes(65536), as_="demo",
                        headers={"Content-Type": "application/octet-stream"})
    return made["id"]


def root_volume(world):
    return {"source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}


def test_rescue_and_back(world, server):
    answer = world.act(server, "rescue", {"adminPass": "secret"}, run_s=0)
    assert (answer.status, answer.json) == (200, {"adminPass": "secret"})
    world.cloud.run(5)
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:vm_state"]) == ("RESCUE", "rescued")
    assert shown["OS-EXT-STS:task_state"] is None
    assert world.driver().guest(server).rescue == "vda"
    for action in ("os-stop", "pause", "rescue", "shelve"):
        assert world.act(server, action).status == 409, action
    assert world.act(server, "reboot", {"type": "HARD"}).status == 409
    assert world.act(server, "unrescue").status == 202
    assert world.show(server)["status"] == "ACTIVE"
    assert world.driver().guest(server).rescue == ""
    assert world.act(server, "unrescue").status == 409


def test_a_rescued_server_is_deleted(world, server):
    world.act(server, "rescue")
    world.delete(server)
    assert list(world.driver().observe()) == []


def test_from_another_image(world, server):
    assert world.act(server, "rescue", {"rescue_image_ref": "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"}).status == 400
    assert len(world.act(server, "rescue", {"rescue_image_ref": image_with(world)}).json["adminPass"]) == 12
    assert world.show(server)["status"] == "RESCUE"


def test_stable_devices(world, server):
    wrong = image_with(world, hw_rescue_device="tape")
    assert world.act(server, "rescue", {"rescue_image_ref": wrong}).status == 400
    image = image_with(world, hw_rescue_device="disk", hw_rescue_bus="virtio")
    world.act(server, "rescue", {"rescue_image_ref": image})
    assert world.driver().guest(server).rescue == "vdb"


def test_a_root_volume(world):
    server = world.boot(block_device_mapping_v2=[root_volume(world)], imageRef="", run_s=10)
    image = image_with(world, hw_rescue_device="disk", hw_rescue_bus="virtio")
    asked = {"rescue_image_ref": image}
    assert world.act(server, "rescue", asked, version="2.86").status == 400
    assert world.act(server, "rescue", version="2.87").status == 400
    assert world.act(server, "rescue", {"rescue_image_ref": world.image}, version="2.87").status == 400
    assert world.act(server, "rescue", asked, version="2.87").status == 200
    assert world.show(server)["status"] == "RESCUE"
    assert world.act(server, "unrescue").status == 202
    assert world.show(server)["status"] == "ACTIVE"


def test_a_host_that_cannot_rescue_root_volumes(world):
    server = world.boot(block_device_mapping_v2=[root_volume(world)], imageRef="", run_s=10)
    asked = {"rescue_image_ref": image_with(world, hw_rescue_device="disk", hw_rescue_bus="virtio")}
    agent, facts = world.cloud.cloud.agents["compute"].hosts[0], world.driver().facts()
    provider = world.ask("GET", "/os-hypervisors", version="2.88", as_="admin").json["hypervisors"][0]["id"]
    path = f"/placement/resource_providers/{provider}/traits"
    told = world.cloud.request("GET", path, version="placement 1.6").json["traits"]
    assert "COMPUTE_RESCUE_BFV" in told and "COMPUTE_VOLUME_EXTEND" in told
    agent._control().register(world.cloud.cloud.kits["compute"].context(), "host1", provider, facts)
    refused = world.act(server, "rescue", asked, version="2.87")
    assert (refused.status, "Host unable to rescue" in str(refused.json)) == (400, True)
    agent._register()
    assert world.act(server, "rescue", asked, version="2.87").status == 200


def test_images_of_servers_with_root_volumes_rescue_none(world, server):
    image = image_with(world, block_device_mapping="[]")
    assert world.act(server, "rescue", {"rescue_image_ref": image}).status == 400


def test_volumes_have_to_be_there(world, server):
    volume = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}, as_="demo").json["volume"]["id"]
    world.cloud.run(5)
    attached = world.ask("POST", f"/servers/{server}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
    assert attached.status == 200
    world.cloud.run(5)
    reset = {"os-reset_status": {"status": "error"}}
    world.cloud.request("POST", f"/volume/v3/volumes/{volume}/action", reset)
    assert world.act(server, "rescue").status == 409
    world.cloud.request("POST", f"/volume/v3/volumes/{volume}/action", {"os-reset_status": {"status": "in-use"}})
    assert world.act(server, "rescue").status == 200


def test_a_failed_rescue_keeps_the_server(world, server):
    world.act(server, "os-stop")
    world.driver().fail("rescue", times=-1)
    world.act(server, "rescue", run_s=120)
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("SHUTOFF", None)
    assert [one.power.value for one in world.driver().observe()] == ["shutdown"]
