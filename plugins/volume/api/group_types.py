"""Group types and their specs over HTTP (3.11 and later)."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import group_types
from ..service import BlockStorage
from .paging import sliced
from .types import FLAG, SPECS, TEXT, truth

CREATE = {
    "type": "object", "required": ["group_type"], "additionalProperties": False,
    "properties": {"group_type": {
        "type": "object", "required": ["name"], "additionalProperties": False,
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 255}, "description": TEXT,
                       "is_public": FLAG, "group_specs": SPECS}}},
}
UPDATE = {
    "type": "object", "required": ["group_type"], "additionalProperties": False,
    "properties": {"group_type": {"type": "object", "additionalProperties": False,
                                  "properties": {"name": TEXT, "description": TEXT, "is_public": FLAG}}},
}
EXTRA = {"type": "object", "required": ["group_specs"], "additionalProperties": False, "properties": {
    "group_specs": {**SPECS, "type": "object", "minProperties": 1}}}
ONE_SPEC = {**SPECS, "type": "object", "minProperties": 1, "maxProperties": 1}


def view(row: Row, call: Call) -> dict[str, Any]:
    """A row as the API shows it."""
    body = {"id": row.id, "name": row.name, "description": row.description, "is_public": bool(row.is_public)}
    if call.allows("group:access_group_types_specs"):
        body["group_specs"] = row.specs
    return body


def _find(service: BlockStorage, call: Call) -> Row:
    with service.kit.db.read() as tx:
        return group_types.find(tx, call.context, call.path["group_type_id"])


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The group types the caller may use."""
    asked = call.one("is_public", "true").lower()
    public = None if asked == "none" else asked in ("true", "1")
    rows = group_types.listed(service.kit, call.context, public)
    return sliced(call, "group_types", "/group_types", rows, ("id", "name", "created_at"), lambda row: view(row, call))


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One group type; ``default`` is the default one."""
    if call.path["group_type_id"] != "default":
        return {"group_type": view(_find(service, call), call)}
    name = service.kit.options.default_group_type
    if not name:
        raise NotFound("Default group type can not be found.")
    with service.kit.db.read() as tx:
        return {"group_type": view(group_types.named(tx, call.context, name), call)}


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Make a group type."""
    body = call.body["group_type"]
    row = group_types.create(service.kit, call.context, body["name"], body.get("description"),
                             truth(body.get("is_public", True)), body.get("group_specs") or {})
    return {"group_type": view(row, call)}


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change a group type."""
    changes = {key: value for key, value in call.body["group_type"].items() if key != "name" or value is not None}
    if not changes:
        raise BadRequest("Specify group type name, description or a combination thereof.")
    if "is_public" in changes:
        changes["is_public"] = truth(changes["is_public"])
    return {"group_type": view(group_types.update(service.kit, call.context, call.path["group_type_id"], changes),
                               call)}


def delete(service: BlockStorage, call: Call) -> None:
    """Delete a group type."""
    group_types.delete(service.kit, call.context, call.path["group_type_id"])


def specs(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The specs of a group type."""
    return {"group_specs": _find(service, call).specs}


def add_specs(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Add or replace group specs."""
    group_types.set_specs(service.kit, call.context, call.path["group_type_id"], call.body["group_specs"])
    return {"group_specs": call.body["group_specs"]}


def spec(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One group spec."""
    row, key = _find(service, call), call.path["key"]
    if key not in row.specs:
        raise NotFound(f"Group Type {row.id} has no specs with key {key}.")
    return {key: row.specs[key]}


def put_spec(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Replace one group spec."""
    if call.path["key"] not in call.body:
        raise BadRequest("Request body and URI mismatch.")
    group_types.set_specs(service.kit, call.context, call.path["group_type_id"], call.body)
    return dict(call.body)


def drop_spec(service: BlockStorage, call: Call) -> None:
    """Remove one group spec."""
    group_types.drop_spec(service.kit, call.context, call.path["group_type_id"], call.path["key"])


ONE = "/group_types/{group_type_id}"
ALL_SPECS = ONE + "/group_specs"
RULE = "group:group_types:"
SPEC = "group:group_types_specs:"


def _operation(method: str, path: str, handler: Any, rule: str, summary: str, **more: Any) -> Operation:
    return Operation(method, path, handler, rule, since="3.11", summary=summary, **more)


OPERATIONS = (
    _operation("GET", "/group_types", listed, "group:group_types:get_all", "List group types."),
    _operation("POST", "/group_types", create, RULE + "create", "Create a group type.", body=CREATE, status=202),
    _operation("GET", ONE, show, "group:group_types:get", "Show a group type."),
    _operation("PUT", ONE, update, RULE + "update", "Update a group type.", body=UPDATE),
    _operation("DELETE", ONE, delete, RULE + "delete", "Delete a group type.", status=202),
    _operation("GET", ALL_SPECS, specs, SPEC + "get_all", "List group specs."),
    _operation("POST", ALL_SPECS, add_specs, SPEC + "create", "Add group specs.", body=EXTRA, status=202),
    _operation("GET", ALL_SPECS + "/{key}", spec, SPEC + "get", "Show a group spec."),
    _operation("PUT", ALL_SPECS + "/{key}", put_spec, SPEC + "update", "Update a group spec.", body=ONE_SPEC),
    _operation("DELETE", ALL_SPECS + "/{key}", drop_spec, SPEC + "delete", "Delete a group spec.", status=202),
)
