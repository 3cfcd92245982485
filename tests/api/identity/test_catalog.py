"""Regions, services, endpoints, versions."""

import pytest


def test_a_service_without_endpoints_is_in_the_catalog(api):
    made = api.make("service", type="lonely")
    entry = next(one for one in api.ok("GET", "/auth/catalog")["catalog"] if one["id"] == made["id"])
    assert entry == {"id": made["id"], "type": "lonely", "name": made["name"], "endpoints": []}
    api.ok("DELETE", f"/services/{made['id']}")


def test_versions(cloud):
    answer = cloud.request("GET", "/identity", as_=None)
    assert answer.status == 300
    version = answer.json["versions"]["values"][0]
    assert version["links"] == [{"rel": "self", "href": "http://cloud.test/identity/v3/"}]
    for path in ("/identity/v3", "/identity/v3/"):
        assert cloud.request("GET", path, as_=None).json["version"] == version


def test_unknown_paths_and_methods(api):
    assert api.request("GET", "/nothing").json["error"] == {
        "code": 404, "title": "Not Found", "message": "The resource could not be found."}
    assert api.request("PUT", "/users").status == 405


def test_life_of_a_region(api):
    region = api.ok("POST", "/regions", {"region": {"id": "north", "description": "d"}})["region"]
    assert region["parent_region_id"] is None
    child = api.ok("PUT", "/regions/north-1", {"region": {"parent_region_id": "north"}})["region"]
    assert child["id"] == "north-1"
    assert api.request("POST", "/regions", {"region": {"id": "north"}}).status == 409
    assert api.request("POST", "/regions", {"region": {"id": "x", "parent_region_id": "nowhere"}}).status == 404
    listed = api.ok("GET", "/regions?parent_region_id=north")["regions"]
    assert [one["id"] for one in listed] == ["north-1"]
    assert api.request("PATCH", "/regions/north", {"region": {"parent_region_id": "north-1"}}).status == 400
    assert api.ok("PATCH", "/regions/north", {"region": {"description": "e"}})["region"]["description"] == "e"
    assert api.request("DELETE", "/regions/north").status == 204
    assert api.request("GET", "/regions/north-1").status == 404


def test_life_of_a_service(api):
    service = api.make("service", type="thing", description="d")
    path = f"/services/{service['id']}"
    assert api.ok("GET", path)["service"] == service
    assert [one["id"] for one in api.ok("GET", "/services?type=thing")["services"]] == [service["id"]]
    assert api.ok("PATCH", path, {"service": {"enabled": False}})["service"]["enabled"] is False
    assert api.request("DELETE", path).status == 204
    assert api.request("GET", path).status == 404


def test_life_of_an_endpoint(api):
    service = api.make("service", type="thing")
    given = {"service_id": service["id"], "interface": "public", "url": "http://x/", "region": "south"}
    endpoint = api.ok("POST", "/endpoints", {"endpoint": given})["endpoint"]
    assert (endpoint["region"], endpoint["region_id"], endpoint["enabled"]) == ("south", "south", True)
    path = f"/endpoints/{endpoint['id']}"
    assert api.ok("GET", path)["endpoint"] == endpoint
    for query, count in ((f"service_id={service['id']}", 1), ("region_id=south", 1),
                         (f"service_id={service['id']}&interface=admin", 0)):
        assert len(api.ok("GET", f"/endpoints?{query}")["endpoints"]) == count
    assert api.request("DELETE", "/regions/south").status == 403
    in_catalog = [entry for entry in api.ok("GET", "/auth/catalog")["catalog"] if entry["type"] == "thing"]
    assert len(in_catalog) == 1
    api.ok("PATCH", path, {"endpoint": {"enabled": False}})
    left = [entry["endpoints"] for entry in api.ok("GET", "/auth/catalog")["catalog"] if entry["type"] == "thing"]
    assert left == [[]]
    api.ok("DELETE", f"/services/{service['id']}")
    assert api.request("GET", path).status == 404


@pytest.mark.parametrize("change", [{"service_id": "nothing"}, {"region_id": "nowhere"}, {"interface": "odd"},
                                    {"url": "http://x/%(secret)s"}, {"url": ""}, {"url": "no address"}])
def test_bad_endpoints(api, change):
    service = api.ok("GET", "/services?type=identity")["services"][0]
    given = {"service_id": service["id"], "interface": "public", "url": "http://x/", **change}
    assert api.request("POST", "/endpoints", {"endpoint": given}).status == 400


def test_bootstrap_twice_changes_addresses_only(api, cloud):
    identity, kit = cloud.cloud.services["identity"], cloud.cloud.kits["identity"]
    before = api.ok("GET", "/endpoints")["endpoints"]
    arguments = {"admin_password": "other", "demo_password": "other", "region": "RegionOne"}
    for base in ("http://moved", "http://cloud.test"):
        identity.bootstrap(kit.context(), public_url=base, catalog=[("identity", "keystone", base + "/identity")],
                           **arguments)
        after = api.ok("GET", "/endpoints")["endpoints"]
        assert [one["id"] for one in after] == [one["id"] for one in before]
        assert {one["url"] for one in after if one["region_id"] == "RegionOne"} == {base + "/identity"}
    assert api.login("admin", "admin-secret").status == 201
    identity.bootstrap(kit.context(), public_url="", catalog=[], reset_passwords=True, **arguments)
    assert api.login("admin", "other").status == 201
    identity.bootstrap(kit.context(), public_url="", catalog=[], reset_passwords=True,
                       **{**arguments, "admin_password": "admin-secret", "demo_password": "demo-secret"})


def test_credentials(api):
    blob = '{"access": "key-id", "secret": "shh"}'
    user, project = api.person()
    given = {"type": "ec2", "blob": blob, "user_id": user["id"]}
    assert api.request("POST", "/credentials", {"credential": given}).status == 400
    made = api.ok("POST", "/credentials", {"credential": {**given, "project_id": project["id"]}})["credential"]
    assert len(made["id"]) == 64
    assert made["blob"] == blob
    assert api.request("POST", "/credentials", {"credential": {**given, "project_id": project["id"]}}).status == 409
    assert api.ok("GET", f"/credentials?user_id={user['id']}&type=ec2")["credentials"] == [made]
    assert api.request("DELETE", f"/credentials/{made['id']}").status == 204


def test_credentials_are_sealed_at_rest(api, cloud):
    made = api.ok("POST", "/credentials", {"credential": {"type": "cert", "blob": "in the clear"}})["credential"]
    row = cloud.cloud.services["identity"].credentials.find(made["id"])
    assert "in the clear" not in str(tuple(row))
