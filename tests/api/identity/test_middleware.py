"""The middleware before other people's programs, WSGI and ASGI, against a cloud: with signed tokens and without."""

import asyncio
import io
import json

import falcon
import falcon.asgi
import falcon.testing
import pytest
from stratolith.auth.middleware import asgi, wsgi
from stratolith.auth.middleware.door import Door
from stratolith.auth.middleware.identity import Identity
from stratolith.auth.middleware.settings import Settings, settings
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import BackendBusy, BadConfiguration

from .conftest import Api, scoped


class Answer:
    """An answer in the form of the HTTP client's."""

    def __init__(self, found):
        self.status, self.data = found.status, found.data
        self.headers = {name.title(): value for name, value in found.headers.items()}


class Near(Identity):
    """Identity of a cloud in this process; counts what it is asked, and can be away."""

    def __init__(self, settings, cloud):
        super().__init__(settings)
        self.cloud = cloud
        self.asked = []
        self.away = False

    def _request(self, method, path, headers, body=None):
        self.asked.append(f"{method} {path.partition('?')[0]}")
        if self.away:
            raise BackendBusy("away")
        return Answer(self.cloud.request(method, "/identity/v3" + path, body, as_=None, headers=headers))

    def count(self, what):
        return sum(what in one for one in self.asked)


class Program:
    """A foreign program: tells what headers and environment it was given."""

    def on_get(self, request, response, **more):
        response.media = {"headers": {name: value for name, value in request.headers.items()
                                      if name.startswith(("X-", "OPENSTACK-"))},
                          "info": getattr(request, "env", {}).get("keystone.token_info")}

    async def on_get_async(self, request, response, **more):
        headers = {name.upper(): value for name, value in request.headers.items()}
        response.media = {"headers": headers, "info": request.scope.get("keystone.token_info")}


@pytest.fixture(scope="module", params=["jws", "fernet"])
def cloud(request, tmp_path_factory):
    made = InProcess(tmp_path_factory.mktemp("middleware"), services=["identity"],
                     options={"identity": {"tokens": request.param}}).start()
    made.tokens = request.param
    yield made
    made.stop()


