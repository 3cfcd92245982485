"""Servers of a project that has nothing of its own: no network, and no snapshot of others."""

from tests.api.network.test_topologies import stranger

__all__ = ["stranger"]


def boot(world, stranger, **fields):
    body = {"server": {"name": "s", "flavorRef": world.flavor, **fields}}
    return world.cloud.request("POST", "/compute/v2.1/servers", body, as_=None, version="compute 2.37",
                               headers={"X-Auth-Token": stranger[1].token})


def test_a_network_is_made(world, stranger):
    image = world.cloud.request("POST", "/image/v2/images", {"name": "d", "disk_format": "raw", "visibility": "public",
                                                             "container_format": "bare"}).json["id"]
    world.cloud.request("PUT", f"/image/v2/images/{image}/file", bytes(512),
                        headers={"Content-Type": "application/octet-stream"})
    made = boot(world, stranger, imageRef=image, networks="auto", min_count=2)
    assert made.status == 202, made
    world.cloud.run(10)
    found = stranger[1]("GET", "/compute/v2.1/servers/detail").json["servers"]
    assert [set(one["addresses"]) for one in found] == [{"auto_allocated_network"}] * 2


def test_anothers_snapshot(world, stranger):
    volume = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}, as_="demo").json["volume"]["id"]
    world.cloud.run(3)
    snapshot = world.cloud.request("POST", "/volume/v3/snapshots", {"snapshot": {"volume_id": volume}},
                                   as_="demo").json["snapshot"]["id"]
    world.cloud.run(3)
    disk = {"source_type": "snapshot", "uuid": snapshot, "destination_type": "volume", "boot_index": 0}
    refused = boot(world, stranger, block_device_mapping_v2=[disk], networks="none")
    assert refused.status == 400, refused
    assert "failed to get snapshot" in refused.json["badRequest"]["message"]
