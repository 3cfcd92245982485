"""Users of other providers: providers, mappings and protocols, and the way from an assertion to a token."""

import base64
import datetime
import hmac
import itertools
import json
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from stratolith.core.clock import Virtual
from stratolith.core.conformance.cloud import InProcess

from .conftest import Api, scoped

# The issuer of the tests runs on libraries that warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
NUMBERS = itertools.count(1)
BY_NAME = [{"local": [{"user": {"name": "{0}", "email": "{1}"}}, {"groups": "{2}", "domain": {"id": "default"}}],
            "remote": [{"type": "REMOTE_USER"}, {"type": "OIDC-email"}, {"type": "OIDC-groups"}]}]
ONLY_NAME = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}]


@pytest.fixture(scope="module")
def federated(tmp_path_factory):
    """A cloud that believes the header fields of this machine and tokens of issuers without TLS."""
    now = datetime.datetime.now(datetime.UTC)
    cloud = InProcess(tmp_path_factory.mktemp("federation"), services=["identity"], clock=Virtual(7, now), options={
        "identity": {"assertions": "oidc,proxy", "trusted_dashboards": "https://dashboard.example/auth/websso/"},
        "assertions.proxy": {"trusted_addresses": "127.0.0.1", "secret": "between-us"},
        "assertions.oidc": {"audiences": "cloud", "allow_http": "true"}}).start()
    yield cloud
    cloud.stop()


@pytest.fixture
def api(federated):
    """Requests to identity."""
    federated._tokens.clear()
    return Api(federated)


@pytest.fixture
def federation(api):
    """Makes a provider with one protocol and a mapping, all enabled."""
    def make(rules, protocol="openid", attribute=None, **provider):
        name = f"provider-{next(NUMBERS)}"
        made = api.ok("PUT", f"/OS-FEDERATION/identity_providers/{name}",
                      {"identity_provider": {"enabled": True, **provider}})["identity_provider"]
        api.ok("PUT", f"/OS-FEDERATION/mappings/{name}", {"mapping": {"rules": rules}})
        values = {"mapping_id": name} | ({"remote_id_attribute": attribute} if attribute else {})
        api.ok("PUT", f"/OS-FEDERATION/identity_providers/{name}/protocols/{protocol}", {"protocol": values})
        made["auth"] = f"/OS-FEDERATION/identity_providers/{name}/protocols/{protocol}/auth"
        return made
    return make


