"""Registered limits: what holds for all projects and domains where nothing else is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Identity
from ..tables import registered_limits
from .lists import LIST, answer, conditions, in_sql, page
from .schemas import ID, NAME, TEXT

NUMBER = {"type": "integer", "minimum": -1, "maximum": 0x7FFFFFFF}
REGION = {"type": ["string", "null"], "maxLength": 255}
WHAT = {"service_id": ID, "region_id": REGION, "resource_name": NAME}
PROPERTIES = {**WHAT, "default_limit": NUMBER, "description": TEXT}
CREATE = {"type": "object", "required": ["registered_limits"], "additionalProperties": False, "properties": {
    "registered_limits": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {
        "type": "object", "properties": PROPERTIES, "additionalProperties": False,
        "required": ["service_id", "resource_name", "default_limit"]}}}}
UPDATE = {"type": "object", "required": ["registered_limit"], "additionalProperties": False, "properties": {
    "registered_limit": {"type": "object", "properties": PROPERTIES, "additionalProperties": False}}}


def view(call: Call, row: Row) -> dict[str, Any]:
    """A registered limit as the API shows it."""
    return {"id": row.id, "service_id": row.service_id, "region_id": row.region_id or None,
            "resource_name": row.resource_name, "default_limit": row.default_limit, "description": row.description,
            "links": {"self": call.address(f"/v3/registered_limits/{row.id}")}}


def values(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given in the form of the table: no region is an empty one."""
    return {name: "" if name == "region_id" and value is None else value for name, value in given.items()}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List registered limits."""
    found = in_sql(registered_limits, conditions(call, WHAT))
    rows = service.registered_limits.all(found, page(service, call))
    return answer(service, call, "registered_limits", [view(call, row) for row in rows])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create registered limits, all or none."""
    wanted = [values(given) for given in call.body["registered_limits"]]
    rows = service.registered_limits.create(call.context, wanted)
    return {"registered_limits": [view(call, row) for row in rows]}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a registered limit."""
    return {"registered_limit": view(call, service.registered_limits.find(call.path["registered_limit_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a registered limit."""
    row = service.registered_limits.update(call.context, call.path["registered_limit_id"],
                                           values(call.body["registered_limit"]))
    return {"registered_limit": view(call, row)}


def delete(service: Identity, call: Call) -> None:
    """Delete a registered limit."""
    service.registered_limits.delete(call.context, call.path["registered_limit_id"])


ONE = "/registered_limits/{registered_limit_id}"
OPERATIONS = (
    Operation("GET", "/registered_limits", index, "identity:list_registered_limits", query=LIST,
              summary="List registered limits"),
    Operation("POST", "/registered_limits", create, "identity:create_registered_limits", body=CREATE, status=201,
              summary="Create registered limits"),
    Operation("GET", ONE, show, "identity:get_registered_limit", summary="Show a registered limit"),
    Operation("PATCH", ONE, update, "identity:update_registered_limit", body=UPDATE,
              summary="Update a registered limit"),
    Operation("DELETE", ONE, delete, "identity:delete_registered_limit", status=204,
              summary="Delete a registered limit"),
)
