"""From operation tables to a WSGI application: token, version, schema, rule, handler, answer."""

from __future__ import annotations

import contextlib
import gzip
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import falcon
import msgspec

from ..clock import Clock
from ..context import Context
from ..drivers.asked import asking
from ..errors import BadRequest, CloudError, Forbidden, MethodNotAllowed, NotFound, TooLarge, Unauthorized
from ..policy.engine import Policy
from . import access
from .call import Call, Reply, own
from .gate import Gates
from .microversion import Negotiation
from .request import Request
from .table import ANY_QUERY, Api, Operation, Query, Version, version
from .validation import BodyCheck, check_query, decode_json, parse_json, parse_query, refuse_extremes

log = logging.getLogger("stratolith.http")
encode = msgspec.json.Encoder().encode
REQUEST_ID = re.compile(r"req-[0-9a-f-]{32,36}")
NAME = re.compile(r"\{(\w+)\}")
GZIP_FROM_BYTES = 8192

Authenticate = Callable[[str, str], Context]
"""Takes a token and a request id, returns who holds it; raises Unauthorized."""
Observe = Callable[[str, int, float], None]
"""Takes the name of an operation, the status and the seconds it took."""


class Edge:
    """What all applications of a process share."""

    def __init__(self, authenticate: Authenticate, policy: Policy, clock: Clock,
                 observe: Observe | None = None, ephemeral: bool = False, gates: Gates | None = None) -> None:
        self.gates = gates or Gates(4)
        self.authenticate = authenticate
        self.policy = policy
        self.clock = clock
        self.observe = observe
        self.ephemeral = ephemeral


def _chunked(request: falcon.Request) -> bool:
    return request.method not in ("GET", "HEAD", "DELETE") or bool(request.get_header("TRANSFER-ENCODING"))


class Variant:
    """One operation made ready: its bounds as numbers, its schemas and its query kinds."""

    __slots__ = ("body", "first", "last", "names", "operation", "queries")

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.first: Version = version(operation.since) if operation.since else (0, 0)
        self.last: Version = version(operation.until) if operation.until else (1 << 30, 0)
        self.body = BodyCheck(operation)
        self.names = NAME.findall(operation.path)
        query = operation.query
        by_version = {"0.0": query} if isinstance(query, Query) else query
        self.queries = sorted(((version(since), one) for since, one in by_version.items()),
                              key=lambda pair: pair[0], reverse=True)

    def query(self, asked: Version) -> Query:
        """The query parameters known at microversion ``asked``."""
        for since, query in self.queries:
            if asked >= since:
                return query
        return ANY_QUERY


def _anonymous(path: str) -> str:
    """``path`` with its names numbered: falcon wants one name a level, the tables many."""
    parts = path.split("/")
    return "/".join(f"{{p{level:02}}}" if NAME.fullmatch(part) else part for level, part in enumerate(parts))


class Resource:
    """One path of an API: falcon calls ``on_<method>`` of it."""

    def __init__(self, application: Application, operations: Sequence[Operation]) -> None:
        by_method: dict[str, list[Variant]] = {}
        for operation in operations:
            by_method.setdefault(operation.method, []).append(Variant(operation))
        if application.api.listed_methods:
            self.on_options = _refusal(list(by_method))
        elif "GET" in by_method and "HEAD" not in by_method:
            by_method["HEAD"] = by_method["GET"]
        for method, variants in by_method.items():
            setattr(self, f"on_{method.lower()}", application.responder(variants))