def come(api, provider, **fields):
    """Knock with header fields as a web server in front would send them."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return api.request("POST", provider["auth"], as_=None, headers=headers)


def test_a_provider_gets_a_domain_of_its_own(api):
    made = api.ok("PUT", "/OS-FEDERATION/identity_providers/acme",
                  {"identity_provider": {"description": "Acme", "remote_ids": ["https://acme.example"]}})
    provider = made["identity_provider"]
    assert provider["enabled"] is False
    assert provider["remote_ids"] == ["https://acme.example"]
    assert api.ok("GET", f"/domains/{provider['domain_id']}")["domain"]["enabled"]
    assert api.ok("GET", "/OS-FEDERATION/identity_providers?id=acme")["identity_providers"] == [provider]
    again = api.request("PUT", "/OS-FEDERATION/identity_providers/acme", {"identity_provider": {}})
    assert again.status == 409
    taken = api.request("PUT", "/OS-FEDERATION/identity_providers/other",
                        {"identity_provider": {"remote_ids": ["https://acme.example"]}})
    assert taken.status == 409
    assert api.request("GET", "/OS-FEDERATION/identity_providers/other").status == 404


def test_a_mapping_in_use_stays(api, federation):
    provider = federation(ONLY_NAME)
    assert api.request("DELETE", f"/OS-FEDERATION/mappings/{provider['id']}").status == 403
    api.ok("DELETE", f"/OS-FEDERATION/identity_providers/{provider['id']}")
    api.ok("DELETE", f"/OS-FEDERATION/mappings/{provider['id']}")
    assert api.request("GET", f"/OS-FEDERATION/mappings/{provider['id']}").status == 404


@pytest.mark.parametrize("rules", [
    [], [{"local": []}], [{"local": [{"user": {"nom": "x"}}], "remote": [{"type": "a"}]}],
    [{"local": [], "remote": [{"type": "a", "any_one_of": ["x"], "not_any_of": ["y"]}]}],
    [{"local": [{"group": {"name": "no domain"}}], "remote": [{"type": "a"}]}]])
def test_rules_of_an_unknown_form_are_refused(api, rules):
    assert api.request("PUT", "/OS-FEDERATION/mappings/bad", {"mapping": {"rules": rules}}).status == 400


def test_who_a_provider_vouches_for_gets_a_token_and_its_groups_roles(api, federation):
    group, project = api.make("group"), api.make("project")
    api.ok("PUT", f"/projects/{project['id']}/groups/{group['id']}/roles/{api.role('member')}")
    provider = federation(BY_NAME)
    answer = come(api, provider, REMOTE_USER="ann", OIDC_email="ann@acme.example",
                  OIDC_groups=f"{group['name']};unknown")
    assert answer.status == 201
    unscoped = answer.json["token"]
    assert unscoped["methods"] == ["openid"]
    assert unscoped["user"]["name"] == "ann"
    assert unscoped["user"]["domain"]["id"] == provider["domain_id"]
    assert unscoped["user"]["OS-FEDERATION"] == {"identity_provider": {"id": provider["id"]},
                                                 "protocol": {"id": "openid"}, "groups": [{"id": group["id"]}]}
    token = answer.headers["x-subject-token"]
    assert len(token) <= 255
    assert [one["id"] for one in api.ok("GET", "/auth/projects", token=token)["projects"]] == [project["id"]]
    assert [one["id"] for one in api.ok("GET", "/OS-FEDERATION/projects", token=token)["projects"]] == [project["id"]]
    narrowed = api.rescope(token, scoped(project)).json["token"]
    assert [role["name"] for role in narrowed["roles"]] == ["member", "reader"]
    assert narrowed["user"]["OS-FEDERATION"]["identity_provider"] == {"id": provider["id"]}


def test_the_same_user_comes_again(api, federation):
    provider = federation(ONLY_NAME)
    first, again = (come(api, provider, OIDC_sub="bob").json["token"]["user"]["id"] for _ in range(2))
    assert first == again
    assert api.ok("GET", f"/users/{first}")["user"]["federated"] == [
        {"idp_id": provider["id"], "protocols": [{"protocol_id": "openid", "unique_id": "bob"}]}]


def test_groups_last_as_long_as_they_are_believed(api, federation, federated):
    group, project = api.make("group"), api.make("project")
    api.ok("PUT", f"/projects/{project['id']}/groups/{group['id']}/roles/{api.role('member')}")
    provider = federation(BY_NAME, authorization_ttl=30)
    token = come(api, provider, REMOTE_USER="cid", OIDC_email="c@x", OIDC_groups=group["name"]).headers[
        "x-subject-token"]
    assert api.rescope(token, scoped(project)).status == 201
    federated.clock.advance(31 * 60)
    federated._tokens.clear()
    assert api.rescope(token, scoped(project)).status == 401


def test_projects_are_provided(api, federation):
    provider = federation([{"local": [{"user": {"name": "{0}"}}, {"projects": [
        {"name": "of {0}", "roles": [{"name": "member"}, {"name": "no such role"}]}]}],
        "remote": [{"type": "OIDC-sub"}]}])
    token = come(api, provider, OIDC_sub="dan").headers["x-subject-token"]
    projects = api.ok("GET", "/auth/projects", token=token)["projects"]
    assert [(one["name"], one["domain_id"]) for one in projects] == [("of dan", provider["domain_id"])]


def test_projects_are_provided_in_a_domain_that_the_mapping_names(api, federation):
    domain = api.make("domain")
    roles = [{"name": "member"}]
    provider = federation([{"local": [{"user": {"name": "{0}"}}, {"projects": [
        {"name": "by-name", "roles": roles, "domain": {"name": domain["name"]}},
        {"name": "by-id", "roles": roles, "domain": {"id": domain["id"]}},
        {"name": "nowhere", "roles": roles, "domain": {"name": "no such domain"}},
        {"name": "at-home", "roles": roles}]}], "remote": [{"type": "OIDC-sub"}]}])
    token = come(api, provider, OIDC_sub="dana").headers["x-subject-token"]
    projects = api.ok("GET", "/auth/projects", token=token)["projects"]
    assert {one["name"]: one["domain_id"] for one in projects} == {
        "by-name": domain["id"], "by-id": domain["id"], "at-home": provider["domain_id"]}


def test_a_local_user_may_be_named(api, federation):
    user = api.make("user", password="secret")
    provider = federation([{"local": [{"user": {"name": "{0}", "type": "local", "domain": {"id": "default"}}}],
                            "remote": [{"type": "OIDC-sub"}]}])
    assert come(api, provider, OIDC_sub=user["name"]).json["token"]["user"]["id"] == user["id"]
    assert come(api, provider, OIDC_sub="nobody").status == 401
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}})
    assert come(api, provider, OIDC_sub=user["name"]).status == 401


# Attacks.

def test_header_forgery_from_an_address_nobody_trusts(api, federation, federated, monkeypatch):
    provider = federation(ONLY_NAME)
    source = federated.cloud.services["identity"].login._sources[1]
    monkeypatch.setattr(source, "_networks", [])
    assert come(api, provider, OIDC_sub="eve").status == 401
    assert come(api, provider, OIDC_sub="eve", X_Proxy_Secret="guessed").status == 401
    assert come(api, provider, OIDC_sub="eve", X_Proxy_Secret="between-us").status == 201


def test_an_assertion_of_another_provider_is_refused(api, federation):
    provider = federation(ONLY_NAME, attribute="OIDC-iss", remote_ids=["https://good.example"])
    assert come(api, provider, OIDC_sub="eve", OIDC_iss="https://evil.example").status == 403
    assert come(api, provider, OIDC_sub="eve").status == 403
    assert come(api, provider, OIDC_sub="eve", OIDC_iss="https://good.example").status == 201


def test_no_rule_no_token(api, federation):
    provider = federation([{"local": [{"user": {"name": "{0}"}}], "remote": [
        {"type": "OIDC-sub"}, {"type": "OIDC-groups", "any_one_of": ["staff"]}]}])
    assert come(api, provider, OIDC_sub="eve", OIDC_groups="guests").status == 401
    assert come(api, provider, OIDC_sub="eve").status == 401
    assert come(api, provider, OIDC_sub="ann", OIDC_groups="guests;staff").status == 201


def test_a_disabled_provider_ends_its_users_tokens(api, federation, federated):
    provider = federation(ONLY_NAME)
    token = come(api, provider, OIDC_sub="eve").headers["x-subject-token"]
    federated.clock.advance(1)
    assert api.validate(token).status == 200
    api.ok("PATCH", f"/OS-FEDERATION/identity_providers/{provider['id']}", {"identity_provider": {"enabled": False}})
    assert api.validate(token).status == 404
    assert come(api, provider, OIDC_sub="eve").status == 403


def test_a_deleted_provider_ends_its_users_tokens(api, federation, federated):
    provider = federation(ONLY_NAME)
    token = come(api, provider, OIDC_sub="eve").headers["x-subject-token"]
    federated.clock.advance(1)
    api.ok("DELETE", f"/OS-FEDERATION/identity_providers/{provider['id']}")
    assert api.validate(token).status == 404
    assert come(api, provider, OIDC_sub="eve").status == 404


def test_a_browser_is_sent_to_trusted_dashboards_only(api, federation):
    federation([{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}], protocol="mapped",
               attribute="OIDC-iss", remote_ids=["https://sso.example"])
    fields = {"OIDC-sub": "f<b>", "OIDC-iss": "https://sso.example"}
    path = "/auth/OS-FEDERATION/websso/mapped?origin="
    good = api.request("GET", path + "https://dashboard.example/auth/websso/", as_=None, headers=fields)
    assert good.status == 200
    assert good.headers["content-type"].startswith("text/html")
    token = re.search(r'name="token" value="([^"]+)"', good.data.decode())[1]
    assert api.validate(token).status == 200
    assert api.request("GET", path + "https://evil.example/", as_=None, headers=fields).status == 401
    assert api.request("GET", path[:-8], as_=None, headers=fields).status == 400
    fields["OIDC-iss"] = "https://unknown.example"
    assert api.request("GET", path + "https://dashboard.example/auth/websso/", as_=None, headers=fields).status == 401


def test_service_providers(api):
    values = {"auth_url": "https://there.example/v3/auth", "sp_url": "https://there.example/saml2"}
    made = api.ok("PUT", "/OS-FEDERATION/service_providers/there", {"service_provider": values})["service_provider"]
    assert (made["enabled"], made["relay_state_prefix"]) == (False, "ss:mem:")
    user, project = api.person()
    assert "service_providers" not in api.login(user, scope=scoped(project)).json["token"]
    api.ok("PATCH", "/OS-FEDERATION/service_providers/there", {"service_provider": {"enabled": True}})
    assert api.login(user, scope=scoped(project)).json["token"]["service_providers"] == [{"id": "there", **values}]
    api.ok("DELETE", "/OS-FEDERATION/service_providers/there")


# OpenID Connect, by a real issuer on this machine.

@pytest.fixture
def issuer():
    """The address of an issuer."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


