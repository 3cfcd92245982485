"""Backups over HTTP."""

from __future__ import annotations

import functools
from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Action, Operation
from ..backups import NewBackup
from ..service import BlockStorage
from .actions import FLAG, truth
from .paging import links, page, question, wants_count
from .volumes import METADATA, TEXT

ID_OR_NULL = {"type": ["string", "null"], "maxLength": 255}
_NEW = {"volume_id": {"type": "string", "format": "uuid"}, "container": TEXT, "description": TEXT, "name": TEXT,
        "incremental": FLAG, "force": FLAG, "snapshot_id": {"type": ["string", "null"], "format": "uuid"}}


def _create(**more: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["backup"], "additionalProperties": False, "properties": {"backup": {
        "type": "object", "required": ["volume_id"], "additionalProperties": False,
        "properties": {**_NEW, **more}}}}


CREATE = {"3.0": _create(), "3.43": _create(metadata=METADATA),
          "3.51": _create(metadata=METADATA, availability_zone=TEXT)}


def _update(**more: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["backup"], "additionalProperties": False, "properties": {"backup": {
        "type": ["object", "null"], "additionalProperties": False,
        "properties": {"name": TEXT, "description": TEXT, **more}}}}


UPDATE = {"3.0": _update(), "3.43": _update(metadata=METADATA)}
RESTORE = {
    "type": "object", "required": ["restore"], "additionalProperties": False,
    "properties": {"restore": {
        "type": ["object", "null"], "additionalProperties": False,
        "properties": {"name": TEXT, "volume_id": {"type": ["string", "null"], "format": "uuid"}}}},
}
RECORD = {
    "type": "object", "required": ["backup-record"], "additionalProperties": False,
    "properties": {"backup-record": {
        "type": "object", "required": ["backup_service", "backup_url"], "additionalProperties": False,
        "properties": {"backup_service": {"type": "string", "minLength": 1, "maxLength": 255},
                       "backup_url": {"type": "string", "minLength": 1}}}},
}
STATUS = {"type": "object", "required": ["status"], "additionalProperties": False,
          "properties": {"status": {"enum": ["available", "error"]}}}
FILTERS = {"name": "name", "status": "status", "volume_id": "volume_id", "id": "id"}
SORT_KEYS = {"id": "id", "name": "name", "status": "status", "size": "size", "created_at": "created_at",
             "volume_id": "volume_id", "container": "container", "description": "description",
             "updated_at": "updated_at", "availability_zone": "zone"}


def brief(row: Row, call: Call) -> dict[str, Any]:
    """A backup without details."""
    return {"id": row.id, "name": row.name, "links": links(call, "backups")(row.id)}


class View:
    """Makes bodies of backups for one request: what is the same for all is worked out once."""

    def __init__(self, call: Call) -> None:
        self.links = links(call, "backups")
        self.project = call.since("3.18") and call.allows("backup:backup_project_attribute")
        self.metadata, self.user = call.since("3.43"), call.since("3.56")

    def full(self, row: Row, needed: bool) -> dict[str, Any]:
        """A backup with all details; ``needed``: others build upon it."""
        body = {"id": row.id, "name": row.name, "links": self.links(row.id), "status": row.status, "size": row.size,
                "object_count": row.object_count, "availability_zone": row.zone, "container": row.container,
                "description": row.description, "fail_reason": row.fail_reason, "volume_id": row.volume_id,
                "is_incremental": row.parent_id is not None, "has_dependent_backups": needed,
                "snapshot_id": row.snapshot_id, "data_timestamp": to_microsecond(row.data_at),
                "created_at": to_microsecond(row.created_at), "updated_at": to_microsecond(row.updated_at)}
        if self.project:
            body["os-backup-project-attr:project_id"] = row.project_id
        if self.metadata:
            body["metadata"] = row.metadata
        if self.user:
            body["user_id"] = row.user_id
        return body


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to make a backup."""
    body = call.body["backup"]
    row = service.backups.create(call.context, NewBackup(
        volume_id=body["volume_id"], snapshot_id=body.get("snapshot_id") or "", name=body.get("name"),
        description=body.get("description"), container=body.get("container"),
        zone=body.get("availability_zone") or "", metadata=body.get("metadata") or {},
        incremental=truth(body.get("incremental")), force=truth(body.get("force"))))
    return {"backup": brief(row, call)}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One backup."""
    return {"backup": View(call).full(*service.backups.show(call.context, call.path["backup_id"]))}


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change name, description or metadata."""
    changes = dict(call.body["backup"] or {})
    if not changes:
        raise BadRequest("Missing required element 'backup' in request body.")
    if changes.get("metadata", "") is None:
        changes["metadata"] = {}
    row = service.backups.update(call.context, call.path["backup_id"], changes)
    body = brief(row, call)
    if call.since("3.43"):
        body["metadata"] = row.metadata
    return {"backup": body}


def delete(service: BlockStorage, call: Call) -> None:
    """Begin to delete a backup."""
    service.backups.delete(call.context, call.path["backup_id"])


def force_delete(service: BlockStorage, call: Call) -> None:
    """Delete a backup whatever its state is."""
    service.backups.delete(call.context, call.path["backup_id"], force=True)


def reset_status(service: BlockStorage, call: Call) -> None:
    """Set a backup's state."""
    service.backups.reset(call.context, call.path["backup_id"], call.body["os-reset_status"]["status"])


