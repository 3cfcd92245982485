"""Trusts (OS-TRUST)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.db.engine import Row
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from ..service import Identity
from ..tables import trusts
from .application_credentials import ROLE
from .callers import caller
from .lists import answer, conditions, in_sql, page, query
from .roles import view as role_view
from .schemas import BOOLEAN, ID, NULLABLE_BOOLEAN, NULLABLE_ID, body

COUNT = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**31 - 1}
CREATE = body("trust", {
    "trustor_user_id": ID, "trustee_user_id": ID, "impersonation": BOOLEAN, "project_id": NULLABLE_ID,
    "remaining_uses": {**COUNT, "minimum": 1}, "expires_at": {"type": ["string", "null"], "maxLength": 64},
    "allow_redelegation": NULLABLE_BOOLEAN, "redelegation_count": COUNT,
    "redelegated_trust_id": NULLABLE_ID, "roles": {"type": ["array", "null"], "items": ROLE, "maxItems": 256}},
    ["trustor_user_id", "trustee_user_id", "impersonation"])
PATH = "/v3/OS-TRUST/trusts"


def view(call: Call, row: Row) -> dict[str, Any]:
    """A trust as lists show it."""
    ends = to_microsecond(row.expires_at)
    return {**row.extra, "id": row.id, "trustor_user_id": row.trustor_user_id, "trustee_user_id": row.trustee_user_id,
            "project_id": row.project_id or None, "impersonation": row.impersonation,
            "expires_at": None if ends is None else ends + "Z", "remaining_uses": row.remaining_uses,
            "redelegation_count": row.redelegation_count, "redelegated_trust_id": row.redelegated_trust_id or None,
            "deleted_at": None, "links": {"self": call.address(f"{PATH}/{row.id}")}}


def _whole(service: Identity, call: Call, row: Row) -> dict[str, Any]:
    """A trust with its roles."""
    return {**view(call, row), "roles": _roles(service, call, row), "roles_links": {
        "self": call.address(f"{PATH}/{row.id}/roles"), "previous": None, "next": None}}


def _roles(service: Identity, call: Call, row: Row) -> Sequence[Mapping[str, Any]]:
    known = service.roles.by_id(row.role_ids)
    return [role_view(call, known[id]) for id in row.role_ids if id in known]


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List trusts."""
    found = in_sql(trusts, conditions(call, ("trustor_user_id", "trustee_user_id")))
    rows = service.trusts.all(found, page(service, call))
    return answer(service, call, "trusts", [view(call, row) for row in rows])


def rule_of_list(service: Identity, call: Call) -> str:
    """The rule of a list: lists of a trustor's or trustee's own are told from those of others."""
    if call.one("trustor_user_id"):
        return "identity:list_trusts_for_trustor"
    return "identity:list_trusts_for_trustee" if call.one("trustee_user_id") else "identity:list_trusts"


def of_list(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on lists: whose trusts are asked for."""
    return {"target.trust.trustor_user_id": call.one("trustor_user_id"),
            "target.trust.trustee_user_id": call.one("trustee_user_id")}


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a trust."""
    row = service.trusts.create(call.context, caller(service, call), call.body["trust"])
    return {"trust": _whole(service, call, row)}


def of_new(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rule on a trust that is to be."""
    return {"trust.trustor_user_id": call.body["trust"]["trustor_user_id"]}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a trust."""
    return {"trust": _whole(service, call, service.trusts.find(call.path["trust_id"]))}


def delete(service: Identity, call: Call) -> None:
    """Delete a trust and all that were handed on from it."""
    service.trusts.delete(call.context, caller(service, call), call.path["trust_id"])


def roles(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the roles of a trust."""
    shown = _roles(service, call, service.trusts.find(call.path["trust_id"]))
    return {"roles": shown, "links": {"self": call.address(call.request.path), "previous": None, "next": None}}


def role(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a role of a trust."""
    row = service.trusts.find(call.path["trust_id"])
    role_id = call.path["role_id"]
    if role_id not in row.role_ids:
        raise NotFound(f"Could not find role: {role_id}.")
    return {"role": role_view(call, service.roles.find(role_id))}


def of_trust(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one trust: whose it is and for whom. :raises NotFound: there is none."""
    row = service.trusts.find(call.path["trust_id"])
    return {"target.trust.trustor_user_id": row.trustor_user_id, "target.trust.trustee_user_id": row.trustee_user_id}


def of_any(service: Identity, call: Call) -> Mapping[str, Any]:
    """As :func:`of_trust`, for trusts that may have ended and are to be removed."""
    row = service.trusts.any(call.path["trust_id"])
    return {"target.trust.trustor_user_id": row.trustor_user_id, "target.trust.trustee_user_id": row.trustee_user_id}


MANY = "/OS-TRUST/trusts"
ONE = MANY + "/{trust_id}"
OPERATIONS = (
    Operation("GET", MANY, index, "identity:list_trusts", rule_of=rule_of_list, target=of_list,
              query=query(trustor_user_id="text", trustee_user_id="text"), summary="List trusts"),
    Operation("POST", MANY, create, "identity:create_trust", target=of_new, body=CREATE, status=201,
              summary="Create a trust"),
    Operation("GET", ONE, show, "identity:get_trust", target=of_trust, summary="Show a trust"),
    Operation("DELETE", ONE, delete, "identity:delete_trust", target=of_any, status=204, summary="Delete a trust"),
    Operation("GET", ONE + "/roles", roles, "identity:list_roles_for_trust", target=of_trust,
              summary="List the roles of a trust"),
    Operation("GET", ONE + "/roles/{role_id}", role, "identity:get_role_for_trust", target=of_trust,
              summary="Show a role of a trust"),
)
