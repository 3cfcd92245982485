"""What may be said of an image, and who may say it."""

import pytest

V21 = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
V20 = {"Content-Type": "application/openstack-images-v2.0-json-patch"}
ID = "11111111-2222-3333-4444-555555555555"


def patch(cloud, image_id, body, headers=V21, as_="alpha:member"):
    return cloud.request("PATCH", f"/image/v2/images/{image_id}", body, headers=headers, as_=as_)


def test_id_may_be_given_once(cloud):
    assert cloud.request("POST", "/image/v2/images", {"id": ID}).json["id"] == ID
    assert cloud.request("POST", "/image/v2/images", {"id": ID}).status == 409
    assert cloud.request("POST", "/image/v2/images", {"id": "no-uuid"}).status == 400


@pytest.mark.parametrize(("body", "status"), [
    ({"name": "x" * 256}, 400), ({"disk_format": "wrong"}, 400), ({"container_format": "wrong"}, 400),
    ({"visibility": "secret"}, 400), ({"min_disk": -1}, 400), ({"min_ram": "many"}, 400), ({"colour": 5}, 400),
    ({"size": 5}, 403), ({"status": "active"}, 403), ({"deleted": True}, 403), ({"os_glance_foo": "bar"}, 403),
    ({"visibility": "public"}, 403), ({"owner": "beta"}, 403), ({"tags": [f"t{i}" for i in range(129)]}, 413),
    ({f"p{i}": "x" for i in range(129)}, 413), ([], 400), ({"x" * 256: "y"}, 400)])
def test_refused_at_creation(cloud, body, status):
    assert cloud.request("POST", "/image/v2/images", body).status == status


def test_who_may_create(cloud):
    assert cloud.request("POST", "/image/v2/images", {}, as_="alpha:reader").status == 403
    made = cloud.request("POST", "/image/v2/images", {"visibility": "public", "owner": "beta"}, as_="op:admin")
    assert (made.status, made.json["owner"]) == (201, "beta")
    cloud.request("DELETE", f"/image/v2/images/{made.json['id']}", as_="op:admin")


def test_patch(cloud, image):
    one = image(colour="red", name="old")
    changed = patch(cloud, one["id"], [
        {"op": "replace", "path": "/name", "value": "new"}, {"op": "add", "path": "/a~1b~0c", "value": "v"},
        {"op": "replace", "path": "/tags", "value": ["x", "x"]}, {"op": "remove", "path": "/colour"}])
    assert changed.status == 200
    assert (changed.json["name"], changed.json["a/b~c"], changed.json["tags"]) == ("new", "v", ["x"])
    assert "colour" not in changed.json
    assert patch(cloud, one["id"], [{"replace": "/name", "value": "newer"}], V20).json["name"] == "newer"
    assert patch(cloud, one["id"], []).status == 200


@pytest.mark.parametrize(("change", "status"), [
    ({"op": "replace", "path": "/status", "value": "active"}, 403), ({"op": "remove", "path": "/name"}, 403),
    ({"op": "replace", "path": "/nothing", "value": "x"}, 409), ({"op": "remove", "path": "/nothing"}, 409),
    ({"op": "add", "path": "/os_glance_x", "value": "x"}, 403), ({"op": "add", "path": "/p", "value": 5}, 400),
    ({"op": "add", "path": "/p/q", "value": "x"}, 400), ({"op": "add", "path": "p", "value": "x"}, 400),
    ({"op": "add", "path": "/a~2", "value": "x"}, 400), ({"op": "move", "path": "/p", "value": "x"}, 400),
    ({"op": "add", "path": "/p"}, 400), ({"op": "replace", "path": "/id", "value": ID}, 403),
    ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
    ({"op": "replace", "path": "/owner", "value": "beta"}, 403),
    ({"op": "add", "path": "/locations/-", "value": {}}, 403),
    ({"op": "replace", "path": "/min_disk", "value": "x"}, 400), ("text", 400)])
def test_patch_refused(cloud, image, change, status):
    one = image()
    assert patch(cloud, one["id"], [{"op": "add", "path": "/kept", "value": "no"}, change]).status == status
    assert "kept" not in cloud.request("GET", f"/image/v2/images/{one['id']}").json


def test_patch_media_types(cloud, image):
    one = image()
    assert patch(cloud, one["id"], [], {"Content-Type": "application/json"}).status == 415
    assert patch(cloud, one["id"], {"op": "add"}).status == 400
    assert patch(cloud, one["id"], b"{").status == 400


def test_formats_are_fixed_once_there_is_data(cloud, image):
    one = image(b"x" * 10)
    assert patch(cloud, one["id"], [{"op": "replace", "path": "/disk_format", "value": "qcow2"}]).status == 403


