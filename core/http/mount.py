"""Many applications on one port, one path prefix each, with CORS, health and metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .app import Application, encode
from .table import Api

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
PROJECT = re.compile(r"/([0-9a-f]{32})(?=/|$)")
ALLOWED_HEADERS = ("Content-Type, X-Auth-Token, X-Subject-Token, X-Openstack-Request-Id, OpenStack-API-Version, "
                   "X-OpenStack-Nova-API-Version")


def _forget_microversion(api: Api, environ: dict[str, Any]) -> None:
    legacy = api.microversions.legacy if api.microversions else ""
    for name in ("HTTP_OPENSTACK_API_VERSION", "HTTP_" + legacy.upper().replace("-", "_")):
        environ.pop(name, None)


class Mount:
    """The process's WSGI callable: finds the application by the path's first segment.

    ``pages`` are further plain applications (health, metrics, metadata) by prefix.
    """

    def __init__(self, applications: Sequence[Application], pages: Mapping[str, Wsgi] | None = None,
                 cors_origins: Sequence[str] = ()) -> None:
        self.applications = list(applications)
        self._by_prefix = {one.api.prefix: one for one in applications}
        self._pages = dict(pages or {})
        self._origins = frozenset(cors_origins)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if self._origins and (origin := environ.get("HTTP_ORIGIN")):
            if environ["REQUEST_METHOD"] == "OPTIONS":
                return self._preflight(origin, start_response)
            start_response = self._with_origin(origin, start_response)
        path = environ.get("PATH_INFO") or "/"
        slash = path.find("/", 1)
        prefix, rest = (path, "") if slash < 0 else (path[:slash], path[slash:])
        application = self._by_prefix.get(prefix)
        if application is not None:
            return self._enter(application, prefix, rest, environ, start_response)
        page = self._pages.get(prefix)
        if page is not None:
            return page(environ, start_response)
        return self._root(path, environ, start_response)

    def _enter(self, application: Application, prefix: str, rest: str, environ: dict[str, Any],
               start_response: StartResponse) -> Iterable[bytes]:
        api = application.api
        for alias, target in api.aliases.items():
            if rest.startswith(alias + "/") and len(rest) > len(alias) + 1:
                rest = target + rest[len(alias):]
                _forget_microversion(api, environ)
        root = api.project_in_path
        if root and rest.startswith(root) and (found := PROJECT.match(rest, len(root))):
            environ["stratolith.project_id"] = found.group(1)
            rest = root + rest[found.end():]
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
        environ["PATH_INFO"] = rest or "/"
        result: Iterable[bytes] = application.wsgi(environ, start_response)
        return result

    def _root(self, path: str, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        found = path == "/"
        scheme, host = environ.get("wsgi.url_scheme", "http"), environ.get("HTTP_HOST", "")
        body = ({"services": {one.api.name: f"{scheme}://{host}{one.api.prefix}" for one in self.applications}}
                if found else {"error": {"code": 404, "title": "Not Found", "message": "There is nothing here."}})
        data = encode(body)
        start_response("200 OK" if found else "404 Not Found",
                       [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    def _allowed(self, origin: str) -> bool:
        return "*" in self._origins or origin in self._origins

    def _preflight(self, origin: str, start_response: StartResponse) -> Iterable[bytes]:
        headers = [("Content-Length", "0"), ("Vary", "Origin")]
        if self._allowed(origin):
            headers += [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Headers", ALLOWED_HEADERS),
                        ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
                        ("Access-Control-Max-Age", "3600")]
        start_response("200 OK", headers)
        return [b""]

    def _with_origin(self, origin: str, start_response: StartResponse) -> StartResponse:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if self._allowed(origin):
                headers = [*headers, ("Access-Control-Allow-Origin", origin), ("Vary", "Origin"),
                           ("Access-Control-Expose-Headers", "X-Subject-Token, X-Openstack-Request-Id")]
            return start_response(status, headers, *rest)
        return start
