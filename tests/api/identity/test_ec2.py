"""Credentials and EC2 credentials: kept, and used to sign."""

import base64
import datetime
import email.utils
import hashlib

import pytest

from .delegates import (
    blob,
    by_credential,
    by_trust,
    make_credential,
    make_trust,
    member,
    scoped,
    signed_2,
    signed_4,
    signed_s3,
)


@pytest.fixture
def signer(api):
    """A user, its project and its access key."""
    user, project, token = member(api)
    key = api.ok("POST", f"/users/{user['id']}/credentials/OS-EC2", {"tenant_id": project["id"]}, token=token)
    return user, project, key["credential"]


def iso(cloud, seconds=0):
    """A moment as version 2 writes it."""
    return (cloud.clock.now() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def basic(cloud, seconds=0):
    """A moment as version 4 writes it."""
    return (cloud.clock.now() + datetime.timedelta(seconds=seconds)).strftime("%Y%m%dT%H%M%SZ")


def ec2(api, signed, **more):
    return api.request("POST", "/ec2tokens", {"credentials": signed}, **more)


def s3(api, signed, **more):
    return api.request("POST", "/s3tokens", {"credentials": signed}, **more)


def test_kept(api):
    user, project, token = member(api)
    path = f"/users/{user['id']}/credentials/OS-EC2"
    made = api.ok("POST", path, {"tenant_id": project["id"]}, token=token)["credential"]
    assert made["user_id"] == user["id"] and made["tenant_id"] == project["id"] and made["trust_id"] is None
    assert api.ok("GET", f"{path}/{made['access']}", token=token)["credential"] == made
    assert api.ok("GET", path, token=token)["credentials"] == [made]
    shown = api.ok("GET", f"/credentials/{hashlib.sha256(made['access'].encode()).hexdigest()}", token=token)
    assert shown["credential"]["type"] == "ec2"
    assert api.request("POST", path, {"tenant_id": "0" * 32}, token=token).status == 404
    api.ok("DELETE", f"{path}/{made['access']}", token=token)
    assert api.request("GET", f"{path}/{made['access']}", token=token).status == 404


def test_credentials_are_filtered_by_user_and_type(api):
    user, _, token = member(api)
    for kind in ("cert", "totp"):
        api.ok("POST", "/credentials", {"credential": {"type": kind, "blob": "x", "user_id": user["id"]}})
    listed = api.ok("GET", f"/credentials?user_id={user['id']}&type=cert")["credentials"]
    assert [one["type"] for one in listed] == ["cert"]
    assert len(api.ok("GET", "/credentials?limit=1", token=token)["credentials"]) == 1


@pytest.mark.parametrize("changed", [{"user_id": "0" * 32}, {"project_id": "0" * 32}, {"type": "cert"}])
def test_only_the_blob_of_a_credential_changes(api, signer, changed):
    path = "/credentials/" + hashlib.sha256(signer[2]["access"].encode()).hexdigest()
    assert api.request("PATCH", path, {"credential": changed}).status == 400
    api.ok("PATCH", path, {"credential": {"blob": blob(access="new", secret="other")}})
    assert api.request("PATCH", path, {"credential": {"blob": "no json"}}).status == 400


def test_two_credentials_of_one_access_key(api, signer):
    body = {"credential": {"type": "ec2", "project_id": signer[1]["id"],
                           "blob": blob(access=signer[2]["access"], secret="mine")}}
    assert api.request("POST", "/credentials", body).status == 409


@pytest.mark.parametrize("given", ["x", "[]", "{}", '{"access": 1}'])
def test_ec2_blobs_name_an_access_key(api, signer, given):
    body = {"credential": {"type": "ec2", "project_id": signer[1]["id"], "blob": given}}
    assert api.request("POST", "/credentials", body).status == 400


def test_version_2(api, cloud, signer):
    user, project, key = signer
    answer = ec2(api, signed_2(key, iso(cloud)))
    token = answer.json["token"]
    assert answer.status == 200 and token["methods"] == ["ec2credential"]
    assert token["user"]["id"] == user["id"] and token["project"]["id"] == project["id"]
    assert api.validate(answer.headers["x-subject-token"]).status == 200
    assert ec2(api, {**signed_2(key, iso(cloud)), "host": "ec2.test:8773"}).status == 200


def test_version_4(api, cloud, signer):
    assert ec2(api, signed_4(signer[2], basic(cloud))).status == 200
    assert ec2(api, signed_4(signer[2], basic(cloud), b"a body")).status == 200


def test_object_storage(api, cloud, signer):
    date = basic(cloud)
    text = f"AWS4-HMAC-SHA256\n{date}\n{date[:8]}/us-east-1/s3/aws4_request\n{'0' * 64}"
    assert s3(api, signed_s3(signer[2], text)).json["token"]["user"]["id"] == signer[0]["id"]
    mail = email.utils.formatdate(cloud.clock.time(), usegmt=True)
    assert s3(api, signed_s3(signer[2], f"GET\n\n\n{mail}\n/bucket")).status == 200
    assert s3(api, signed_s3(signer[2], f"GET\n\n\n\nx-amz-date:{mail}\n/bucket")).status == 200
    assert s3(api, signed_s3(signer[2], f"GET\n\n\n{int(cloud.clock.time()) + 60}\n/bucket")).status == 200


# Attacks.

def test_strangers_exchange_no_signatures(api, cloud, signer):
    _, _, token = member(api)
    for more in ({"as_": None}, {"token": token}):
        refused = {ec2(api, signed, **more).status for signed in (
            signed_2(signer[2], iso(cloud)), signed_2({"access": "unknown", "secret": "x"}, iso(cloud)))}
        assert refused == {401 if "as_" in more else 403}
        assert s3(api, {"access": "x", "signature": "x", "token": "x"}, **more).status in refused


def test_a_service_exchanges_signatures(api, cloud, signer):
    service, project = api.person("service")
    token = api.token(service, scope=scoped(project))
    assert ec2(api, signed_2(signer[2], iso(cloud)), token=token).status == 200


def test_unknown_access_keys_and_wrong_signatures_look_alike(api, cloud, signer):
    good = signed_2(signer[2], iso(cloud))
    answers = [ec2(api, {**good, "signature": "AAAA"}), ec2(api, {**good, "access": "unknown"}),
               ec2(api, signed_2({"access": "unknown", "secret": "0" * 32}, iso(cloud)))]
    assert {answer.status for answer in answers} == {401} and len({answer.data for answer in answers}) == 1


@pytest.mark.parametrize("changed", [
    {"verb": "POST"}, {"path": "/other"}, {"host": "other.test"}, {"access": "other"}])
def test_ec2_signature_forgery(api, cloud, signer, changed):
    assert ec2(api, {**signed_2(signer[2], iso(cloud)), **changed}).status == 401
    assert ec2(api, {**signed_4(signer[2], basic(cloud)), **changed}).status == 401


def test_parameters_and_bodies_are_signed(api, cloud, signer):
    two, four = signed_2(signer[2], iso(cloud)), signed_4(signer[2], basic(cloud))
    assert ec2(api, {**two, "params": {**two["params"], "Action": "Other"}}).status == 401
    assert ec2(api, {**two, "params": {**two["params"], "SignatureVersion": "0"}}).status == 401
    assert ec2(api, {**two, "params": {**two["params"], "SignatureMethod": "None"}}).status == 401
    assert ec2(api, {**four, "body_hash": "0" * 64}).status == 401
    assert ec2(api, {**four, "body_hash": ""}).status == 401
    assert ec2(api, {**four, "params": {}}).status == 401
    claimed = {**four["headers"], "X-Amz-Content-Sha256": "0" * 64}
    assert ec2(api, {**four, "headers": claimed}).status == 401


@pytest.mark.parametrize("seconds", [-901, 901])
def test_ec2_signature_replay(api, cloud, signer, seconds):
    assert ec2(api, signed_2(signer[2], iso(cloud, seconds))).status == 401
    assert ec2(api, signed_4(signer[2], basic(cloud, seconds))).status == 401
    mail = email.utils.formatdate(cloud.clock.time() + seconds, usegmt=True)
    assert s3(api, signed_s3(signer[2], f"GET\n\n\n{mail}\n/bucket")).status == 401


def test_a_request_without_a_moment(api, cloud, signer):
    assert ec2(api, signed_2(signer[2], "")).status == 401
    for text in ("GET\n\n\n\n/bucket", "GET\n\n\nyesterday\n/bucket", "", f"GET\n\n\n{10 ** 15}\n/bucket"):
        assert s3(api, signed_s3(signer[2], text)).status == 401
    for text in (b"AWS4", b"AWS4-HMAC-SHA256\nx\ny\nz", b"AWS4-HMAC-SHA256\n20300101T000000Z\n20300101/r/ec2/x\n"):
        token = base64.b64encode(text).decode()
        assert s3(api, {"access": signer[2]["access"], "signature": "x", "token": token}).status == 401


def test_expires_is_heeded(api, cloud, signer):
    signed = signed_2(signer[2], iso(cloud), Expires=iso(cloud, -1))
    assert ec2(api, signed).status == 401
    assert s3(api, signed_s3(signer[2], f"GET\n\n\n{int(cloud.clock.time()) - 1}\n/bucket")).status == 401


def test_a_key_dies_with_its_user_role_and_project(api, cloud, signer):
    user, project, key = signer
    assert ec2(api, signed_2(key, iso(cloud))).status == 200
    api.ok("DELETE", f"/projects/{project['id']}/users/{user['id']}/roles/{api.role('member')}")
    assert ec2(api, signed_2(key, iso(cloud))).status == 401
    api.grant(user, "member", project)
    assert ec2(api, signed_2(key, iso(cloud))).status == 200
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}})
    assert ec2(api, signed_2(key, iso(cloud))).status == 401


