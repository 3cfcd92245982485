"""Hypervisors, services, aggregates, zones and hosts over HTTP."""

import pytest


@pytest.fixture
def fleet(alone):
    """Two hosts; the first runs two servers of 2 CPUs, 1 GiB and 10 GiB."""
    alone.add_host("host1")
    alone.add_host("host2")
    for _ in range(2):
        alone.add_server("host1")
    return alone


def test_hypervisors_by_microversion(fleet):
    first = fleet.call("GET", "/os-hypervisors/detail").json["hypervisors"][0]
    assert (first["id"], first["vcpus_used"], first["memory_mb_used"], first["free_disk_gb"]) == (1, 4, 2560, 80)
    assert isinstance(first["cpu_info"], str) and first["service"]["id"] == 1 and first["running_vms"] == 2
    last = fleet.call("GET", "/os-hypervisors/detail?with_servers=true", version="2.79").json["hypervisors"]
    assert len(last[0]["id"]) == 36 and len(last[0]["servers"]) == 2 and last[1]["servers"] == []
    assert last[0]["cpu_info"]["features"] == ["sse2"]
    shown = fleet.call("GET", "/os-hypervisors/" + last[0]["id"], version="2.53").json["hypervisor"]
    assert "servers" not in shown and shown["state"] == "up" and shown["status"] == "enabled"
    assert fleet.call("GET", "/os-hypervisors/1").json["hypervisor"]["hypervisor_hostname"] == "host1.local"


def test_hypervisors_cost_the_same_for_any_number(fleet):
    fleet.service.fleet.all()
    fleet.service.fleet.changed()
    before = fleet.statements
    fleet.call("GET", "/os-hypervisors/detail")
    many = fleet.statements - before
    for number in range(10):
        fleet.add_host(f"more{number}")
    before = fleet.statements
    fleet.call("GET", "/os-hypervisors/detail")
    assert fleet.statements - before == many


def test_hypervisors_are_paged_since_2_33(fleet):
    page = fleet.call("GET", "/os-hypervisors?limit=1", version="2.33").json
    assert [one["id"] for one in page["hypervisors"]] == [1]
    path = page["hypervisors_links"][0]["href"].removeprefix("http://cloud.test/compute/v2.1")
    assert [one["id"] for one in fleet.call("GET", path, version="2.33").json["hypervisors"]] == [2]
    uuid = fleet.call("GET", "/os-hypervisors?limit=1", version="2.53").json["hypervisors"][0]["id"]
    rest = fleet.call("GET", f"/os-hypervisors?marker={uuid}", version="2.53").json["hypervisors"]
    assert [one["hypervisor_hostname"] for one in rest] == ["host2.local"]
    assert fleet.call("GET", "/os-hypervisors?marker=77", version="2.33").status == 400
    assert fleet.call("GET", "/os-hypervisors?marker=77", version="2.53").status == 400


def test_hypervisors_by_name(fleet):
    found = fleet.call("GET", "/os-hypervisors/host1/servers").json["hypervisors"]
    assert len(found) == 1 and len(found[0]["servers"]) == 2
    assert "servers" not in fleet.call("GET", "/os-hypervisors/host2/servers").json["hypervisors"][0]
    assert len(fleet.call("GET", "/os-hypervisors/host/search").json["hypervisors"]) == 2
    assert fleet.call("GET", "/os-hypervisors/none/search").status == 404
    assert fleet.call("GET", "/os-hypervisors/host/search", version="2.53").status == 404
    path = "/os-hypervisors?hypervisor_hostname_pattern="
    assert len(fleet.call("GET", path + "host2", version="2.53").json["hypervisors"]) == 1
    assert fleet.call("GET", path + "none", version="2.53").status == 404
    assert fleet.call("GET", path + "host&limit=1", version="2.53").status == 400


def test_hypervisors_statistics(fleet):
    sums = fleet.call("GET", "/os-hypervisors/statistics").json["hypervisor_statistics"]
    assert (sums["count"], sums["vcpus"], sums["vcpus_used"], sums["local_gb"]) == (2, 16, 4, 200)


def test_hypervisors_are_for_admins(fleet):
    for path in ("", "/detail", "/1", "/statistics", "/host/search"):
        assert fleet.call("GET", "/os-hypervisors" + path, as_="demo").status == 403
    assert fleet.call("GET", "/os-hypervisors/9").status == 404
    assert fleet.call("GET", "/os-hypervisors/x").status == 404