def test_protected(cloud, image):
    one = image(protected=True)
    assert cloud.request("DELETE", f"/image/v2/images/{one['id']}").status == 403
    patch(cloud, one["id"], [{"op": "replace", "path": "/protected", "value": False}])
    assert cloud.request("DELETE", f"/image/v2/images/{one['id']}").status == 204


def test_others_images(cloud, image):
    hidden = image()
    open_ = image(visibility="community")
    path = "/image/v2/images/"
    assert cloud.request("GET", path + hidden["id"], as_="beta:member").status == 404
    assert cloud.request("DELETE", path + hidden["id"], as_="beta:member").status == 404
    assert cloud.request("GET", path + open_["id"], as_="beta:reader").status == 200
    assert cloud.request("DELETE", path + open_["id"], as_="beta:member").status == 403
    assert patch(cloud, open_["id"], [{"op": "add", "path": "/x", "value": "y"}], as_="beta:member").status == 403
    assert cloud.request("DELETE", path + open_["id"], as_="alpha:reader").status == 403
    assert cloud.request("GET", path + hidden["id"], as_="op:admin").status == 200


def test_tags(cloud, image):
    one = image()
    path = f"/image/v2/images/{one['id']}"
    assert cloud.request("PUT", path + "/tags/blue").status == 204
    assert cloud.request("PUT", path + "/tags/blue").status == 204
    assert cloud.request("GET", path).json["tags"] == ["blue"]
    assert cloud.request("PUT", path + "/tags/" + "x" * 256).status == 400
    assert cloud.request("DELETE", path + "/tags/blue").status == 204
    assert cloud.request("DELETE", path + "/tags/blue").status == 404
    assert cloud.request("PUT", "/image/v2/images/none/tags/blue").status == 404


def test_members(cloud, image):
    one = image(b"data")
    path = f"/image/v2/images/{one['id']}"
    made = cloud.request("POST", path + "/members", {"member": "beta"})
    assert (made.status, made.json["status"], made.json["member_id"]) == (200, "pending", "beta")
    assert cloud.request("POST", path + "/members", {"member": "beta"}).status == 409
    assert cloud.request("GET", path, as_="beta:member").status == 200
    assert cloud.request("GET", path + "/file", as_="beta:member").data == b"data"
    beta = "/image/v2/images"
    assert one["id"] not in [each["id"] for each in cloud.request("GET", beta, as_="beta:member").json["images"]]
    found = cloud.request("GET", beta + "?visibility=shared&member_status=pending", as_="beta:member").json["images"]
    assert [each["id"] for each in found] == [one["id"]]
    answer = {"status": "accepted"}
    assert cloud.request("PUT", path + "/members/beta", answer).status == 403
    assert cloud.request("PUT", path + "/members/beta", {"status": "odd"}, as_="beta:member").status == 400
    assert cloud.request("PUT", path + "/members/beta", answer, as_="beta:member").json["status"] == "accepted"
    assert one["id"] in [each["id"] for each in cloud.request("GET", beta, as_="beta:member").json["images"]]
    assert cloud.request("GET", path + "/members/beta", as_="gamma:member").status == 404
    assert len(cloud.request("GET", path + "/members").json["members"]) == 1
    assert cloud.request("POST", path + "/members", {"member": "gamma"}, as_="beta:member").status == 403
    assert cloud.request("DELETE", path + "/members/beta", as_="beta:member").status == 403
    assert cloud.request("DELETE", path + "/members/beta").status == 204
    assert cloud.request("GET", path, as_="beta:member").status == 404


def test_only_shared_images_have_members(cloud, image):
    one = image(visibility="private")
    assert cloud.request("POST", f"/image/v2/images/{one['id']}/members", {"member": "beta"}).status == 403
    assert cloud.request("GET", f"/image/v2/images/{one['id']}/members").status == 403


def test_documents(cloud):
    top = cloud.request("GET", "/image", as_="")
    assert top.status == 300
    assert top.json["versions"][0]["status"] == "CURRENT"
    assert top.json["versions"][0]["links"][0]["href"] == "http://cloud.test/image/v2/"
    assert cloud.request("GET", "/image/versions", as_="").status == 200
    for name in ("image", "images", "member", "members"):
        assert cloud.request("GET", f"/image/v2/schemas/{name}").json["name"] == name
    assert cloud.request("GET", "/image/v2/schemas/none").status == 404
    assert cloud.request("GET", "/image/v2/info/import").json["import-methods"]["value"] == ["glance-direct"]
    assert cloud.request("GET", "/image/v2/info/stores").json["stores"][0]["id"] == "file"
    assert cloud.request("GET", "/image/v2/info/stores/detail").status == 403
    assert cloud.request("GET", "/image/v2/info/stores/detail", as_="op:admin").status == 200
    assert cloud.request("POST", "/image/v2/images", {"name": "counted"}).status == 201
    assert cloud.request("GET", "/image/v2/info/usage").json["usage"]["image_count_total"]["usage"] > 0
