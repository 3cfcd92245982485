"""Registered limits, limits, and the models that bind them."""

import itertools

import pytest
from stratolith.core.conformance.cloud import InProcess

NUMBERS = itertools.count(1)


def registered(api, service=None, **more):
    service = service or api.make("service", type="limited")["id"]
    body = {"service_id": service, "resource_name": f"r{next(NUMBERS)}", "default_limit": 10, **more}
    return api.ok("POST", "/registered_limits", {"registered_limits": [body]})["registered_limits"][0]


def limit(api, of, number, **target):
    body = {"service_id": of["service_id"], "resource_name": of["resource_name"], "resource_limit": number, **target}
    if of["region_id"]:
        body["region_id"] = of["region_id"]
    return api.request("POST", "/limits", {"limits": [body]})


def made(answer):
    assert answer.status == 201, answer
    return answer.json["limits"][0]


def test_life_of_a_registered_limit(api):
    region = api.make("region")["id"]
    one = registered(api, region_id=region, description="d")
    path = f"/registered_limits/{one['id']}"
    assert one["region_id"] == region and one["default_limit"] == 10 and one["description"] == "d"
    assert api.ok("GET", path)["registered_limit"] == one
    for query in (f"service_id={one['service_id']}", f"resource_name={one['resource_name']}", f"region_id={region}"):
        assert api.ok("GET", f"/registered_limits?{query}")["registered_limits"] == [one]
    changed = api.ok("PATCH", path, {"registered_limit": {"default_limit": -1}})["registered_limit"]
    assert changed == {**one, "default_limit": -1}
    assert api.request("DELETE", path).status == 204
    assert api.request("GET", path).status == 404


def test_registered_limits_are_made_all_or_none(api):
    service = api.make("service", type="limited")["id"]
    good = {"service_id": service, "resource_name": "a", "default_limit": 1}
    bodies = [good, {**good, "resource_name": "b"}, good]
    assert api.request("POST", "/registered_limits", {"registered_limits": bodies}).status == 409
    assert api.ok("GET", f"/registered_limits?service_id={service}")["registered_limits"] == []
    answer = api.ok("POST", "/registered_limits", {"registered_limits": bodies[:2]})
    assert [one["resource_name"] for one in answer["registered_limits"]] == ["a", "b"]


@pytest.mark.parametrize("change", [{"service_id": "0" * 32}, {"region_id": "nowhere"}, {"default_limit": -2},
                                    {"default_limit": "1"}, {"resource_name": ""}, {"color": "red"}])
def test_registered_limits_that_are_none(api, change):
    service = api.make("service", type="limited")["id"]
    body = {"service_id": service, "resource_name": "x", "default_limit": 1, **change}
    assert api.request("POST", "/registered_limits", {"registered_limits": [body]}).status == 400


def test_life_of_a_limit(api):
    of, project = registered(api), api.make("project")
    one = made(limit(api, of, 5, project_id=project["id"]))
    path = f"/limits/{one['id']}"
    assert (one["project_id"], one["domain_id"], one["resource_limit"]) == (project["id"], None, 5)
    assert (one["service_id"], one["resource_name"]) == (of["service_id"], of["resource_name"])
    assert api.ok("GET", path)["limit"] == one
    for query in (f"project_id={project['id']}", f"service_id={of['service_id']}",
                  f"resource_name={of['resource_name']}"):
        assert api.ok("GET", f"/limits?{query}")["limits"] == [one]
    changed = api.ok("PATCH", path, {"limit": {"resource_limit": 6, "description": "d"}})["limit"]
    assert changed == {**one, "resource_limit": 6, "description": "d"}
    assert api.request("PATCH", path, {"limit": {"project_id": "x"}}).status == 400
    assert limit(api, of, 5, project_id=project["id"]).status == 409
    assert api.request("DELETE", path).status == 204
    assert api.request("GET", path).status == 404


def test_a_limit_of_a_domain(api):
    of, domain = registered(api), api.make("domain")
    one = made(limit(api, of, 5, domain_id=domain["id"]))
    assert (one["project_id"], one["domain_id"]) == (None, domain["id"])
    assert api.ok("GET", f"/limits?domain_id={domain['id']}")["limits"] == [one]


def test_limits_need_something_registered_and_a_target(api):
    of, project = registered(api), api.make("project")
    assert limit(api, {**of, "resource_name": "other"}, 5, project_id=project["id"]).status == 403
    assert limit(api, of, 5, project_id="0" * 32).status == 400
    assert limit(api, of, 5, domain_id=project["id"]).status == 400
    assert limit(api, of, 5, project_id="default").status == 400
    assert limit(api, of, 5).status == 400
    assert limit(api, of, 5, project_id=project["id"], domain_id="default").status == 400


