"""What public advisories tell of Keystone, tried here where no other test does so; docs/security.md has the list."""

import pytest
import sqlalchemy as sa
from stratolith.plugins.identity.assignments import Assignment

from .conftest import scoped


def person(api, role="member"):
    """A user, its project and a token for it."""
    user, project = api.person(role)
    return user, project, api.token(user, scope=scoped(project))


def test_one_method_many_times_is_one_piece_of_work(api, cloud):
    """CVE-2014-2828."""
    user, _ = api.person()
    hasher = cloud.cloud.services["identity"].store.backend.common._passwords._hasher
    done, real = [], hasher.verify
    hasher.verify = lambda *given: (done.append(1), real(*given))[1]
    try:
        identity = {"methods": ["password"] * 8, "password": {"user": {"id": user["id"], "password": "wrong"}}}
        assert api.auth(identity).status == 401
        assert done == [1]
        assert api.auth({**identity, "methods": ["password"] * 5000}).status == 400
    finally:
        hasher.verify = real


def test_addresses_of_endpoints_tell_no_options(api):
    """CVE-2014-3621: a template in an address is filled from what its caller knows, never from options."""
    service = api.make("service", type="leak")
    for secret in ("admin_token", "admin_password", "database_url", "password_hash", "secrets"):
        for form in ("$({})s", "%({})s"):
            body = {"endpoint": {"service_id": service["id"], "interface": "public",
                                 "url": "http://x/" + form.format(secret)}}
            assert api.request("POST", "/endpoints", body).status in (201, 400)
    user, project, token = person(api)
    found = [one for one in api.ok("GET", "/auth/catalog", token=token)["catalog"] if one["type"] == "leak"]
    for endpoint in (endpoint for one in found for endpoint in one["endpoints"]):
        assert "stratolith" not in endpoint["url"] and "secret" not in endpoint["url"].partition("(")[0]


def test_a_group_with_the_id_of_a_user_is_not_that_user(api, cloud):
    """CVE-2014-0204: what a group is given is not its namesake's."""
    user, project, other = *api.person(), api.make("project")
    service = cloud.cloud.services["identity"]
    with service.store.db.write() as tx:
        from stratolith.auth.sql.tables import groups
        tx.insert(groups, {"id": user["id"], "domain_id": "default", "name": "namesake", "description": "",
                           "extra": {}})
    service.assignments.grant(cloud.cloud.kits["identity"].context(), Assignment(
        actor_kind="group", actor_id=user["id"], target_kind="project", target_id=other["id"],
        role_id=api.role("admin")))
    assert api.login(user, scope=scoped(other)).status == 401
    roles = api.login(user, scope=scoped(project)).json["token"]["roles"]
    assert {one["name"] for one in roles} == {"member", "reader"}
    api.ok("DELETE", f"/groups/{user['id']}")


def test_taking_a_role_that_nobody_has_gives_none(api):
    """CVE-2013-4477."""
    user, project = api.person("reader")
    path = f"/projects/{project['id']}/users/{user['id']}/roles/{api.role('admin')}"
    for _ in range(2):
        assert api.request("DELETE", path).status == 404
    assert api.request("HEAD", path).status == 404
    assert {one["name"] for one in api.login(user, scope=scoped(project)).json["token"]["roles"]} == {"reader"}


def test_chains_of_tokens_keep_their_audit_ids(api):
    """CVE-2016-4911: the first token of a chain is told by each further one, however often it is read."""
    user, project = api.person()
    first = api.login(user)
    audit = first.json["token"]["audit_ids"]
    assert len(audit) == 1
    token = first.headers["x-subject-token"]
    for _ in range(3):
        answer = api.rescope(token, scoped(project))
        found = answer.json["token"]["audit_ids"]
        assert len(found) == 2 and found[1] == audit[0] != found[0]
        token = answer.headers["x-subject-token"]
        assert api.validate(token).json["token"]["audit_ids"] == found


@pytest.mark.parametrize("part", ["user_id", "project_id", "target.credential.user_id", "target"])
def test_a_body_says_nothing_to_a_rule(api, part):
    """CVE-2026-42999: what a request's body holds must not stand for what the database says of its target."""
    user, project, token = person(api)
    other, foreign, _ = person(api)
    sealed = api.ok("POST", "/credentials", {"credential": {"type": "cert", "blob": "secret", "user_id": other["id"],
                                                            "project_id": foreign["id"]}})["credential"]
    mine = {"user_id": user["id"], "project_id": project["id"], "target.credential.user_id": user["id"],
            "target": {"credential": {"user_id": user["id"]}, "user": {"id": user["id"]}}}[part]
    body = {part: mine, "user": {part: mine}, "credential": {part: mine}, "project": {part: mine}}
    for method, path in (("GET", f"/credentials/{sealed['id']}"), ("DELETE", f"/credentials/{sealed['id']}"),
                         ("PATCH", f"/credentials/{sealed['id']}"), ("GET", f"/users/{other['id']}"),
                         ("DELETE", f"/users/{other['id']}"), ("DELETE", f"/projects/{foreign['id']}"),
                         ("GET", f"/users/{other['id']}/application_credentials")):
        assert api.request(method, path, body, token=token).status in (400, 403, 404), (method, path)
    assert api.ok("GET", f"/credentials/{sealed['id']}")["credential"]["blob"] == "secret"


