"""The data of images: formats, ranges, failures, staging, deactivation, and memory."""

import struct
import tracemalloc

import pytest
from stratolith.core.context import Context, service_context
from stratolith.core.errors import BackendFailed, Gone
from stratolith.core.services.image import ImageService

OCTETS = {"Content-Type": "application/octet-stream"}
MIB = 1 << 20
ALPHA = Context(request_id="req-1", project_id="alpha", roles=("member", "reader"))


def qcow2(size=MIB, backing=0, features=0):
    head = b"QFI\xfb" + struct.pack(">IQIIQ", 3, backing, 0, 16, size)
    return head + bytes(72 - len(head)) + struct.pack(">Q", features) + bytes(1000)


def put(cloud, one, data, kind="file"):
    return cloud.request("PUT", f"/image/v2/images/{one['id']}/{kind}", data, headers=OCTETS)


def show(cloud, one):
    return cloud.request("GET", f"/image/v2/images/{one['id']}").json


def test_qcow2_tells_its_virtual_size(cloud, image):
    assert image(qcow2(5 * MIB), disk_format="qcow2")["virtual_size"] == 5 * MIB


def test_a_disk_that_claims_to_be_endless_has_no_size(cloud, image):
    assert image(qcow2((1 << 64) - 1), disk_format="qcow2")["virtual_size"] is None


@pytest.mark.parametrize(("disk_format", "data"), [
    ("qcow2", b"noise" * 100), ("raw", qcow2()), ("qcow2", qcow2(backing=500)), ("qcow2", qcow2(features=4)),
    ("iso", b"noise"), ("vmdk", b"KDMV" + bytes(600) + b'createType="monolithicFlat"')])
def test_data_must_be_what_the_image_says(cloud, image, disk_format, data):
    one = image(disk_format=disk_format)
    assert put(cloud, one, data).status == 415
    assert show(cloud, one)["status"] == "queued"
    assert one["id"] not in cloud.cloud.services["image"].data.store.observe()


@pytest.mark.parametrize("data", [b"\0" * 65536, b"noise" * 300, bytes(510) + b"\x55\xaa" + bytes(100), b"x"])
def test_what_is_no_known_format_is_raw(cloud, image, data):
    assert image(data)["size"] == len(data)


def test_enforcement_can_be_turned_off(make):
    cloud = make(require_format_match="false")
    made = cloud.request("POST", "/image/v2/images", {"disk_format": "qcow2", "container_format": "bare"}).json
    assert put(cloud, made, b"\xff" * 500).status == 204
    assert show(cloud, made)["virtual_size"] is None


def test_limits(make):
    cloud = make(size_cap_mib="2", project_quota_mib="3", project_quota_images="3")
    bodies = [cloud.request("POST", "/image/v2/images", {"disk_format": "raw", "container_format": "bare"}).json
              for _ in range(3)]
    assert cloud.request("POST", "/image/v2/images", {}).status == 413
    assert put(cloud, bodies[0], bytes(2 * MIB + 1)).status == 413
    assert show(cloud, bodies[0])["status"] == "queued"
    assert put(cloud, bodies[0], bytes(2 * MIB)).status == 204
    assert put(cloud, bodies[1], bytes(MIB + 1)).status == 413
    assert put(cloud, bodies[1], bytes(MIB)).status == 204


def test_upload_needs_a_media_type_and_formats(cloud, image):
    one = image()
    path = f"/image/v2/images/{one['id']}/file"
    assert cloud.request("PUT", path, b"x", headers={"Content-Type": "text/plain"}).status == 415
    assert put(cloud, cloud.request("POST", "/image/v2/images", {}).json, b"x").status == 400
    odd = {**OCTETS, "X-Image-Meta-Store": "other"}
    assert cloud.request("PUT", path, b"x", headers=odd).status == 400


@pytest.mark.parametrize(("asked", "first", "last"), [
    ("bytes=0-9", 0, 9), ("bytes=90-", 90, 99), ("bytes=-10", 90, 99), ("bytes=50-500", 50, 99)])
def test_ranges(cloud, image, asked, first, last):
    data = bytes(range(100))
    one = image(data)
    got = cloud.request("GET", f"/image/v2/images/{one['id']}/file", headers={"Range": asked})
    assert (got.status, got.data) == (206, data[first:last + 1])
    assert got.headers["content-range"] == f"bytes {first}-{last}/100"


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=9-5", "bytes=x", "lines=1-2"])
def test_ranges_outside(cloud, image, asked):
    one = image(bytes(100))
    assert cloud.request("GET", f"/image/v2/images/{one['id']}/file", headers={"Range": asked}).status == 416


