"""Projects, domains and tags."""

import pytest


def test_life_of_a_project(api):
    project = api.make("project", description="d", color="red")
    path = f"/projects/{project['id']}"
    assert (project["domain_id"], project["parent_id"], project["is_domain"]) == ("default", "default", False)
    assert (project["enabled"], project["tags"], project["options"]) == (True, [], {})
    assert api.ok("GET", path)["project"] == project
    changed = api.ok("PATCH", path, {"project": {"name": "new", "size": 1}})["project"]
    assert (changed["name"], changed["color"], changed["size"], changed["description"]) == ("new", "red", 1, "d")
    assert api.request("DELETE", path).status == 204
    assert api.request("GET", path).status == 404


@pytest.mark.parametrize("project", [{}, {"name": ""}, {"name": "x" * 65}, {"name": 3}, {"name": "x", "enabled": 1},
                                     {"name": "x", "tags": ["a,b"]}, {"name": "x", "tags": "a"}])
def test_bad_projects(api, project):
    assert api.request("POST", "/projects", {"project": project}).status == 400


def test_a_name_is_taken_once_in_a_domain(api):
    project, domain = api.make("project"), api.make("domain")
    assert api.request("POST", "/projects", {"project": {"name": project["name"]}}).status == 409
    api.make("project", name=project["name"], domain_id=domain["id"])


def test_hierarchy(api):
    top = api.make("project")
    middle = api.make("project", parent_id=top["id"])
    leaf = api.make("project", parent_id=middle["id"])
    assert leaf["domain_id"] == "default"
    shown = api.ok("GET", f"/projects/{leaf['id']}?parents_as_ids")["project"]["parents"]
    assert shown == {middle["id"]: {top["id"]: {"default": None}}}
    shown = api.ok("GET", f"/projects/{top['id']}?subtree_as_ids")["project"]["subtree"]
    assert shown == {middle["id"]: {leaf["id"]: None}}
    assert api.request("DELETE", f"/projects/{middle['id']}").status == 403
    off = {"project": {"enabled": False}}
    assert api.request("PATCH", f"/projects/{middle['id']}", off).status == 403
    assert api.request("PATCH", f"/projects/{leaf['id']}", off).status == 200
    assert api.request("PATCH", f"/projects/{leaf['id']}", {"project": {"parent_id": top["id"]}}).status == 400
    deep = leaf
    api.ok("PATCH", f"/projects/{leaf['id']}", {"project": {"enabled": True}})
    for _ in range(2):
        deep = api.make("project", parent_id=deep["id"])
    answer = api.request("POST", "/projects", {"project": {"name": "too-deep", "parent_id": deep["id"]}})
    assert answer.status == 403


def test_lists_of_a_hierarchy_hold_what_is_in_reach(api):
    top = api.make("project")
    below = [api.make("project", parent_id=top["id"]) for _ in range(2)]
    user = api.make("user", password="secret")
    for project in (top, below[0]):
        api.grant(user, "reader", project)
    token = api.token(user, scope={"project": {"id": top["id"]}})
    shown = api.ok("GET", f"/projects/{top['id']}?subtree_as_list", token=token)["project"]["subtree"]
    assert [one["project"]["id"] for one in shown] == [below[0]["id"]]


def test_parent_of_another_domain(api):
    domain, parent = api.make("domain"), api.make("project")
    body = {"project": {"name": "x", "domain_id": domain["id"], "parent_id": parent["id"]}}
    assert api.request("POST", "/projects", body).status == 400


def test_list_filters(api):
    domain = api.make("domain")
    one = api.make("project", domain_id=domain["id"], tags=["a", "b"])
    two = api.make("project", domain_id=domain["id"], tags=["b"], enabled=False)

    def found(query):
        return {row["id"] for row in api.ok("GET", f"/projects?domain_id={domain['id']}&{query}")["projects"]}
    assert found("") == {one["id"], two["id"]}
    assert found(f"name={one['name']}") == {one["id"]}
    assert found("enabled=0") == {two["id"]}
    assert found("tags=a,b") == {one["id"]}
    assert found("tags-any=a,b") == {one["id"], two["id"]}
    assert found("not-tags=a,b") == {two["id"]}
    assert found("not-tags-any=a") == {two["id"]}
    assert found(f"parent_id={domain['id']}") == {one["id"], two["id"]}
    domains = {row["id"] for row in api.ok("GET", "/projects?is_domain=true")["projects"]}
    assert domain["id"] in domains
    assert one["id"] not in domains