class World:
    """A cloud, a service's user in it, and programs behind the middleware."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.api = Api(cloud)
        self.user, self.project = self.api.person()
        service, project = self.api.person("service")
        self.service = service
        self.base = Settings(auth_url="http://x/identity/v3", username=service["name"], password="secret",
                             project_name=project["name"])
        # About tokens made just after a change, services ask.
        cloud.clock.advance(10)
        self.build()

    def build(self, **more):
        """Programs behind a middleware with other settings."""
        import dataclasses
        self.settings = dataclasses.replace(self.base, **more)
        self.identity = Near(self.settings, self.cloud)
        self.door = Door(self.settings, self.cloud.clock, self.identity)
        program = falcon.App()
        program.add_route("/{part}", Program())
        program.add_route("/{part}/{rest}", Program())
        self.wsgi = wsgi.Middleware(program, self.settings, self.door)
        other = falcon.asgi.App()
        other.add_route("/{part}", Program(), suffix="async")
        self.asgi = asgi.Middleware(other, self.settings, self.door)
        return self

    def token(self):
        return self.api.token(self.user, scope=scoped(self.project))

    def get(self, token="", path="/x", method="GET", **headers):
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "",
                   "SERVER_NAME": "x", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0),
                   "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
                   "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False}
        if token:
            environ["HTTP_X_AUTH_TOKEN"] = token
        environ.update({"HTTP_" + name.upper(): value for name, value in headers.items()})
        begun = []
        body = b"".join(self.wsgi(environ, lambda status, headers, *rest: begun.append((status, dict(headers)))))
        return int(begun[0][0][:3]), begun[0][1], json.loads(body) if body else None

    def get_async(self, headers, kind="http"):
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}
        scope = {"type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/x",
                 "raw_path": b"/x", "query_string": b"", "headers": headers, "scheme": "http", "root_path": "",
                 "server": ("x", 80), "client": ("y", 1)}
        asyncio.run(self.asgi(scope, receive, send))
        return sent


@pytest.fixture
def world(cloud):
    cloud._tokens.clear()
    return World(cloud)


def test_who_asks_is_told_in_the_customary_headers(world):
    status, _, body = world.get(world.token())
    assert status == 200
    found = body["headers"]
    assert found["X-IDENTITY-STATUS"] == "Confirmed"
    assert (found["X-USER-ID"], found["X-USER-NAME"]) == (world.user["id"], world.user["name"])
    assert (found["X-PROJECT-ID"], found["X-PROJECT-NAME"]) == (world.project["id"], world.project["name"])
    assert found["X-USER-DOMAIN-ID"] == found["X-PROJECT-DOMAIN-ID"] == "default"
    assert found["X-USER-DOMAIN-NAME"] == found["X-PROJECT-DOMAIN-NAME"] == "Default"
    assert set(found["X-ROLES"].split(",")) == {"member", "reader"}
    assert found["X-TENANT-ID"] == world.project["id"] and found["X-USER"] == world.user["name"]
    assert "X-SERVICE-IDENTITY-STATUS" not in found and "X-DOMAIN-ID" not in found
    assert body["info"]["token"]["user"]["id"] == world.user["id"]


def test_a_signed_token_is_checked_without_asking(world):
    token = world.token()
    for _ in range(3):
        assert world.get(token)[0] == 200
    assert world.identity.count("GET /auth/tokens") == (0 if world.cloud.tokens == "jws" else 1)
    assert world.identity.count("/auth/jwks") == (1 if world.cloud.tokens == "jws" else 0)


def test_signed_and_asked_say_the_same(world):
    token = world.token()
    by_itself = world.get(token)[2]
    asked = world.build(offline=False).get(token)[2]
    assert by_itself["headers"] == asked["headers"]


def test_scopes(world):
    domain = world.api.make("domain")
    world.api.grant(world.user, "member", domain=domain)
    world.api.grant(world.user, "reader")
    world.cloud.clock.advance(10)
    for scope, names in (({"domain": {"id": domain["id"]}}, {"X-DOMAIN-ID": domain["id"]}),
                         ({"system": {"all": True}}, {"OPENSTACK-SYSTEM-SCOPE": "all"}), (None, {"X-ROLES": ""})):
        found = world.get(world.api.token(world.user, scope=scope))[2]["headers"]
        assert names.items() <= found.items() and "X-PROJECT-ID" not in found


FORGED = {"X_IDENTITY_STATUS": "Confirmed", "X_USER_ID": "admin", "X_ROLES": "admin", "X_PROJECT_ID": "p",
          "X_ROLE": "admin", "X_SERVICE_ROLES": "service", "X_SERVICE_IDENTITY_STATUS": "Confirmed", "X_TENANT": "t",
          "OPENSTACK_SYSTEM_SCOPE": "all", "X_IS_ADMIN_PROJECT": "True", "X_SERVICE_CATALOG": "[]", "X_DOMAIN_ID": "d"}


def test_forged_headers(world):
    found = world.get(world.token(), **FORGED)[2]["headers"]
    assert "admin" not in found.values() and "OPENSTACK-SYSTEM-SCOPE" not in found and "X-DOMAIN-ID" not in found
    world.build(delay_auth_decision=True)
    assert world.get("", **FORGED)[2]["headers"] == {"X-IDENTITY-STATUS": "Invalid"}


def test_no_token_and_bad_tokens(world):
    good = world.token()
    for token in ("", "x", "a.b.c", good[:-6] + "AAAAAA", good + "x", "\u00ff", "x" * 9000, "null", "e30.e30."):
        status, headers, body = world.get(token)
        assert status == 401 and headers["WWW-Authenticate"] == 'Keystone uri="http://x/identity/v3"', token
        assert body["error"]["code"] == 401
    assert world.get("x", method="HEAD")[2] is None


def test_delayed_decisions(world):
    world.build(delay_auth_decision=True)
    for token in ("", "x"):
        status, _, body = world.get(token)
        assert status == 200 and body["headers"]["X-IDENTITY-STATUS"] == "Invalid" and body["info"] is None
    assert world.get(world.token())[2]["headers"]["X-IDENTITY-STATUS"] == "Confirmed"


@pytest.mark.parametrize("end", ["token", "role", "user", "password", "project"])
def test_what_ends_at_identity_ends_here(world, end):
    token = world.token()
    world.cloud.clock.advance(10)
    assert world.get(token)[0] == 200
    api, user, project = world.api, world.user, world.project
    {"token": lambda: api.ok("DELETE", "/auth/tokens", token=token, headers={"X-Subject-Token": token}),
     "role": lambda: api.ok("DELETE", f"/projects/{project['id']}/users/{user['id']}/roles/{api.role('member')}"),
     "user": lambda: api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}}),
     "password": lambda: api.ok("PATCH", f"/users/{user['id']}", {"user": {"password": "new"}}),
     "project": lambda: api.ok("PATCH", f"/projects/{project['id']}", {"project": {"enabled": False}})}[end]()
    world.cloud.clock.advance(0.5)
    assert world.get(token)[0] == 401


def test_what_ends_is_heard_over_the_bus_at_once(world):
    token = world.token()
    assert world.get(token)[0] == 200
    told = []
    revision = world.cloud.cloud.services["identity"].store.revision
    revision._tell = told.append
    try:
        world.api.ok("DELETE", "/auth/tokens", token=token, headers={"X-Subject-Token": token})
    finally:
        revision._tell = None
    for body in told:
        world.door.judge.revocations.hear(body)
    assert world.get(token)[0] == 401


def test_a_role_that_is_given_shows(world):
    token = world.token()
    world.cloud.clock.advance(10)
    world.get(token)
    world.api.grant(world.user, "manager", world.project)
    world.cloud.clock.advance(1)
    assert "manager" in world.get(token)[2]["headers"]["X-ROLES"]


def test_changes_of_others_cost_nothing(world):
    token = world.token()
    world.cloud.clock.advance(10)
    world.get(token)
    before = world.identity.count("GET /auth/tokens")
    other = world.api.person()[0]
    world.api.ok("PATCH", f"/users/{other['id']}", {"user": {"enabled": False}})
    world.cloud.clock.advance(1)
    assert world.get(token)[0] == 200
    assert world.identity.count("GET /auth/tokens") == before


def test_expired_tokens_and_services_that_vouch_for_them(world):
    token = world.token()
    world.cloud.clock.advance(3000)
    service = world.api.token(world.service, scope={"project": {"name": world.base.project_name,
                                                                "domain": {"id": "default"}}})
    world.cloud.clock.advance(601)
    assert world.get(token)[0] == 401
    status, _, body = world.get(token, x_service_token=service)
    assert status == 200 and body["headers"]["X-SERVICE-IDENTITY-STATUS"] == "Confirmed"
    assert body["headers"]["X-SERVICE-ROLES"] == "service"
    assert body["headers"]["X-SERVICE-USER-NAME"] == world.service["name"]
    assert world.get(token, x_service_token=token)[0] == 401


def test_a_service_token_needs_the_role(world):
    token = world.token()
    assert world.get(token, x_service_token=token)[0] == 401
    assert world.get(token, x_service_token="x")[0] == 401
    world.build(delay_auth_decision=True)
    found = world.get(token, x_service_token=token)[2]["headers"]
    assert found["X-SERVICE-IDENTITY-STATUS"] == "Invalid" and "X-SERVICE-ROLES" not in found
    world.build(service_token_roles_required=False)
    assert world.get(token, x_service_token=token)[0] == 200


def test_access_rules_of_application_credentials(world):
    """Such a token does what its rules say, and nothing where nobody told the middleware which service this is."""
    rules = [{"service": "compute", "method": "GET", "path": "/servers/*"}]
    made = world.api.ok("POST", f"/users/{world.user['id']}/application_credentials", {"application_credential": {
        "name": "bound", "access_rules": rules}}, token=world.token())["application_credential"]
    answer = world.api.auth({"methods": ["application_credential"], "application_credential": {
        "id": made["id"], "secret": made["secret"]}})
    token = answer.headers["x-subject-token"]
    world.cloud.clock.advance(10)
    assert world.get(token, "/servers/x")[0] == 401
    world.build(service_type="compute")
    assert world.get(token, "/servers/x")[0] == 200
    assert world.get(token, "/servers")[0] == world.get(token, "/servers/x", method="POST")[0] == 401
    assert world.build(service_type="image").get(token, "/servers/x")[0] == 401


def test_a_delegation_that_ends(world):
    made = world.api.ok("POST", f"/users/{world.user['id']}/application_credentials", {"application_credential": {
        "name": "brief"}}, token=world.token())["application_credential"]
    answer = world.api.auth({"methods": ["application_credential"], "application_credential": {
        "id": made["id"], "secret": made["secret"]}})
    token = answer.headers["x-subject-token"]
    world.cloud.clock.advance(10)
    assert world.get(token)[0] == 200
    world.api.ok("DELETE", f"/users/{world.user['id']}/application_credentials/{made['id']}", token=world.token())
    world.cloud.clock.advance(0.5)
    assert world.get(token)[0] == 401


def test_identity_that_is_away(world):
    token, fresh = world.token(), world.token()
    assert world.get(token)[0] == 200
    world.identity.away = True
    world.cloud.clock.advance(1)
    assert world.get(token)[0] == 200, "what was found is believed for a while"
    assert world.get(fresh)[0] == (200 if world.cloud.tokens == "jws" else 503)
    world.cloud.clock.advance(10)
    status, headers, _ = world.get(token)
    assert (status, headers["Retry-After"]) == (503, "1")
    world.identity.away = False
    world.cloud.clock.advance(1)
    assert world.get(token)[0] == 200


def test_a_service_whose_own_token_ended_logs_in_again(world):
    world.get(world.token())
    world.cloud.clock.advance(4000)
    world.cloud._tokens.clear()
    assert world.get(world.token())[0] == 200


def test_keys_are_rotated_under_it(world):
    format = world.cloud.cloud.services["identity"].store.format
    for _ in range(3):
        format.rotate()
        world.cloud.clock.advance(6)
        assert world.get(world.token())[0] == 200


def test_tokens_of_another_cloud(world, tmp_path):
    other = InProcess(tmp_path, seed=7, services=["identity"],
                      options={"identity": {"tokens": world.cloud.tokens}}).start()
    try:
        assert world.get(other.token())[0] == 401
    finally:
        other.stop()


def test_a_role_named_like_two(world):
    role = world.api.make("role", name="x,admin")
    world.api.ok("PUT", f"/projects/{world.project['id']}/users/{world.user['id']}/roles/{role['id']}")
    assert "admin" not in world.get(world.token())[2]["headers"]["X-ROLES"]


def test_names_of_any_letters_are_one_header(world):
    user, project = world.api.person(name="Zoë\r\nX-Roles: admin")
    found = world.get(world.api.token(user, scope=scoped(project)))[2]["headers"]
    assert found["X-USER-NAME"].encode("latin-1").decode() == "Zoë  X-Roles: admin"
    assert "admin" not in found["X-ROLES"]


def test_the_catalog(world):
    world.build(include_service_catalog=True)
    found = json.loads(world.get(world.token())[2]["headers"]["X-SERVICE-CATALOG"])
    assert any(one["type"] == "identity" and "publicURL" in one["endpoints"][0] for one in found)


def test_asgi(world):
    token = world.token().encode()
    forged = [(b"x-roles", b"admin"), (b"X_Roles", b"admin"), (b"x-service-roles", b"service")]
    start, body = world.get_async([(b"x-auth-token", token), *forged])[:2]
    found = json.loads(body["body"])
    assert start["status"] == 200 and found["headers"]["X-USER-ID"] == world.user["id"]
    assert set(found["headers"]["X-ROLES"].split(",")) == {"member", "reader"}
    assert "X_ROLES" not in found["headers"] and "X-SERVICE-ROLES" not in found["headers"]
    assert found["info"]["token"]["user"]["id"] == world.user["id"]
    for headers in ([], [(b"x-auth-token", b"x")], [(b"x-auth-token", token), (b"x-auth-token", token)]):
        refused = world.get_async(headers)
        assert refused[0]["status"] == 401
        assert dict(refused[0]["headers"])[b"www-authenticate"].startswith(b"Keystone uri=")
    assert world.get_async([], "websocket")[0]["type"] == "websocket.close"


def test_filter_factory(world):
    made = wsgi.filter_factory({"here": "/x", "auth_url": "http://x"}, username="u", password="p",
                               delay_auth_decision="yes", service_token_roles="service, admin", cache_s="3")
    assert made(lambda environ, start: [])._door._settings.service_token_roles == ("service", "admin")
    for wrong in ({}, {"auth_url": "x"}, {"auth_url": "x", "username": "u", "typo": "1"},
                  {"auth_url": "x", "username": "u", "offline": "perhaps"},
                  {"auth_url": "x", "username": "u", "memcached_servers": "h:1"}):
        with pytest.raises(BadConfiguration):
            settings(wrong)
