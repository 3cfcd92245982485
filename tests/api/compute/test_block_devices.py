"""Block device mappings in all their forms, and what is said of those that are none."""

import json

import pytest

ROOT = {"source_type": "image", "destination_type": "local", "boot_index": 0}
SWAP = {"source_type": "blank", "destination_type": "local", "guest_format": "swap", "boot_index": -1}
EPHEMERAL = {"source_type": "blank", "destination_type": "local", "boot_index": -1}
NOBODY = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"
INVALID = "Block Device Mapping is Invalid: "
SEQUENCE = INVALID + "Boot sequence for the instance and image/block device mapping combination is not valid."


@pytest.fixture(scope="module")
def roomy(world):
    return world.flavor_of("roomy", 64, 1, 1, **{"OS-FLV-EXT-DATA:ephemeral": 4, "swap": 512})


@pytest.fixture
def specs(world, monkeypatch):
    """What guests are made of."""
    found, original = [], world.driver().spawn
    monkeypatch.setattr(world.driver(), "spawn", lambda spec: (found.append(spec), original(spec)))
    return found


def volume(world, **fields):
    answer = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1, **fields}}, as_="demo")
    world.cloud.run(5)
    return answer.json["volume"]["id"]


def drop(world, *ids):
    for one in ids:
        world.cloud.request("DELETE", f"/volume/v3/volumes/{one}", as_="demo")
    world.cloud.run(5)


def local(spec):
    """Kind, size, bus and type of all local disks but the root's."""
    return [(one.kind, one.size_mib or one.size_gib, one.bus, one.type) for one in spec.disks[1:] if not one.volume_id]


def said(answer):
    assert answer.status == 400, answer
    return answer.json["badRequest"]["message"]


def test_local_disks(world, roomy, specs):
    root = {**ROOT, "uuid": world.image}
    for mappings, wanted in (
            ([root], [("ephemeral", 4, "", ""), ("swap", 512, "", "")]),
            ([root, {**SWAP, "volume_size": 256}], [("swap", 256, "", ""), ("ephemeral", 4, "", "")]),
            ([root, SWAP], [("swap", 512, "", ""), ("ephemeral", 4, "", "")]),
            ([root, {**EPHEMERAL, "volume_size": 1, "guest_format": "ext4", "disk_bus": "scsi", "device_type": "disk"}],
             [("ephemeral", 1, "scsi", "disk"), ("swap", 512, "", "")]),
            ([root, EPHEMERAL], [("ephemeral", 4, "", ""), ("swap", 512, "", "")])):
        server = world.boot(flavorRef=roomy, block_device_mapping_v2=mappings)
        assert world.show(server)["status"] == "ACTIVE"
        assert local(specs[-1]) == wanted, mappings


@pytest.mark.parametrize(("mappings", "message"), [
    ([{**SWAP, "volume_size": 513}], "Swap drive requested is larger than instance type allows."),
    ([SWAP, SWAP], INVALID + "More than one swap drive requested."),
    ([{**EPHEMERAL, "volume_size": 5}], "Ephemeral disks requested are larger"),
    ([{**EPHEMERAL, "volume_size": 1}] * 2, "You specified more local devices than the limit allows"),
    ([{**EPHEMERAL, "uuid": NOBODY}], INVALID + "Invalid device UUID."),
    ([{"source_type": "image", "destination_type": "volume", "volume_size": 1}], INVALID + "Missing device UUID."),
    ([{"source_type": "image", "uuid": NOBODY, "destination_type": "volume"}],
     "Images with destination_type 'volume' need to have a non-zero size specified"),
    ([{"source_type": "blank", "destination_type": "volume"}],
     "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size"),
    ([{**ROOT, "uuid": NOBODY}], INVALID + "Mapping image to local is not supported."),
    ([{**ROOT, "uuid": NOBODY, "boot_index": 1}], INVALID + "Mapping image to local is not supported."),
    ([{"source_type": "volume", "uuid": NOBODY, "destination_type": "volume"}],
     INVALID + f"failed to get volume {NOBODY}."),
    ([{"source_type": "snapshot", "uuid": NOBODY, "destination_type": "volume"}],
     INVALID + f"failed to get snapshot {NOBODY}."),
    ([{"source_type": "blank", "destination_type": "volume", "volume_size": 1, "volume_type": "none"}],
     INVALID + "Volume type"),
    ([{**EPHEMERAL, "volume_type": "none"}], INVALID + "a volume_type is given"),
    ([{**EPHEMERAL, "disk_bus": "floppybus"}], INVALID + "The provided disk bus floppybus is not valid."),
    ([{**EPHEMERAL, "device_type": "tape"}], INVALID + "The provided device type tape is not valid."),
    ([{**EPHEMERAL, "boot_index": 2}], SEQUENCE),
])
def test_improper_mappings(world, roomy, mappings, message):
    assert message in said(world.post(flavorRef=roomy, block_device_mapping_v2=mappings))


