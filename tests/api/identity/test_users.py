"""Users and groups."""

import pytest


def test_life_of_a_user(api):
    user = api.make("user", email="a@b", description=None, options={"lock_password": True})
    assert user["domain_id"] == "default"
    assert user["enabled"] is True
    assert user["password_expires_at"] is None
    assert user["links"]["self"].endswith(f"/identity/v3/users/{user['id']}")
    assert api.ok("GET", f"/users/{user['id']}")["user"] == user
    given = {"name": "new-name", "email": "c@d", "phone": 7}
    changed = api.ok("PATCH", f"/users/{user['id']}", {"user": given})["user"]
    assert (changed["name"], changed["email"], changed["phone"]) == ("new-name", "c@d", 7)
    assert api.request("DELETE", f"/users/{user['id']}").status == 204
    assert api.request("GET", f"/users/{user['id']}").status == 404
    assert api.request("DELETE", f"/users/{user['id']}").status == 404


def test_options_go_when_set_to_null(api):
    user = api.make("user", options={"lock_password": True, "other": 1})
    changed = api.ok("PATCH", f"/users/{user['id']}", {"user": {"options": {"other": None}}})["user"]
    assert changed["options"] == {"lock_password": True}


def test_a_name_is_taken_once_in_a_domain(api):
    user, domain = api.make("user"), api.make("domain")
    answer = api.request("POST", "/users", {"user": {"name": user["name"]}})
    assert (answer.status, answer.json["error"]["title"]) == (409, "Conflict")
    api.make("user", name=user["name"], domain_id=domain["id"])


@pytest.mark.parametrize("user", [{}, {"name": ""}, {"name": " "}, {"name": "x" * 256}, {"name": 1}, {"name": None},
                                  {"name": "x", "enabled": "yes"}, {"name": "x", "password": 1}, []])
def test_bad_users(api, user):
    assert api.request("POST", "/users", {"user": user}).status == 400


def test_unknown_domain(api):
    assert api.request("POST", "/users", {"user": {"name": "x", "domain_id": "nowhere"}}).status == 404


def test_default_project_is_no_domain(api):
    assert api.request("POST", "/users", {"user": {"name": "x", "default_project_id": "default"}}).status == 400


def test_filters_and_comparators(api):
    domain = api.make("domain")
    for name in ("Anna", "annette", "Bob"):
        api.make("user", name=name, domain_id=domain["id"], enabled=name != "Bob")

    def names(query):
        return sorted(user["name"] for user in api.ok("GET", f"/users?domain_id={domain['id']}&{query}")["users"])
    assert names("name=Anna") == ["Anna"]
    assert names("name__contains=nn") == ["Anna", "annette"]
    assert names("name__startswith=ann") == ["annette"]
    assert names("name__istartswith=ANN") == ["Anna", "annette"]
    assert names("name__endswith=b") == ["Bob"]
    assert names("enabled=false") == ["Bob"]
    assert names("enabled") == names("enabled=1") == ["Anna", "annette"]
    assert api.request("GET", "/users?name__sounds=x").status == 400


def test_pages(api):
    domain = api.make("domain")
    wanted = {api.make("user", domain_id=domain["id"])["id"] for _ in range(5)}
    seen, path = [], f"/users?domain_id={domain['id']}&limit=2"
    while path:
        body = api.ok("GET", path)
        assert body["links"]["self"].endswith(path)
        seen += [user["id"] for user in body["users"]]
        path = body["links"]["next"] and body["links"]["next"].partition("/v3")[2]
    assert len(seen) == 5
    assert set(seen) == wanted
    assert api.request("GET", "/users?marker=nobody").status == 400
    assert api.request("GET", "/users?limit=x").status == 400


def test_life_of_a_group(api):
    group, user = api.make("group", description="d"), api.make("user")
    path = f"/groups/{group['id']}"
    assert api.ok("GET", path)["group"] == group
    assert api.ok("PATCH", path, {"group": {"name": "renamed"}})["group"]["name"] == "renamed"
    member = f"{path}/users/{user['id']}"
    assert api.request("HEAD", member).status == 404
    assert api.request("PUT", member).status == 204
    assert api.request("HEAD", member).status == 204
    assert [one["id"] for one in api.ok("GET", path + "/users")["users"]] == [user["id"]]
    assert [one["id"] for one in api.ok("GET", f"/users/{user['id']}/groups")["groups"]] == [group["id"]]
    assert api.request("DELETE", member).status == 204
    assert api.request("DELETE", member).status == 404
    assert api.request("DELETE", path).status == 204
    assert api.request("GET", path).status == 404


def test_projects_of_a_user(api):
    user, project = api.person()
    group, other = api.make("group"), api.make("project")
    api.ok("PUT", f"/groups/{group['id']}/users/{user['id']}")
    api.ok("PUT", f"/projects/{other['id']}/groups/{group['id']}/roles/{api.role('reader')}")
    found = {one["id"] for one in api.ok("GET", f"/users/{user['id']}/projects")["projects"]}
    assert found == {project["id"], other["id"]}
