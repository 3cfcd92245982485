"""Lists of servers: filters, order, pages, and how many queries they take."""

import datetime
from urllib.parse import quote

import pytest

from tests.statements import counted


@pytest.fixture
def three(world):
    """Three servers, the oldest first."""
    ids = []
    for name in ("alpha-1", "beta-2", "gamma-3"):
        ids.append(world.boot(name=name, metadata={"n": name}))
        world.cloud.clock.advance(1)
    return ids


def ids(world, query="", version="2.79", as_="demo", path="/servers"):
    answer = world.ask("GET", f"{path}?{query}", version=version, as_=as_)
    assert answer.status == 200, answer
    return [one["id"] for one in answer.json["servers"]]


def test_filters(world, three):
    assert ids(world) == three[::-1]
    assert ids(world, "name=alpha") == three[:1]
    assert ids(world, "name=" + quote(r"^.*\-[0-9]$")) == three[::-1]
    assert ids(world, "name=nothing") == []
    assert ids(world, "status=ACTIVE") == three[::-1]
    assert ids(world, "status=active&status=SHUTOFF") == three[::-1]
    assert ids(world, "status=SHUTOFF") == []
    assert ids(world, "status=invalid", "2.1") == []
    assert world.ask("GET", "/servers?status=invalid", version="2.38").status == 400
    assert ids(world, f"flavor={world.flavor}") == three[::-1]
    assert ids(world, "flavor=1234") == []
    assert ids(world, f"image={world.image}") == three[::-1]
    assert ids(world, "image=1234") == []
    address = world.show(three[0])["addresses"]["private"][0]["addr"]
    assert ids(world, f"ip={address}$") == three[:1]
    assert three[0] in ids(world, f"ip={address[:-1]}")
    assert ids(world, f"ip=^{address}$") == three[:1]
    assert ids(world, "ip=" + quote("10.0.0.*")) == three[::-1]
    for pattern in ("(", "(a+)+$", "a*a*a*a*b", "(?=a)", "x" * 300 + "."):
        assert world.ask("GET", "/servers?name=" + quote(pattern)).status == 400, pattern


def test_stopped_and_deleted(world, three):
    world.act(three[0], "os-stop")
    assert ids(world, "status=SHUTOFF") == three[:1]
    assert ids(world, "status=ACTIVE") == three[:0:-1]
    before = world.cloud.clock.now()
    world.delete(three[2])
    assert ids(world) == three[1::-1]
    assert ids(world, f"changes-since={before.isoformat()}Z", path="/servers/detail") == three[2:]
    assert world.ask("GET", "/servers?changes-since=2011/01/01").status == 400
    assert ids(world, "changes-since=2051-01-01T12:34:00Z") == []
    assert three[2] not in ids(world, f"changes-before={(before - datetime.timedelta(seconds=1)).isoformat()}Z")
    assert three[2] in ids(world, "changes-before=2051-01-01T12:34:00Z")
    assert three[2] not in ids(world, "changes-before=2051-01-01T12:34:00Z", "2.65")
    assert world.ask("GET", "/servers?status=deleted").status == 403
    assert three[2] in ids(world, "deleted=true&all_tenants=1", as_="admin")


def test_all_projects(world, three):
    assert world.ask("GET", "/servers?all_tenants=1").status == 403
    assert ids(world, as_="admin") == []
    assert ids(world, "all_tenants=1", as_="admin") == three[::-1]
    assert ids(world, "all_tenants", as_="admin") == three[::-1]
    assert ids(world, "all_tenants=1&host=host1", as_="admin") == three[::-1]
    assert ids(world, "all_tenants=1&host=other", as_="admin") == []
    assert ids(world, "host=other") == three[::-1]


