"""Application credentials and access rules: made, used, bounded, ended."""

import datetime

import pytest
from stratolith.plugins.identity import secret_hash
from stratolith.plugins.identity.tables import application_credentials

from .delegates import by_credential, make_credential, member, scoped, trust_body


def test_made_shown_listed_deleted(api):
    user, project, token = member(api)
    made = make_credential(api, user, token, name="one", description="for tests")
    assert made["project_id"] == project["id"] and made["secret"] and not made["unrestricted"]
    assert [role["name"] for role in made["roles"]] == ["member", "reader"]
    path = f"/users/{user['id']}/application_credentials"
    shown = api.ok("GET", f"{path}/{made['id']}", token=token)["application_credential"]
    assert "secret" not in shown and shown["name"] == "one"
    make_credential(api, user, token, name="two")
    assert [one["name"] for one in api.ok("GET", path + "?name=two", token=token)["application_credentials"]] == ["two"]
    again = api.request("POST", path, {"application_credential": {"name": "one"}}, token=token)
    assert again.status == 409
    api.ok("DELETE", f"{path}/{made['id']}", token=token)
    assert api.request("GET", f"{path}/{made['id']}", token=token).status == 404
    assert by_credential(api, made).status == 401


def test_login_by_id_and_by_name(api):
    user, project, token = member(api)
    made = make_credential(api, user, token, name="app", secret="chosen")
    answer = by_credential(api, made)
    shown = answer.json["token"]
    assert len(answer.headers["x-subject-token"]) <= 255
    assert shown["methods"] == ["application_credential"] and shown["project"]["id"] == project["id"]
    assert shown["application_credential"] == {"id": made["id"], "name": "app", "restricted": True}
    for who in ({"id": user["id"]}, {"name": user["name"], "domain": {"id": "default"}}):
        given = {"name": "app", "secret": "chosen", "user": who}
        answer = api.auth({"methods": ["application_credential"], "application_credential": given})
        assert answer.status == 201, answer
    assert by_credential(api, made, scoped(project)).status == 201


@pytest.mark.parametrize("changed", [{"secret": "wrong"}, {"id": "0" * 32}])
def test_login_with_what_is_wrong(api, changed):
    user, _, token = member(api)
    assert by_credential(api, {**make_credential(api, user, token), **changed}).status == 401


def test_no_other_scope_may_be_asked_for(api):
    user, _, token = member(api)
    other = api.make("project")
    api.grant(user, "member", other)
    made = make_credential(api, user, token)
    for scope in (scoped(other), {"system": {"all": True}}, {"domain": {"id": "default"}}):
        assert by_credential(api, made, scope).status == 401


def test_roles_are_those_asked_for(api):
    user, _, token = member(api, "manager")
    made = make_credential(api, user, token, roles=[{"name": "reader"}])
    assert [role["name"] for role in by_credential(api, made).json["token"]["roles"]] == ["reader"]
    body = {"application_credential": {"name": "x", "roles": [{"id": "0" * 32}]}}
    assert api.request("POST", f"/users/{user['id']}/application_credentials", body, token=token).status == 404


def test_expiry(api, cloud):
    user, _, token = member(api)
    path = f"/users/{user['id']}/application_credentials"
    for bad in ("never", "2001-01-01T00:00:00"):
        body = {"application_credential": {"name": "x", "expires_at": bad}}
        assert api.request("POST", path, body, token=token).status == 400
    ends = cloud.clock.now().replace(microsecond=250000)
    ends = ends.replace(year=ends.year + 1)
    made = make_credential(api, user, token, expires_at=ends.isoformat())
    assert made["expires_at"] == ends.isoformat()
    soon = make_credential(api, user, token, name="soon",
                           expires_at=(cloud.clock.now() + datetime.timedelta(seconds=100)).isoformat())
    shown = by_credential(api, soon)
    token_text = shown.headers["x-subject-token"]
    assert shown.json["token"]["expires_at"].startswith(soon["expires_at"][:19])
    cloud.clock.advance(101)
    assert by_credential(api, soon).status == 401
    assert api.validate(token_text).status == 404


def ended(api, credential, token):
    """Tell whether an application credential and its token are no good; both must say the same."""
    found = by_credential(api, credential).status, api.validate(token).status
    assert found in ((401, 404), (201, 200)), found
    return found[0] == 401


def departures(api, user, project):
    yield lambda: api.ok("DELETE", f"/projects/{project['id']}/users/{user['id']}/roles/{api.role('member')}")
    yield lambda: api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}})
    yield lambda: api.ok("DELETE", f"/users/{user['id']}")
    yield lambda: api.ok("DELETE", f"/projects/{project['id']}")


