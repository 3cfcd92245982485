"""Attacks on identity, each named after itself; all must fail."""

import base64

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import Unauthorized
from stratolith.core.operations.tables import outbox
from stratolith.plugins.identity.service import Identity
from stratolith.plugins.identity.tokens import Scope


def scoped(project):
    return {"project": {"id": project["id"]}}


def member(api):
    """A user, its project and its token for it."""
    user, project = api.person()
    return user, project, api.token(user, scope=scoped(project))


def works(api, token):
    """Tell whether a token opens the door and passes validation; both must say the same."""
    door = api.request("GET", "/auth/projects", token=token).status
    asked = api.validate(token).status
    assert (door, asked) in ((200, 200), (401, 404))
    return door == 200


def test_wrong_password_and_unknown_user_look_alike(api):
    user, _ = api.person()
    answers = [api.login(user, "wrong"), api.login("nobody", "wrong"), api.login({"id": "0" * 32}, "wrong"),
               api.login(user["name"], "wrong", domain="nowhere")]
    assert {answer.status for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1


def test_unknown_user_costs_as_much_as_a_wrong_password(cloud):
    hasher = cloud.cloud.services["identity"].store.backend.common._passwords._hasher
    done = []
    real = hasher.hash, hasher.verify
    hasher.hash = lambda *given: (done.append("hash"), real[0](*given))[1]
    hasher.verify = lambda *given: (done.append("verify"), real[1](*given))[1]
    try:
        for name in ("admin", "nobody"):
            body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
                "name": name, "domain": {"id": "default"}, "password": "wrong"}}}}}
            assert cloud.request("POST", "/identity/v3/auth/tokens", body, as_=None).status == 401
    finally:
        hasher.hash, hasher.verify = real
    assert done == ["verify", "hash"]


def test_forged_token(api):
    _, _, token = member(api)
    for place in range(0, len(token) - 2, 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1:]
        assert not works(api, changed)


def test_token_of_another_key(api):
    foreign = Fernet(base64.urlsafe_b64encode(b"k" * 32)).encrypt(b"\x96" + b"x" * 80).decode().rstrip("=")
    assert not works(api, foreign)


@pytest.mark.parametrize("token", ["x", "null", "admin", "' OR 1=1 --", "a" * 8000, "e30.e30.", "\u00ff"])
def test_nonsense_token(api, token):
    assert api.request("GET", "/auth/projects", token=token).status == 401


def test_missing_token(api):
    answer = api.request("GET", "/users", as_=None)
    assert answer.status == 401
    assert answer.json["error"]["message"] == "The request you have made requires authentication."
    assert "Keystone uri=" in answer.headers["www-authenticate"]


def test_expired_token(api, cloud):
    _, _, token = member(api)
    assert works(api, token)
    cloud.clock.advance(3600)
    cloud._tokens.clear()
    assert not works(api, token)
    assert api.rescope(token).status == 404
    assert api.validate(token, query="?allow_expired=1").status == 200
    cloud.clock.advance(172800)
    cloud._tokens.clear()
    assert api.validate(token, query="?allow_expired=1").status == 404


def test_revoked_token(api, cloud):
    user, _, token = member(api)
    other = api.token(user)
    api.ok("DELETE", "/auth/tokens", token=token, headers={"X-Subject-Token": token})
    assert not works(api, token)
    assert api.rescope(token).status == 404
    cloud.clock.advance(5)
    assert not works(api, token)
    assert works(api, other)


def test_token_of_a_disabled_user_comes_not_back_to_life(api, cloud):
    user, _, token = member(api)
    cloud.clock.advance(1)
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}})
    assert not works(api, token)
    assert api.login(user).status == 401
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": True}})
    assert not works(api, token)
    assert api.login(user).status == 201


def test_token_of_a_deleted_user(api):
    user, _, token = member(api)
    api.ok("DELETE", f"/users/{user['id']}")
    assert not works(api, token)
    assert api.login(user).status == 401


def test_token_of_a_disabled_project(api, cloud):
    user, project, token = member(api)
    cloud.clock.advance(1)
    api.ok("PATCH", f"/projects/{project['id']}", {"project": {"enabled": False}})
    assert not works(api, token)
    assert api.login(user, scope=scoped(project)).status == 401
    api.ok("PATCH", f"/projects/{project['id']}", {"project": {"enabled": True}})
    assert not works(api, token)


