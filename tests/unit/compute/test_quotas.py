"""Quotas, limits, server groups and usage over HTTP."""

import datetime

import pytest

ALL = {"instances", "cores", "ram", "metadata_items", "injected_files", "injected_file_content_bytes",
       "injected_file_path_bytes", "key_pairs", "server_groups", "server_group_members"}
FILES = {"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"}
NETWORK = {"fixed_ips", "floating_ips", "security_groups", "security_group_rules"}


@pytest.mark.parametrize("version,names", [("2.1", ALL | NETWORK), ("2.36", ALL), ("2.57", ALL - FILES)])
def test_quota_set_by_microversion(alone, version, names):
    shown = alone.call("GET", "/os-quota-sets/p-demo", as_="demo", version=version).json["quota_set"]
    assert set(shown) == names | {"id"}
    changed = alone.call("PUT", "/os-quota-sets/p-demo", {"quota_set": {"cores": "7"}}, version=version)
    assert set(changed.json["quota_set"]) == names and changed.json["quota_set"]["cores"] == 7


@pytest.mark.parametrize("version,names", [
    ("2.1", (ALL | NETWORK) - {"server_groups", "server_group_members"}), ("2.50", ALL), ("2.57", ALL - FILES)])
def test_quota_class_set_by_microversion(alone, version, names):
    shown = alone.call("GET", "/os-quota-class-sets/default", version=version).json["quota_class_set"]
    assert set(shown) == names | {"id"}


def test_the_default_class_is_everyones(alone):
    alone.call("PUT", "/os-quota-class-sets/default", {"quota_class_set": {"cores": 5}})
    assert alone.call("GET", "/os-quota-sets/p-demo", as_="demo").json["quota_set"]["cores"] == 5
    assert alone.call("GET", "/os-quota-sets/p-demo/defaults", as_="demo").json["quota_set"]["cores"] == 5
    alone.call("PUT", "/os-quota-sets/p-demo", {"quota_set": {"cores": 6}})
    assert alone.call("GET", "/os-quota-sets/p-demo", as_="demo").json["quota_set"]["cores"] == 6
    assert alone.call("DELETE", "/os-quota-sets/p-demo").status == 202
    assert alone.call("GET", "/os-quota-sets/p-demo", as_="demo").json["quota_set"]["cores"] == 5


def test_a_users_limits(alone):
    path = "/os-quota-sets/p-demo?user_id=u-demo"
    assert alone.call("PUT", path, {"quota_set": {"cores": 3}}).json["quota_set"]["cores"] == 3
    assert alone.call("GET", path).json["quota_set"]["cores"] == 3
    assert alone.call("GET", "/os-quota-sets/p-demo").json["quota_set"]["cores"] == 20
    assert alone.call("PUT", path, {"quota_set": {"cores": 21}}).status == 400
    alone.call("DELETE", path)
    assert alone.call("GET", path).json["quota_set"]["cores"] == 20


def test_detail_counts_what_is_used(alone):
    alone.use("p-demo", 2, 4, 2048)
    shown = alone.call("GET", "/os-quota-sets/p-demo/detail", as_="demo").json["quota_set"]
    assert shown["cores"] == {"limit": 20, "in_use": 4, "reserved": 0}
    assert shown["ram"]["in_use"] == 2048 and shown["server_groups"]["in_use"] == 0


def test_a_limit_below_what_is_used_needs_force(alone):
    alone.use("p-demo", 2, 4, 2048)
    body = {"quota_set": {"cores": 3}}
    assert alone.call("PUT", "/os-quota-sets/p-demo", body).status == 400
    body["quota_set"]["force"] = True
    assert alone.call("PUT", "/os-quota-sets/p-demo", body).json["quota_set"]["cores"] == 3


@pytest.mark.parametrize("wrong", [{"cores": -2}, {"cores": "x"}, {"cores": 1 << 31}, {"cores": str(1 << 31)},
                                   {"stray": 1}])
def test_quota_sets_refuse(alone, wrong):
    assert alone.call("PUT", "/os-quota-sets/p-demo", {"quota_set": wrong}).status == 400


def test_quota_sets_are_the_projects_own(alone):
    assert alone.call("GET", "/os-quota-sets/p-demo", as_="other").status == 403
    assert alone.call("PUT", "/os-quota-sets/p-demo", {"quota_set": {"cores": 1}}, as_="demo").status == 403
    assert alone.call("PUT", "/os-quota-sets/unknown", {"quota_set": {"cores": 1}}).status == 400
    assert alone.call("GET", "/os-quota-class-sets/default", as_="demo").status == 403


