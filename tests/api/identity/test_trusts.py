"""Trusts: made, used, handed on, counted, ended."""

import datetime
import threading

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import Unauthorized

from .conftest import Api
from .delegates import by_trust, make_trust, member, scoped, trust_body


@pytest.fixture
def pair(api):
    """A trustor, its project and token, and a trustee."""
    trustor, project, token = member(api)
    return trustor, project, token, api.make("user", password="secret")


def test_made_shown_listed_deleted(api, pair):
    trustor, project, token, trustee = pair
    made = make_trust(api, token, trustor, trustee, project)
    assert made["remaining_uses"] is None and made["expires_at"] is None and made["deleted_at"] is None
    assert [role["name"] for role in made["roles"]] == ["member"]
    shown = api.ok("GET", f"/OS-TRUST/trusts/{made['id']}", token=token)["trust"]
    assert shown == made
    for query in (f"trustor_user_id={trustor['id']}", f"trustee_user_id={trustee['id']}", ""):
        listed = api.ok("GET", "/OS-TRUST/trusts?" + query)["trusts"]
        assert made["id"] in [one["id"] for one in listed] and "roles" not in listed[0]
    roles = f"/OS-TRUST/trusts/{made['id']}/roles"
    assert [one["name"] for one in api.ok("GET", roles, token=token)["roles"]] == ["member"]
    assert api.request("HEAD", f"{roles}/{api.role('member')}", token=token).status == 200
    assert api.ok("GET", f"{roles}/{api.role('member')}", token=token)["role"]["name"] == "member"
    assert api.request("GET", f"{roles}/{api.role('reader')}", token=token).status == 404
    api.ok("DELETE", f"/OS-TRUST/trusts/{made['id']}", token=token)
    assert api.request("GET", f"/OS-TRUST/trusts/{made['id']}", token=token).status == 404


@pytest.mark.parametrize("impersonation", [True, False])
def test_a_token_for_a_trust(api, pair, impersonation):
    trustor, project, token, trustee = pair
    made = make_trust(api, token, trustor, trustee, project, impersonation=impersonation)
    answer = by_trust(api, trustee, made)
    assert len(answer.headers["x-subject-token"]) <= 255
    shown = api.validate(answer.headers["x-subject-token"]).json["token"]
    assert shown["user"]["id"] == (trustor if impersonation else trustee)["id"]
    assert shown["OS-TRUST:trust"] == {"id": made["id"], "impersonation": impersonation,
                                       "trustor_user": {"id": trustor["id"]}, "trustee_user": {"id": trustee["id"]}}
    assert [role["name"] for role in shown["roles"]] == ["member", "reader"] and shown["project"]["id"] == project["id"]


def test_a_trust_without_project_and_roles_is_unscoped(api, pair):
    trustor, _, token, trustee = pair
    body = {"trust": {"trustor_user_id": trustor["id"], "trustee_user_id": trustee["id"], "impersonation": True}}
    made = api.ok("POST", "/OS-TRUST/trusts", body, token=token)["trust"]
    shown = by_trust(api, trustee, made).json["token"]
    assert "roles" not in shown and "project" not in shown and shown["OS-TRUST:trust"]["id"] == made["id"]


@pytest.mark.parametrize("changed", [{"roles": []}, {"project_id": None}])
def test_a_project_needs_roles_and_roles_a_project(api, pair, changed):
    trustor, project, token, trustee = pair
    body = {"trust": {**trust_body(trustor, trustee, project)["trust"], **changed}}
    assert api.request("POST", "/OS-TRUST/trusts", body, token=token).status == 403


@pytest.mark.parametrize(("changed", "status"), [
    ({"expires_at": "bad.123Z"}, 400), ({"expires_at": "2001-01-01T00:00:00Z"}, 400), ({"remaining_uses": 0}, 400),
    ({"remaining_uses": -1}, 400), ({"trustee_user_id": "0" * 32}, 404), ({"roles": [{"name": "nothing"}]}, 404),
    ({"roles": [{"name": "admin"}]}, 404), ({"impersonation": "yes"}, 400), ({"redelegation_count": 9}, 403),
    ({"allow_redelegation": True, "remaining_uses": 1}, 400)])