def test_tags(api):
    project = api.make("project", tags=["one"])
    path = f"/projects/{project['id']}/tags"
    assert api.request("PUT", path + "/two").status == 201
    assert api.ok("GET", path)["tags"] == ["one", "two"]
    assert api.request("HEAD", path + "/two").status == 204
    assert api.request("DELETE", path + "/one").status == 204
    assert api.request("GET", path + "/one").status == 404
    assert api.ok("PUT", path, {"tags": ["x", "y"]})["tags"] == ["x", "y"]
    assert api.request("PUT", path, {"tags": [str(number) for number in range(81)]}).status == 400
    assert api.request("DELETE", path).status == 204
    assert api.ok("GET", path)["tags"] == []


def test_a_project_that_goes_is_nobodys_default(api):
    user, project = api.person()
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"default_project_id": project["id"]}})
    api.ok("DELETE", f"/projects/{project['id']}")
    assert api.ok("GET", f"/users/{user['id']}")["user"].get("default_project_id") is None


def test_life_of_a_domain(api):
    domain = api.make("domain", description="d")
    path = f"/domains/{domain['id']}"
    assert api.ok("GET", path)["domain"] == domain
    assert api.ok("GET", f"/projects/{domain['id']}")["project"]["is_domain"] is True
    user = api.make("user", domain_id=domain["id"])
    group = api.make("group", domain_id=domain["id"])
    project = api.make("project", domain_id=domain["id"])
    api.make("project", domain_id=domain["id"], parent_id=project["id"])
    role = api.make("role", domain_id=domain["id"])
    api.grant(user, "member", project)
    assert api.request("DELETE", path).status == 403
    api.ok("PATCH", path, {"domain": {"enabled": False}})
    assert api.request("DELETE", path).status == 204
    for gone in (path, f"/users/{user['id']}", f"/groups/{group['id']}", f"/projects/{project['id']}",
                 f"/roles/{role['id']}"):
        assert api.request("GET", gone).status == 404


def test_a_project_is_no_domain(api):
    project = api.make("project")
    assert api.request("GET", f"/domains/{project['id']}").status == 404


def test_default_domain_stays(api):
    assert api.request("DELETE", "/domains/default").status == 403


def test_immutable_project(api):
    project = api.make("project", options={"immutable": True})
    path = f"/projects/{project['id']}"
    assert api.request("DELETE", path).status == 403
    assert api.request("PATCH", path, {"project": {"name": "x"}}).status == 403
    api.ok("PATCH", path, {"project": {"options": {"immutable": False}}})
    assert api.request("DELETE", path).status == 204


def test_a_tree_is_disabled_enabled_and_deleted_at_once(api):
    top = api.make("project")
    middle = api.make("project", parent_id=top["id"])
    leaf = api.make("project", parent_id=middle["id"])
    path = f"/projects/{top['id']}/cascade"

    def enabled():
        return [api.ok("GET", f"/projects/{one['id']}")["project"]["enabled"] for one in (top, middle, leaf)]
    assert api.request("DELETE", path).status == 403
    assert api.ok("PATCH", path, {"project": {"enabled": False}})["project"]["enabled"] is False
    assert enabled() == [False, False, False]
    api.ok("PATCH", path, {"project": {"enabled": True}})
    assert enabled() == [True, True, True]
    for bad in ({}, {"enabled": False, "name": "x"}, {"enabled": "no"}):
        assert api.request("PATCH", path, {"project": bad}).status == 400
    api.ok("PATCH", path, {"project": {"enabled": False}})
    api.ok("DELETE", path)
    assert [api.request("GET", f"/projects/{one['id']}").status for one in (top, middle, leaf)] == [404, 404, 404]


def test_an_immutable_project_holds_its_tree(api):
    top = api.make("project")
    leaf = api.make("project", parent_id=top["id"], options={"immutable": True})
    path = f"/projects/{top['id']}/cascade"
    assert api.request("PATCH", path, {"project": {"enabled": False}}).status == 403
    assert api.ok("GET", f"/projects/{top['id']}")["project"]["enabled"] is True
    api.ok("PATCH", f"/projects/{leaf['id']}", {"project": {"options": {"immutable": None}}})
