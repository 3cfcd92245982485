"""Administrators ask why somebody may or may not do something."""

import pytest

PATH = "/OS-STRATOLITH/explanations"


def explain(api, user, token=None, **question):
    return api.request("POST", PATH, {"explanation": {"user": {"id": user["id"]}, **question}}, token=token)


def told(*arguments, **question):
    answer = explain(*arguments, **question)
    assert answer.status == 200, answer
    return answer.json["explanation"]


def test_what_is_missing_is_told(api):
    user, project = api.person("reader")
    found = told(api, user, scope={"project": {"id": project["id"]}}, rule="identity:create_user",
                 target={"target.user.domain_id": "default"})
    assert not found["allowed"] and found["source"] == "default" and found["scope"] == "project"
    assert found["user"]["roles"] == ["reader"] and found["can_have_token"]
    assert ["role:admin"] in found["missing"]
    assert any("role:manager" in way and any("the caller has none, the target has default" in term for term in way)
               for way in found["missing"])


def test_what_opened_the_way_is_told(api):
    domain = api.make("domain")
    user = api.make("user", password="secret", domain_id=domain["id"])
    api.grant(user, "manager", domain=domain)
    found = told(api, user, scope={"domain": {"id": domain["id"]}}, operation="POST /identity/v3/users",
                 target={"target.user.domain_id": domain["id"]})
    assert found["allowed"] and found["rule"] == "identity:create_user"
    assert found["because"] == ["role:manager", "domain_id:%(target.user.domain_id)s"]
    assert found["missing"] == []


def test_a_token_of_the_wrong_kind_is_told(api):
    domain = api.make("domain")
    user = api.make("user", password="secret", domain_id=domain["id"])
    api.grant(user, "admin", domain=domain)
    found = told(api, user, scope={"domain": {"id": domain["id"]}}, rule="identity:create_domain")
    assert not found["allowed"] and found["missing"] == [["a token for a project or a system"]]
    assert found["scopes"] == ["project", "system"]


def test_what_is_told_is_what_happens(api):
    user, project = api.person("member")
    token = api.token(user, scope={"project": {"id": project["id"]}})
    for operation, target in (("GET /identity/v3/projects", {}), ("GET /identity/v3/regions", {}),
                              (f"GET /identity/v3/users/{user['id']}", {"target.user.id": user["id"]}),
                              ("POST /identity/v3/roles", {})):
        found = told(api, user, scope={"project": {"id": project["id"]}}, operation=operation, target=target)
        method, path = operation.split()
        body = {"role": {"name": "x"}} if method == "POST" else None
        answer = api.request(method, path.removeprefix("/identity/v3"), body, token=token)
        assert found["allowed"] == (answer.status < 300), operation


def test_who_has_no_role_gets_no_token(api):
    user, project = api.make("user"), api.make("project")
    found = told(api, user, scope={"project": {"id": project["id"]}}, rule="identity:list_regions")
    assert found["can_have_token"] is False
    assert told(api, user, rule="identity:list_regions")["can_have_token"] is True


def test_rules_of_other_services_are_explained(api):
    user, project = api.person("reader")
    found = told(api, user, scope={"project": {"id": project["id"]}}, operation="POST /compute/v2.1/servers")
    assert found["rule"].startswith("os_compute_api:servers:create") and not found["allowed"]


@pytest.mark.parametrize("question", [{}, {"rule": "a", "operation": "b"}, {"rule": "no:such"},
                                      {"operation": "GET /identity/v3/nothing"}, {"operation": "nonsense"},
                                      {"operation": "POST /identity/v3/auth/tokens"},
                                      {"rule": "a", "scope": {"project": {"id": "a"}, "domain": {"id": "b"}}}])
def test_questions_that_are_none(api, question):
    assert explain(api, api.make("user"), **question).status == 400


def test_unknown_people_and_places(api):
    assert explain(api, {"id": "none"}, rule="identity:list_users").status == 404
    for scope in ({"project": {"id": "none"}}, {"domain": {"id": "none"}}):
        assert explain(api, api.make("user"), rule="identity:list_users", scope=scope).status == 404


def test_only_administrators_ask(api):
    user, project = api.person("manager")
    token = api.token(user, scope={"project": {"id": project["id"]}})
    assert explain(api, user, token, rule="identity:list_users").status == 403
