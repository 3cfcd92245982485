"""OS-FEDERATION: the ways in for users of other providers."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from ....core.drivers.assertion import Presented
from ....core.errors import BadRequest, Unauthorized
from ....core.http.call import Call, Reply
from ....core.http.table import Operation, Query
from ..service import Identity
from ..tokens import Entry
from .auth import reachable_domains, reachable_projects
from .federation import PROTOCOL

PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Logging in</title></head>
<body><form id="sso" name="sso" action="{origin}" method="post">
<input type="hidden" name="token" value="{token}">
<noscript><button type="submit">Continue</button></noscript>
</form><script>window.onload = function () {{ document.forms["sso"].submit(); }};</script></body></html>
"""
WEBSSO = "/auth/OS-FEDERATION/websso/{protocol_id}"
WEBSSO_OF = "/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/websso"


def presented(call: Call) -> Presented:
    """What the request brings of its user."""
    return Presented({name.lower(): value for name, value in call.request.headers.items()},
                     call.request.remote_addr or "")


def _entry(service: Identity, call: Call, provider_id: str) -> Entry:
    return service.login.authenticate(call.context, provider_id, call.path["protocol_id"], presented(call))


def authenticate(service: Identity, call: Call) -> Reply:
    """Issue an unscoped token to whom a provider vouches for."""
    entry = _entry(service, call, call.path["idp_id"])
    return Reply(service.tokens.body(entry, False), 201, {"X-Subject-Token": entry.text, "Vary": "X-Auth-Token"},
                 content_type="application/json")


def websso_of(service: Identity, call: Call) -> Reply:
    """Log a browser in by a provider and send it on to a trusted dashboard with its token."""
    origin = _origin(service, call)
    return _page(origin, _entry(service, call, call.path["idp_id"]))


def websso(service: Identity, call: Call) -> Reply:
    """Log a browser in; the provider is the one whose id the front end's attribute names."""
    origin = _origin(service, call)
    return _page(origin, service.login.by_remote_id(call.context, call.path["protocol_id"], presented(call)))


def _origin(service: Identity, call: Call) -> str:
    origin = call.one("origin")
    if not origin:
        raise BadRequest("Request must have an origin query parameter")
    if origin not in service.store.options.trusted_dashboards:
        raise Unauthorized(f"{origin} is not a trusted dashboard host")
    return origin


def _page(origin: str, entry: Entry) -> Reply:
    page = PAGE.format(origin=html.escape(origin, quote=True), token=html.escape(entry.text, quote=True))
    return Reply(page.encode(), 200, {"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def projects(service: Identity, call: Call) -> Mapping[str, Any]:
    """Projects that the caller can have a token for."""
    return reachable_projects(service, call)


def domains(service: Identity, call: Call) -> Mapping[str, Any]:
    """Domains that the caller can have a token for."""
    return reachable_domains(service, call)


ORIGIN = Query({"origin": "text"})
OPERATIONS = (
    Operation("GET", PROTOCOL + "/auth", authenticate, public=True, status=201,
              summary="Issue an unscoped token by federation"),
    Operation("POST", PROTOCOL + "/auth", authenticate, public=True, status=201,
              summary="Issue an unscoped token by federation"),
    Operation("GET", WEBSSO, websso, public=True, query=ORIGIN, summary="Log a browser in"),
    Operation("POST", WEBSSO, websso, public=True, query=ORIGIN, summary="Log a browser in"),
    Operation("GET", WEBSSO_OF, websso_of, public=True, query=ORIGIN, summary="Log a browser in by a provider"),
    Operation("POST", WEBSSO_OF, websso_of, public=True, query=ORIGIN, summary="Log a browser in by a provider"),
    Operation("GET", "/OS-FEDERATION/projects", projects, "identity:get_auth_projects",
              summary="List projects in reach of a federated user"),
    Operation("GET", "/OS-FEDERATION/domains", domains, "identity:get_auth_domains",
              summary="List domains in reach of a federated user"),
)