def test_ec2_credential_of_a_limited_token_gets_nothing_more(api, cloud):
    """CVE-2020-12689: a key made by a trust or an application credential keeps to it."""
    user, project, _ = member(api, "manager")
    token = api.token(user, scope=scoped(project))
    path = f"/users/{user['id']}/credentials/OS-EC2"
    bound = by_credential(api, make_credential(api, user, token, name="bound")).headers["x-subject-token"]
    assert api.request("POST", path, {"tenant_id": project["id"]}, token=bound).status == 403, "CVE-2026-33551"
    made = make_credential(api, user, token, unrestricted=True, roles=[{"name": "member"}])
    lent = by_credential(api, made).headers["x-subject-token"]
    key = api.ok("POST", path, {"tenant_id": project["id"]}, token=lent)["credential"]
    shown = ec2(api, signed_2(key, iso(cloud))).json["token"]
    assert [role["name"] for role in shown["roles"]] == ["member", "reader"]
    assert shown["application_credential"]["id"] == made["id"]
    other = api.make("project")
    api.grant(user, "manager", other)
    assert api.request("POST", path, {"tenant_id": other["id"]}, token=lent).status == 403
    api.ok("DELETE", f"/users/{user['id']}/application_credentials/{made['id']}", token=token)
    assert ec2(api, signed_2(key, iso(cloud))).status == 401


