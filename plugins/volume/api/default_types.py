"""Default volume types of projects over HTTP (3.62 and later)."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import default_types
from ..service import BlockStorage

CHOOSE = {
    "type": "object", "required": ["default_type"], "additionalProperties": False,
    "properties": {"default_type": {
        "type": "object", "required": ["volume_type"], "additionalProperties": False,
        "properties": {"volume_type": {"type": "string", "minLength": 1, "maxLength": 255}}}},
}


def view(row: Row) -> dict[str, Any]:
    """A row as the API shows it."""
    return {"project_id": row.project_id, "volume_type_id": row.type_id}


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The defaults of all projects."""
    return {"default_types": [view(row) for row in default_types.listed(service.kit)]}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The default of a project."""
    return {"default_type": view(default_types.show(service.kit, call.path["project_id"]))}


def choose(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Give a project a default type."""
    return {"default_type": view(default_types.choose(service.kit, call.context, call.path["project_id"],
                                                      call.body["default_type"]["volume_type"]))}


def drop(service: BlockStorage, call: Call) -> None:
    """Let a project have the configured default again."""
    default_types.drop(service.kit, call.path["project_id"])


ONE = "/default-types/{project_id}"
RULE = "volume_extension:default_"
OPERATIONS = (
    Operation("GET", "/default-types", listed, RULE + "get_all", since="3.62", summary="List default types."),
    Operation("GET", ONE, show, RULE + "get", since="3.62", summary="Show a project's default type."),
    Operation("PUT", ONE, choose, RULE + "set_or_update", body=CHOOSE, since="3.62",
              summary="Set a project's default type."),
    Operation("DELETE", ONE, drop, RULE + "unset", since="3.62", status=204,
              summary="Unset a project's default type."),
)
