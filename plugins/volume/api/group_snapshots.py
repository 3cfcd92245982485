"""Group snapshots over HTTP (3.14 and later)."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Action, Operation
from ..service import BlockStorage
from .groups import NAME, STATUS
from .paging import page, question
from .volumes import TEXT

CREATE = {
    "type": "object", "required": ["group_snapshot"], "additionalProperties": False,
    "properties": {"group_snapshot": {
        "type": "object", "required": ["group_id"], "additionalProperties": False,
        "properties": {"group_id": {"type": "string", "format": "uuid"}, "name": NAME, "description": TEXT}}},
}
UPDATE = {
    "type": "object", "required": ["group_snapshot"], "additionalProperties": False,
    "properties": {"group_snapshot": {"type": "object", "minProperties": 1, "additionalProperties": False,
                                      "properties": {"name": NAME, "description": TEXT}}},
}
FILTERS = {"name": "name", "status": "status", "group_id": "group_id", "id": "id"}
SORT_KEYS = {"id": "id", "name": "name", "created_at": "created_at", "status": "status", "group_id": "group_id"}


def brief(row: Row) -> dict[str, Any]:
    """A group snapshot without details."""
    return {"id": row.id, "name": row.name}


def full(row: Row, call: Call) -> dict[str, Any]:
    """A group snapshot with all details."""
    body = {"id": row.id, "name": row.name, "group_id": row.group_id, "group_type_id": row.group_type_id,
            "status": row.status, "description": row.description, "created_at": to_microsecond(row.created_at)}
    if call.since("3.58") and call.allows("group:group_snapshot_project_attribute"):
        body["project_id"] = row.project_id
    return body


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to freeze a group."""
    body = call.body["group_snapshot"]
    row = service.group_snapshots.create(call.context, body["group_id"], body.get("name"), body.get("description"))
    return {"group_snapshot": {**brief(row), "group_type_id": row.group_type_id}}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One group snapshot."""
    return {"group_snapshot": full(service.group_snapshots.show(call.context, call.path["group_snapshot_id"]), call)}


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change name or description."""
    row = service.group_snapshots.update(call.context, call.path["group_snapshot_id"], call.body["group_snapshot"])
    return {"group_snapshot": brief(row)}


def delete(service: BlockStorage, call: Call) -> None:
    """Begin to delete a group snapshot."""
    service.group_snapshots.delete(call.context, call.path["group_snapshot_id"])


def reset_status(service: BlockStorage, call: Call) -> None:
    """Set a group snapshot's state."""
    service.group_snapshots.reset(call.context, call.path["group_snapshot_id"], call.body["reset_status"]["status"])


def _page(service: BlockStorage, call: Call, path: str, view: Any) -> dict[str, Any]:
    asked = question(call, "group_snapshots", FILTERS, SORT_KEYS)
    return page(call, "group_snapshots", path, [view(row) for row in service.group_snapshots.listed(asked)], asked)


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of group snapshots: ids and names."""
    return _page(service, call, "/group_snapshots", brief)


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of group snapshots with all details."""
    return _page(service, call, "/group_snapshots/detail", lambda row: full(row, call))


ROOT = "/group_snapshots"
ONE = ROOT + "/{group_snapshot_id}"
OPERATIONS = (
    Operation("POST", ROOT, create, "group:create_group_snapshot", body=CREATE, since="3.14", status=202,
              summary="Create a group snapshot."),
    Operation("GET", ROOT, listed, "group:get_all_group_snapshots", since="3.14", summary="List group snapshots."),
    Operation("GET", ROOT + "/detail", detailed, "group:get_all_group_snapshots", since="3.14",
              summary="List group snapshots with details."),
    Operation("GET", ONE, show, "group:get_group_snapshot", since="3.14", summary="Show a group snapshot."),
    Operation("PUT", ONE, update, "group:update_group_snapshot", body=UPDATE, since="3.14",
              summary="Update a group snapshot."),
    Operation("DELETE", ONE, delete, "group:delete_group_snapshot", since="3.14", status=202,
              summary="Delete a group snapshot."),
    Action(ONE + "/action", "reset_status", reset_status, "group:reset_group_snapshot_status", STATUS, since="3.19",
           summary="Set a group snapshot's state."),
)