def test_ec2_credential_made_by_a_trust_ends_with_it(api, cloud):
    trustor, project, token = member(api)
    trustee = api.make("user", password="secret")
    trust = make_trust(api, token, trustor, trustee, project)
    lent = by_trust(api, trustee, trust).headers["x-subject-token"]
    body = {"credential": {"type": "ec2", "project_id": project["id"],
                           "blob": blob(access=f"k{trust['id']}", secret="s", trust_id="0" * 32)}}
    made = api.ok("POST", "/credentials", body, token=lent)["credential"]
    assert f'"trust_id":"{trust["id"]}"' in made["blob"]
    key = {"access": f"k{trust['id']}", "secret": "s"}
    assert ec2(api, signed_2(key, iso(cloud))).json["token"]["OS-TRUST:trust"]["id"] == trust["id"]
    free = {"credential": {"blob": blob(access=key["access"], secret="s")}}
    assert api.request("PATCH", f"/credentials/{made['id']}", free, token=lent).status == 400
    assert api.request("PATCH", f"/credentials/{made['id']}", free, token=token).status == 400
    api.ok("DELETE", f"/OS-TRUST/trusts/{trust['id']}", token=token)
    assert ec2(api, signed_2(key, iso(cloud))).status == 401


def test_administrators_keys_by_an_application_credential(api, signer):
    """Of others' credentials the rules decide, whatever an administrator's token was made with."""
    user, project, key = signer
    admin, _, token = member(api, "admin")
    lent = by_credential(api, make_credential(api, admin, token)).headers["x-subject-token"]
    path = f"/users/{user['id']}/credentials/OS-EC2"
    assert api.ok("GET", path, token=lent)["credentials"] == [key]
    made = api.ok("POST", path, {"tenant_id": project["id"]}, token=lent)["credential"]
    api.ok("DELETE", f"{path}/{made['access']}", token=lent)


def test_credential_of_another_user_or_project(api, signer):
    """CVE-2020-12691: nobody makes a credential theirs, or theirs another's."""
    user, project, key = signer
    _, foreign, token = member(api)
    path = "/credentials/" + hashlib.sha256(key["access"].encode()).hexdigest()
    for method, body in (("GET", None), ("PATCH", {"credential": {"blob": blob(access="x", secret="y")}}),
                         ("DELETE", None)):
        assert api.request(method, path, body, token=token).status == 403
    ec2_path = f"/users/{user['id']}/credentials/OS-EC2"
    assert api.request("GET", ec2_path, token=token).status == 403
    assert api.request("GET", f"{ec2_path}/{key['access']}", token=token).status == 403
    assert api.request("DELETE", f"{ec2_path}/{key['access']}", token=token).status == 403
    assert api.request("POST", ec2_path, {"tenant_id": foreign["id"]}, token=token).status == 403
    theirs = {"credential": {"type": "ec2", "user_id": user["id"], "project_id": project["id"],
                             "blob": blob(access="new", secret="known")}}
    assert api.request("POST", "/credentials", theirs, token=token).status == 403
    mine = api.ok("POST", "/credentials", {"credential": {
        "type": "ec2", "project_id": foreign["id"], "blob": blob(access=f"m{key['access']}", secret="k")}}, token=token)
    for changed in ({"user_id": user["id"]}, {"project_id": project["id"]}):
        assert api.request("PATCH", f"/credentials/{mine['credential']['id']}", {"credential": changed},
                           token=token).status == 400


def test_a_key_for_a_project_where_its_user_has_no_role(api, cloud):
    user, _, token = member(api)
    other = api.make("project")
    key = api.ok("POST", f"/users/{user['id']}/credentials/OS-EC2", {"tenant_id": other["id"]}, token=token)
    assert ec2(api, signed_2(key["credential"], iso(cloud))).status == 401
