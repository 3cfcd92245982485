"""A cloud of identity alone, and short words for what the cases do again and again."""

import itertools

import pytest
from stratolith.core.conformance.cloud import InProcess

NUMBERS = itertools.count(1)


class Api:
    """Requests to identity. ``ok`` gives the body of an answer of status 2xx and fails on any other."""

    def __init__(self, cloud):
        self.cloud = cloud

    def request(self, method, path, body=None, token=None, **more):
        if token is not None:
            more = {"as_": None, "headers": {"X-Auth-Token": token, **more.get("headers", {})}}
        return self.cloud.request(method, "/identity/v3" + path, body, **more)

    def ok(self, method, path, body=None, **more):
        answer = self.request(method, path, body, **more)
        assert 200 <= answer.status < 300, answer
        return answer.json if answer.data else None

    def auth(self, identity, scope=None, path="/auth/tokens"):
        body = {"auth": {"identity": identity}}
        if scope is not None:
            body["auth"]["scope"] = scope
        return self.request("POST", path, body, as_=None)

    def login(self, user, password="secret", scope=None, domain="default"):
        who = {"name": user, "domain": {"id": domain}} if isinstance(user, str) else {"id": user["id"]}
        return self.auth({"methods": ["password"], "password": {"user": {**who, "password": password}}}, scope)

    def token(self, *arguments, **more):
        answer = self.login(*arguments, **more)
        assert answer.status == 201, answer
        return answer.headers["x-subject-token"]

    def rescope(self, token, scope=None):
        return self.auth({"methods": ["token"], "token": {"id": token}}, scope)

    def validate(self, token, by=None, query=""):
        headers = {"X-Subject-Token": token}
        if by:
            return self.request("GET", "/auth/tokens" + query, token=by, headers=headers)
        return self.request("GET", "/auth/tokens" + query, headers=headers)

    def make(self, noun, **values):
        plural = noun + "s"
        values.setdefault("name", f"{noun}-{next(NUMBERS)}")
        return self.ok("POST", "/" + plural, {noun: values})[noun]

    def role(self, name):
        return self.ok("GET", f"/roles?name={name}")["roles"][0]["id"]

    def grant(self, user, role, project=None, domain=None):
        where = f"/projects/{project['id']}" if project else f"/domains/{domain['id']}" if domain else "/system"
        self.ok("PUT", f"{where}/users/{user['id']}/roles/{self.role(role)}")

    def person(self, role="member", **values):
        """A new user with a role on a new project."""
        user, project = self.make("user", password="secret", **values), self.make("project")
        self.grant(user, role, project)
        return user, project


@pytest.fixture(scope="package")
def cloud(tmp_path_factory):
    """A started cloud that has only identity."""
    made = InProcess(tmp_path_factory.mktemp("identity"), services=["identity"]).start()
    yield made
    made.stop()


@pytest.fixture
def api(cloud):
    """Requests to identity."""
    cloud._tokens.clear()
    return Api(cloud)


def scoped(project):
    """The scope of a project."""
    return {"project": {"id": project["id"]}}


@pytest.fixture(scope="module")
def catalog_as_before(cloud):
    """Takes the services that a module adds out of the catalog again: other modules know what is in it."""
    def ids():
        return {one["id"] for one in cloud.request("GET", "/identity/v3/services").json["services"]}
    before = ids()
    yield
    for one in ids() - before:
        assert cloud.request("DELETE", f"/identity/v3/services/{one}").status == 204