def test_pages(world, three):
    seen, path = [], "/compute/v2.1/servers?limit=2"
    while path:
        answer = world.cloud.request("GET", path, as_="demo").json
        seen += [one["id"] for one in answer["servers"]]
        path = next((link["href"] for link in answer.get("servers_links", ())), "")
    assert seen == three[::-1]
    assert ids(world, "limit=0") == []
    assert world.ask("GET", "/servers?limit=-1").status == 400
    assert world.ask("GET", "/servers?limit=one").status == 400
    assert world.ask("GET", "/servers?marker=none").status == 400
    assert ids(world, f"marker={three[1]}") == three[:1]
    assert ids(world, "sort_key=display_name&sort_dir=asc") == three
    assert ids(world, "sort_key=display_name&sort_dir=desc") == three[::-1]
    assert world.ask("GET", "/servers?sort_key=secret").status == 400
    refused = world.ask("GET", "/servers?sort_key=host")
    assert refused.status == 403
    assert refused.json["forbidden"]["message"] == "Only administrators can sort servers by host"
    for ignored in ("vcpus", "locked"):
        assert sorted(ids(world, f"sort_key={ignored}&sort_dir=asc", "2.72")) == sorted(three)
    assert ids(world, "sort_key=memory_mb&sort_key=display_name&sort_dir=desc&sort_dir=asc", "2.74") == three
    assert world.ask("GET", "/servers?sort_key=memory_mb", version="2.75").status == 400
    for path in ("/servers?vcpus=1", "/servers?unknown=1"):
        assert [world.ask("GET", path, version=one).status for one in ("2.74", "2.75")] == [200, 400], path
    assert world.ask("GET", "/servers?unknown=1", version="2.74").status == 200
    assert world.ask("GET", "/servers?unknown=1", version="2.75").status == 400


def statements(world):
    """The statements run meanwhile."""
    return counted(world.cloud.cloud.kits["compute"].db)


def test_queries(world, three):
    world.show(three[0])
    counts = []
    for limit in (1, 3):
        with statements(world) as seen:
            assert len(ids(world, f"limit={limit}", path="/servers/detail")) == limit
        counts.append(len([one for one in seen if "servers" in one]))
    assert counts == [1, 1]
    with statements(world) as seen:
        world.show(three[0])
    assert len([one for one in seen if "servers" in one]) == 1


@pytest.mark.parametrize(("query", "version", "status"), [
    ("changes-since=2031-01-01T00:00:00Z&changes-before=2030-01-01T00:00:00Z", "2.66", 400),
    ("changes-since=2031-01-01T00:00:00Z&changes-before=2030-01-01T00:00:00Z", "2.65", 200),
    ("changes-since=2030-01-01T00:00:00Z&changes-before=2030-01-01T00:00:00Z", "2.66", 200),
    ("all_tenants=maybe", "2.1", 400), ("all_tenants=False", "2.1", 200), ("all_tenants=", "2.1", 403),
    ("locked=maybe", "2.73", 400), ("locked=maybe", "2.72", 200), ("locked=true", "2.73", 200),
    ("pci_devices=x&services=y", "2.75", 200), ("unheard=x", "2.75", 400), ("unheard=x", "2.74", 200),
    ("limit=-1", "2.1", 400), ("marker=8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000", "2.1", 400),
    ("name=[", "2.1", 400), ("status=none", "2.37", 200), ("status=none", "2.38", 400),
    ("status=none&status=active", "2.38", 200), ("status=deleted", "2.1", 403)])
def test_what_lists_take(world, query, version, status):
    assert world.ask("GET", f"/servers?{query}", version=version).status == status


def test_each_address_has_an_end(world):
    network = world.cloud.request("GET", "/network/v2.0/networks?name=private", as_="demo").json["networks"][0]["id"]
    server = world.boot(networks=[{"uuid": network}, {"uuid": network}])
    for one in world.show(server)["addresses"]["private"]:
        assert ids(world, f"ip=^{one['addr']}$") == [server]
        assert ids(world, f"ip={one['addr'][:-1]}$") == []


def test_filters_of_administrators(world, three):
    def found(query, version="2.79"):
        return ids(world, "all_tenants=1&" + query, version, "admin")
    assert found("display_name=lpha") == found("hostname=lph") == three[:1]
    assert found("key_name=none") == found("kernel_id=none") == found("locked_by=admin") == []
    assert found("availability_zone=nov") == found("auto_disk_config=false") == three[::-1]
    assert found("auto_disk_config=true") == found("image_ref=none") == []
    for query in ("services=x", "info_cache=x", "_x=1"):
        assert [world.ask("GET", "/servers?" + query, version="2.75", as_=one).status
                for one in ("admin", "demo")] == [400, 200], query