def test_token_of_a_disabled_domain(api, cloud):
    domain = api.make("domain")
    user = api.make("user", password="secret", domain_id=domain["id"])
    token = api.token(user)
    cloud.clock.advance(1)
    api.ok("PATCH", f"/domains/{domain['id']}", {"domain": {"enabled": False}})
    assert not works(api, token)
    assert api.login(user).status == 401


def test_token_from_before_a_password_change(api, cloud):
    user, _, token = member(api)
    cloud.clock.advance(1)
    api.ok("POST", f"/users/{user['id']}/password",
           {"user": {"original_password": "secret", "password": "new"}}, as_=None)
    assert not works(api, token)
    assert api.login(user).status == 401
    assert works(api, api.token(user, "new"))


def test_password_change_during_a_login(api, cloud):
    """A login that was verified with the old password, but ends after the change, must not leave a good token."""
    user, project = api.person()
    identity = cloud.cloud.services["identity"]
    begun = identity.tokens.begin()
    cloud.clock.advance(1)
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"password": "new"}})
    late = identity.tokens.issue(begun, user["id"], Scope("project", project["id"]), ("password",))
    assert not works(api, late.text)


def test_password_change_without_the_old_one(api):
    user, _ = api.person()
    body = {"user": {"original_password": "guess", "password": "new"}}
    assert api.request("POST", f"/users/{user['id']}/password", body, as_=None).status == 401
    assert api.request("POST", f"/users/{'0' * 32}/password", body, as_=None).status == 401


def test_withdrawn_role(api):
    user, project, token = member(api)
    api.ok("DELETE", f"/projects/{project['id']}/users/{user['id']}/roles/{api.role('member')}")
    assert not works(api, token)


def test_role_of_a_left_group(api):
    user, group, project = api.make("user", password="secret"), api.make("group"), api.make("project")
    api.ok("PUT", f"/groups/{group['id']}/users/{user['id']}")
    api.ok("PUT", f"/projects/{project['id']}/groups/{group['id']}/roles/{api.role('member')}")
    token = api.token(user, scope=scoped(project))
    assert works(api, token)
    api.ok("DELETE", f"/groups/{group['id']}/users/{user['id']}")
    assert not works(api, token)


def test_changes_of_another_process_are_seen_within_a_second(api, cloud):
    """Another process is one that knows nothing of this one's memory but shares its database."""
    user, project, token = member(api)
    other = Identity(cloud.cloud.kits["identity"])
    assert other.authenticate(token, "req-1").user_id == user["id"]
    api.ok("DELETE", f"/projects/{project['id']}/users/{user['id']}/roles/{api.role('member')}")
    cloud.clock.advance(1.0)
    with pytest.raises(Unauthorized):
        other.authenticate(token, "req-1")


def test_members_cannot_administrate(api):
    user, project, token = member(api)
    admin_role = api.role("admin")
    for method, path, body in (
            ("GET", "/users", None), ("GET", "/projects", None), ("GET", "/domains", None), ("GET", "/services", None),
            ("GET", "/role_assignments", None), ("POST", "/users", {"user": {"name": "x"}}),
            ("PATCH", f"/users/{user['id']}", {"user": {"enabled": True}}),
            ("PUT", f"/projects/{project['id']}/users/{user['id']}/roles/{admin_role}", None),
            ("PUT", f"/system/users/{user['id']}/roles/{admin_role}", None),
            ("PUT", f"/domains/default/users/{user['id']}/roles/{admin_role}", None),
            ("DELETE", f"/projects/{project['id']}", None), ("POST", "/roles", {"role": {"name": "x"}}),
            ("POST", "/projects", {"project": {"name": "x"}}), ("POST", "/domains", {"domain": {"name": "x"}}),
            ("PUT", f"/roles/{api.role('reader')}/implies/{api.role('manager')}", None),
            ("POST", "/services", {"service": {"type": "x"}}), ("GET", f"/users/{'0' * 32}", None)):
        answer = api.request(method, path, body, token=token)
        assert answer.status == 403, (method, path, answer)
        assert answer.json["error"]["message"].startswith("You are not authorized to perform the requested action")


def test_members_see_themselves_only(api):
    user, project, token = member(api)
    other, foreign = api.person()
    for path in (f"/users/{user['id']}", f"/users/{user['id']}/projects", f"/users/{user['id']}/groups",
                 f"/projects/{project['id']}"):
        assert api.request("GET", path, token=token).status == 200
    for path in (f"/users/{other['id']}", f"/users/{other['id']}/projects", f"/users/{other['id']}/groups",
                 f"/projects/{foreign['id']}"):
        assert api.request("GET", path, token=token).status == 403


