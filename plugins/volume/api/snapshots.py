"""Snapshots over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Action, Operation
from ..service import BlockStorage
from ..states import SNAPSHOT_RESETTABLE
from .actions import FLAG, truth
from .paging import page, question, wants_count
from .volumes import METADATA, TEXT, named

PATH = "/snapshots/{snapshot_id}"
CREATE = {
    "type": "object", "required": ["snapshot"],
    "properties": {"snapshot": {
        "type": "object", "additionalProperties": False,
        "properties": {"volume_id": {"type": ["string", "null"]}, "name": TEXT, "display_name": TEXT,
                       "description": TEXT, "display_description": TEXT, "force": {"anyOf": [FLAG, {"type": "null"}]},
                       "metadata": METADATA}}},
}
UPDATE = {
    "type": "object", "required": ["snapshot"],
    "properties": {"snapshot": {
        "type": "object", "additionalProperties": False,
        "properties": {"name": TEXT, "display_name": TEXT, "description": TEXT, "display_description": TEXT}}},
}
FILTERS = {"name": "name", "display_name": "name", "status": "status", "volume_id": "volume_id", "id": "id"}
SORT_KEYS = {"id": "id", "name": "name", "display_name": "name", "status": "status", "created_at": "created_at",
             "size": "size", "volume_id": "volume_id", "updated_at": "updated_at"}


def brief(row: Row, call: Call) -> dict[str, Any]:
    """A snapshot without details."""
    body = {"id": row.id, "name": row.name, "description": row.description, "volume_id": row.volume_id,
            "status": row.status, "size": row.size, "metadata": row.metadata,
            "created_at": to_microsecond(row.created_at), "updated_at": to_microsecond(row.updated_at)}
    if call.since("3.14"):
        body["group_snapshot_id"] = row.group_snapshot_id
    if call.since("3.41"):
        body["user_id"] = row.user_id
    if call.since("3.65"):
        body["consumes_quota"] = bool(row.consumes_quota)
    return body


def full(row: Row, call: Call) -> dict[str, Any]:
    """A snapshot with all details."""
    return {**brief(row, call), "os-extended-snapshot-attributes:progress": row.progress,
            "os-extended-snapshot-attributes:project_id": row.project_id}


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to freeze a volume."""
    body = call.body["snapshot"]
    if "volume_id" not in body:
        raise BadRequest("'volume_id' must be specified")
    if not body["volume_id"]:
        raise NotFound("Volume None could not be found.")
    said, force = named(body), body.get("force")
    if call.since("3.66"):
        if force is not None and not truth(force):
            raise BadRequest("Invalid value False for 'force'. (The 'force' flag is invalid starting with microversion "
                             "3.66)")
        force = True
    row = service.snapshots.create(call.context, body["volume_id"], said.get("name"), said.get("description"),
                                   body.get("metadata") or {}, force=truth(force))
    return {"snapshot": brief(row, call)}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One snapshot."""
    return {"snapshot": full(service.snapshots.show(call.context, call.path["snapshot_id"]), call)}


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change name or description."""
    changes = named(call.body["snapshot"])
    if not changes:
        raise BadRequest("Missing required element 'name' or 'description' in request body.")
    return {"snapshot": brief(service.snapshots.update(call.context, call.path["snapshot_id"], changes), call)}


def delete(service: BlockStorage, call: Call) -> None:
    """Begin to delete a snapshot."""
    service.snapshots.delete(call.context, call.path["snapshot_id"])


def _page(service: BlockStorage, call: Call, path: str, view: Any) -> dict[str, Any]:
    filters = {**FILTERS, "metadata": "metadata"} if call.since("3.22") else FILTERS
    if call.since("3.65"):
        filters = {**filters, "consumes_quota": "consumes_quota"}
    asked = question(call, "snapshots", filters, SORT_KEYS)
    body = page(call, "snapshots", path, [view(row, call) for row in service.snapshots.listed(asked)], asked)
    return {**body, "count": service.snapshots.count(asked)} if wants_count(call) else body


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of snapshots."""
    return _page(service, call, "/snapshots", brief)


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of snapshots with all details."""
    return _page(service, call, "/snapshots/detail", full)


def reset_status(service: BlockStorage, call: Call) -> None:
    """Set a snapshot's state."""
    service.snapshots.reset(call.context, call.path["snapshot_id"], call.body["os-reset_status"]["status"])


def update_status(service: BlockStorage, call: Call) -> None:
    """Set a snapshot's state and progress, as a hypervisor that freezes a volume does."""
    asked = call.body["os-update_snapshot_status"]
    row = service.snapshots.show(call.context, call.path["snapshot_id"])
    allowed = {"creating": ("creating", "available", "error"), "deleting": ("deleting", "error_deleting")}
    if asked["status"] not in allowed.get(row.status, ()):
        raise BadRequest(f"Snapshot status {row.status} cannot become {asked['status']}")
    service.snapshots.reset(call.context, row.id, asked["status"], asked.get("progress"))


def force_delete(service: BlockStorage, call: Call) -> None:
    """Delete a snapshot whatever its state is."""
    service.snapshots.delete(call.context, call.path["snapshot_id"], force=True)


def unmanage(service: BlockStorage, call: Call) -> None:
    """Forget a snapshot; it stays in its pool."""
    service.adoptions.unmanage_snapshot(call.context, call.path["snapshot_id"])


STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"enum": list(SNAPSHOT_RESETTABLE)}}}
PROGRESS = {"type": "object", "required": ["status"], "properties": {
    "status": {"enum": list(SNAPSHOT_RESETTABLE)}, "progress": {"type": "string", "pattern": "^[0-9]{1,3}%$"}}}
ADMIN = "volume_extension:snapshot_admin_actions:"
OPERATIONS = (
    Operation("POST", "/snapshots", create, "volume:create_snapshot", body=CREATE, status=202,
              summary="Create a snapshot."),
    Operation("GET", "/snapshots", listed, "volume:get_all_snapshots", summary="List snapshots."),
    Operation("GET", "/snapshots/detail", detailed, "volume:get_all_snapshots", summary="List with details."),
    Operation("GET", PATH, show, "volume:get_snapshot", summary="Show a snapshot."),
    Operation("PUT", PATH, update, "volume:update_snapshot", body=UPDATE, summary="Update a snapshot."),
    Operation("DELETE", PATH, delete, "volume:delete_snapshot", status=202, summary="Delete a snapshot."),
    Action(PATH + "/action", "os-reset_status", reset_status, ADMIN + "reset_status", STATUS,
           summary="Set a snapshot's state."),
    Action(PATH + "/action", "os-update_snapshot_status", update_status,
           "snapshot_extension:snapshot_actions:update_snapshot_status", PROGRESS, summary="Update its state."),
    Action(PATH + "/action", "os-force_delete", force_delete, ADMIN + "force_delete", summary="Delete by force."),
    Action(PATH + "/action", "os-unmanage", unmanage, "snapshot_extension:snapshot_unmanage",
           summary="Unmanage a snapshot."),
)
