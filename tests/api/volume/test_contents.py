"""Volumes whose content is replaced: reverted to their latest snapshot, or filled anew from an image."""

import pytest

NOBODY = "11111111-2222-3333-4444-555555555555"


def driver(storage):
    return storage.cloud.cloud.services["volume"].backends.driver("simulated")


def test_revert(storage):
    one = storage.volume()
    driver(storage).write(one, [b"before"])
    first = storage.snapshot(one)
    storage.cloud.clock.advance(1)
    driver(storage).write(one, [b"middle"])
    second = storage.snapshot(one)
    driver(storage).write(one, [b"after!"])
    storage.act(one, "revert", {"snapshot_id": first}, 400)
    storage.act(one, "revert", {"snapshot_id": NOBODY}, 404)
    storage.act(one, "revert", {"snapshot_id": second}, 404, version="3.39")
    storage.act(one, "revert", {"snapshot_id": second}, 403, "alpha:reader")
    storage.act(one, "revert", {"snapshot_id": second})
    assert storage.content(one, 6) == b"middle"
    assert storage.status(one) == "available"
    assert storage.call("GET", f"/snapshots/{second}", None, 200).json["snapshot"]["status"] == "available"
    assert not [name for name in driver(storage).observe().volumes if name.startswith("revert-")]
    storage.act(one, "os-extend", {"new_size": 2})
    storage.act(one, "revert", {"snapshot_id": second}, 400)
    other = storage.volume()
    storage.act(other, "revert", {"snapshot_id": second}, 400)


def test_a_failed_revert(storage):
    one = storage.volume()
    driver(storage).write(one, [b"before"])
    frozen = storage.snapshot(one)
    driver(storage).write(one, [b"after!"])
    driver(storage).fail("write")
    storage.act(one, "revert", {"snapshot_id": frozen})
    assert storage.status(one) == "error" and storage.content(one, 6) == b"after!"
    assert storage.call("GET", f"/snapshots/{frozen}", None, 200).json["snapshot"]["status"] == "available"
    assert not [name for name in driver(storage).observe().volumes if name.startswith("revert-")]


def test_reimage(storage):
    image = storage.image(b"fresh" * 100, name="fresh")
    one = storage.volume()
    driver(storage).write(one, [b"stale" * 10000])
    storage.act(one, "os-reimage", {"image_id": image}, 404, version="3.67")
    storage.act(one, "os-reimage", {"image_id": NOBODY}, 400)
    storage.act(one, "os-reimage", {"image_id": image}, 403, "alpha:reader")
    storage.act(one, "os-reimage", {"image_id": image})
    found = storage.show(one)
    assert (found["status"], found["bootable"]) == ("available", "true")
    assert found["volume_image_metadata"]["image_name"] == "fresh"
    assert storage.content(one, 1000) == b"fresh" * 100 + bytes(500)
    query = "glance_metadata=%7B%27image_name%27%3A+%27fresh%27%7D"
    rows = storage.call("GET", f"/volumes?{query}", None, 200).json["volumes"]
    assert [row["id"] for row in rows] == [one]


def test_reimage_of_a_reserved_volume(storage):
    image = storage.image(b"x")
    one = storage.volume()
    body = {"attachment": {"volume_uuid": one, "instance_uuid": NOBODY}}
    storage.call("POST", "/attachments", body, 200)
    storage.act(one, "os-reimage", {"image_id": image}, 400)
    storage.act(one, "os-reimage", {"image_id": image, "reimage_reserved": True})
    assert storage.status(one) == "reserved"
    service, context = storage.cloud.cloud.services["volume"], storage.cloud.cloud.kits["volume"].context()
    service.reimage(context, one, image)
    service.reimage(context, one, image)
    assert storage.status(one) == "downloading"
    storage.cloud.run()
    assert storage.status(one) == "reserved"


def test_a_failed_reimage(storage):
    image = storage.image(b"x" * 100)
    one = storage.volume()
    driver(storage).fail("write")
    storage.act(one, "os-reimage", {"image_id": image})
    assert storage.status(one) == "error"
    storage.act(one, "os-reimage", {"image_id": image})
    assert storage.status(one) == "available"


def test_volume_of_an_image_without_data(storage):
    one = storage.volume(size=2)
    driver(storage).write(one, [b"root"])
    frozen = storage.snapshot(one)
    mapping = f'[{{"boot_index": 0, "source_type": "snapshot", "snapshot_id": "{frozen}", "volume_size": 2}}]'
    image = storage.image(b"", block_device_mapping=mapping)
    made = storage.volume(size=2, imageRef=image)
    assert storage.content(made, 4) == b"root" and storage.show(made)["snapshot_id"] == frozen


def test_type_that_an_image_names(storage):
    storage.call("POST", "/types", {"volume_type": {"name": "of image"}}, 200, "op:admin")
    image = storage.image(b"x", cinder_img_volume_type="of image")
    assert storage.show(storage.volume(imageRef=image))["volume_type"] == "of image"


@pytest.fixture(scope="module")
def make_options():
    return {"volume": {"quota_volumes": -1}}
