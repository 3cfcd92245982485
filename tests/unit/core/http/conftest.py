"""A small API of its own, mounted alone: what core/http does without any service."""

import gzip
import io
import json
from urllib.parse import urlsplit

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.context import Context
from stratolith.core.errors import BackendBusy, Conflict, Unauthorized
from stratolith.core.http.app import Application, Edge
from stratolith.core.http.call import Reply
from stratolith.core.http.mount import Mount
from stratolith.core.http.table import Action, Api, Microversions, Operation, Query
from stratolith.core.policy.engine import Policy
from stratolith.core.policy.rules import Rule

PROJECT = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
THING = {"type": "object", "properties": {"thing": {"type": "object", "properties": {
    "name": {"type": "string", "maxLength": 20}, "size": {"type": "integer"}}, "required": ["name"],
    "additionalProperties": False}}, "required": ["thing"], "additionalProperties": False}


class Service:
    """What the handlers work on."""

    def __init__(self):
        self.calls = []


def told(service, call):
    """The call, as JSON."""
    service.calls.append(call)
    return {"path": dict(call.path), "query": {name: list(values) for name, values in call.query.items()},
            "body": call.body, "version": list(call.version), "project": call.context.project_id, "base": call.base,
            "faults": [list(pair) for pair in call.context.faults]}


def fails(service, call):
    raise {"busy": BackendBusy("later", retry_after_s=7), "conflict": Conflict("it is so")}.get(
        call.path["how"], ValueError("a secret of the inside"))


def streamed(service, call):
    size = sum(len(chunk) for chunk in call.chunks(1000))
    return Reply(stream=iter([b"x" * size]), length=size, content_type="text/plain", headers={"X-Size": str(size)})


OPERATIONS = (
    Operation("GET", "/", lambda service, call: {"versions": []}, public=True),
    Operation("GET", "/v2/things", told, "thing:list", query=Query(
        {"limit": "natural", "id": "*uuid", "on": "boolean", "sort": "one of: up, down", "late": "text"}, strict=True,
        patterns=("meta_.*",), since={"late": "2.3"})),
    Operation("POST", "/v2/things", told, "thing:create", body=THING, status=201),
    Operation("GET", "/v2/things/{id}", told, "thing:show"),
    Operation("DELETE", "/v2/things/{id}", lambda service, call: None, "thing:delete", status=204),
    Operation("GET", "/v2/large", lambda service, call: {"text": "x" * 20000}, "thing:list"),
    Operation("GET", "/v2/new", told, "thing:list", since="2.2", until="2.4"),
    Operation("POST", "/v2/raw", streamed, "thing:create", raw=True),
    Operation("GET", "/v2/fails/{how}", fails, "thing:list"),
    Action("/v2/things/{id}/action", "start", told, "thing:act"),
    Action("/v2/things/{id}/action", "stop", told, "thing:act", {"type": "null"}),
    Action("/v2/things/{id}/action", "late", told, "thing:act", since="2.3"),
)


def fault(status, error):
    """The service's own fault body."""
    return {"fault": {"code": status, "message": str(error), "kind": error.code}}


API = Api("thing", "/thing", OPERATIONS, fault, Microversions("thing", "2.1", "2.5", "X-Thing-Version"),
          project_in_path="/v2", aliases={"/v1": "/v2"}, request_id_header="X-Thing-Request-Id",
          statuses={"conflict": 418}, max_body_bytes=2000)
RULES = [Rule("thing:list", "@", "List."), Rule("thing:show", "@", "Show."),
         Rule("thing:create", "role:member", "Make."), Rule("thing:act", "role:member", "Act."),
         Rule("thing:delete", "role:admin", "Delete.")]


class Answer:
    """Status, headers in lower case and body."""

    def __init__(self, status, headers, data):
        self.status = int(status.split()[0])
        self.headers = {name.lower(): value for name, value in headers}
        self.data = data

    @property
    def json(self):
        return json.loads(self.data)

    @property
    def unzipped(self):
        return gzip.decompress(self.data)


class Site:
    """The mounted API, asked without a network. Tokens are the names of roles."""

    def __init__(self, ephemeral=False, origins=()):
        self.service, self.observed = Service(), []
        edge = Edge(self.authenticate, Policy(RULES), Virtual(1), lambda *seen: self.observed.append(seen), ephemeral)
        page = lambda environ, start: (start("200 OK", []), [b"page"])[1]  # noqa: E731
        self.mount = Mount([Application(API, self.service, edge)], {"/page": page}, origins)

    def authenticate(self, token, request_id):
        if token not in ("member", "admin", "reader"):
            raise Unauthorized()
        return Context(request_id=request_id, user_id="u", project_id=PROJECT, roles=(token,),
                       is_admin=token == "admin")

    def __call__(self, method, path, body=None, as_="member", length=True, **headers):
        address = urlsplit(path)
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": address.path,
                   "QUERY_STRING": address.query, "SERVER_NAME": "s", "SERVER_PORT": "80", "HTTP_HOST": "cloud.test",
                   "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(data),
                   "wsgi.errors": io.StringIO(), "wsgi.version": (1, 0), "wsgi.multithread": False,
                   "wsgi.multiprocess": False, "wsgi.run_once": False, "REMOTE_ADDR": "127.0.0.1"}
        if body is not None and length:
            environ["CONTENT_LENGTH"] = str(len(data))
        if as_:
            environ["HTTP_X_AUTH_TOKEN"] = as_
        for name, value in headers.items():
            environ["HTTP_" + name.upper()] = value
        begun = []
        chunks = self.mount(environ, lambda status, headers, *rest: begun.append((status, headers)))
        return Answer(*begun[0], b"".join(chunks))


@pytest.fixture
def site():
    return Site()