def test_trusts_that_cannot_be(api, pair, changed, status):
    trustor, project, token, trustee = pair
    body = {"trust": {**trust_body(trustor, trustee, project)["trust"], **changed}}
    assert api.request("POST", "/OS-TRUST/trusts", body, token=token).status == status


def test_expiry(api, cloud, pair):
    trustor, project, token, trustee = pair
    ends = (cloud.clock.now() + datetime.timedelta(seconds=50)).replace(microsecond=0)
    made = make_trust(api, token, trustor, trustee, project, expires_at=ends.isoformat() + "Z")
    assert made["expires_at"] == ends.isoformat() + ".000000Z"
    lent = by_trust(api, trustee, made)
    assert lent.json["token"]["expires_at"] == made["expires_at"]
    cloud.clock.advance(51)
    assert by_trust(api, trustee, made).status == 401
    assert api.validate(lent.headers["x-subject-token"]).status == 404
    assert api.request("GET", f"/OS-TRUST/trusts/{made['id']}", token=token).status == 404


def test_uses_are_counted(api, pair):
    trustor, project, token, trustee = pair
    made = make_trust(api, token, trustor, trustee, project, remaining_uses=2)
    assert by_trust(api, trustee, made, "wrong").status == 401
    assert by_trust(api, trustee, made).status == 201
    assert api.ok("GET", f"/OS-TRUST/trusts/{made['id']}", token=token)["trust"]["remaining_uses"] == 1
    last = by_trust(api, trustee, made)
    assert last.status == 201 and api.validate(last.headers["x-subject-token"]).status == 200
    assert by_trust(api, trustee, made).status == 401
    assert api.request("GET", f"/OS-TRUST/trusts/{made['id']}", token=token).status == 404


def departures(api, pair, made):
    trustor, project, _, trustee = pair
    yield lambda: api.ok("DELETE", f"/projects/{project['id']}/users/{trustor['id']}/roles/{api.role('member')}")
    yield lambda: api.ok("PATCH", f"/users/{trustor['id']}", {"user": {"enabled": False}})
    yield lambda: api.ok("PATCH", f"/users/{trustee['id']}", {"user": {"enabled": False}})
    yield lambda: api.ok("DELETE", f"/users/{trustor['id']}")
    yield lambda: api.ok("DELETE", f"/users/{trustee['id']}")
    yield lambda: api.ok("DELETE", f"/projects/{project['id']}")
    yield lambda: api.ok("DELETE", f"/OS-TRUST/trusts/{made['id']}")
    yield lambda: api.ok("PATCH", f"/projects/{project['id']}", {"project": {"enabled": False}})


@pytest.mark.parametrize("which", range(8), ids=["role", "trustor-off", "trustee-off", "trustor", "trustee", "project",
                                                 "trust", "project-off"])
@pytest.mark.parametrize("impersonation", [True, False])
def test_it_ends_with(api, pair, which, impersonation):
    trustor, project, token, trustee = pair
    made = make_trust(api, token, trustor, trustee, project, impersonation=impersonation)
    lent = by_trust(api, trustee, made).headers["x-subject-token"]
    assert api.validate(lent).status == 200
    list(departures(api, pair, made))[which]()
    assert api.validate(lent).status == 404
    assert by_trust(api, trustee, made).status in (401, 403)


@pytest.mark.parametrize("whose", [0, 3], ids=["trustor", "trustee"])
def test_a_new_password_of_either_ends_tokens(api, cloud, pair, whose):
    trustor, project, token, trustee = pair
    made = make_trust(api, token, trustor, trustee, project, impersonation=False)
    lent = by_trust(api, trustee, made).headers["x-subject-token"]
    cloud.clock.advance(1)
    api.ok("PATCH", f"/users/{pair[whose]['id']}", {"user": {"password": "another-one"}})
    assert api.validate(lent).status == 404


# Handing on.

