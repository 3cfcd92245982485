"""Tokens: issued for each scope, validated, rescoped, revoked."""

import pytest


def scoped(project):
    return {"project": {"id": project["id"]}}


def test_project_token(api):
    user, project = api.person()
    answer = api.login(user, scope=scoped(project))
    token = answer.json["token"]
    assert len(answer.headers["x-subject-token"]) <= 255
    assert token["project"] == {"id": project["id"], "name": project["name"],
                                "domain": {"id": "default", "name": "Default"}}
    assert token["methods"] == ["password"]
    assert [role["name"] for role in token["roles"]] == ["member", "reader"]
    assert "identity" in {entry["type"] for entry in token["catalog"]}
    assert token["user"] == {"id": user["id"], "name": user["name"], "password_expires_at": None,
                             "domain": {"id": "default", "name": "Default"}}
    assert len(token["audit_ids"]) == 1
    assert token["is_domain"] is False


def test_scope_by_names(api):
    user, project = api.person()
    named = {"project": {"name": project["name"], "domain": {"name": "Default"}}}
    assert api.login(user["name"], scope=named).json["token"]["project"]["id"] == project["id"]


def test_no_scope_is_unscoped(api):
    user, _ = api.person()
    token = api.login(user).json["token"]
    assert not {"project", "domain", "system", "roles", "catalog"} & set(token)


def test_default_project(api):
    user, project = api.person()
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"default_project_id": project["id"]}})
    assert api.login(user).json["token"]["project"]["id"] == project["id"]
    assert "project" not in api.login(user, scope={"unscoped": {}}).json["token"]


def test_default_project_without_a_role_is_unscoped(api):
    user, other = api.make("user", password="secret"), api.make("project")
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"default_project_id": other["id"]}})
    assert "project" not in api.login(user).json["token"]


def test_domain_token(api):
    domain = api.make("domain")
    user = api.make("user", password="secret", domain_id=domain["id"])
    api.grant(user, "manager", domain=domain)
    token = api.login(user, scope={"domain": {"name": domain["name"]}}).json["token"]
    assert token["domain"] == {"id": domain["id"], "name": domain["name"]}
    assert [role["name"] for role in token["roles"]] == ["manager", "member", "reader"]


def test_system_token(api):
    token = api.login("admin", "admin-secret", {"system": {"all": True}}).json["token"]
    assert token["system"] == {"all": True}
    assert "admin" in [role["name"] for role in token["roles"]]


@pytest.mark.parametrize("scope", [
    {"project": {"id": "0" * 32}}, {"domain": {"id": "default"}}, {"system": {"all": True}},
    {"project": {"name": "nothing", "domain": {"id": "default"}}},
    {"project": {"name": "demo", "domain": {"name": "nowhere"}}}])
def test_scope_without_a_role(api, scope):
    user, _ = api.person()
    answer = api.login(user, scope=scope)
    assert answer.status == 401
    assert answer.json["error"]["title"] == "Unauthorized"


@pytest.mark.parametrize("auth", [
    {}, {"identity": {}}, {"identity": {"methods": []}}, {"identity": {"methods": ["password"]}},
    {"identity": {"methods": ["password"], "password": {"user": {"name": "admin", "password": "x"}}}},
    {"identity": {"methods": ["password"], "password": {"user": {"id": "x"}}}},
    {"identity": {"methods": ["password"], "password": {"user": {"id": 7, "password": "x"}}}},
    {"identity": {"methods": "password"}}, {"identity": {"methods": ["token"], "token": {}}},
    {"identity": {"methods": ["password"], "password": {"user": {"id": "x", "password": "x"}}},
     "scope": {"project": {"name": "x"}}}])
def test_malformed_requests(api, auth):
    answer = api.request("POST", "/auth/tokens", {"auth": auth}, as_=None)
    assert answer.status == 400
    assert set(answer.json["error"]) == {"code", "title", "message"}


def test_unknown_method(api):
    assert api.auth({"methods": ["palm reading"]}).status == 401


def test_validation_says_what_issuing_said(api, cloud):
    user, project = api.person()
    answer = api.login(user, scope=scoped(project))
    token = answer.headers["x-subject-token"]
    assert api.validate(token).json == answer.json
    api.make("role")
    cloud.clock.advance(2)
    assert api.validate(token).json == answer.json
    assert "catalog" not in api.validate(token, query="?nocatalog").json["token"]
    head = api.request("HEAD", "/auth/tokens", headers={"X-Subject-Token": token})
    assert (head.status, head.data) == (200, b"")


def test_rescoping_keeps_the_end_and_the_chain(api, cloud):
    user, project = api.person()
    first = api.login(user, scope={"unscoped": {}})
    cloud.clock.advance(60)
    second = api.rescope(first.headers["x-subject-token"], scoped(project))
    third = api.rescope(second.headers["x-subject-token"], {"unscoped": {}})
    tokens = [answer.json["token"] for answer in (first, second, third)]
    assert len({token["expires_at"] for token in tokens}) == 1
    assert tokens[1]["methods"] == ["password", "token"]
    root = tokens[0]["audit_ids"][0]
    assert [token["audit_ids"][1:] for token in tokens] == [[], [root], [root]]


def test_reach(api):
    user, project = api.person()
    token = api.token(user)
    assert [one["id"] for one in api.ok("GET", "/auth/projects", token=token)["projects"]] == [project["id"]]
    assert api.ok("GET", "/auth/domains", token=token)["domains"] == []
    assert api.ok("GET", "/auth/system", token=token)["system"] == []
    api.ok("PATCH", f"/projects/{project['id']}", {"project": {"enabled": False}})
    assert api.ok("GET", "/auth/projects", token=token)["projects"] == []


def test_catalog_needs_a_scope(api):
    user, project = api.person()
    assert api.request("GET", "/auth/catalog", token=api.token(user)).status == 403
    catalog = api.ok("GET", "/auth/catalog", token=api.token(user, scope=scoped(project)))["catalog"]
    assert "identity" in {entry["type"] for entry in catalog}


def test_catalog_with_the_project_in_an_address(api):
    user, project = api.person()
    service = api.make("service", type="test")
    api.ok("POST", "/endpoints", {"endpoint": {"service_id": service["id"], "interface": "public",
                                               "url": "http://x/%(project_id)s"}})
    catalog = api.login(user, scope=scoped(project)).json["token"]["catalog"]
    assert [entry["endpoints"][0]["url"] for entry in catalog if entry["type"] == "test"] == [
        f"http://x/{project['id']}"]
    api.ok("DELETE", f"/services/{service['id']}")