@pytest.mark.parametrize("which", range(4), ids=["role", "disabled", "user", "project"])
def test_it_dies_with(api, which):
    user, project, token = member(api)
    made = make_credential(api, user, token)
    lent = by_credential(api, made).headers["x-subject-token"]
    assert not ended(api, made, lent)
    list(departures(api, user, project))[which]()
    assert ended(api, made, lent)


def test_a_role_that_came_back_revives_nothing(api):
    user, project, token = member(api)
    made = make_credential(api, user, token)
    list(departures(api, user, project))[0]()
    api.grant(user, "member", project)
    assert by_credential(api, made).status == 401


def test_a_role_lost_with_a_group_is_lost_to_the_credential(api):
    user, project, token = member(api, "reader")
    group = api.make("group")
    api.ok("PUT", f"/groups/{group['id']}/users/{user['id']}")
    api.ok("PUT", f"/projects/{project['id']}/groups/{group['id']}/roles/{api.role('manager')}")
    token = api.token(user, scope=scoped(project))
    made = make_credential(api, user, token, roles=[{"name": "manager"}, {"name": "reader"}])
    lent = by_credential(api, made).headers["x-subject-token"]
    api.ok("DELETE", f"/groups/{group['id']}/users/{user['id']}")
    assert [role["name"] for role in api.validate(lent).json["token"]["roles"]] == ["reader"]


RULE = {"path": "/v3/users/*/application_credentials", "method": "GET", "service": "identity"}


def test_access_rules_are_reused_and_cannot_be_deleted_in_use(api):
    user, _, token = member(api)
    made = make_credential(api, user, token, name="a", access_rules=[RULE])
    rule = made["access_rules"][0]
    assert {**rule, "id": None} == {**RULE, "id": None}
    again = make_credential(api, user, token, name="b", access_rules=[RULE, {"id": rule["id"]}])
    assert again["access_rules"] == [rule]
    path = f"/users/{user['id']}/access_rules"
    assert [one["id"] for one in api.ok("GET", path, token=token)["access_rules"]] == [rule["id"]]
    assert api.ok("GET", f"{path}/{rule['id']}", token=token)["access_rule"]["path"] == RULE["path"]
    assert api.request("DELETE", f"{path}/{rule['id']}", token=token).status == 403
    for one in (made, again):
        api.ok("DELETE", f"/users/{user['id']}/application_credentials/{one['id']}", token=token)
    api.ok("DELETE", f"{path}/{rule['id']}", token=token)
    assert api.request("GET", f"{path}/{rule['id']}", token=token).status == 404


def test_access_rules_bound_a_token(api):
    user, _, token = member(api)
    made = make_credential(api, user, token, access_rules=[RULE])
    lent = by_credential(api, made).headers["x-subject-token"]
    assert api.request("GET", f"/users/{user['id']}/application_credentials", token=lent).status == 200
    assert api.request("GET", f"/users/{user['id']}/access_rules", token=lent).status == 401
    assert api.request("GET", "/auth/projects", token=lent).status == 401
    assert api.request("GET", f"/users/{user['id']}/application_credentials/{made['id']}", token=lent).status == 401


def test_a_bound_token_is_told_only_to_who_heeds_rules(api):
    user, _, token = member(api)
    lent = by_credential(api, make_credential(api, user, token, access_rules=[RULE])).headers["x-subject-token"]
    assert api.validate(lent).status == 404
    heeding = {"X-Subject-Token": lent, "OpenStack-Identity-Access-Rules": "1.0"}
    answer = api.request("GET", "/auth/tokens", headers=heeding)
    assert answer.status == 200
    assert answer.json["token"]["application_credential"]["access_rules"][0]["path"] == RULE["path"]
    older = {**heeding, "OpenStack-Identity-Access-Rules": "0.9"}
    assert api.request("GET", "/auth/tokens", headers=older).status == 404


def test_a_token_for_no_project_makes_none(api):
    user, _, _ = member(api)
    unscoped = api.token(user, scope={"unscoped": {}})
    body = {"application_credential": {"name": "x"}}
    assert api.request("POST", f"/users/{user['id']}/application_credentials", body, token=unscoped).status == 403


# Attacks.

def test_application_credential_from_a_restricted_application_credential(api):
    user, project, token = member(api)
    made = make_credential(api, user, token)
    lent = by_credential(api, made).headers["x-subject-token"]
    path = f"/users/{user['id']}/application_credentials"
    assert api.request("POST", path, {"application_credential": {"name": "x"}}, token=lent).status == 403
    assert api.request("DELETE", f"{path}/{made['id']}", token=lent).status == 403
    trust = {"trust": {"trustor_user_id": user["id"], "trustee_user_id": user["id"], "impersonation": True,
                       "project_id": project["id"], "roles": [{"name": "member"}]}}
    assert api.request("POST", "/OS-TRUST/trusts", trust, token=lent).status == 403
    free = make_credential(api, user, token, name="free", unrestricted=True)
    lent = by_credential(api, free).headers["x-subject-token"]
    assert api.request("POST", path, {"application_credential": {"name": "y"}}, token=lent).status == 201