def restore(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to lay a backup over a volume, or over a new one."""
    asked = call.body["restore"] or {}
    backup_id = call.path["backup_id"]
    volume_id, name = service.backups.restore(call.context, backup_id, asked.get("volume_id") or "",
                                              asked.get("name") or "")
    return {"restore": {"backup_id": backup_id, "volume_id": volume_id, "volume_name": name}}


def export_record(service: BlockStorage, call: Call) -> dict[str, Any]:
    """What another cloud needs to read a backup from the same store."""
    name, url = service.backups.export(call.context, call.path["backup_id"])
    return {"backup-record": {"backup_service": name, "backup_url": url}}


def import_record(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to take over a backup by its record."""
    asked = call.body["backup-record"]
    return {"backup": brief(service.backups.accept(call.context, asked["backup_service"], asked["backup_url"]), call)}


def _counted(service: BlockStorage, call: Call, body: dict[str, Any], asked: Any) -> dict[str, Any]:
    return {**body, "count": service.backups.count(asked)} if wants_count(call) else body


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of backups: ids and names."""
    asked = question(call, "backups", FILTERS, SORT_KEYS)
    rows = [brief(row, call) for row in service.backups.brief(asked)]
    return _counted(service, call, page(call, "backups", "/backups", rows, asked), asked)


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of backups with all details."""
    asked, view = question(call, "backups", FILTERS, SORT_KEYS), View(call)
    rows, needed = service.backups.listed(asked)
    items = [view.full(row, row.id in needed) for row in rows]
    return _counted(service, call, page(call, "backups", "/backups/detail", items, asked), asked)


ONE = "/backups/{backup_id}"
Get = functools.partial(Operation, "GET")
ADMIN = "volume_extension:backup_admin_actions:"
OPERATIONS = (
    Operation("POST", "/backups", create, "backup:create", body=CREATE, status=202, summary="Create a backup."),
    Get("/backups", listed, "backup:get_all", summary="List backups."),
    Get("/backups/detail", detailed, "backup:get_all", summary="List backups with details."),
    Operation("POST", "/backups/import_record", import_record, "backup:backup-import", body=RECORD, status=201,
              summary="Import a backup's record."),
    Get(ONE, show, "backup:get", summary="Show a backup."),
    Operation("PUT", ONE, update, "backup:update", body=UPDATE, since="3.9", summary="Update a backup."),
    Operation("DELETE", ONE, delete, "backup:delete", status=202, summary="Delete a backup."),
    Operation("POST", ONE + "/restore", restore, "backup:restore", body=RESTORE, status=202,
              summary="Restore a backup."),
    Get(ONE + "/export_record", export_record, "backup:export-import", summary="Export a backup's record."),
    Action(ONE + "/action", "os-reset_status", reset_status, ADMIN + "reset_status", STATUS,
           summary="Set a backup's state."),
    Action(ONE + "/action", "os-force_delete", force_delete, ADMIN + "force_delete", summary="Delete by force."),
)