def test_limits_by_microversion(alone):
    alone.use("p-demo", 2, 4, 2048)

    def absolute(version):
        return alone.call("GET", "/limits", as_="demo", version=version).json["limits"]["absolute"]
    first = absolute("2.1")
    assert (first["totalInstancesUsed"], first["totalCoresUsed"], first["totalRAMUsed"]) == (2, 4, 2048)
    assert first["maxImageMeta"] == 128 and first["maxTotalFloatingIps"] == -1 and first["maxPersonality"] == 5
    assert "maxTotalFloatingIps" not in absolute("2.36") and "maxImageMeta" not in absolute("2.39")
    assert len(absolute("2.57")) == 11
    assert alone.call("GET", "/limits?tenant_id=p-demo").json["limits"]["absolute"]["totalCoresUsed"] == 4
    assert alone.call("GET", "/limits?tenant_id=p-demo", as_="other").status == 403


def group(alone, name="g", version="2.1", as_="demo", **more):
    return alone.call("POST", "/os-server-groups", {"server_group": {"name": name, **more}}, as_=as_, version=version)


def test_server_groups_by_microversion(alone):
    made = group(alone, policies=["affinity"]).json["server_group"]
    assert set(made) == {"id", "name", "policies", "members", "metadata"}
    path = "/os-server-groups/" + made["id"]
    assert alone.call("GET", path, as_="demo", version="2.13").json["server_group"]["project_id"] == "p-demo"
    assert set(alone.call("GET", path, as_="demo", version="2.64").json["server_group"]) == {
        "id", "name", "policy", "rules", "members", "project_id", "user_id"}
    assert group(alone, policies=["soft-affinity"]).status == 400
    assert group(alone, policies=["soft-affinity"], version="2.15").status == 200
    assert group(alone, policies=["affinity", "anti-affinity"]).status == 400
    ruled = group(alone, policy="anti-affinity", rules={"max_server_per_host": "3"}, version="2.64")
    assert ruled.json["server_group"]["rules"] == {"max_server_per_host": 3}
    assert group(alone, policy="affinity", rules={"max_server_per_host": 3}, version="2.64").status == 400
    assert group(alone, policies=["affinity"], version="2.64").status == 400


def test_server_groups_are_the_projects_own(alone):
    path = "/os-server-groups/" + group(alone, policies=["affinity"]).json["server_group"]["id"]
    assert alone.call("GET", path, as_="other").status == 404
    assert alone.call("DELETE", path, as_="other").status == 404
    assert alone.call("GET", "/os-server-groups?all_projects=1", as_="demo").status == 403
    assert len(alone.call("GET", "/os-server-groups?all_projects=1").json["server_groups"]) == 1
    assert alone.call("GET", "/os-server-groups").json == {"server_groups": []}
    assert group(alone, as_="reader", policies=["affinity"]).status == 403
    assert alone.call("DELETE", path, as_="demo").status == 204
    assert alone.call("GET", path, as_="demo").status == 404


def test_server_groups_have_a_quota_and_pages(alone):
    for number in range(10):
        assert group(alone, f"g{number}", policies=["affinity"]).status == 200
    assert group(alone, policies=["affinity"]).status == 403
    page = alone.call("GET", "/os-server-groups?limit=3&offset=8", as_="demo").json["server_groups"]
    assert len(page) == 2


def test_usage(alone):
    day = datetime.timedelta(days=1)
    begun = alone.clock.now()
    alone.add_server(terminated_at=begun + day / 2)
    alone.add_server()
    alone.clock.sleep(day.total_seconds())
    span = f"start={begun - day:%Y-%m-%dT%H:%M:%S}&end={begun + day:%Y-%m-%dT%H:%M:%S.%f}"
    found = alone.call("GET", "/os-simple-tenant-usage/p-demo?" + span, as_="demo").json["tenant_usage"]
    assert (found["total_hours"], found["total_vcpus_usage"], found["total_local_gb_usage"]) == (36.0, 72.0, 360.0)
    assert {one["state"] for one in found["server_usages"]} == {"terminated", "active"}
    listed = alone.call("GET", "/os-simple-tenant-usage?" + span).json["tenant_usages"]
    assert listed[0]["total_hours"] == 36.0 and "server_usages" not in listed[0]
    detailed = alone.call("GET", "/os-simple-tenant-usage?detailed=1&" + span).json["tenant_usages"]
    assert len(detailed[0]["server_usages"]) == 2
    page = alone.call("GET", "/os-simple-tenant-usage?limit=1&" + span, version="2.40").json
    path = page["tenant_usages_links"][0]["href"].removeprefix("http://cloud.test/compute/v2.1")
    assert page["tenant_usages"][0]["total_hours"] + alone.call("GET", path, version="2.40").json[
        "tenant_usages"][0]["total_hours"] == 36.0
    assert alone.call("GET", "/os-simple-tenant-usage/p-other?" + span).json == {"tenant_usage": {}}


def test_usage_refuses(alone):
    assert alone.call("GET", "/os-simple-tenant-usage", as_="demo").status == 403
    assert alone.call("GET", "/os-simple-tenant-usage/p-demo", as_="other").status == 403
    assert alone.call("GET", "/os-simple-tenant-usage/").status == 404
    assert alone.call("GET", "/os-simple-tenant-usage?start=x").status == 400
    assert alone.call("GET", "/os-simple-tenant-usage?start=2031-01-01T00:00:00&end=2030-01-01T00:00:00").status == 400