def test_services_named_by_host_until_2_52(fleet):
    named = {"host": "host1", "binary": "nova-compute"}
    assert fleet.call("PUT", "/os-services/disable", named).json == {"service": {**named, "status": "disabled"}}
    reason = {**named, "disabled_reason": "why"}
    assert fleet.call("PUT", "/os-services/disable-log-reason", reason).json == {
        "service": {**reason, "status": "disabled"}}
    one = fleet.call("GET", "/os-services?host=host1").json["services"][0]
    assert one["id"] == 1 and one["status"] == "disabled" and one["disabled_reason"] == "why" and one["state"] == "up"
    assert "forced_down" not in one and one["zone"] == "nova" and one["updated_at"].startswith("2030-01-01T")
    assert [host.enabled for host in fleet.service.fleet.all()] == [False, True]
    assert fleet.call("PUT", "/os-services/enable", named).json["service"]["status"] == "enabled"
    forced = fleet.call("PUT", "/os-services/force-down", {**named, "forced_down": True}, version="2.11")
    assert forced.json == {"service": {**named, "forced_down": True}}
    assert fleet.call("GET", "/os-services?host=host1", version="2.11").json["services"][0]["state"] == "down"
    assert fleet.call("PUT", "/os-services/enable", {**named, "host": "none"}).status == 404
    assert fleet.call("PUT", "/os-services/disable-log-reason", named).status == 400
    assert fleet.call("PUT", "/os-services/force-down", named, version="2.10").status == 404


def test_services_named_by_id_since_2_53(fleet):
    path = "/os-services/" + fleet.call("GET", "/os-services", version="2.53").json["services"][0]["id"]
    body = {"status": "disabled", "disabled_reason": "r", "forced_down": True}
    one = fleet.call("PUT", path, body, version="2.53").json["service"]
    assert (one["status"], one["disabled_reason"], one["forced_down"], one["state"]) == ("disabled", "r", True, "down")
    for wrong in ({}, {"disabled_reason": "r"}, {"status": "enabled", "disabled_reason": "r"}, {"status": "x"}):
        assert fleet.call("PUT", path, wrong, version="2.53").status == 400
    assert fleet.call("PUT", "/os-services/1", body, version="2.53").status == 400
    unknown = "/os-services/00000000-0000-4000-8000-000000000000"
    assert fleet.call("PUT", unknown, body, version="2.53").status == 404
    assert fleet.call("PUT", path, {"status": "enabled"}, as_="demo", version="2.53").status == 403


def test_a_silent_host_is_down(fleet):
    fleet.executor.run(100)
    fleet.clock.sleep(100)
    assert {one["state"] for one in fleet.call("GET", "/os-services").json["services"]} == {"down"}


def test_services_are_deleted_once_their_host_is_empty(fleet):
    first, second = (one["id"] for one in fleet.call("GET", "/os-services", version="2.53").json["services"])
    assert fleet.call("DELETE", "/os-services/" + first, version="2.53").status == 409
    provider = fleet.call("GET", "/os-hypervisors", version="2.53").json["hypervisors"][1]["id"]
    assert fleet.call("DELETE", "/os-services/" + second, version="2.53").status == 204
    assert fleet.everyone.forgotten == [provider]
    assert len(fleet.call("GET", "/os-hypervisors").json["hypervisors"]) == 1
    assert fleet.call("DELETE", "/os-services/77").status == 404
    assert fleet.call("DELETE", "/os-services/x").status == 400


def make(fleet, name="a", **more):
    answer = fleet.call("POST", "/os-aggregates", {"aggregate": {"name": name, **more}})
    assert answer.status == 200, answer
    return f"/os-aggregates/{answer.json['aggregate']['id']}"


def act(fleet, path, action, **body):
    return fleet.call("POST", path + "/action", {action: body})


def test_aggregate_views(fleet):
    body = {"aggregate": {"name": "a", "availability_zone": "z"}}
    made = fleet.call("POST", "/os-aggregates", body).json["aggregate"]
    assert set(made) == {"id", "name", "availability_zone", "created_at", "updated_at", "deleted", "deleted_at"}
    shown = fleet.call("GET", "/os-aggregates/1", version="2.41").json["aggregate"]
    assert len(shown["uuid"]) == 36 and shown["hosts"] == [] and shown["metadata"] == {"availability_zone": "z"}
    changed = fleet.call("PUT", "/os-aggregates/1", {"aggregate": {"name": "b", "availability_zone": None}})
    assert changed.json["aggregate"]["metadata"] == {} and changed.json["aggregate"]["name"] == "b"
    assert changed.json["aggregate"]["updated_at"]
    assert [one["name"] for one in fleet.call("GET", "/os-aggregates").json["aggregates"]] == ["b"]
    assert fleet.call("DELETE", "/os-aggregates/1").status == 200
    assert fleet.call("GET", "/os-aggregates/1").status == 404


