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


def test_a_failed_rescue_keeps_the_server(world, server):
    world.act(server, "os-stop")
    world.driver().fail("rescue", times=-1)
    world.act(server, "rescue", run_s=120)
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("SHUTOFF", None)
    assert [one.power.value for one in world.driver().observe()] == ["shutdown"]