def id_token(issuer, subject, client="cloud"):
    """Log ``subject`` in at the issuer as a browser would (authorization code flow); return its identity token."""
    query = {"client_id": client, "redirect_uri": "http://localhost/cb", "response_type": "code", "scope": "openid",
             "nonce": "n", "state": "s"}
    found = httpx.post(f"{issuer}/oauth2/authorize", params=query, data={"sub": subject})
    code = parse_qs(urlsplit(found.headers["location"]).query)["code"][0]
    answer = httpx.post(f"{issuer}/oauth2/token", auth=(client, "any"), data={
        "grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/cb"})
    return answer.json()["id_token"]


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(values):
    """A part of a token."""
    return unpadded(json.dumps(values).encode())


def knock(api, provider, text):
    return api.request("POST", provider["auth"], as_=None, headers={"Authorization": f"Bearer {text}"})


def test_a_token_of_an_issuer_is_a_way_in(api, federation, issuer):
    provider = federation(ONLY_NAME, remote_ids=[issuer], attribute="OIDC-iss")
    answer = knock(api, provider, id_token(issuer, "gil"))
    assert answer.status == 201, answer
    assert answer.json["token"]["user"]["name"] == "gil"


def test_tokens_that_do_not_prove_anything_are_refused(api, federation, issuer, federated):
    import jwt
    provider = federation(ONLY_NAME, remote_ids=[issuer])
    good = id_token(issuer, "hal")
    claims = jwt.decode(good, options={"verify_signature": False})
    other = federation(ONLY_NAME, remote_ids=["https://other.example"])
    head, body, signature = good.split(".")
    forged = ".".join((head, part(claims | {"sub": "admin"}), signature))
    keys = httpx.get(httpx.get(f"{issuer}/.well-known/openid-configuration").json()["jwks_uri"]).content
    confused = part({"typ": "JWT", "alg": "HS256"}) + "." + body
    confused += "." + unpadded(hmac.digest(keys, confused.encode(), "sha256"))
    for bad in (jwt.encode(claims, None, algorithm="none"), confused, forged,
                id_token(issuer, "hal", client="another"), "not.a.token", good[:-8]):
        assert knock(api, provider, bad).status == 401, bad
    assert knock(api, other, good).status == 401
    assert knock(api, provider, good).status == 201
    federated.clock.advance(7200)
    federated._tokens.clear()
    assert knock(api, provider, good).status == 401