def test_members_cannot_judge_tokens_of_others(api):
    _, _, mine = member(api)
    _, _, theirs = member(api)
    headers = {"X-Subject-Token": theirs}
    for method in ("GET", "HEAD", "DELETE"):
        assert api.request(method, "/auth/tokens", token=mine, headers=headers).status == 403
    assert works(api, theirs)


CONFINED = """
"admin_required": "is_admin:True"
"identity:create_grant": "rule:admin_required or (role:manager and rule:grant_in_own_domain and rule:may_be_given)"
"identity:revoke_grant": "rule:admin_required or (role:manager and rule:grant_in_own_domain and rule:may_be_given)"
"grant_in_own_domain": "(domain_id:%(target.project.domain_id)s or domain_id:%(target.domain.id)s) and
  (domain_id:%(target.user.domain_id)s or domain_id:%(target.group.domain_id)s)"
"may_be_given": "rule:domain_managed_target_role"
"""
"""The policy file of docs/identity.md by which ``admin`` on a domain reaches no further than ``manager``."""


def test_domain_managers_stay_in_their_domain(api):
    stays_in_its_domain(api, "manager")


def test_domain_administrators_stay_in_their_domain_where_the_policy_file_says_so(api, tmp_path):
    (tmp_path / "policy.yaml").write_text(CONFINED)
    cloud = InProcess(tmp_path / "state", services=["identity"],
                      options={"cloud": {"policy_file": str(tmp_path / "policy.yaml")}}).start()
    try:
        stays_in_its_domain(type(api)(cloud), "admin")
    finally:
        cloud.stop()


def test_domain_administrators_make_no_domains_roles_endpoints_or_grants_on_the_system(api):
    """As in Keystone, ``admin`` on a domain is the identity service's administrator but for what a domain has not."""
    domain = api.make("domain")
    boss = api.make("user", password="secret", domain_id=domain["id"])
    api.grant(boss, "admin", domain=domain)
    token = api.token(boss, scope={"domain": {"id": domain["id"]}})
    for method, path, body in (
            ("POST", "/domains", {"domain": {"name": "x"}}), ("POST", "/roles", {"role": {"name": "x"}}),
            ("DELETE", f"/domains/{domain['id']}", None), ("POST", "/services", {"service": {"type": "x"}}),
            ("PUT", f"/domains/{domain['id']}/config", {"config": {"identity": {"driver": "sql"}}}),
            ("PUT", f"/system/users/{boss['id']}/roles/{api.role('admin')}", None)):
        assert api.request(method, path, body, token=token).status == 403, path


def test_domain_managers_do_not_reach_their_domain_as_a_project(api):
    """A domain is a project, too, but its manager is not to switch it off through that door."""
    domain = api.make("domain")
    boss = api.make("user", password="secret", domain_id=domain["id"])
    api.grant(boss, "manager", domain=domain)
    token = api.token(boss, scope={"domain": {"id": domain["id"]}})
    path = f"/projects/{domain['id']}"
    assert api.request("PATCH", path, {"project": {"enabled": False}}, token=token).status == 403
    assert api.request("DELETE", path, token=token).status == 403


def stays_in_its_domain(api, role):
    domain, other = api.make("domain"), api.make("domain")
    boss = api.make("user", password="secret", domain_id=domain["id"])
    api.grant(boss, role, domain=domain)
    token = api.token(boss, scope={"domain": {"id": domain["id"]}})
    stranger = api.make("user", domain_id=other["id"])

    def status(method, path, body=None):
        return api.request(method, path, body, token=token).status
    own = api.ok("POST", "/users", {"user": {"name": "own", "domain_id": domain["id"]}}, token=token)["user"]
    project = api.ok("POST", "/projects", {"project": {"name": "own"}}, token=token)["project"]
    assert project["domain_id"] == domain["id"]
    assert {user["domain_id"] for user in api.ok("GET", "/users", token=token)["users"]} == {domain["id"]}
    assert [one["id"] for one in api.ok("GET", "/domains", token=token)["domains"]] == [domain["id"]]
    grant = f"/projects/{project['id']}/users/{own['id']}/roles/"
    assert status("PUT", grant + api.role("member")) == 204
    assert status("PUT", grant + api.role("admin")) == 403
    assert status("PUT", grant + api.role("service")) == 403
    assert status("PUT", f"/domains/{domain['id']}/users/{boss['id']}/roles/{api.role('admin')}") == 403
    assert status("PUT", f"/system/users/{own['id']}/roles/{api.role('reader')}") == 403
    assert status("PUT", f"/projects/{project['id']}/users/{stranger['id']}/roles/{api.role('member')}") == 403
    assert status("GET", f"/users/{stranger['id']}") == 403
    assert status("PATCH", f"/users/{stranger['id']}", {"user": {"enabled": False}}) == 403
    assert status("POST", "/users", {"user": {"name": "x", "domain_id": other["id"]}}) == 403
    assert status("POST", "/projects", {"project": {"name": "x", "domain_id": other["id"]}}) == 403
    assert status("POST", "/projects", {"project": {"name": "x", "is_domain": True}}) == 403
    assert status("PATCH", f"/domains/{other['id']}", {"domain": {"enabled": False}}) == 403
    assert status("POST", "/roles", {"role": {"name": "x"}}) == 403
    assert status("GET", "/roles") == status("GET", f"/roles/{api.role('member')}") == 200
    assert status("GET", f"/roles?domain_id={other['id']}") == 403
    assert status("PATCH", f"/users/{own['id']}", {"user": {"domain_id": other["id"]}}) == 400


