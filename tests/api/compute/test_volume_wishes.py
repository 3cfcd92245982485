"""What a root volume's image says of the machine reaches the host."""

import hashlib

import pytest


def agent_image(world):
    made = world.cloud.request("POST", "/image/v2/images", {
        "name": "agent", "disk_format": "raw", "container_format": "bare", "hw_qemu_guest_agent": "yes"}, as_="demo")
    world.cloud.request("PUT", f"/image/v2/images/{made.json['id']}/file", b"x" * 512, as_="demo",
                        headers={"Content-Type": "application/octet-stream"})
    return made.json["id"]


def new_volume(world, image):
    answer = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1, "imageRef": image}}, as_="demo")
    world.cloud.run(30)
    return answer.json["volume"]["id"]


@pytest.mark.parametrize("source", ["image", "volume"])
def test_guest_of_a_root_volume_has_its_images_agent(world, source):
    image = agent_image(world)
    uuid = new_volume(world, image) if source == "volume" else image
    server = world.boot(imageRef="", block_device_mapping_v2=[{
        "source_type": source, "uuid": uuid, "destination_type": "volume", "volume_size": 1, "boot_index": 0,
        "delete_on_termination": True}], run_s=60)
    assert world.show(server)["status"] == "ACTIVE"
    assert world.act(server, "changePassword", {"adminPass": "new"}).status == 202
    assert world.driver().guest(server).passwords == {"root": hashlib.sha256(b"new").hexdigest()}