def test_an_issuer_that_does_not_answer_is_no_way_in(api, federation):
    import jwt
    provider = federation(ONLY_NAME, remote_ids=["http://localhost:9"])
    text = jwt.encode({"iss": "http://localhost:9", "aud": "cloud", "sub": "x", "exp": 1}, None, algorithm="none")
    assert knock(api, provider, text).status == 401
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    text = jwt.encode({"iss": "http://localhost:9", "aud": "cloud", "sub": "x", "exp": 1}, key, algorithm="ES256")
    assert knock(api, provider, text).status == 503


def test_an_administrator_says_who_vouches(api, federation):
    provider = federation(ONLY_NAME)
    federated = [{"idp_id": provider["id"], "protocols": [{"protocol_id": "openid", "unique_id": "ida"}]}]
    user = api.make("user", federated=federated)
    assert user["federated"] == federated
    assert come(api, provider, OIDC_sub="ida").json["token"]["user"]["id"] == user["id"]
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"federated": []}})
    assert "federated" not in api.ok("GET", f"/users/{user['id']}")["user"]
    bad = [{"idp_id": provider["id"], "protocols": [{"protocol_id": "none", "unique_id": "x"}]}]
    assert api.request("POST", "/users", {"user": {"name": "unmade", "federated": bad}}).status == 404
    assert api.ok("GET", "/users?name=unmade")["users"] == []
