"""Stored policies, and which endpoint each is for."""

import pytest

pytestmark = pytest.mark.usefixtures("catalog_as_before")


def policy(api, **more):
    return api.ok("POST", "/policies", {"policy": {"type": "application/json", "blob": {"a": "b"}, **more}})["policy"]


def tree(api):
    """A service with an endpoint in a region below another, and their ids by name."""
    top = api.make("region", id=api.make("project")["name"] + "-top")["id"]
    region = api.make("region", id=top + "-below", parent_region_id=top)["id"]
    service = api.make("service", type="governed")["id"]
    endpoint = api.make("endpoint", service_id=service, interface="public", region_id=region, url="http://x/")["id"]
    return {"endpoint": f"/endpoints/{endpoint}", "service": f"/services/{service}",
            "region": f"/services/{service}/regions/{region}", "top": f"/services/{service}/regions/{top}"}, endpoint


def path(made, subject):
    return f"/policies/{made['id']}/OS-ENDPOINT-POLICY{subject}"


def test_life_of_a_policy(api):
    made = policy(api, color="red")
    assert made["blob"] == {"a": "b"} and made["color"] == "red"
    assert api.ok("GET", f"/policies/{made['id']}")["policy"] == made
    assert made in api.ok("GET", "/policies?type=application/json")["policies"]
    changed = api.ok("PATCH", f"/policies/{made['id']}", {"policy": {"blob": "text"}})["policy"]
    assert (changed["blob"], changed["type"], changed["color"]) == ("text", "application/json", "red")
    assert api.request("DELETE", f"/policies/{made['id']}").status == 204
    assert api.request("GET", f"/policies/{made['id']}").status == 404


@pytest.mark.parametrize("body", [{}, {"policy": {}}, {"policy": {"type": "x"}}, {"policy": {"blob": 1, "type": "x"}}])
def test_bodies_that_are_none(api, body):
    assert api.request("POST", "/policies", body).status == 400


@pytest.mark.parametrize("subject", ["endpoint", "service", "region"])
def test_life_of_an_association(api, subject):
    made, (paths, endpoint) = policy(api), tree(api)
    where = path(made, paths[subject])
    assert api.request("GET", where).status == api.request("DELETE", where).status == 404
    assert api.request("PUT", where).status == api.request("PUT", where).status == 204
    assert api.request("GET", where).status == api.request("HEAD", where).status == 204
    assert api.ok("GET", f"/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy")["policy"] == made
    listed = api.ok("GET", path(made, "/endpoints"))["endpoints"]
    assert [one["id"] for one in listed] == [endpoint]
    assert api.request("DELETE", where).status == 204
    assert api.request("GET", f"/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy").status == 404


def test_the_nearest_association_wins(api):
    paths, endpoint = tree(api)
    for subject in ("service", "top", "region", "endpoint"):
        made = policy(api)
        api.ok("PUT", path(made, paths[subject]))
        found = api.ok("GET", f"/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy")["policy"]
        assert found["id"] == made["id"], subject


def test_another_policy_takes_the_place(api):
    first, second, (paths, endpoint) = policy(api), policy(api), tree(api)
    for made in (first, second):
        api.ok("PUT", path(made, paths["service"]))
    assert api.request("GET", path(first, paths["service"])).status == 404
    assert api.ok("GET", f"/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy")["policy"]["id"] == second["id"]
    api.ok("DELETE", f"/policies/{second['id']}")
    assert api.request("GET", f"/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy").status == 404


def test_associations_of_what_is_not_there(api):
    made, (paths, _) = policy(api), tree(api)
    for subject in ("/endpoints/none", "/services/none", paths["service"] + "/regions/none"):
        assert api.request("PUT", path(made, subject)).status == 404
    assert api.request("PUT", path({"id": "none"}, paths["endpoint"])).status == 404