def test_application_credential_with_a_role_that_the_token_lacks(api):
    user, project, _ = member(api, "reader")
    token = api.token(user, scope=scoped(project))
    for name in ("admin", "member", "manager"):
        body = {"application_credential": {"name": "x", "roles": [{"name": name}]}}
        assert api.request("POST", f"/users/{user['id']}/application_credentials", body, token=token).status == 400


def test_unrestricted_application_credential_widens_no_roles(api):
    user, _, token = member(api, "manager")
    made = make_credential(api, user, token, unrestricted=True, roles=[{"name": "reader"}])
    lent = by_credential(api, made).headers["x-subject-token"]
    body = {"application_credential": {"name": "x", "roles": [{"name": "manager"}]}}
    assert api.request("POST", f"/users/{user['id']}/application_credentials", body, token=lent).status == 400


def test_a_trust_made_with_an_application_credential_lends_no_more_than_that(api):
    """CVE-2026-43000."""
    user, project, token = member(api, "manager")
    other = api.make("project")
    api.grant(user, "manager", other)
    made = make_credential(api, user, token, unrestricted=True, roles=[{"name": "reader"}])
    lent = by_credential(api, made).headers["x-subject-token"]
    for roles, where, status in ((("manager",), project, 403), (("reader", "member"), project, 403),
                                 (("reader",), other, 403), (("reader",), project, 201)):
        body = trust_body(user, user, where, roles)
        assert api.request("POST", "/OS-TRUST/trusts", body, token=lent).status == status


def test_access_rules_are_not_shaken_off_by_another_credential(api):
    user, _, token = member(api)
    rule = {"path": "/v3/**", "method": "POST", "service": "identity"}
    made = make_credential(api, user, token, unrestricted=True, access_rules=[rule])
    lent = by_credential(api, made).headers["x-subject-token"]
    body = {"application_credential": {"name": "x"}}
    assert api.request("POST", f"/users/{user['id']}/application_credentials", body, token=lent).status == 403


def test_rescoping_a_token_of_an_application_credential(api):
    user, _, token = member(api)
    lent = by_credential(api, make_credential(api, user, token)).headers["x-subject-token"]
    other = api.make("project")
    api.grant(user, "member", other)
    for scope in (scoped(other), {"unscoped": {}}, None):
        assert api.rescope(lent, scope).status == 403


def test_application_credentials_of_others(api):
    user, _, token = member(api)
    made = make_credential(api, user, token, access_rules=[RULE])
    other, _, foreign = member(api)
    for owner in (user, other):
        path = f"/users/{owner['id']}/application_credentials/{made['id']}"
        assert api.request("GET", path, token=foreign).status in (403, 404)
        assert api.request("DELETE", path, token=foreign).status in (403, 404)
        rule = f"/users/{owner['id']}/access_rules/{made['access_rules'][0]['id']}"
        assert api.request("GET", rule, token=foreign).status in (403, 404)
    body = {"application_credential": {"name": "x", "access_rules": [{"id": made["access_rules"][0]["id"]}]}}
    assert api.request("POST", f"/users/{other['id']}/application_credentials", body, token=foreign).status == 404
    body = {"application_credential": {"name": "x"}}
    assert api.request("POST", f"/users/{user['id']}/application_credentials", body, token=foreign).status == 403


def test_unknown_and_wrong_application_credentials_look_alike_and_cost_the_same(api, cloud, monkeypatch):
    user, _, token = member(api)
    made = make_credential(api, user, token)
    done = []
    real = secret_hash._scrypt
    monkeypatch.setattr(secret_hash, "_scrypt", lambda *arguments: done.append(1) or real(*arguments))
    answers = [by_credential(api, {**made, "secret": "wrong"}), by_credential(api, {**made, "id": "f" * 32})]
    assert len(done) == 2 and len({answer.data for answer in answers}) == 1


def test_the_secret_is_in_no_row(api, cloud):
    user, _, token = member(api)
    made = make_credential(api, user, token, secret="very-secret-thing")
    with cloud.cloud.kits["identity"].db.read() as tx:
        row = tx.row(application_credentials.select().where(application_credentials.c.id == made["id"]))
    assert "very-secret-thing" not in str(row) and row.secret_hash.startswith("scrypt$")