def test_deactivated(cloud, image):
    one = image(b"data")
    path = f"/image/v2/images/{one['id']}"
    assert cloud.request("POST", path + "/actions/deactivate").status == 204
    assert show(cloud, one)["status"] == "deactivated"
    assert cloud.request("GET", path + "/file").status == 403
    assert cloud.request("GET", path + "/file", as_="op:admin").data == b"data"
    assert cloud.request("POST", path + "/actions/reactivate").status == 204
    assert cloud.request("GET", path + "/file").data == b"data"
    empty = image()
    assert cloud.request("POST", f"/image/v2/images/{empty['id']}/actions/deactivate").status == 403


def test_stage_and_import(cloud, image):
    one = image()
    path = f"/image/v2/images/{one['id']}"
    wanted = {"method": {"name": "glance-direct"}}
    assert cloud.request("POST", path + "/import", wanted).status == 409
    assert put(cloud, one, b"staged", "stage").status == 204
    assert show(cloud, one)["status"] == "uploading"
    assert cloud.request("POST", path + "/import", {"method": {"name": "web-download"}}).status == 400
    begun = cloud.request("POST", path + "/import", wanted)
    assert begun.status == 202
    assert show(cloud, one)["status"] == "importing"
    cloud.run()
    assert (show(cloud, one)["status"], show(cloud, one)["size"]) == ("active", 6)
    assert cloud.request("GET", path + "/file").data == b"staged"
    task = cloud.request("GET", path + "/tasks").json["tasks"][0]
    assert (task["status"], task["request_id"]) == ("success", begun.headers["x-openstack-request-id"])


def test_what_is_staged_counts_as_staged_until_it_is_imported(cloud, image):
    def staged():
        return cloud.request("GET", "/image/v2/info/usage").json["usage"]["image_stage_total"]["usage"]
    one, before = image(), staged()
    put(cloud, one, b"x" * (3 << 20), "stage")
    assert staged() == before + 3
    cloud.request("POST", f"/image/v2/images/{one['id']}/import", {"method": {"name": "glance-direct"}})
    cloud.run()
    assert staged() == before


def test_an_import_of_the_wrong_format_fails(cloud, image):
    one = image(disk_format="qcow2")
    put(cloud, one, b"noise", "stage")
    cloud.request("POST", f"/image/v2/images/{one['id']}/import", {"method": {"name": "glance-direct"}})
    cloud.run()
    assert show(cloud, one)["status"] == "queued"
    assert cloud.request("GET", f"/image/v2/images/{one['id']}/tasks").json["tasks"][0]["status"] == "failure"
    assert one["id"] not in cloud.cloud.services["image"].data.store.observe()


def test_a_failed_sender_leaves_the_image_queued(cloud, image):
    one = image()

    def broken():
        yield b"x" * MIB
        raise BackendFailed("the sender died")
    service = cloud.cloud.services["image"]
    with pytest.raises(BackendFailed):
        service.upload(ALPHA, one["id"], broken())
    assert show(cloud, one)["status"] == "queued"
    assert put(cloud, one, b"again").status == 204


def test_deleted_while_it_is_uploaded(cloud, image):
    one = image()
    service = cloud.cloud.services["image"]

    def chunks():
        yield bytes(MIB)
        assert cloud.request("DELETE", f"/image/v2/images/{one['id']}").status == 204
        yield bytes(MIB)
    with pytest.raises(Gone):
        service.upload(ALPHA, one["id"], chunks())
    cloud.run(1000)
    assert one["id"] not in service.data.store.observe()


def test_a_dead_upload_is_given_up(cloud, image):
    one = image()
    service = cloud.cloud.services["image"]
    service.data._begin(ALPHA, one["id"], "upload", None)
    cloud.run(200)
    assert show(cloud, one)["status"] == "saving"
    cloud.run(400)
    assert show(cloud, one)["status"] == "queued"


def test_memory_does_not_grow_with_the_data(cloud, image):
    one = image()
    service = cloud.cloud.services["image"]
    tracemalloc.start()
    try:
        service.upload(ALPHA, one["id"], (bytes([number % 251]) * MIB for number in range(64)))
        size = sum(len(chunk) for chunk in service.chunks(ALPHA, one["id"]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 64 * MIB
    assert peak < 8 * MIB


def test_the_interface_of_other_services(cloud):
    service = cloud.cloud.peers.of(ImageService)
    known = "99999999-2222-3333-4444-555555555555"
    made = service.create(ALPHA, known, "snap", "raw", "bare", {"image_type": "snapshot"}, 1, 2)
    assert made == service.create(ALPHA, known, "snap", "raw", "bare", {}, 1, 2)
    assert (made.visibility, made.owner, made.properties) == ("private", "alpha", {"image_type": "snapshot"})
    assert service.upload(ALPHA, known, [b"abc", b"def"]).status == "active"
    assert service.read(service_context("req-2"), known, 2, 3) == b"cde"
    assert service.read(ALPHA, known, 6, 3) == b""
    service.delete(ALPHA, known)
    service.delete(ALPHA, known)
