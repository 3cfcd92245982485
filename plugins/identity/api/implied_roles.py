"""Roles that imply others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Identity


def _short(call: Call, row: Row) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "domain_id": row.domain_id or None, "description": row.description,
            "links": {"self": call.address(f"/v3/roles/{row.id}")}}


def _inference(call: Call, prior: Row, implied: Sequence[Row]) -> dict[str, Any]:
    return {"prior_role": _short(call, prior), "implies": [_short(call, row) for row in implied]}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List what one role implies."""
    prior = service.roles.find(call.path["role_id"])
    rows = service.roles.by_id(service.roles.implications().get(prior.id, []))
    return {"role_inference": _inference(call, prior, list(rows.values())),
            "links": {"self": call.address(call.request.path)}}


def every(service: Identity, call: Call) -> Mapping[str, Any]:
    """List what all roles imply."""
    direct = service.roles.implications()
    rows = service.roles.by_id([*direct, *(role for implied in direct.values() for role in implied)])
    return {"role_inferences": [_inference(call, rows[prior], [rows[role] for role in implied])
                                for prior, implied in direct.items()],
            "links": {"self": call.address(call.request.path)}}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show that one role implies another."""
    prior_id, implied_id = call.path["role_id"], call.path["implied_role_id"]
    service.roles.implied(prior_id, implied_id)
    prior, implied = service.roles.find(prior_id), service.roles.find(implied_id)
    return {"role_inference": {"prior_role": _short(call, prior), "implies": _short(call, implied)},
            "links": {"self": call.address(call.request.path)}}


def check(service: Identity, call: Call) -> None:
    """Tell whether one role implies another."""
    service.roles.implied(call.path["role_id"], call.path["implied_role_id"])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Let one role imply another."""
    service.roles.imply(call.context, call.path["role_id"], call.path["implied_role_id"])
    return show(service, call)


def delete(service: Identity, call: Call) -> None:
    """Let one role imply another no more."""
    service.roles.imply_no_more(call.context, call.path["role_id"], call.path["implied_role_id"])


ALL = "/roles/{role_id}/implies"
ONE = ALL + "/{implied_role_id}"
OPERATIONS = (
    Operation("GET", "/role_inferences", every, "identity:list_role_inference_rules",
              summary="List all role inferences"),
    Operation("GET", ALL, index, "identity:list_implied_roles", summary="List implied roles"),
    Operation("GET", ONE, show, "identity:get_implied_role", summary="Show an implied role"),
    Operation("HEAD", ONE, check, "identity:check_implied_role", status=204, summary="Check an implied role"),
    Operation("PUT", ONE, create, "identity:create_implied_role", status=201, summary="Create an implied role"),
    Operation("DELETE", ONE, delete, "identity:delete_implied_role", status=204, summary="Delete an implied role"),
)