def test_boot_sequences(world):
    first, second = volume(world, imageRef=world.image), volume(world)

    def mapped(*indexes):
        return [{"source_type": "volume", "uuid": one, "destination_type": "volume", "boot_index": index}
                for one, index in zip((first, second), indexes, strict=True)]

    for indexes in ((0, 0), (1, 2), (0, 2), (None, 1)):
        assert said(world.post(imageRef="", block_device_mapping_v2=mapped(*indexes))) == SEQUENCE, indexes
    assert "not bootable" in said(world.post(imageRef="", block_device_mapping_v2=mapped(1, 0)))
    for indexes in ((0, 1), ("0", -1), (0, None)):
        server = world.boot(imageRef="", block_device_mapping_v2=mapped(*indexes), run_s=10)
        assert world.show(server)["status"] == "ACTIVE", indexes
        world.delete(server)
    drop(world, first, second)


def test_both_forms(world):
    mapping = [{**ROOT, "uuid": world.image}]
    assert "syntaxes" in said(world.post(block_device_mapping_v2=mapping, block_device_mapping=[
        {"device_name": "/dev/vdb", "volume_id": NOBODY}]))


def test_the_bus_and_the_type_of_a_volume(world, specs):
    disk = volume(world)
    server = world.boot(block_device_mapping_v2=[
        {**ROOT, "uuid": world.image},
        {"source_type": "volume", "uuid": disk, "destination_type": "volume", "boot_index": -1, "disk_bus": "sata",
         "device_type": "cdrom", "tag": "films", "device_name": "/dev/sdc"}], config_drive=True, run_s=10)
    found = next(one for one in specs[-1].disks if one.volume_id == disk)
    assert (found.bus, found.type, found.device) == ("sata", "cdrom", "sdc")
    document = json.loads(specs[-1].config_drive["openstack/latest/meta_data.json"])
    assert document["devices"] == [{"type": "disk", "bus": "none", "address": "none", "serial": disk,
                                    "path": "/dev/sdc", "tags": ["films"]}]
    world.delete(server)
    drop(world, disk)


def test_what_an_image_says_is_left_out_or_replaced(world, specs):
    """An image of a server with a root volume brings its mappings; the request takes one away by its name."""
    extra = {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "delete_on_termination": True}
    root = {"source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}
    server = world.boot(imageRef="", block_device_mapping_v2=[root, {**extra, "device_name": "/dev/vdc"}], run_s=20)
    image = world.act(server, "createImage", {"name": "kept"}, run_s=20).json["image_id"]
    both = world.boot(imageRef=image, run_s=20)
    one = world.boot(imageRef=image, run_s=20, block_device_mapping_v2=[
        {"source_type": "blank", "destination_type": "volume", "device_name": "/dev/vdc", "no_device": True}])
    counts = [len(world.show(made)["os-extended-volumes:volumes_attached"]) for made in (both, one)]
    assert counts == [2, 1]
    world.delete(server, both, one)
    world.cloud.request("DELETE", f"/image/v2/images/{image}", as_="demo")
    for snapshot in world.cloud.request("GET", "/volume/v3/snapshots", as_="demo").json["snapshots"]:
        world.cloud.request("DELETE", f"/volume/v3/snapshots/{snapshot['id']}", as_="demo")
    world.cloud.run(10)
    drop(world, *(kept["id"] for kept in world.cloud.request("GET", "/volume/v3/volumes", as_="demo").json["volumes"]))


def test_devices_that_are_left_out_need_no_source(world):
    mappings = [{"device_name": "/dev/vdb", "no_device": True}]
    assert world.post(block_device_mapping_v2=mappings).status == 202
    assert "source_type" in said(world.post(block_device_mapping_v2=[{"device_name": "/dev/vdb"}]))
    assert world.post(block_device_mapping_v2=[{"device_name": "", "no_device": True}]).status == 400


def test_a_volume_is_attached_once(world):
    one = volume(world)
    mapping = {"source_type": "volume", "destination_type": "volume", "uuid": one, "boot_index": -1}
    assert "twice" in said(world.post(block_device_mapping_v2=[mapping, mapping]))
    drop(world, one)