def test_system_reader_reads_everything_and_writes_nothing(api):
    user = api.make("user", password="secret")
    api.grant(user, "reader")
    token = api.token(user, scope={"system": {"all": True}})
    for path in ("/users", "/projects", "/domains", "/roles", "/services", "/role_assignments"):
        assert api.request("GET", path, token=token).status == 200
    assert api.request("POST", "/users", {"user": {"name": "x"}}, token=token).status == 403


def test_admin_cannot_be_implied(api):
    path = f"/roles/{api.role('member')}/implies/{api.role('admin')}"
    assert api.request("PUT", path).status == 403


def test_circle_of_implied_roles(api):
    path = f"/roles/{api.role('reader')}/implies/{api.role('member')}"
    assert api.request("PUT", path).status == 409


def test_default_roles_are_immutable(api):
    for name in ("admin", "member", "reader"):
        assert api.request("DELETE", f"/roles/{api.role(name)}").status == 403
        assert api.request("PATCH", f"/roles/{api.role(name)}", {"role": {"name": "x"}}).status == 403


def test_role_named_like_admin_in_a_domain_gives_nothing(api):
    domain = api.make("domain")
    role = api.make("role", name="admin", domain_id=domain["id"])
    user = api.make("user", password="secret", domain_id=domain["id"])
    project = api.make("project", domain_id=domain["id"])
    api.ok("PUT", f"/projects/{project['id']}/users/{user['id']}/roles/{role['id']}")
    assert api.login(user, scope=scoped(project)).status == 401


def test_secrets_stay_inside(api, cloud):
    user, _ = api.person(email="e@x")
    shown = api.ok("GET", f"/users/{user['id']}")["user"]
    assert shown["email"] == "e@x"
    assert not [key for key in shown if "password" in key and key != "password_expires_at"]
    with cloud.cloud.kits["identity"].db.read() as tx:
        events = [str(payload) for payload in tx.values(sa.select(outbox.c.payload))]
    assert any(user["id"] in event for event in events)
    assert not any("secret" in event for event in events)


@pytest.mark.parametrize("name", ["x\r\nX-Injected: 1", "'; DROP TABLE directory_users; --", "<script>", "%00",
                                  "../.."])
def test_hostile_names(api, name):
    user = api.ok("POST", "/users", {"user": {"name": name}})["user"]
    assert api.ok("GET", f"/users/{user['id']}")["user"]["name"] == name
    api.ok("DELETE", f"/users/{user['id']}")


def test_foreign_credentials(api):
    user, _, token = member(api)
    _, _, other = member(api)
    given = {"credential": {"type": "cert", "blob": "my-secret"}}
    made = api.ok("POST", "/credentials", given, token=token)["credential"]
    assert made["user_id"] == user["id"]
    path = f"/credentials/{made['id']}"
    assert api.ok("GET", path, token=token)["credential"]["blob"] == "my-secret"
    for method, body in (("GET", None), ("PATCH", {"credential": {"blob": "x"}}), ("DELETE", None)):
        assert api.request(method, path, body, token=other).status == 403
    assert api.ok("GET", "/credentials", token=other)["credentials"] == []
    handed = {"credential": {"user_id": "0" * 32}}
    assert api.request("PATCH", path, handed, token=token).status == 400
