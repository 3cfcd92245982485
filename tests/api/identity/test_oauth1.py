"""OAuth 1.0a: consumers, request tokens, access tokens, and logins with them."""

import pytest

from .delegates import OAuth, form, member, scoped


@pytest.fixture
def admin(api):
    """An administrator of a project: who may authorize request tokens."""
    user, project, token = member(api, "admin")
    return user, project, token


@pytest.fixture
def consumer(api):
    """Signs requests as a new consumer."""
    return OAuth(api, api.ok("POST", "/OS-OAUTH1/consumers", {"consumer": {"description": "tests"}})["consumer"])


def authorize(api, request, token, *roles):
    body = {"roles": [{"id": api.role(role)} for role in roles]}
    return api.request("PUT", f"/OS-OAUTH1/authorize/{request['oauth_token']}", body, token=token)


def access_of(api, consumer, admin, *roles):
    """An access token that an administrator gave."""
    request = consumer.request_token(admin[1])
    verifier = authorize(api, request, admin[2], *(roles or ("member",))).json["token"]["oauth_verifier"]
    return form(consumer.access_token(request, verifier))


def test_consumers(api):
    made = api.ok("POST", "/OS-OAUTH1/consumers", {"consumer": {"description": "one"}})["consumer"]
    path = f"/OS-OAUTH1/consumers/{made['id']}"
    assert made["secret"] and "secret" not in api.ok("GET", path)["consumer"]
    assert api.ok("PATCH", path, {"consumer": {"description": "two"}})["consumer"]["description"] == "two"
    for body in ({"consumer": {"secret": "mine"}}, {"consumer": {"description": "x", "other": 1}}, {"consumer": {}}):
        assert api.request("PATCH", path, body).status == 400
    assert made["id"] in [one["id"] for one in api.ok("GET", "/OS-OAUTH1/consumers")["consumers"]]
    api.ok("DELETE", path)
    assert api.request("GET", path).status == 404


def test_the_whole_way(api, consumer, admin):
    user, project, token = admin
    access = access_of(api, consumer, admin)
    path = f"/users/{user['id']}/OS-OAUTH1/access_tokens"
    shown = api.ok("GET", f"{path}/{access['oauth_token']}", token=token)["access_token"]
    assert shown["authorizing_user_id"] == user["id"] and shown["project_id"] == project["id"]
    assert shown["consumer_id"] == consumer.consumer["id"] and shown["expires_at"] == access["oauth_expires_at"]
    assert [one["id"] for one in api.ok("GET", path, token=token)["access_tokens"]] == [access["oauth_token"]]
    roles = f"{path}/{access['oauth_token']}/roles"
    assert [one["name"] for one in api.ok("GET", roles, token=token)["roles"]] == ["member"]
    assert api.ok("GET", f"{roles}/{api.role('member')}", token=token)["role"]["name"] == "member"
    assert api.request("GET", f"{roles}/{api.role('admin')}", token=token).status == 404
    answer = consumer.login(access)
    lent = answer.json["token"]
    assert answer.status == 201 and lent["methods"] == ["oauth1"] and lent["user"]["id"] == user["id"]
    assert [role["name"] for role in lent["roles"]] == ["member", "reader"] and lent["project"]["id"] == project["id"]
    assert lent["OS-OAUTH1"] == {"access_token_id": access["oauth_token"], "consumer_id": consumer.consumer["id"]}
    assert len(answer.headers["x-subject-token"]) <= 255
    api.ok("DELETE", f"{path}/{access['oauth_token']}", token=token)
    assert api.validate(answer.headers["x-subject-token"]).status == 404
    assert consumer.login(access).status == 401


def test_tokens_end_with_their_consumer(api, consumer, admin):
    access = access_of(api, consumer, admin)
    text = consumer.login(access).headers["x-subject-token"]
    api.ok("DELETE", f"/OS-OAUTH1/consumers/{consumer.consumer['id']}")
    assert api.validate(text).status == 404 and consumer.login(access).status == 401


def test_tokens_end_with_the_role(api, consumer, admin):
    user, project, _ = admin
    access = access_of(api, consumer, admin)
    text = consumer.login(access).headers["x-subject-token"]
    api.ok("DELETE", f"/projects/{project['id']}/users/{user['id']}/roles/{api.role('admin')}")
    assert api.validate(text).status == 404 and consumer.login(access).status == 401


def test_request_tokens_expire(api, cloud, consumer, admin):
    request = consumer.request_token(admin[1])
    late = consumer.request_token(admin[1])
    verifier = authorize(api, late, admin[2], "member").json["token"]["oauth_verifier"]
    cloud.clock.advance(28801)
    cloud._tokens.clear()
    token = api.token(admin[0], scope=scoped(admin[1]))
    assert authorize(api, request, token, "member").status == 401
    assert consumer.access_token(late, verifier).status == 401


def test_access_tokens_expire(api, cloud, consumer, admin):
    access = access_of(api, consumer, admin)
    cloud.clock.advance(86401)
    assert consumer.login(access).status == 401