def chain(api, pair, **values):
    """A trust that may be handed on, and a token of its trustee for it."""
    trustor, project, token, trustee = pair
    made = make_trust(api, token, trustor, trustee, project, ("member", "reader"), allow_redelegation=True, **values)
    return made, by_trust(api, trustee, made).headers["x-subject-token"]


def test_a_trust_is_handed_on(api, pair):
    trustor, project, _, trustee = pair
    made, lent = chain(api, pair)
    assert made["redelegation_count"] == 3
    third = api.make("user", password="secret")
    second = make_trust(api, lent, trustor, third, project, ("reader",), allow_redelegation=True)
    assert second["redelegated_trust_id"] == made["id"] and second["redelegation_count"] == 2
    answer = by_trust(api, third, second)
    shown = answer.json["token"]
    assert shown["OS-TRUST:trust"]["redelegated_trust_id"] == made["id"]
    assert shown["OS-TRUST:trust"]["redelegation_count"] == 2
    assert [role["name"] for role in shown["roles"]] == ["reader"]
    api.ok("DELETE", f"/OS-TRUST/trusts/{made['id']}")
    assert api.validate(answer.headers["x-subject-token"]).status == 404
    assert api.request("GET", f"/OS-TRUST/trusts/{second['id']}").status == 404


def test_a_chain_ends(api, pair):
    trustor, project, _, trustee = pair
    made, lent = chain(api, pair, redelegation_count=1)
    second = make_trust(api, lent, trustor, trustee, project, allow_redelegation=True)
    assert second["redelegation_count"] == 0
    lent = by_trust(api, trustee, second).headers["x-subject-token"]
    body = trust_body(trustor, trustee, project)
    assert api.request("POST", "/OS-TRUST/trusts", body, token=lent).status == 403


# Attacks.

def test_trust_for_another_as_trustor(api, pair):
    trustor, project, token, trustee = pair
    body = trust_body(trustee, trustor, project)
    assert api.request("POST", "/OS-TRUST/trusts", body, token=token).status == 403
    assert api.request("POST", "/OS-TRUST/trusts", trust_body(trustor, trustor, project),
                       token=api.token("admin", "admin-secret", scope={"system": {"all": True}})).status == 403


def test_trust_of_a_role_or_project_that_the_trustor_lacks(api, pair):
    trustor, project, token, trustee = pair
    other = api.make("project")
    for body in (trust_body(trustor, trustee, project, ("admin",)), trust_body(trustor, trustee, other)):
        assert api.request("POST", "/OS-TRUST/trusts", body, token=token).status == 404


def test_somebody_elses_trust(api, pair):
    trustor, project, token, trustee = pair
    made = make_trust(api, token, trustor, trustee, project)
    stranger, _, foreign = member(api)
    assert by_trust(api, stranger, made).status == 403
    assert by_trust(api, trustor, made).status == 403
    for path in ("", "/roles", f"/roles/{api.role('member')}"):
        assert api.request("GET", f"/OS-TRUST/trusts/{made['id']}{path}", token=foreign).status == 403
    for query in ("", f"?trustor_user_id={trustor['id']}", f"?trustee_user_id={trustee['id']}"):
        assert api.request("GET", "/OS-TRUST/trusts" + query, token=foreign).status == 403
    assert api.request("DELETE", f"/OS-TRUST/trusts/{made['id']}", token=foreign).status == 403
    theirs = api.token(trustee, scope={"unscoped": {}})
    assert api.request("DELETE", f"/OS-TRUST/trusts/{made['id']}", token=theirs).status == 403


def test_rescoping_a_token_of_a_trust(api, pair):
    trustor, project, token, trustee = pair
    other = api.make("project")
    api.grant(trustor, "manager", other)
    lent = by_trust(api, trustee, make_trust(api, token, trustor, trustee, project)).headers["x-subject-token"]
    for scope in (scoped(other), scoped(project), {"unscoped": {}}, None):
        assert api.rescope(lent, scope).status == 403


@pytest.mark.parametrize("changed", [
    {"roles": [{"name": "manager"}]}, {"redelegation_count": 3, "allow_redelegation": True},
    {"redelegated_trust_id": "0" * 32}, {"expires_at": None}])
