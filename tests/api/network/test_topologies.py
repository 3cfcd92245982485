"""A project's first network, made when it is asked for."""

import pytest

PATH = "/network/v2.0/auto-allocated-topology/"


@pytest.fixture(scope="module")
def stranger(cloud):
    """A project without any network, and how its member asks."""
    project = cloud.request("POST", "/identity/v3/projects", {"project": {"name": "empty"}}).json["project"]["id"]
    user = cloud.request("GET", "/identity/v3/users?name=demo").json["users"][0]["id"]
    role = cloud.request("GET", "/identity/v3/roles?name=member").json["roles"][0]["id"]
    cloud.request("PUT", f"/identity/v3/projects/{project}/users/{user}/roles/{role}")
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": "demo", "domain": {"id": "default"}, "password": "demo-secret"}}},
        "scope": {"project": {"id": project}}}}
    token = cloud.request("POST", "/identity/v3/auth/tokens", body, as_=None).headers["x-subject-token"]

    def ask(method, path, body=None):
        return cloud.request(method, path, body, as_=None, headers={"X-Auth-Token": token})
    ask.token = token
    return project, ask


def test_made_once_and_removed(stranger):
    project, ask = stranger
    dry = ask("GET", PATH + "None?fields=dry-run").json["auto_allocated_topology"]
    assert (dry["id"], dry["project_id"]) == ("dry-run=pass", project)
    assert ask("GET", "/network/v2.0/networks?router:external=false").json["networks"] == []
    first = ask("GET", PATH + project)
    assert first.status == 200, first
    network = first.json["auto_allocated_topology"]["id"]
    assert ask("GET", PATH + "None").json["auto_allocated_topology"]["id"] == network
    shown = ask("GET", f"/network/v2.0/networks/{network}").json["network"]
    assert (shown["name"], len(shown["subnets"])) == ("auto_allocated_network", 1)
    routers = ask("GET", "/network/v2.0/routers").json["routers"]
    assert [one["name"] for one in routers] == ["auto_allocated_router"]
    assert ask("DELETE", PATH + project).status == 204
    assert ask("GET", f"/network/v2.0/networks/{network}").status == 404
    assert ask("GET", "/network/v2.0/routers").json["routers"] == []
    assert ask("DELETE", PATH + project).status == 404


def test_only_ones_own(cloud, stranger):
    project, _ = stranger
    assert cloud.request("GET", PATH + project, as_="demo").status in (403, 404)
    assert cloud.request("DELETE", PATH + project, as_="demo").status in (403, 404)


def test_a_cloud_without_defaults(cloud, stranger):
    _, ask = stranger
    pool = cloud.request("GET", "/network/v2.0/subnetpools?is_default=true").json["subnetpools"][0]["id"]
    cloud.request("PUT", f"/network/v2.0/subnetpools/{pool}", {"subnetpool": {"is_default": False}})
    refused = ask("GET", PATH + "None?fields=dry-run")
    assert refused.status == 409
    assert refused.json["NeutronError"]["type"] == "AutoAllocationFailure"
    assert ask("GET", PATH + "None").status == 409
    cloud.request("PUT", f"/network/v2.0/subnetpools/{pool}", {"subnetpool": {"is_default": True}})