def test_what_limits_refer_to_stays_as_it_is(api):
    of, project = registered(api), api.make("project")
    one = made(limit(api, of, 5, project_id=project["id"]))
    path = f"/registered_limits/{of['id']}"
    assert api.request("PATCH", path, {"registered_limit": {"default_limit": 1}}).status == 403
    assert api.request("DELETE", path).status == 403
    api.ok("DELETE", f"/limits/{one['id']}")
    assert api.request("DELETE", path).status == 204


def test_limits_go_with_their_project_and_domain(api):
    of, domain = registered(api), api.make("domain")
    project = api.make("project", domain_id=domain["id"])
    ones = [made(limit(api, of, 5, project_id=project["id"])), made(limit(api, of, 5, domain_id=domain["id"])),
            made(limit(api, of, 5, domain_id="default"))]
    api.ok("DELETE", f"/projects/{project['id']}")
    assert api.request("GET", f"/limits/{ones[0]['id']}").status == 404
    api.ok("PATCH", f"/domains/{domain['id']}", {"domain": {"enabled": False}})
    api.ok("DELETE", f"/domains/{domain['id']}")
    assert api.request("GET", f"/limits/{ones[1]['id']}").status == 404
    api.ok("DELETE", f"/services/{of['service_id']}")
    assert api.request("DELETE", f"/limits/{ones[2]['id']}").status == 204
    assert api.request("DELETE", f"/registered_limits/{of['id']}").status == 204


def test_others_see_the_limits_of_their_own(api):
    of, domain = registered(api), api.make("domain")
    user, project = api.person("reader", domain_id=domain["id"])
    inside = api.make("project", domain_id=domain["id"])
    api.grant(user, "reader", domain=domain)
    own, other = (made(limit(api, of, 5, project_id=one["id"])) for one in (project, inside))
    above = made(limit(api, of, 5, domain_id=domain["id"]))
    token = api.token(user, scope={"project": {"id": project["id"]}})
    assert api.ok("GET", "/limits", token=token)["limits"] == [own]
    assert api.request("GET", f"/limits/{own['id']}", token=token).status == 200
    assert api.request("GET", f"/limits/{other['id']}", token=token).status == 403
    token = api.token(user, scope={"domain": {"id": domain["id"]}})
    assert {one["id"] for one in api.ok("GET", "/limits", token=token)["limits"]} == {other["id"], above["id"]}
    assert api.request("GET", f"/limits/{above['id']}", token=token).status == 200
    assert api.request("GET", f"/limits/{own['id']}", token=token).status == 403


def test_hierarchies_tell_limits(api):
    of, top = registered(api), api.make("project")
    below = api.make("project", parent_id=top["id"])
    admin = api.ok("GET", "/users?name=admin")["users"][0]
    for project in (top, below):
        api.grant(admin, "member", project)
    one = made(limit(api, of, 5, project_id=below["id"]))
    for query, limits in (("", None), ("&include_limits", [one])):
        shown = api.ok("GET", f"/projects/{top['id']}?subtree_as_list{query}")["project"]["subtree"]
        assert [project["project"].get("limits") for project in shown] == [limits]


def test_the_model_is_flat(api):
    assert api.ok("GET", "/limits/model")["model"]["name"] == "flat"


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A cloud of the strict model."""
    started = InProcess(tmp_path_factory.mktemp("strict"), services=["identity"],
                        options={"identity": {"limit_model": "strict_two_level"}}).start()
    yield started
    started.stop()


def test_no_project_has_more_than_its_domain(strict, api):
    api = type(api)(strict)
    assert api.ok("GET", "/limits/model")["model"]["name"] == "strict_two_level"
    of, domain = registered(api), api.make("domain")
    project = api.make("project", domain_id=domain["id"])
    assert limit(api, of, 11, project_id=project["id"]).status == 403
    one = made(limit(api, of, 9, project_id=project["id"]))
    assert limit(api, of, 8, domain_id=domain["id"]).status == 403
    above = made(limit(api, of, 9, domain_id=domain["id"]))
    for path, number, status in ((one, 10, 403), (one, -1, 403), (above, 8, 403), (above, 20, 200), (one, 20, 200),
                                 (above, -1, 200), (one, -1, 200)):
        answer = api.request("PATCH", f"/limits/{path['id']}", {"limit": {"resource_limit": number}})
        assert answer.status == status, number
    body = {"project": {"name": "deeper", "parent_id": project["id"]}}
    assert api.request("POST", "/projects", body).status == 403