class Application:
    """One API as a falcon application, bound to the service that does the work."""

    def __init__(self, api: Api, service: Any, edge: Edge) -> None:
        self.api = api
        self.service = service
        self.edge = edge
        self.negotiation = Negotiation(api.microversions) if api.microversions else None
        self.wsgi = falcon.App(sink_before_static_route=False, request_type=Request)
        self.wsgi.req_options.strip_url_path_trailing_slash = True
        self.wsgi.req_options.keep_blank_qs_values = True
        # What is empty has no type; whatever is not says its own.
        self.wsgi.resp_options.default_media_type = None  # type: ignore[assignment]
        self.wsgi.add_error_handler(falcon.HTTPError, self._route_failed)
        self.wsgi.add_error_handler(Exception, self._crashed)
        by_path: dict[str, list[Operation]] = {}
        for operation in api.operations:
            by_path.setdefault(_anonymous(operation.path), []).append(operation)
        for path, operations in by_path.items():
            self.wsgi.add_route(path or "/", Resource(self, operations))

    def responder(self, variants: list[Variant]) -> Callable[..., None]:
        """The function falcon calls for one path and method."""
        edge = self.edge

        def respond(request: falcon.Request, response: falcon.Response, **path: str) -> None:
            begun = edge.clock.monotonic()
            request_id = self._request_id(request)
            response.set_header("X-Openstack-Request-Id", request_id)
            if self.api.request_id_header:
                response.set_header(self.api.request_id_header, request_id)
            name = variants[0].operation.name
            try:
                name = self._serve(variants, request, response, path, request_id)
            except CloudError as error:
                self.fail(request, response, error)
            except falcon.HTTPError as error:
                self.fail(request, response, _from_falcon(error))
            except Exception:
                log.exception("%s failed", name, extra={"request_id": request_id})
                self.fail(request, response, CloudError("The server has encountered an unexpected error."))
            if edge.observe is not None:
                edge.observe(name, response.status_code, edge.clock.monotonic() - begun)
        return respond

    def _request_id(self, request: falcon.Request) -> str:
        given = request.get_header("X-OPENSTACK-REQUEST-ID")
        if given and REQUEST_ID.fullmatch(given):
            return str(given)
        return "req-" + self.edge.clock.uuid()

    def _serve(self, variants: list[Variant], request: falcon.Request, response: falcon.Response,
               path: Mapping[str, str], request_id: str) -> str:
        asked = self._version(variants, request, response)
        public = variants[0].operation.public
        context = Context(request_id=request_id) if public else self._context(request, request_id)
        variant, data = self._choose(variants, request, asked)
        operation = variant.operation
        named = dict(zip(variant.names, (path[level] for level in sorted(path)), strict=True))
        call = Call(request, response, context, operation, named, asked, self.edge.policy)
        if operation.raw:
            self._work(call, variant, data)
        else:
            with self.edge.gates.work.taken():
                self._work(call, variant, data)
        return operation.name

    def _work(self, call: Call, variant: Variant, data: Any) -> None:
        operation, context = variant.operation, call.context
        if self.api.admit is not None:
            self.api.admit(self.service, call)
        try:
            self._check(call, variant, data)
        except BadRequest:
            if self.api.present is not None:
                self.api.present(self.service, call)
            raise
        if not operation.public:
            target = own(context) if operation.target is None else operation.target(self.service, call)
            rule = operation.rule if operation.rule_of is None else operation.rule_of(self.service, call)
            self.edge.policy.enforce(context, rule, target)
        self._answer(call.request, call.response, operation, self._handled(operation, call))

    def _handled(self, operation: Operation, call: Call) -> Any:
        """What the handler says; who sends a stream of data passes a gate, faults asked for surround it."""
        if not (operation.raw or call.context.faults):
            return operation.handler(self.service, call)
        with contextlib.ExitStack() as around:
            if operation.raw:
                around.enter_context(self.edge.gates.streams.passed())
            if call.context.faults:
                around.enter_context(asking(call.context.request_id, call.context.faults))
            return operation.handler(self.service, call)

    def _version(self, variants: list[Variant], request: falcon.Request, response: falcon.Response) -> Version:
        if self.negotiation is None:
            return (0, 0)
        asked = self.negotiation.asked(request)
        self.negotiation.answer(response, asked)
        return asked

    def _context(self, request: falcon.Request, request_id: str) -> Context:
        token = request.get_header("X-AUTH-TOKEN")
        if not token:
            raise Unauthorized()
        context = self.edge.authenticate(token, request_id)
        if context.domain_id and not self.api.domain_scope:
            raise Forbidden("This service takes tokens for a project; the token sent is for a domain.")
        if context.access_rules:
            access.check(context, self.api.name, request.method, self._paths(request))
        project = request.env.get("stratolith.project_id")
        if project and project != context.project_id and not context.is_admin:
            raise BadRequest("Malformed request URL: its project id is not the token's", type="MalformedRequestUrl")
        if self.edge.ephemeral and (faults := request.get_header("X-STRATOLITH-FAULT")):
            pairs = (part.partition("=") for part in faults.split(";"))
            context = msgspec.structs.replace(context, faults=tuple((a.strip(), b.strip()) for a, _, b in pairs))
        return context

    def _paths(self, request: falcon.Request) -> set[str]:
        """The path as it was asked for, with and without the prefix; the project's id counts as a part of it."""
        path = request.path
        project, root = request.env.get("stratolith.project_id"), self.api.project_in_path
        asked = f"{root}/{project}{path[len(root):]}" if project else path
        return {asked, self.api.prefix + asked}

    def _choose(self, variants: list[Variant], request: falcon.Request, asked: Version) -> tuple[Variant, Any]:
        present = [one for one in variants if one.first <= asked <= one.last]
        if not present:
            raise MethodNotAllowed() if any(one.operation.absent == 405 for one in variants) else NotFound()
        if present[0].operation.raw:
            return present[0], None
        data = self._body(request, present[0].operation.public)
        if not present[0].operation.action:
            return present[0], data
        body = parse_json(data) if data else None
        if isinstance(body, dict):
            for variant in present:
                if variant.operation.action in body:
                    return variant, body
            if len(body) == 1 and any(variant.operation.action in body for variant in variants):
                # The action is one of another microversion.
                raise NotFound()
        raise BadRequest("There is no such action: " + (", ".join(map(str, body))[:200]
                                                        if isinstance(body, dict) else "the body is no object"))

    def _body(self, request: falcon.Request, public: bool) -> bytes:
        if request.content_length == 0 or (request.content_length is None and not _chunked(request)):
            return b""
        gates = self.edge.gates
        with (gates.strangers if public else gates.bodies).passed():
            return self._read(request)

    def _read(self, request: falcon.Request) -> bytes:
        limit = self.api.max_body_bytes
        length = request.content_length
        if length is None:
            data = request.stream.read(limit + 1)
            if len(data) > limit:
                raise TooLarge()
            return bytes(data)
        if length > limit:
            raise TooLarge()
        return bytes(request.bounded_stream.read(length))

    def _check(self, call: Call, variant: Variant, data: Any) -> None:
        text = call.request.query_string
        if text:
            call.query = parse_query(text)
        check_query(variant.query(call.version), call.version, call.query)
        if variant.operation.raw or not variant.body.takes_body:
            return
        if not isinstance(data, bytes) or not data:
            call.body = data or None
            variant.body.check(call.version, call.body)
            return
        call.body = decode_json(data)
        variant.body.check(call.version, call.body)
        # The schema says better what is wrong with a number that no database would take.
        refuse_extremes(data, call.body)

    def _answer(self, request: falcon.Request, response: falcon.Response, operation: Operation, result: Any) -> None:
        response.status = operation.status
        if result.__class__ is Reply:
            for name, value in result.headers.items():
                response.set_header(name, value)
            response.status = result.status or operation.status
            if result.stream is not None:
                response.content_type = result.content_type or "application/octet-stream"
                if result.length is None:
                    response.stream = result.stream
                else:
                    response.set_stream(result.stream, result.length)
                return
            if result.content_type:
                response.content_type = result.content_type
                response.data = result.body if isinstance(result.body, bytes) else str(result.body).encode()
                return
            result = result.body
        if result is None:
            if response.status_code not in (204, 304):
                response.data = b""
            return
        self._send(request, response, encode(result))

    def _send(self, request: falcon.Request, response: falcon.Response, data: bytes) -> None:
        response.content_type = "application/json"
        if len(data) >= GZIP_FROM_BYTES and "gzip" in (request.get_header("ACCEPT-ENCODING") or ""):
            data = gzip.compress(data, 1)
            response.set_header("Content-Encoding", "gzip")
        response.data = data

    def fail(self, request: falcon.Request, response: falcon.Response, error: CloudError) -> None:
        """Answer with ``error`` in the service's own fault form.

        The form may tell the request's id and the microversion served: the facts ``request_id`` and ``served``.
        """
        status = self.api.statuses.get(error.code, error.status)
        error.facts.setdefault("request_id", response.get_header("X-Openstack-Request-Id"))
        error.facts.setdefault("served", response.get_header("OpenStack-API-Version"))
        if status >= 500:
            log.error("%s %s: %s %s", request.method, request.path, error.code, error, exc_info=error,
                      extra={"request_id": response.get_header("X-Openstack-Request-Id")})
        response.status = status
        response.stream = None
        if status == 401:
            response.set_header("WWW-Authenticate", f'Keystone uri="{request.scheme}://{request.netloc}/identity"')
        if error.retry and "retry_after_s" in error.facts:
            response.set_header("Retry-After", str(error.facts["retry_after_s"]))
        page = self.api.page
        if page is not None and not request.client_accepts_json and request.client_accepts("text/html"):
            response.content_type, response.data = "text/html; charset=utf-8", page(status, error).encode()
            return
        response.content_type = "application/json"
        response.data = encode(self.api.fault(status, error))

    def _route_failed(self, request: falcon.Request, response: falcon.Response, error: falcon.HTTPError,
                      parameters: object) -> None:
        response.set_header("X-Openstack-Request-Id", self._request_id(request))
        with contextlib.suppress(CloudError):
            self._version([], request, response)
        for name, value in (error.headers or {}).items() if isinstance(error.headers, Mapping) else error.headers or ():
            response.set_header(name, value)
        found = _from_falcon(error)
        if found.status == 405:
            found = self._not_allowed(request, response)
        self.fail(request, response, found)

    def _not_allowed(self, request: falcon.Request, response: falcon.Response) -> CloudError:
        path = request.env["PATH_INFO"]
        if path.endswith("/") and path != "/":
            # A thing whose name is empty is not there; the path without its slash is the collection's.
            return NotFound()
        if self.api.listed_methods:
            # falcon counts the responder that refuses OPTIONS.
            allowed = (response.get_header("Allow") or "").split(", ")
            response.set_header("Allow", ", ".join(method for method in allowed if method != "OPTIONS"))
        return MethodNotAllowed(f"The method {request.method} is not allowed for this resource.")

    def _crashed(self, request: falcon.Request, response: falcon.Response, error: Exception,
                 parameters: object) -> None:
        log.error("%s %s crashed", request.method, request.path, exc_info=error)
        self.fail(request, response, CloudError("The server has encountered an unexpected error."))


def _refusal(methods: Sequence[str]) -> Callable[..., None]:
    """A responder of a method that is none of these."""
    def refuse(request: falcon.Request, response: falcon.Response, **path: str) -> None:
        raise falcon.HTTPMethodNotAllowed(methods)
    return refuse


class _Falcon(CloudError):
    """An error of falcon's own, such as a path without a route."""


def _from_falcon(error: falcon.HTTPError) -> CloudError:
    status = int(str(error.status)[:3])
    if status == 404:
        return NotFound()
    found = _Falcon(str(error.title or error.status))
    found.status, found.code = status, f"http-{status}"
    return found
