"""What may be said of a volume, where its content comes from, and what is refused."""

import pytest

GIB = 1 << 30
NOBODY = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(("body", "status"), [
    ({"size": "#$%"}, 400), ({"size": ""}, 400), ({"size": "0"}, 400), ({"size": "-1"}, 400), ({}, 400),
    ({"size": 1, "name": "x" * 256}, 400), ({"size": 1, "metadata": {"a": 5}}, 400),
    ({"size": 1, "volume_type": NOBODY}, 404), ({"size": 1, "snapshot_id": NOBODY}, 404),
    ({"size": 1, "source_volid": NOBODY}, 404), ({"size": 1, "imageRef": NOBODY}, 400),
    ({"size": 1, "availability_zone": "moon"}, 400), ({"size": 1, "group_id": NOBODY}, 404),
    ({"size": 1, "snapshot_id": NOBODY, "source_volid": NOBODY}, 400)])
def test_refused_at_creation(storage, body, status):
    storage.call("POST", "/volumes", {"volume": body}, status)


def test_size_may_be_a_text(storage):
    assert storage.show(storage.volume(size="2"))["size"] == 2


def test_an_empty_id_names_no_volume(storage):
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"volume": {}})):
        storage.call(method, "/volumes/", body, 404)


def test_update(storage):
    one = storage.volume(name="old")
    changed = storage.call("PUT", f"/volumes/{one}", {"volume": {"name": "new", "description": "d",
                                                                  "metadata": {"k": "v"}}}, 200).json["volume"]
    assert (changed["name"], changed["description"], changed["metadata"]) == ("new", "d", {"k": "v"})
    storage.call("PUT", f"/volumes/{one}", {"volume": {}}, 400)
    storage.call("PUT", f"/volumes/{one}", {"volume": {"name": "x"}}, 403, "alpha:reader")
    storage.call("PUT", f"/volumes/{one}", {"volume": {"name": "x"}}, 404, "beta:member")


@pytest.mark.parametrize("noun", ["volumes", "snapshots"])
def test_metadata(storage, noun):
    one = storage.volume(metadata={"zero": "0"})
    item = one if noun == "volumes" else storage.snapshot(one, metadata={"zero": "0"})
    path = f"/{noun}/{item}/metadata"
    assert storage.call("POST", path, {"metadata": {"a": "1", "b": "2"}}, 200).json["metadata"]["zero"] == "0"
    assert storage.call("PUT", path, {"metadata": {"a": "3"}}, 200).json == {"metadata": {"a": "3"}}
    assert storage.call("PUT", path + "/c", {"meta": {"c": "4"}}, 200).json == {"meta": {"c": "4"}}
    assert storage.call("GET", path + "/c", None, 200).json == {"meta": {"c": "4"}}
    storage.call("PUT", path + "/d", {"meta": {"c": "4"}}, 400)
    storage.call("DELETE", path + "/a", None, 200)
    storage.call("DELETE", path + "/a", None, 404)
    assert storage.call("GET", path, None, 200).json == {"metadata": {"c": "4"}}


def test_extend(storage):
    one = storage.volume()
    for size in (0, "abc", None, 1):
        storage.act(one, "os-extend", {"new_size": size}, 400)
    storage.call("POST", "/volumes/None/action", {"os-extend": {"new_size": 2}}, 404)
    storage.act(one, "os-extend", {"new_size": 3})
    assert (storage.show(one)["size"], storage.status(one)) == (3, "available")
    driver = storage.cloud.cloud.services["volume"].backends.driver("simulated")
    assert driver.observe().volumes[one] == 3


def test_flags(storage):
    one = storage.volume()
    for flag in (True, False):
        storage.act(one, "os-set_bootable", {"bootable": flag}, 200)
        assert storage.show(one)["bootable"] == str(flag).lower()
        storage.act(one, "os-update_readonly_flag", {"readonly": flag})
        assert storage.show(one)["metadata"]["readonly"] == str(flag)
    storage.act(one, "os-nonsense", {}, 400)


def test_snapshots(storage):
    one = storage.volume()
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": NOBODY}}, 404)
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": None}}, 404)
    made = storage.snapshot(one, name="s", metadata={"k": "v"})
    shown = storage.call("GET", f"/snapshots/{made}", None, 200).json["snapshot"]
    assert (shown["status"], shown["os-extended-snapshot-attributes:progress"]) == ("available", "100%")
    storage.call("PUT", f"/snapshots/{made}", {"snapshot": {"name": "t", "description": "d"}}, 200)
    storage.call("DELETE", f"/volumes/{one}", None, 400)
    storage.act(one, "os-extend", {"new_size": 2})
    smaller = {"volume": {"size": 1, "snapshot_id": storage.snapshot(one)}}
    storage.call("POST", "/volumes", smaller, 400)
    copy = storage.call("POST", "/volumes", {"volume": {"snapshot_id": made}}, 202).json["volume"]
    assert copy["size"] == 1
    storage.call("DELETE", f"/snapshots/{made}", None, 400)
    storage.cloud.run()
    assert storage.show(copy["id"])["snapshot_id"] == made
    storage.call("DELETE", f"/snapshots/{made}", None, 202)
    storage.cloud.run()
    storage.call("GET", f"/snapshots/{made}", None, 404)
    storage.call("DELETE", f"/volumes/{one}?cascade=true", None, 202)
    storage.cloud.run()
    storage.call("GET", f"/volumes/{one}", None, 404)