@pytest.mark.parametrize("header", ["", "Basic eDp5", "OAuth", "OAuth x", 'OAuth oauth_consumer_key="x"'])
def test_requests_without_a_signature(api, consumer, admin, header):
    for path in ("/OS-OAUTH1/request_token", "/OS-OAUTH1/access_token"):
        assert consumer.post(path, header, **{"Requested-Project-Id": admin[1]["id"]}).status == 401
    body = {"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}}
    assert consumer.post("/auth/tokens", header, body).status == 401


def test_request_tokens_name_a_project(api, consumer):
    path = "/OS-OAUTH1/request_token"
    assert consumer.post(path, consumer.header(path)).status == 400
    assert consumer.post(path, consumer.header(path), **{"Requested-Project-Id": "0" * 32}).status == 404


# Attacks.

def test_authorizing_roles_that_the_authorizer_lacks(api, consumer):
    """CVE-2020-12690: an access token has the roles it was given, and nobody gives what they have not."""
    user, project = api.person("admin")
    other = api.make("project")
    token = api.token(user, scope=scoped(project))
    assert authorize(api, consumer.request_token(other), token, "member").status == 401
    api.grant(user, "reader", other)
    assert authorize(api, consumer.request_token(other), token, "admin").status == 401
    assert authorize(api, consumer.request_token(other), token, "reader").status == 200


def test_roles_of_an_access_token_are_not_the_users(api, consumer, admin):
    lent = consumer.login(access_of(api, consumer, admin, "reader"))
    assert [role["name"] for role in lent.json["token"]["roles"]] == ["reader"]
    text = lent.headers["x-subject-token"]
    assert api.request("GET", "/OS-OAUTH1/consumers", token=text).status == 403
    for scope in (scoped(admin[1]), {"unscoped": {}}):
        assert api.rescope(text, scope).status == 403


def test_who_is_no_administrator_authorizes_nothing(api, consumer):
    _, project, token = member(api)
    assert authorize(api, consumer.request_token(project), token, "member").status == 403


def test_a_lent_token_authorizes_nothing(api, consumer, admin):
    text = consumer.login(access_of(api, consumer, admin, "admin")).headers["x-subject-token"]
    assert authorize(api, consumer.request_token(admin[1]), text, "admin").status == 403


def test_oauth1_signature_forgery(api, consumer, admin):
    path = "/OS-OAUTH1/request_token"
    project = {"Requested-Project-Id": admin[1]["id"]}
    good = consumer.header(path)
    assert consumer.post(path, good.replace('oauth_nonce="n', 'oauth_nonce="m'), **project).status == 401
    assert consumer.post(path, good.replace("HMAC-SHA1", "PLAINTEXT"), **project).status == 401
    assert consumer.post(path, good + ', oauth_nonce="again"', **project).status == 401
    assert consumer.post(path + "?a=b", good, **project).status == 401
    assert consumer.post(path, consumer.header("/OS-OAUTH1/access_token"), **project).status == 401
    assert consumer.post(path, consumer.header(path, method="GET"), **project).status == 401
    stranger = OAuth(api, {**consumer.consumer, "secret": "guess"})
    assert stranger.post(path, stranger.header(path), **project).status == 401
    unknown = OAuth(api, {"id": "0" * 32, "secret": "guess"})
    assert unknown.post(path, unknown.header(path), **project).data == stranger.post(
        path, stranger.header(path), **project).data
    assert consumer.post(path, good, **project).status == 201


def test_oauth1_replay(api, cloud, consumer, admin):
    path = "/OS-OAUTH1/request_token"
    project = {"Requested-Project-Id": admin[1]["id"]}
    header = consumer.header(path)
    assert consumer.post(path, header, **project).status == 201
    assert consumer.post(path, header, **project).status == 401
    late = consumer.header(path)
    cloud.clock.advance(901)
    assert consumer.post(path, late, **project).status == 401


def test_verifiers_are_not_guessed_and_request_tokens_are_used_once(api, consumer, admin):
    request = consumer.request_token(admin[1])
    for verifier in ("", "guess"):
        assert consumer.access_token(request, verifier).status == 401
    verifier = authorize(api, request, admin[2], "member").json["token"]["oauth_verifier"]
    assert consumer.access_token(request, verifier + "x").status == 401
    assert consumer.access_token(request, verifier).status == 201
    assert consumer.access_token(request, verifier).status == 401


def test_tokens_of_another_consumer(api, consumer, admin):
    other = OAuth(api, api.ok("POST", "/OS-OAUTH1/consumers", {"consumer": {}})["consumer"])
    request = consumer.request_token(admin[1])
    verifier = authorize(api, request, admin[2], "member").json["token"]["oauth_verifier"]
    assert other.access_token(request, verifier).status == 401
    access = form(consumer.access_token(request, verifier))
    assert other.login(access).status == 401


def test_a_request_token_that_another_authorized(api, consumer, admin):
    request = consumer.request_token(admin[1])
    assert authorize(api, request, admin[2], "member").status == 200
    user = api.make("user", password="secret")
    api.grant(user, "admin", admin[1])
    assert authorize(api, request, api.token(user, scope=scoped(admin[1])), "admin").status == 401


def test_access_tokens_of_others_are_not_found_under_ones_own_name(api, consumer, admin):
    access = access_of(api, consumer, admin)
    user, _, token = member(api, "admin")
    path = f"/users/{user['id']}/OS-OAUTH1/access_tokens/{access['oauth_token']}"
    assert api.request("GET", path, token=token).status == 404
    assert api.request("DELETE", path, token=token).status == 404
