"""Roles, implied roles and assignments."""

import pytest


def test_life_of_a_role(api):
    role = api.make("role", description="d")
    path = f"/roles/{role['id']}"
    assert role["domain_id"] is None
    assert api.ok("GET", path)["role"] == role
    assert api.ok("PATCH", path, {"role": {"name": "renamed"}})["role"]["name"] == "renamed"
    assert api.request("POST", "/roles", {"role": {"name": "renamed"}}).status == 409
    assert api.request("DELETE", path).status == 204
    assert api.request("GET", path).status == 404


def test_roles_of_a_domain(api):
    domain = api.make("domain")
    role = api.make("role", domain_id=domain["id"])
    assert role["id"] not in {one["id"] for one in api.ok("GET", "/roles")["roles"]}
    assert [one["id"] for one in api.ok("GET", f"/roles?domain_id={domain['id']}")["roles"]] == [role["id"]]


def test_implied_roles(api):
    prior, implied = api.make("role"), api.make("role")
    path = f"/roles/{prior['id']}/implies/{implied['id']}"
    assert api.request("GET", path).status == 404
    made = api.request("PUT", path)
    assert made.status == 201
    assert made.json["role_inference"]["implies"]["id"] == implied["id"]
    assert api.request("HEAD", path).status == 204
    listed = api.ok("GET", f"/roles/{prior['id']}/implies")["role_inference"]
    assert [one["id"] for one in listed["implies"]] == [implied["id"]]
    every = api.ok("GET", "/role_inferences")["role_inferences"]
    assert prior["id"] in {one["prior_role"]["id"] for one in every}
    assert api.request("DELETE", path).status == 204
    assert api.request("DELETE", path).status == 404


def test_a_role_of_a_domain_is_given_within_it_only_and_implied_by_no_role_of_all(api):
    domain, other, user = api.make("domain"), api.make("domain"), api.make("user")
    role, foreign = api.make("role", domain_id=domain["id"]), api.make("role", domain_id=other["id"])
    inside, outside = api.make("project", domain_id=domain["id"]), api.make("project", domain_id=other["id"])

    def status(place):
        return api.request("PUT", f"/{place}/users/{user['id']}/roles/{role['id']}").status
    assert status(f"projects/{inside['id']}") == status(f"domains/{domain['id']}") == 204
    assert status(f"projects/{outside['id']}") == status(f"domains/{other['id']}") == 403
    assert status("system") == 400
    assert api.request("PUT", f"/roles/{role['id']}/implies/{foreign['id']}").status == 201
    assert api.request("PUT", f"/roles/{api.role('reader')}/implies/{role['id']}").status == 403
    assert api.request("PUT", f"/roles/{role['id']}/implies/{api.role('reader')}").status == 201


@pytest.mark.parametrize("actor", ["user", "group"])
@pytest.mark.parametrize("target", ["project", "domain", "system"])
def test_assignment(api, actor, target):
    who, role = api.make(actor), api.make("role")
    where = "/system" if target == "system" else f"/{target}s/{api.make(target)['id']}"
    path = f"{where}/{actor}s/{who['id']}/roles"
    assert api.request("HEAD", f"{path}/{role['id']}").status == 404
    for _ in range(2):
        assert api.request("PUT", f"{path}/{role['id']}").status == 204
    assert api.request("HEAD", f"{path}/{role['id']}").status == 204
    assert [one["id"] for one in api.ok("GET", path)["roles"]] == [role["id"]]
    listed = api.ok("GET", f"/role_assignments?{actor}.id={who['id']}")["role_assignments"]
    assert [(one["role"]["id"], one[actor]["id"]) for one in listed] == [(role["id"], who["id"])]
    assert set(listed[0]["scope"]) == {target}
    assert api.request("DELETE", f"{path}/{role['id']}").status == 204
    assert api.request("DELETE", f"{path}/{role['id']}").status == 404


