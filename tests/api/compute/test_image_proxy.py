"""Images as compute showed them until microversion 2.35."""

import pytest

from .conftest import World


@pytest.fixture(scope="module")
def world(cloud):
    return World(cloud)


def made(world, name, **properties):
    image = world.cloud.request("POST", "/image/v2/images", {"name": name, "disk_format": "raw", "min_disk": 3,
                                                             "container_format": "bare", **properties}, as_="demo")
    return image.json["id"]


def names(answer):
    assert answer.status == 200, answer
    return {image["name"] for image in answer.json["images"]}


def test_show(world):
    shown = world.ask("GET", f"/images/{world.image}").json["image"]
    assert shown["status"] == "ACTIVE" and shown["progress"] == 100
    assert shown["OS-EXT-IMG-SIZE:size"] == 65536
    assert shown["links"][0]["href"].endswith(f"/v2.1/images/{world.image}")
    assert "server" not in shown


def test_lists_and_filters(world):
    server = "11111111-2222-4333-8444-555555555555"
    made(world, "of-server", instance_uuid=server, image_type="snapshot", auto_disk_config="True")
    href = f"http%3A%2F%2Fhost%2Fservers%2F{server}"
    assert names(world.ask("GET", f"/images?server={server}")) == {"of-server"}
    assert names(world.ask("GET", f"/images/detail?server={href}")) == {"of-server"}
    assert names(world.ask("GET", "/images?type=snapshot")) == {"of-server"}
    assert names(world.ask("GET", "/images?property-image_type=snapshot")) == {"of-server"}
    assert names(world.ask("GET", "/images?minDisk=3&minRam=0")) == {"of-server"}
    assert names(world.ask("GET", "/images?status=saving&name=of-server")) == {"of-server"}
    assert "of-server" not in names(world.ask("GET", "/images?status=ACTIVE"))
    assert names(world.ask("GET", "/images?changes-since=2999-01-01T00:00:00Z")) == set()
    assert names(world.ask("GET", "/images?status=nonsense")) == set()
    shown = world.ask("GET", f"/images/detail?server={server}").json["images"][0]
    assert shown["server"]["id"] == server and shown["OS-DCF:diskConfig"] == "AUTO" and shown["status"] == "SAVING"


def test_pages(world):
    made(world, "another")
    seen, path = [], "/images?limit=1"
    while True:
        page = world.ask("GET", path).json
        seen += [image["id"] for image in page["images"]]
        if "images_links" not in page:
            break
        path = page["images_links"][0]["href"].partition("/v2.1")[2]
    everything = world.ask("GET", "/images").json["images"]
    assert seen == [image["id"] for image in everything]
    assert world.ask("GET", "/images?limit=0").json == {"images": []}
    assert world.ask("GET", "/images?marker=nonsense").status == 400
    assert world.ask("GET", "/images?limit=-1").status == 400


def test_metadata(world):
    path = f"/images/{made(world, 'described')}/metadata"
    assert world.ask("POST", path, {"metadata": {"a": "1", "b": "2"}}).json == {"metadata": {"a": "1", "b": "2"}}
    assert world.ask("PUT", path, {"metadata": {"b": "3", "c": "4"}}).json == {"metadata": {"b": "3", "c": "4"}}
    assert world.ask("PUT", path + "/b", {"meta": {"b": "5"}}).json == {"meta": {"b": "5"}}
    assert world.ask("PUT", path + "/b", {"meta": {"x": "5"}}).status == 400
    assert world.ask("GET", path + "/b").json == {"meta": {"b": "5"}}
    assert world.ask("DELETE", path + "/b").status == 204
    assert world.ask("DELETE", path + "/b").status == 404
    assert world.ask("GET", path + "/b").status == 404
    assert world.ask("GET", path, version="2.38").json == {"metadata": {"c": "4"}}
    assert world.ask("POST", path, {"metadata": {f"k{n}": "" for n in range(200)}}).status == 403
    assert world.ask("POST", path, {"metadata": {"status": "active"}}).status == 403


def test_delete(world):
    image = made(world, "gone")
    assert world.ask("DELETE", f"/images/{image}").status == 204
    answer = world.ask("DELETE", f"/images/{image}")
    assert answer.status == 404 and answer.json["itemNotFound"]["message"] == "Image not found."


def test_another_project_may_look_but_not_change(world):
    image = world.cloud.request("POST", "/image/v2/images", {"name": "public", "visibility": "public"}).json["id"]
    assert world.ask("GET", f"/images/{image}").status == 200
    assert world.ask("DELETE", f"/images/{image}").status == 403
    assert world.ask("PUT", f"/images/{image}/metadata", {"metadata": {}}).status in (200, 403)
    assert world.ask("PUT", f"/images/{image}/metadata", {"metadata": {"a": "b"}}).status == 403


def test_they_end_with_their_microversions(world):
    assert world.ask("GET", "/images", version="2.36").status == 404
    assert world.ask("GET", f"/images/{world.image}", version="2.36").status == 404
    assert world.ask("GET", f"/images/{world.image}/metadata", version="2.39").status == 404