def test_clone(storage):
    image = storage.image(b"payload" * 100)
    one = storage.volume(imageRef=image)
    copy = storage.volume(size=2, source_volid=one)
    assert storage.content(copy, 7) == b"payload"
    shown = storage.show(copy)
    assert (shown["source_volid"], shown["bootable"]) == (one, "true")
    assert shown["volume_image_metadata"]["image_id"] == image
    storage.call("POST", "/volumes", {"volume": {"size": 1, "source_volid": copy}}, 400)
    pending = storage.volume(run=False, source_volid=one)
    storage.call("DELETE", f"/volumes/{one}", None, 400)
    storage.cloud.run()
    assert storage.status(pending) == "available"


def test_from_image(storage):
    image = storage.image(b"boot me" * 1000, min_disk=2)
    storage.call("POST", "/volumes", {"volume": {"size": 1, "imageRef": image}}, 400)
    one = storage.volume(size=2, imageRef=image)
    shown = storage.show(one)
    assert (shown["bootable"], shown["volume_image_metadata"]["image_name"]) == ("true", "source")
    assert storage.content(one, 7) == b"boot me"
    storage.cloud.request("POST", f"/image/v2/images/{image}/actions/deactivate")
    storage.call("POST", "/volumes", {"volume": {"size": 2, "imageRef": image}}, 400)


def test_to_image_and_back(storage):
    one = storage.volume(imageRef=storage.image(b"round trip" * 1000))
    body = storage.act(one, "os-volume_upload_image", {"image_name": "copy", "disk_format": "qcow2"}).json
    image = body["os-volume_upload_image"]["image_id"]
    assert storage.status(one) == "available"
    shown = storage.cloud.request("GET", f"/image/v2/images/{image}").json
    assert (shown["status"], shown["virtual_size"], shown["name"]) == ("active", GIB, "copy")
    again = storage.volume(imageRef=image)
    assert storage.content(again, 10000) == b"round trip" * 1000
    storage.cloud.request("DELETE", f"/image/v2/images/{image}")
    storage.cloud.run()


def test_image_metadata(storage):
    one = storage.volume()
    storage.act(one, "os-set_image_metadata", {"metadata": {"k": "v"}}, 200)
    assert storage.act(one, "os-show_image_metadata", None, 200).json == {"metadata": {"k": "v"}}
    storage.act(one, "os-unset_image_metadata", {"key": "k"}, 200)
    storage.act(one, "os-unset_image_metadata", {"key": "k"}, 404)


def test_reset_and_force_delete(storage):
    for status in ("creating", "attaching", "error", "maintenance", "deleting"):
        one = storage.volume()
        storage.act(one, "os-reset_status", {"status": status}, as_="op:admin")
        assert storage.status(one) == status
        storage.act(one, "os-force_delete", {}, 403)
        storage.act(one, "os-force_delete", {}, as_="op:admin")
        storage.call("GET", f"/volumes/{one}", None, 404)


def test_others_volumes(storage):
    one = storage.volume()
    storage.call("GET", f"/volumes/{one}", None, 404, "beta:member")
    storage.call("DELETE", f"/volumes/{one}", None, 404, "beta:member")
    storage.call("DELETE", f"/volumes/{one}", None, 403, "alpha:reader")
    storage.call("POST", "/volumes", {"volume": {"size": 1}}, 403, "alpha:reader")
    storage.act(one, "os-reset_status", {"status": "error"}, 403)


def test_transfer(storage):
    one = storage.volume()
    made = storage.call("POST", "/os-volume-transfer", {"transfer": {"volume_id": one}}, 202).json["transfer"]
    assert storage.status(one) == "awaiting-transfer"
    path = f"/volume-transfers/{made['id']}"
    storage.call("POST", path + "/accept", {"accept": {"auth_key": "wrong"}}, 400, "beta:member")
    storage.call("POST", path + "/accept", {"accept": {"auth_key": made["auth_key"]}}, 202, "beta:member")
    assert storage.show(one, "beta:member")["status"] == "available"
    storage.call("GET", f"/volumes/{one}", None, 404)
    again = storage.call("POST", "/volume-transfers", {"transfer": {"volume_id": one}}, 202, "beta:member").json
    storage.call("DELETE", f"/volume-transfers/{again['transfer']['id']}", None, 202, "beta:member")
    assert storage.status(one) == "available"
    storage.call("DELETE", f"/volumes/{one}", None, 202, "beta:member")
    storage.cloud.run()


@pytest.fixture(scope="module")
def make_options():
    """More than the default quotas allow, for the many volumes of this module."""
    return {"volume": {"quota_volumes": "-1", "quota_gigabytes": "-1", "quota_snapshots": "-1"}}