def test_assignments_of_unknown_things(api):
    user, project = api.person()
    nothing = "0" * 32
    member = api.role("member")
    for path in (f"/projects/{nothing}/users/{user['id']}/roles/{member}",
                 f"/projects/{project['id']}/users/{nothing}/roles/{member}",
                 f"/projects/{project['id']}/users/{user['id']}/roles/{nothing}",
                 f"/domains/{project['id']}/users/{user['id']}/roles/{member}"):
        assert api.request("PUT", path).status == 404


def test_inherited_assignment(api):
    domain = api.make("domain")
    user = api.make("user", password="secret", domain_id=domain["id"])
    project = api.make("project", domain_id=domain["id"])
    below = api.make("project", parent_id=project["id"])
    path = (f"/OS-INHERIT/domains/{domain['id']}/users/{user['id']}/roles/{api.role('reader')}"
            "/inherited_to_projects")
    assert api.request("PUT", path).status == 204
    for one in (project, below):
        assert api.login(user, scope={"project": {"id": one["id"]}}).status == 201
    assert api.login(user, scope={"domain": {"id": domain["id"]}}).status == 401
    query = f"/role_assignments?user.id={user['id']}"
    listed = api.ok("GET", query)["role_assignments"][0]
    assert listed["scope"] == {"domain": {"id": domain["id"]}, "OS-INHERIT:inherited_to": "projects"}
    assert listed["links"]["assignment"].endswith(path)
    effective = api.ok("GET", query + "&effective")["role_assignments"]
    assert {one["scope"]["project"]["id"] for one in effective} == {project["id"], below["id"]}
    assert api.request("DELETE", path).status == 204
    assert api.login(user, scope={"project": {"id": below["id"]}}).status == 401


def test_inheritance_on_a_project_is_for_those_below(api):
    top = api.make("project")
    below = api.make("project", parent_id=top["id"])
    user = api.make("user", password="secret")
    api.ok("PUT", f"/OS-INHERIT/projects/{top['id']}/users/{user['id']}/roles/{api.role('reader')}"
                  "/inherited_to_projects")
    assert api.login(user, scope={"project": {"id": top["id"]}}).status == 401
    assert api.login(user, scope={"project": {"id": below["id"]}}).status == 201


def test_effective_assignments_with_names(api):
    user, group, project = api.make("user"), api.make("group"), api.make("project")
    api.ok("PUT", f"/groups/{group['id']}/users/{user['id']}")
    api.ok("PUT", f"/projects/{project['id']}/groups/{group['id']}/roles/{api.role('member')}")
    found = api.ok("GET", f"/role_assignments?scope.project.id={project['id']}&effective&include_names")
    assert sorted(one["role"]["name"] for one in found["role_assignments"]) == ["member", "reader"]
    for one in found["role_assignments"]:
        assert one["user"] == {"id": user["id"], "name": user["name"], "domain": {"id": "default", "name": "Default"}}
        assert one["scope"]["project"]["name"] == project["name"]
        assert one["links"]["membership"].endswith(f"/groups/{group['id']}/users/{user['id']}")
    filtered = f"/role_assignments?user.id={user['id']}&role.id={api.role('reader')}&effective"
    assert len(api.ok("GET", filtered)["role_assignments"]) == 1


@pytest.mark.parametrize("query", ["user.id=a&group.id=b", "scope.project.id=a&scope.domain.id=b",
                                   "effective&group.id=a", "include_subtree", "scope.OS-INHERIT:inherited_to=x"])
def test_contradicting_filters(api, query):
    assert api.request("GET", f"/role_assignments?{query}").status in (400, 403)


def test_deleted_role_is_assigned_no_more(api):
    user, project, role = api.make("user", password="secret"), api.make("project"), api.make("role")
    api.ok("PUT", f"/projects/{project['id']}/users/{user['id']}/roles/{role['id']}")
    api.ok("DELETE", f"/roles/{role['id']}")
    assert api.login(user, scope={"project": {"id": project["id"]}}).status == 401
