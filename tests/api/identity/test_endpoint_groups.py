"""Endpoint groups, endpoints of projects, and the catalogs that follow from both."""

import pytest

from .test_cost import queries  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("catalog_as_before")
GROUPS = "/OS-EP-FILTER/endpoint_groups"


def scoped(project):
    return {"project": {"id": project["id"]}}


def catalog(api, user, project):
    """The ids of the endpoints in a new token's catalog, and the same of /auth/catalog."""
    answer = api.login(user, scope=scoped(project))
    told = {one["id"] for entry in answer.json["token"]["catalog"] for one in entry["endpoints"]}
    again = api.ok("GET", "/auth/catalog", token=answer.headers["x-subject-token"])["catalog"]
    assert {one["id"] for entry in again for one in entry["endpoints"]} == told
    return told


@pytest.fixture(scope="module")
def region(cloud):
    made = cloud.request("POST", "/identity/v3/regions", {"region": {"id": "filtered"}})
    assert made.status == 201
    return made.json["region"]["id"]


def endpoint(api, region, interface="public", service=None):
    service = service or api.make("service", type="filtered")
    return api.make("endpoint", service_id=service["id"], interface=interface, region_id=region, url="http://x/")


def group(api, **filters):
    body = {"endpoint_group": {"name": "g", "description": "d", "filters": filters}}
    return api.ok("POST", GROUPS, body)["endpoint_group"]


def test_life_of_a_group(api, region):
    made = group(api, region_id=region)
    path = f"{GROUPS}/{made['id']}"
    assert made == {"id": made["id"], "name": "g", "description": "d", "filters": {"region_id": region},
                    "links": made["links"]}
    assert api.ok("GET", path)["endpoint_group"] == made
    assert made in api.ok("GET", f"{GROUPS}?name=g")["endpoint_groups"]
    changed = api.ok("PATCH", path, {"endpoint_group": {"filters": {"interface": "admin"}}})["endpoint_group"]
    assert (changed["name"], changed["filters"]) == ("g", {"interface": "admin"})
    assert api.request("DELETE", path).status == 204
    assert api.request("GET", path).status == 404


@pytest.mark.parametrize("filters", [{"interface": "private"}, {"color": "red"}, {"service_id": 1}])
def test_filters_that_are_none(api, filters):
    body = {"endpoint_group": {"name": "g", "filters": filters}}
    assert api.request("POST", GROUPS, body).status == 400


def test_a_project_that_was_given_an_endpoint_sees_no_other(api, region):
    user, project = api.person()
    everything = catalog(api, user, project)
    one = endpoint(api, region)
    path = f"/OS-EP-FILTER/projects/{project['id']}/endpoints/{one['id']}"
    assert api.request("GET", path).status == 404
    assert api.request("PUT", path).status == api.request("PUT", path).status == 204
    assert api.request("HEAD", path).status == 204
    assert catalog(api, user, project) == {one["id"]}
    assert [row["id"] for row in api.ok("GET", f"/OS-EP-FILTER/projects/{project['id']}/endpoints")["endpoints"]] == [
        one["id"]]
    assert [row["id"] for row in api.ok("GET", f"/OS-EP-FILTER/endpoints/{one['id']}/projects")["projects"]] == [
        project["id"]]
    assert api.request("DELETE", path).status == 204
    assert api.request("DELETE", path).status == 404
    assert catalog(api, user, project) == everything | {one["id"]}


def test_a_group_gives_what_meets_its_filters_now_and_later(api, region):
    user, project = api.person()
    service = api.make("service", type="grouped")
    made = group(api, service_id=service["id"], interface="public")
    path = f"{GROUPS}/{made['id']}/projects/{project['id']}"
    assert api.request("GET", path).status == 404
    assert api.request("PUT", path).status == 204
    assert api.ok("GET", path)["project_endpoint_group"]["project_id"] == project["id"]
    assert catalog(api, user, project) == set()
    public = endpoint(api, region, service=service)
    endpoint(api, region, "admin", service)
    assert catalog(api, user, project) == {public["id"]}
    assert [row["id"] for row in api.ok("GET", f"{GROUPS}/{made['id']}/endpoints")["endpoints"]] == [public["id"]]
    assert [row["id"] for row in api.ok("GET", f"{GROUPS}/{made['id']}/projects")["projects"]] == [project["id"]]
    listed = api.ok("GET", f"/OS-EP-FILTER/projects/{project['id']}/endpoint_groups")["endpoint_groups"]
    assert [row["id"] for row in listed] == [made["id"]]
    assert [row["id"] for row in api.ok("GET", f"/OS-EP-FILTER/projects/{project['id']}/endpoints")["endpoints"]] == [
        public["id"]]
    api.ok("DELETE", f"{GROUPS}/{made['id']}")
    assert len(catalog(api, user, project)) > 1


def test_what_goes_away_is_forgotten(api, region):
    user, project = api.person()
    one = endpoint(api, region)
    api.ok("PUT", f"/OS-EP-FILTER/projects/{project['id']}/endpoints/{one['id']}")
    api.ok("DELETE", f"/endpoints/{one['id']}")
    assert len(catalog(api, user, project)) > 1
    other = endpoint(api, region)
    api.ok("PUT", f"/OS-EP-FILTER/projects/{project['id']}/endpoints/{other['id']}")
    api.ok("DELETE", f"/projects/{project['id']}")
    assert api.ok("GET", f"/OS-EP-FILTER/endpoints/{other['id']}/projects")["projects"] == []


@pytest.mark.parametrize("path", ["/OS-EP-FILTER/projects/none/endpoints", f"{GROUPS}/none/projects",
                                  f"{GROUPS}/none/endpoints", "/OS-EP-FILTER/endpoints/none/projects",
                                  "/OS-EP-FILTER/projects/none/endpoint_groups"])
def test_lists_of_what_is_not_there(api, path):
    assert api.request("GET", path).status == 404


def test_a_filtered_catalog_costs_no_query_when_it_is_known(api, region, queries):  # noqa: F811
    user, project = api.person()
    made = group(api, region_id=region)
    api.ok("PUT", f"{GROUPS}/{made['id']}/projects/{project['id']}")
    token = api.token(user, scope=scoped(project))
    api.ok("GET", "/auth/catalog", token=token)
    with queries() as statements:
        api.ok("GET", "/auth/catalog", token=token)
    assert statements == []
    api.make("region")
    with queries() as statements:
        api.ok("GET", "/auth/catalog", token=token)
    few = len(statements)
    for _ in range(20):
        endpoint(api, region)
    with queries() as statements:
        api.ok("GET", "/auth/catalog", token=token)
    assert len(statements) == few
