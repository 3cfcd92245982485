"""Lists of volumes and snapshots: filters, order, pages, and how many queries a page costs."""

from urllib.parse import urlsplit

import pytest

from tests.statements import counted


@pytest.fixture(scope="module", autouse=True)
def volumes(storage):
    """Five volumes of project alpha and one of beta."""
    found = {}
    for number in range(5):
        found[f"n{number}"] = storage.volume(name=f"n{number}", size=1 + number % 2,
                                             metadata={"odd": str(number % 2), "type": "work"})
        storage.cloud.clock.advance(1)
    storage.volume(as_="beta:member", name="other")
    storage.act(found["n4"], "os-set_bootable", {"bootable": True}, 200)
    for number in range(3):
        storage.snapshot(found["n0"], name=f"s{number}")
        storage.cloud.clock.advance(1)
    return found


def names(storage, query, as_="alpha:member", kind="volumes"):
    return [one["name"] for one in storage.call("GET", f"/{kind}?{query}", None, 200, as_).json[kind.partition("/")[0]]]


@pytest.mark.parametrize("detail", ["volumes", "volumes/detail"])
@pytest.mark.parametrize(("query", "expected"), [
    ("", "n4 n3 n2 n1 n0"), ("name=n1", "n1"), ("status=available", "n4 n3 n2 n1 n0"), ("status=null", ""),
    ("bootable=true", "n4"), ("bootable=false", "n3 n2 n1 n0"), ("metadata=%7B%27odd%27%3A+%271%27%7D", "n3 n1"),
    ("metadata=%7B%27odd%27%3A+%271%27%2C+%27type%27%3A+%27x%27%7D", ""), ("availability_zone=nova&limit=1", "n4"),
    ("sort=name:asc&limit=2", "n0 n1"), ("sort_key=size&sort_dir=asc", "n0 n2 n4 n1 n3"), ("limit=0", ""),
    ("limit=2&offset=1", "n3 n2"), ("name~=n", "n4 n3 n2 n1 n0"), ("unknown=5&limit=1", "n4"),
    ("created_at=lt:2030-01-01T00:00:02", "n1 n0")])
def test_filters(storage, detail, query, expected):
    assert names(storage, query, kind=detail) == expected.split()


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "sort=colour", "sort_dir=up", "metadata=x", "metadata=5",
                                   "metadata=%7B%5B%5D%3A1%7D", "sort=id&sort_key=id", "bootable=perhaps",
                                   "created_at=gt:soon"])
def test_refused(storage, query):
    storage.call("GET", f"/volumes?{query}", None, 400)


def test_an_unknown_marker_is_not_found(storage):
    for kind in ("volumes", "snapshots"):
        storage.call("GET", f"/{kind}?marker=11111111-2222-3333-4444-555555555555", None, 404)


def test_all_projects(storage):
    assert names(storage, "all_tenants=1", "op:admin") == ["other", "n4", "n3", "n2", "n1", "n0"]
    assert names(storage, "all_tenants=1&project_id=beta", "op:admin") == ["other"]
    assert names(storage, "", "op:admin") == []
    assert names(storage, "all_tenants=1&project_id=beta", "alpha:member") == ["n4", "n3", "n2", "n1", "n0"]


@pytest.mark.parametrize("start", ["/volume/v3/volumes/detail?limit=2", "/volume/v3/volumes?limit=1&sort=size:asc",
                                   "/volume/v3/snapshots?limit=1"])
def test_pages_follow_each_other(storage, start):
    kind = "snapshots" if "snapshots" in start else "volumes"
    found, address = [], start
    while address:
        page = storage.cloud.request("GET", address).json
        found += [one["name"] for one in page[kind]]
        address = next((link["href"] for link in page.get(f"{kind}_links", ())), "")
    assert len(found) == len(set(found)) == (3 if kind == "snapshots" else 5)


def test_links_keep_the_project_in_the_path(storage):
    project = "0123456789abcdef0123456789abcdef"
    as_ = f"{project}:member"
    one = storage.volume(as_=as_)
    page = storage.cloud.request("GET", f"/volume/v3/{project}/volumes?limit=1", as_=as_).json
    assert urlsplit(page["volumes_links"][0]["href"]).path == f"/volume/v3/{project}/volumes"
    assert page["volumes"][0]["links"][0]["href"] == f"http://cloud.test/volume/v3/{project}/volumes/{one}"


def test_count_and_summary(storage):
    assert storage.call("GET", "/volumes?limit=1&with_count=true", None, 200).json["count"] == 5
    assert "count" not in storage.call("GET", "/volumes?with_count=true", None, 200, version="3.44").json
    assert storage.call("GET", "/volumes/summary", None, 200).json["volume-summary"] == {
        "total_count": 5, "total_size": 7, "metadata": {"odd": ["0", "1"], "type": ["work"]}}
    storage.call("GET", "/volumes/summary", None, 404, version="3.11")


@pytest.mark.parametrize(("query", "expected"), [
    ("", "s2 s1 s0"), ("name=s1", "s1"), ("status=available&limit=1", "s2"), ("offset=2&limit=3", "s0"),
    ("sort_key=display_name&sort_dir=asc", "s0 s1 s2"), ("limit=100000", "s2 s1 s0"), ("status=error", "")])
def test_snapshots(storage, query, expected):
    assert names(storage, query, kind="snapshots") == expected.split()
    assert names(storage, query, kind="snapshots/detail") == expected.split()


def test_queries(storage, volumes):
    database = storage.cloud.cloud.kits["volume"].db
    for path, expected in ((f"/volumes/{volumes['n0']}", 3), ("/volumes/detail", 3), ("/volumes", 1),
                           ("/snapshots/detail", 1)):
        with counted(database) as seen:
            storage.call("GET", path, None, 200)
        assert len(seen) == expected, path
