"""Authentication: tokens, and what their holders may reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import Forbidden, NotFound
from ....core.http.call import Call, Reply
from ....core.http.table import Operation, Query
from ..assignments import SYSTEM
from ..guard import claimed
from ..methods import Request
from ..receipts import MoreNeeded
from ..service import Identity
from ..tokens import Entry
from .auth_schema import AUTH
from .domains import view as domain_view
from .lists import answer
from .projects import views as project_views

ACCESS_RULES = "OPENSTACK-IDENTITY-ACCESS-RULES"
"""The header by which who validates a token tells that it heeds access rules, and in which version."""


def _reply(service: Identity, call: Call, entry: Entry, status: int) -> Reply:
    with_catalog = "nocatalog" not in call.query
    return Reply(service.tokens.body(entry, with_catalog), status,
                 {"X-Subject-Token": entry.text, "Vary": "X-Auth-Token"}, content_type="application/json")


def create(service: Identity, call: Call) -> Reply:
    """Issue a token, or a receipt for who has to prove more."""
    auth, request = call.body["auth"], presented(call)
    more: MoreNeeded | None = None
    with service.guard.watched(address(service, call), claimed(auth["identity"])):
        try:
            entry = service.authentication.authenticate(auth, request)
        except MoreNeeded as exc:
            more = exc
    if more is not None:
        return Reply({"receipt": more.receipt, "required_auth_methods": more.required}, 401,
                     {"Openstack-Auth-Receipt": more.text,
                      "WWW-Authenticate": f'Keystone uri="{call.base}"'})
    return _reply(service, call, entry, 201)


def presented(call: Call) -> Request:
    """What came beside the body."""
    request = call.request
    return Request(method=request.method, url=call.base + request.path, query=request.query_string or "",
                   authorization=call.header("AUTHORIZATION"), receipt=call.header("OPENSTACK-AUTH-RECEIPT"))


def address(service: Identity, call: Call) -> str:
    """Where a request comes from."""
    return service.guard.address(call.request.remote_addr, call.header("X-FORWARDED-FOR"))


def _subject(service: Identity, call: Call) -> Entry:
    return service.tokens.subject(call.header("X-SUBJECT-TOKEN"), call.flag("allow_expired"))


def show(service: Identity, call: Call) -> Reply:
    """Validate a token."""
    entry = _subject(service, call)
    if entry.context.access_rules and not _heeds_rules(call.header(ACCESS_RULES)):
        raise NotFound("Could not find token.")
    return _reply(service, call, entry, 200)


def _heeds_rules(text: str) -> bool:
    """Tell whether who asks keeps to the access rules of tokens: without that a bound token would be unbound there."""
    try:
        return float(text) >= 1.0
    except ValueError:
        return False


def delete(service: Identity, call: Call) -> None:
    """Revoke a token."""
    service.tokens.revoke(call.context, call.header("X-SUBJECT-TOKEN"))


def of_subject(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on tokens: whose token it is. :raises NotFound: it is none that is good.

    Whoever knows a token may learn that it is good no more: knowing it was all that it took.
    """
    return {"target.token.user_id": _subject(service, call).payload.user_id}


def catalog(service: Identity, call: Call) -> Mapping[str, Any]:
    """The catalog of the caller's own token."""
    context = call.context
    if not (context.project_id or context.domain_id or context.system):
        raise Forbidden("An unscoped token has no catalog.")
    return {"catalog": service.catalog.rendered(context.project_id, context.user_id),
            "links": {"self": call.address("/v3/auth/catalog"), "previous": None, "next": None}}


def reachable_projects(service: Identity, call: Call) -> Mapping[str, Any]:
    """Projects that the caller can have a token for."""
    ids = service.assignments.project_ids_of(call.context.user_id)
    rows = [row for row in service.projects.by_id(sorted(ids)).values() if row.enabled and not row.is_domain]
    domains = service.projects.by_id([row.domain_id for row in rows])
    usable = [row for row in rows if domains[row.domain_id].enabled]
    return answer(service, call, "projects", project_views(service, call, usable))


def reachable_domains(service: Identity, call: Call) -> Mapping[str, Any]:
    """Domains that the caller can have a token for."""
    ids = service.assignments.domain_ids_of(call.context.user_id)
    rows = [row for row in service.projects.by_id(sorted(ids)).values() if row.enabled]
    tags = service.projects.tags([row.id for row in rows])
    return answer(service, call, "domains", [domain_view(call, row, tags.get(row.id, [])) for row in rows])


def reachable_system(service: Identity, call: Call) -> Mapping[str, Any]:
    """Whether the caller can have a token for the system."""
    held = any(row.target_kind == SYSTEM for row in service.assignments.held(call.context.user_id))
    return {"system": [{"all": True}] if held else [],
            "links": {"self": call.address("/v3/auth/system"), "previous": None, "next": None}}


TOKEN_QUERY = Query({"nocatalog": "text", "allow_expired": "boolean"})
OPERATIONS = (
    Operation("POST", "/auth/tokens", create, public=True, body=AUTH, status=201, query=TOKEN_QUERY,
              summary="Issue a token"),
    Operation("GET", "/auth/tokens", show, "identity:validate_token", target=of_subject, query=TOKEN_QUERY,
              summary="Validate a token"),
    Operation("HEAD", "/auth/tokens", show, "identity:check_token", target=of_subject, query=TOKEN_QUERY,
              summary="Check a token"),
    Operation("DELETE", "/auth/tokens", delete, "identity:revoke_token", target=of_subject, status=204,
              summary="Revoke a token"),
    Operation("GET", "/auth/catalog", catalog, "identity:get_auth_catalog", summary="Show the catalog"),
    Operation("GET", "/auth/projects", reachable_projects, "identity:get_auth_projects",
              summary="List projects in reach"),
    Operation("GET", "/auth/domains", reachable_domains, "identity:get_auth_domains", summary="List domains in reach"),
    Operation("GET", "/auth/system", reachable_system, "identity:get_auth_system",
              summary="Tell whether the system is in reach"),
)
