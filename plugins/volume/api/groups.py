"""Groups of volumes over HTTP (3.13 and later)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Action, Operation
from ..groups import NewGroup
from ..service import BlockStorage
from .actions import FLAG, truth
from .paging import page, question
from .volumes import TEXT

NAME = {"type": ["string", "null"], "maxLength": 255}
CREATE = {
    "type": "object", "required": ["group"], "additionalProperties": False,
    "properties": {"group": {
        "type": "object", "required": ["group_type", "volume_types"], "additionalProperties": False,
        "properties": {"name": NAME, "description": TEXT, "group_type": {"type": "string", "minLength": 1,
                                                                         "maxLength": 255},
                       "volume_types": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {
                           "type": "string", "maxLength": 255}}, "availability_zone": TEXT}}},
}
FROM = {
    "type": "object", "additionalProperties": False,
    "properties": {"name": NAME, "description": TEXT,
                   "source_group_id": {"type": ["string", "null"], "format": "uuid"},
                   "group_snapshot_id": {"type": ["string", "null"], "format": "uuid"}},
}
UPDATE = {
    "type": "object", "required": ["group"], "additionalProperties": False,
    "properties": {"group": {
        "type": "object", "additionalProperties": False,
        "properties": {"name": NAME, "description": TEXT, "add_volumes": TEXT | {"maxLength": 4000},
                       "remove_volumes": TEXT | {"maxLength": 4000}}}},
}
DELETE = {"type": "object", "additionalProperties": False, "properties": {"delete-volumes": FLAG}}
STATUS = {"type": "object", "required": ["status"], "additionalProperties": False,
          "properties": {"status": {"type": "string", "minLength": 1, "maxLength": 32}}}
FAILOVER = {"type": "object", "additionalProperties": False,
            "properties": {"allow_attached_volume": FLAG, "secondary_backend_id": TEXT}}
FILTERS = {"name": "name", "status": "status", "group_type": "type_id", "group_snapshot_id": "group_snapshot_id",
           "source_group_id": "source_group_id", "id": "id"}
SORT_KEYS = {"id": "id", "name": "name", "created_at": "created_at", "status": "status",
             "availability_zone": "zone", "group_type": "type_id"}


def brief(row: Row) -> dict[str, Any]:
    """A group without details."""
    return {"id": row.id, "name": row.name}


def full(row: Row, members: Sequence[str] | None, call: Call) -> dict[str, Any]:
    """A group with all details, with ``members`` the ids of its volumes."""
    body = {"id": row.id, "name": row.name, "status": row.status, "availability_zone": row.zone,
            "created_at": to_microsecond(row.created_at), "description": row.description, "group_type": row.type_id,
            "volume_types": row.volume_types}
    if call.since("3.14"):
        body.update(group_snapshot_id=row.group_snapshot_id, source_group_id=row.source_group_id)
    if members is not None:
        body["volumes"] = list(members)
    if call.since("3.38"):
        body["replication_status"] = "disabled"
    if call.since("3.58") and call.allows("group:group_project_attribute"):
        body["project_id"] = row.project_id
    return body


def _with_volumes(call: Call) -> bool:
    return call.since("3.25") and call.flag("list_volume")


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Make a group."""
    body = call.body["group"]
    row = service.groups.create(call.context, NewGroup(
        group_type=body["group_type"], volume_types=body["volume_types"], name=body.get("name"),
        description=body.get("description"), zone=body.get("availability_zone") or ""))
    return {"group": brief(row)}


def create_from(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to make a group from a group snapshot or another group."""
    body = call.body["create-from-src"]
    frozen, source = body.get("group_snapshot_id") or "", body.get("source_group_id") or ""
    if bool(frozen) == bool(source):
        raise BadRequest("Either 'group_snapshot_id' or 'source_group_id' must be provided to create group from "
                         "source, and not both.")
    return {"group": brief(service.groups.create_from(call.context, body.get("name"), body.get("description"), frozen,
                                                      source))}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One group."""
    row, members = service.groups.show(call.context, call.path["group_id"])
    return {"group": full(row, members if _with_volumes(call) else None, call)}


def _ids(text: str | None) -> list[str]:
    return [one.strip() for one in (text or "").split(",") if one.strip()]


def update(service: BlockStorage, call: Call) -> None:
    """Change name and description, add volumes and take volumes out."""
    body = call.body["group"]
    changes = {key: body[key] for key in ("name", "description") if body.get(key) is not None}
    add, remove = _ids(body.get("add_volumes")), _ids(body.get("remove_volumes"))
    if not (changes or add or remove):
        raise BadRequest("At least one of the following keys must be provided: name, description, add_volumes, "
                         "remove_volumes.")
    both = set(add) & set(remove)
    if both:
        raise BadRequest(f"Invalid volume: UUIDs {sorted(both)} are in both add and remove volume list.")
    service.groups.update(call.context, call.path["group_id"], changes, add, remove)


def delete(service: BlockStorage, call: Call) -> None:
    """Begin to delete a group."""
    service.groups.delete(call.context, call.path["group_id"], truth(call.body["delete"].get("delete-volumes")))


def reset_status(service: BlockStorage, call: Call) -> None:
    """Set a group's state."""
    service.groups.reset(call.context, call.path["group_id"], call.body["reset_status"]["status"])


def refuse_replication(service: BlockStorage, call: Call) -> None:
    """Say that no back end here replicates groups."""
    row, _ = service.groups.show(call.context, call.path["group_id"])
    raise BadRequest(f"Invalid Group: Replication is not enabled for group {row.id}: no back end here replicates.")


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of groups: ids and names."""
    asked = question(call, "groups", FILTERS, SORT_KEYS)
    rows, _ = service.groups.listed(asked, False)
    return page(call, "groups", "/groups", [brief(row) for row in rows], asked)


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of groups with all details."""
    asked, wanted = question(call, "groups", FILTERS, SORT_KEYS), _with_volumes(call)
    rows, members = service.groups.listed(asked, wanted)
    items = [full(row, members[row.id] if wanted else None, call) for row in rows]
    return page(call, "groups", "/groups/detail", items, asked)


ONE = "/groups/{group_id}"
ACT = ONE + "/action"
OPERATIONS = (
    Operation("POST", "/groups", create, "group:create", body=CREATE, since="3.13", status=202,
              summary="Create a group."),
    Action("/groups/action", "create-from-src", create_from, "group:create", FROM, since="3.14",
           summary="Create a group from a source."),
    Operation("GET", "/groups", listed, "group:get_all", since="3.13", summary="List groups."),
    Operation("GET", "/groups/detail", detailed, "group:get_all", since="3.13", summary="List groups with details."),
    Operation("GET", ONE, show, "group:get", since="3.13", summary="Show a group."),
    Operation("PUT", ONE, update, "group:update", body=UPDATE, since="3.13", status=202, summary="Update a group."),
    Action(ACT, "delete", delete, "group:delete", DELETE, since="3.13", summary="Delete a group."),
    Action(ACT, "reset_status", reset_status, "group:reset_status", STATUS, since="3.20",
           summary="Set a group's state."),
    Action(ACT, "enable_replication", refuse_replication, "group:enable_replication", since="3.38",
           summary="Enable replication."),
    Action(ACT, "disable_replication", refuse_replication, "group:disable_replication", since="3.38",
           summary="Disable replication."),
    Action(ACT, "failover_replication", refuse_replication, "group:failover_replication", FAILOVER, since="3.38",
           summary="Fail replication over."),
    Action(ACT, "list_replication_targets", refuse_replication, "group:list_replication_targets", since="3.38",
           summary="List replication targets."),
)
