"""Images from creation to deletion."""

import hashlib

OCTETS = {"Content-Type": "application/octet-stream"}


def test_from_creation_to_deletion(cloud):
    made = cloud.request("POST", "/image/v2/images", {"name": "one", "disk_format": "raw", "container_format": "bare",
                                                      "colour": "red", "tags": ["a", "a", "b"]})
    assert made.status == 201
    body = made.json
    assert made.headers["location"] == f"http://cloud.test/image/v2/images/{body['id']}"
    assert (body["status"], body["visibility"], body["colour"], body["tags"]) == ("queued", "shared", "red", ["a", "b"])
    assert (body["size"], body["checksum"], body["self"]) == (None, None, f"/v2/images/{body['id']}")
    path = f"/image/v2/images/{body['id']}"
    assert cloud.request("GET", path + "/file").status == 204
    data = bytes(range(256)) * 20
    assert cloud.request("PUT", path + "/file", data, headers=OCTETS).status == 204
    shown = cloud.request("GET", path).json
    assert (shown["status"], shown["size"], shown["virtual_size"]) == ("active", len(data), len(data))
    assert shown["checksum"] == hashlib.md5(data).hexdigest()
    assert (shown["os_hash_algo"], shown["os_hash_value"]) == ("sha512", hashlib.sha512(data).hexdigest())
    assert cloud.request("PUT", path + "/file", data, headers=OCTETS).status == 409
    got = cloud.request("GET", path + "/file")
    assert (got.status, got.data, got.headers["content-md5"]) == (200, data, shown["checksum"])
    assert got.headers["content-length"] == str(len(data))
    assert cloud.request("DELETE", path).status == 204
    assert cloud.request("GET", path).status == 404
    assert cloud.request("DELETE", path).status == 404
    store = cloud.cloud.services["image"].data.store
    assert body["id"] in store.observe()
    cloud.run()
    assert body["id"] not in store.observe()


def test_an_empty_id_names_no_image(cloud):
    assert cloud.request("GET", "/image/v2/images/").status == 404
    assert cloud.request("DELETE", "/image/v2/images/").status == 404


def test_fault_body(cloud):
    answer = cloud.request("GET", "/image/v2/images/none")
    assert answer.status == 404
    assert answer.json == {"code": "404 Not Found", "title": "Not Found", "message": "No image found with ID none"}