def test_aggregate_hosts(fleet):
    path = make(fleet)
    assert act(fleet, path, "add_host", host="host2").json["aggregate"]["hosts"] == ["host2"]
    assert act(fleet, path, "add_host", host="host2").status == 409
    assert act(fleet, path, "add_host", host="none").status == 404
    assert fleet.call("DELETE", path).status == 400
    assert act(fleet, path, "remove_host", host="host2").json["aggregate"]["hosts"] == []
    assert act(fleet, path, "remove_host", host="host2").status == 404


def test_aggregate_metadata(fleet):
    path = make(fleet)
    assert act(fleet, path, "set_metadata", metadata={"a": "1", "b": "2"}).status == 200
    found = act(fleet, path, "set_metadata", metadata={"a": None}).json["aggregate"]["metadata"]
    assert found == {"b": "2"}
    assert act(fleet, path, "set_metadata", metadata={"availability_zone": ""}).status == 400


def test_a_zone_is_an_aggregate_with_hosts(fleet):
    path = make(fleet, availability_zone="z")
    act(fleet, path, "add_host", host="host2")
    zones = fleet.call("GET", "/os-availability-zone", as_="demo").json["availabilityZoneInfo"]
    assert [(one["zoneName"], one["zoneState"]["available"], one["hosts"]) for one in zones] == [
        ("nova", True, None), ("z", True, None)]
    detail = fleet.call("GET", "/os-availability-zone/detail").json["availabilityZoneInfo"]
    assert detail[1]["hosts"]["host2"]["nova-compute"]["available"] is True
    assert fleet.call("GET", "/os-availability-zone/detail", as_="demo").status == 403


def test_a_host_is_in_one_zone(fleet):
    act(fleet, make(fleet, availability_zone="z"), "add_host", host="host2")
    other = make(fleet, "other", availability_zone="y")
    assert act(fleet, other, "add_host", host="host2").status == 409
    plain = make(fleet, "plain")
    assert act(fleet, plain, "add_host", host="host2").status == 200
    assert act(fleet, plain, "set_metadata", metadata={"availability_zone": "y"}).status == 400
    assert act(fleet, plain, "set_metadata", metadata={"availability_zone": "z"}).status == 200


def test_a_host_with_servers_keeps_its_zone(fleet):
    zone = make(fleet, availability_zone="z")
    assert act(fleet, zone, "add_host", host="host1").status == 409
    plain = make(fleet, "plain")
    assert act(fleet, plain, "add_host", host="host1").status == 200
    assert fleet.call("PUT", plain, {"aggregate": {"availability_zone": "y"}}).status == 400


def test_aggregates_refuse(fleet):
    make(fleet)
    for status, body in ((409, {"name": "a"}), (400, {"name": ""}), (400, {"name": "b" * 256}),
                         (400, {"name": "b", "availability_zone": "a:b"}), (400, {"name": "b", "stray": 1})):
        assert fleet.call("POST", "/os-aggregates", {"aggregate": body}).status == status
    assert fleet.call("GET", "/os-aggregates/-1").status == 404
    assert fleet.call("GET", "/os-aggregates/x").status == 400
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/1"), ("DELETE", "/1")):
        body = {"aggregate": {"name": "n"}} if method == "POST" else None
        assert fleet.call(method, "/os-aggregates" + path, body, as_="demo").status == 403


def test_hosts_until_2_42(fleet):
    hosts = fleet.call("GET", "/os-hosts").json["hosts"]
    assert hosts[0] == {"host_name": "host1", "service": "compute", "zone": "nova"}
    assert fleet.call("GET", "/os-hosts?zone=x").json == {"hosts": []}
    rows = [one["resource"] for one in fleet.call("GET", "/os-hosts/host1").json["host"]]
    assert [row["project"] for row in rows] == ["(total)", "(used_now)", "(used_max)", "p-demo"]
    assert [row["cpu"] for row in rows] == [8, 4, 4, 4]
    assert fleet.call("PUT", "/os-hosts/host1", {"status": "disable"}).json["status"] == "disabled"
    assert fleet.call("PUT", "/os-hosts/host1", {"maintenance_mode": "enable"}).status == 501
    assert fleet.call("PUT", "/os-hosts/host1", {"status": "x"}).status == 400
    assert fleet.call("PUT", "/os-hosts/host1", {}).status == 400
    assert fleet.call("GET", "/os-hosts/none").status == 404
    assert fleet.call("GET", "/os-hosts/none/startup").status == 404
    assert fleet.call("GET", "/os-hosts", version="2.43").status == 404


def test_extensions(alone):
    found = alone.call("GET", "/extensions", as_="demo").json["extensions"]
    assert "Hosts" in {one["name"] for one in found}
    assert alone.call("GET", "/extensions/os-consoles", as_="demo").json["extension"]["alias"] == "os-consoles"
    assert alone.call("GET", "/extensions/none", as_="demo").status == 404
