"""Limits of single projects and domains, and the model they are enforced by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ....core.db.engine import Row
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Identity
from ..tables import limits, projects, registered_limits
from .lists import LIST, answer, conditions, in_sql, page
from .registered_limits import NUMBER, WHAT, values
from .schemas import NULLABLE_ID, TEXT

CREATE = {"type": "object", "required": ["limits"], "additionalProperties": False, "properties": {
    "limits": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {
        "type": "object", "additionalProperties": False,
        "properties": {**WHAT, "project_id": NULLABLE_ID, "domain_id": NULLABLE_ID, "resource_limit": NUMBER,
                       "description": TEXT},
        "required": ["service_id", "resource_name", "resource_limit"],
        "oneOf": [{"required": [name], "properties": {name: {"type": "string"}}}
                  for name in ("project_id", "domain_id")]}}}}
UPDATE = {"type": "object", "required": ["limit"], "additionalProperties": False, "properties": {
    "limit": {"type": "object", "properties": {"resource_limit": NUMBER, "description": TEXT},
              "additionalProperties": False}}}


def view(call: Call, row: Row) -> dict[str, Any]:
    """A limit as the API shows it."""
    return {"id": row.id, "project_id": row.project_id or None, "domain_id": row.domain_id or None,
            "service_id": row.service_id, "region_id": row.region_id or None, "resource_name": row.resource_name,
            "resource_limit": row.resource_limit, "description": row.description,
            "links": {"self": call.address(f"/v3/limits/{row.id}")}}


def model(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show the model that limits are enforced by."""
    return {"model": service.limits.model}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List limits: all, or those of the caller's own project or domain."""
    found = in_sql(registered_limits, conditions(call, WHAT))
    found += in_sql(limits, conditions(call, ("project_id", "domain_id")))
    if not call.allows("identity:get_limit", {}):
        found.append(_own(call))
    rows = service.limits.all(found, page(service, call))
    return answer(service, call, "limits", [view(call, row) for row in rows])


def _own(call: Call) -> sa.ColumnElement[bool]:
    context = call.context
    if context.project_id:
        return limits.c.project_id == context.project_id
    if context.domain_id:
        return sa.or_(limits.c.domain_id == context.domain_id, projects.c.domain_id == context.domain_id)
    return sa.false()


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create limits, all or none."""
    wanted = [{name: value for name, value in values(given).items() if value is not None or name == "description"}
              for given in call.body["limits"]]
    return {"limits": [view(call, row) for row in service.limits.create(call.context, wanted)]}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a limit."""
    return {"limit": view(call, service.limits.find(call.path["limit_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a limit's number or description."""
    row = service.limits.update(call.context, call.path["limit_id"], call.body["limit"])
    return {"limit": view(call, row)}


def delete(service: Identity, call: Call) -> None:
    """Delete a limit."""
    service.limits.delete(call.context, call.path["limit_id"])


def of_limit(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one limit."""
    try:
        row = service.limits.find(call.path["limit_id"])
    except NotFound:
        return {}
    return {"target.limit.domain.id": row.domain_id or None, "target.limit.domain_id": row.domain_id or None,
            "target.limit.project_id": row.project_id or None, "target.limit.project.domain_id": row.of_domain or None}


ONE = "/limits/{limit_id}"
OPERATIONS = (
    Operation("GET", "/limits/model", model, "identity:get_limit_model", summary="Show the model of limits"),
    Operation("GET", "/limits", index, "identity:list_limits", query=LIST, summary="List limits"),
    Operation("POST", "/limits", create, "identity:create_limits", body=CREATE, status=201, summary="Create limits"),
    Operation("GET", ONE, show, "identity:get_limit", target=of_limit, summary="Show a limit"),
    Operation("PATCH", ONE, update, "identity:update_limit", body=UPDATE, target=of_limit, summary="Update a limit"),
    Operation("DELETE", ONE, delete, "identity:delete_limit", status=204, target=of_limit, summary="Delete a limit"),
)