def test_handing_on_more_than_one_got(api, cloud, pair, changed):
    trustor, project, token, trustee = pair
    api.grant(trustor, "manager", project)
    ends = (cloud.clock.now() + datetime.timedelta(seconds=900)).isoformat()
    made = make_trust(api, token, trustor, trustee, project, allow_redelegation=True, expires_at=ends)
    lent = by_trust(api, trustee, made).headers["x-subject-token"]
    body = {"trust": {**trust_body(trustor, trustee, project, expires_at=ends)["trust"], **changed}}
    assert api.request("POST", "/OS-TRUST/trusts", body, token=lent).status == 403


def test_impersonation_is_not_gained_by_handing_on(api, pair):
    trustor, project, token, trustee = pair
    made = make_trust(api, token, trustor, trustee, project, allow_redelegation=True, impersonation=False)
    lent = by_trust(api, trustee, made).headers["x-subject-token"]
    third = api.make("user", password="secret")
    assert api.request("POST", "/OS-TRUST/trusts", trust_body(trustee, third, project), token=lent).status == 403
    plain = make_trust(api, lent, trustee, third, project, impersonation=False)
    assert by_trust(api, third, plain).json["token"]["user"]["id"] == third["id"]


def test_trust_handed_on_from_one_that_may_not_be(api, pair):
    trustor, project, token, trustee = pair
    lent = by_trust(api, trustee, make_trust(api, token, trustor, trustee, project)).headers["x-subject-token"]
    assert api.request("POST", "/OS-TRUST/trusts", trust_body(trustor, trustee, project), token=lent).status == 403


def test_lasting_things_made_by_a_trust(api, pair):
    trustor, project, token, trustee = pair
    lent = by_trust(api, trustee, make_trust(api, token, trustor, trustee, project)).headers["x-subject-token"]
    assert api.request("POST", f"/users/{trustor['id']}/application_credentials",
                       {"application_credential": {"name": "x"}}, token=lent).status == 403
    secret = {"credential": {"type": "totp", "blob": "GEZDGNBV", "user_id": trustor["id"]}}
    assert api.request("POST", "/credentials", secret, token=lent).status == 403


def test_secrets_of_the_trustor_are_out_of_a_trusts_reach(api, pair):
    trustor, project, token, trustee = pair
    mine = api.ok("POST", "/credentials", {"credential": {"type": "totp", "blob": "GEZDGNBV"}}, token=token)
    key = api.ok("POST", f"/users/{trustor['id']}/credentials/OS-EC2", {"tenant_id": project["id"]}, token=token)
    lent = by_trust(api, trustee, make_trust(api, token, trustor, trustee, project)).headers["x-subject-token"]
    path = f"/credentials/{mine['credential']['id']}"
    assert api.request("GET", path, token=lent).status == 403
    assert api.request("PATCH", path, {"credential": {"blob": "x"}}, token=lent).status == 403
    assert api.request("DELETE", path, token=lent).status == 403
    assert api.ok("GET", "/credentials", token=lent)["credentials"] == []
    ec2 = f"/users/{trustor['id']}/credentials/OS-EC2"
    assert api.ok("GET", ec2, token=lent)["credentials"] == []
    assert api.request("GET", f"{ec2}/{key['credential']['access']}", token=lent).status == 404


def test_remaining_uses_race(tmp_path):
    """Two threads and one use: one of them gets it."""
    cloud = InProcess(tmp_path, services=["identity"], persistent=True).start()
    try:
        service = cloud.cloud.services["identity"]
        api = Api(cloud)
        trustor, project, token = member(api)
        trustee = api.make("user", password="secret")
        for _ in range(5):
            made = make_trust(api, token, trustor, trustee, project, remaining_uses=1)
            start, got = threading.Barrier(2), []

            def use(made=made, start=start, got=got):
                start.wait()
                try:
                    service.trusts.use(made["id"])
                    got.append(True)
                except Unauthorized:
                    got.append(False)
            threads = [threading.Thread(target=use) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(got) == [False, True]
    finally:
        cloud.stop()
