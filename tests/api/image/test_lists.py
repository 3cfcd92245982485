"""Lists: filters, order, pages, and how many queries a page costs."""

import pytest

from tests.statements import counted


@pytest.fixture(scope="module", autouse=True)
def images(cloud):
    """Five images of project alpha, one of beta for all, one hidden."""
    for number in range(5):
        made = cloud.request("POST", "/image/v2/images", {
            "name": f"n{number}", "disk_format": "raw" if number % 2 else "qcow2", "container_format": "bare",
            "tags": ["all", f"t{number}"], "colour": "red" if number < 2 else "blue", "min_disk": number}).json
        if number % 2:
            cloud.request("PUT", f"/image/v2/images/{made['id']}/file", b"x" * 1000 * number,
                          headers={"Content-Type": "application/octet-stream"})
        cloud.clock.advance(10)
    cloud.request("POST", "/image/v2/images", {"name": "open", "visibility": "community"}, as_="beta:member")
    cloud.request("POST", "/image/v2/images", {"name": "hidden", "os_hidden": True})


def names(cloud, query, as_="alpha:member"):
    answer = cloud.request("GET", f"/image/v2/images?{query}", as_=as_)
    assert answer.status == 200, answer
    return [one["name"] for one in answer.json["images"]]


@pytest.mark.parametrize(("query", "expected"), [
    ("", "n4 n3 n2 n1 n0"), ("name=n1", "n1"), ("name=in:n1,n2&sort=name:asc", "n1 n2"),
    ("status=active", "n3 n1"), ("status=in:active,queued&limit=2", "n4 n3"), ("disk_format=qcow2", "n4 n2 n0"),
    ("tag=all&tag=t3", "n3"), ("colour=red", "n1 n0"), ("colour=green", ""), ("size_min=2000", "n3"),
    ("size_max=2000", "n1"), ("size=1000", "n1"), ("min_disk=2", "n2"), ("visibility=shared", "n4 n3 n2 n1 n0"),
    ("visibility=community", "open"), ("visibility=public", ""), ("visibility=all", "open n4 n3 n2 n1 n0"),
    ("os_hidden=true", "hidden"), ("owner=alpha&name=n2", "n2"), ("owner=beta", ""), ("protected=true", ""),
    ("created_at=lt:2030-01-01T00:00:20Z", "n1 n0"), ("created_at=gte:2030-01-01T00:00:30Z", "n4 n3"),
    ("sort_key=name&sort_dir=asc&limit=2", "n0 n1"), ("sort=size:desc&limit=2", "n3 n1"), ("limit=0", ""),
    ("sort=disk_format,name:asc", "n1 n3 n0 n2 n4")])
def test_filters(cloud, query, expected):
    assert names(cloud, query) == expected.split()


@pytest.mark.parametrize("query", [
    "limit=-1", "limit=x", "sort=colour", "sort_key=name&sort_dir=up", "sort=name&sort_key=name", "marker=none",
    "visibility=odd", "member_status=odd", "size_min=x", "protected=maybe", "created_at=gt:yesterday", "name=in:"])
def test_refused(cloud, query):
    assert cloud.request("GET", f"/image/v2/images?{query}").status == 400


def test_an_administrator_sees_all(cloud):
    assert names(cloud, "", "op:admin") == ["open", "n4", "n3", "n2", "n1", "n0"]


@pytest.mark.parametrize("sort", ["", "&sort=size:asc", "&sort=disk_format:desc,name:asc"])
def test_pages_follow_each_other(cloud, sort):
    whole = names(cloud, "limit=100" + sort)
    found, address = [], "/v2/images?limit=2" + sort
    while address:
        page = cloud.request("GET", "/image" + address).json
        assert page["schema"] == "/v2/schemas/images"
        assert "marker" not in page["first"]
        found += [one["name"] for one in page["images"]]
        address = page.get("next")
    assert found == whole


def count(cloud, path):
    with counted(cloud.cloud.kits["image"].db) as seen:
        assert cloud.request("GET", path).status == 200
    return len(seen)


def test_queries(cloud):
    first = cloud.request("GET", "/image/v2/images?limit=1").json["images"][0]["id"]
    assert count(cloud, f"/image/v2/images/{first}") == 1
    assert count(cloud, "/image/v2/images") == 1
    assert count(cloud, f"/image/v2/images?marker={first}") == 2