def test_an_application_credential_is_its_owners_only(api):
    """CVE-2026-42998: neither by id nor by name does one come to be another user."""
    victim, project = api.person("admin")
    made = api.ok("POST", f"/users/{victim['id']}/application_credentials", {"application_credential": {"name": "x"}},
                  token=api.token(victim, scope=scoped(project)))["application_credential"]
    attacker, _, token = person(api)
    own = api.ok("POST", f"/users/{attacker['id']}/application_credentials", {"application_credential": {"name": "x"}},
                 token=token)["application_credential"]
    for given in ({"id": own["id"], "secret": own["secret"], "user": {"id": victim["id"]}},
                  {"name": "x", "secret": own["secret"], "user": {"id": victim["id"]}},
                  {"id": made["id"], "secret": own["secret"]},
                  {"id": made["id"], "secret": own["secret"], "user": {"id": attacker["id"]}}):
        answer = api.auth({"methods": ["application_credential"], "application_credential": given})
        assert answer.status in (400, 401) or answer.json["token"]["user"]["id"] == attacker["id"], given
    both = {"methods": ["password", "application_credential"],
            "password": {"user": {"id": victim["id"], "password": "wrong"}},
            "application_credential": {"id": own["id"], "secret": own["secret"]}}
    assert api.auth(both).status == 401
    assert api.request("POST", f"/users/{victim['id']}/application_credentials",
                       {"application_credential": {"name": "mine"}}, token=token).status == 403


def test_a_lent_token_keeps_its_hands_off_credentials(api):
    """CVE-2026-90460, CVE-2026-43001, CVE-2020-12689: no secret for elsewhere is made, moved or read by what was lent.

    An unrestricted application credential is its owner in one project, and reads what is its owner's.
    """
    user, project, token = person(api)
    other = api.make("project")
    api.grant(user, "member", other)
    kept = api.ok("POST", "/credentials", {"credential": {"type": "totp", "blob": "JBSWY3DPEHPK3PXP",
                                                          "user_id": user["id"]}}, token=token)["credential"]
    for unrestricted in (False, True):
        made = api.ok("POST", f"/users/{user['id']}/application_credentials", {"application_credential": {
            "name": f"lent {unrestricted}", "unrestricted": unrestricted}}, token=token)["application_credential"]
        lent = api.auth({"methods": ["application_credential"], "application_credential": {
            "id": made["id"], "secret": made["secret"]}}).headers["x-subject-token"]
        ec2 = {"credential": {"type": "ec2", "blob": '{"access": "a", "secret": "s"}', "user_id": user["id"],
                              "project_id": other["id"]}}
        assert api.request("POST", "/credentials", ec2, token=lent).status == 403
        assert api.request("POST", f"/users/{user['id']}/credentials/OS-EC2", {"tenant_id": other["id"]},
                           token=lent).status == 403
        moved = {"credential": {"project_id": other["id"]}}
        assert api.request("PATCH", f"/credentials/{kept['id']}", moved, token=lent).status in (400, 403)
        if unrestricted:
            continue
        answer = api.request("GET", f"/credentials/{kept['id']}", token=lent)
        assert answer.status == 403 or "JBSWY3DPEHPK3PXP" not in answer.data.decode()
        listed = api.request("GET", "/credentials", token=lent)
        assert listed.status == 403 or "JBSWY3DPEHPK3PXP" not in listed.data.decode()


def test_lists_of_credentials_are_ones_own(api):
    """CVE-2019-19687."""
    user, project, token = person(api)
    api.ok("POST", "/credentials", {"credential": {"type": "cert", "blob": "mine", "user_id": user["id"]}}, token=token)
    neighbour = api.make("user", password="secret")
    api.grant(neighbour, "member", project)
    theirs = api.token(neighbour, scope=scoped(project))
    assert api.ok("GET", "/credentials", token=theirs)["credentials"] == []
    assert api.ok("GET", f"/credentials?user_id={user['id']}", token=theirs)["credentials"] == []


def test_nothing_is_listed_to_who_has_no_role(api):
    """CVE-2018-14432: an unscoped token sees what its user can reach, and no other project or domain."""
    api.make("project")
    user = api.make("user", password="secret")
    token = api.token(user)
    for path, name in (("/auth/projects", "projects"), ("/auth/domains", "domains"),
                       ("/OS-FEDERATION/projects", "projects"), ("/OS-FEDERATION/domains", "domains")):
        answer = api.request("GET", path, token=token)
        assert answer.status in (403, 404) or answer.json[name] == [], path


def test_requests_of_tokens_leave_no_rows_behind(api, cloud):
    """CVE-2013-0247, CVE-2012-5625's kin: who is nobody fills neither database nor log."""
    service = cloud.cloud.services["identity"]
    with service.store.db.read() as tx:
        tables = sa.inspect(tx.connection).get_table_names()
        before = [tx.value(sa.select(sa.func.count()).select_from(sa.table(name))) for name in tables]
    for number in range(10):
        api.request("GET", "/auth/tokens", token=f"nonsense{number}", headers={"X-Subject-Token": "x" * 2000})
        api.login(f"nobody{number}", "x" * 2000)
    with service.store.db.read() as tx:
        assert before == [tx.value(sa.select(sa.func.count()).select_from(sa.table(name))) for name in tables]


def test_no_request_is_read_as_xml(api):
    """CVE-2013-1664, CVE-2013-1665, CVE-2015-…: there is no parser of entities here."""
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><auth>&b;</auth>'
    for kind in ("application/xml", "application/json", "text/xml"):
        answer = api.request("POST", "/auth/tokens", bomb, as_=None, headers={"Content-Type": kind})
        assert answer.status in (400, 415)
