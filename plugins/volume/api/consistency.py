"""Consistency groups and their snapshots over HTTP: the older words for groups that are frozen at one moment."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from .. import group_types
from ..groups import NewGroup
from ..service import BlockStorage
from .actions import FLAG, truth
from .groups import NAME
from .paging import page, question
from .volumes import TEXT

CREATE = {
    "type": "object", "required": ["consistencygroup"],
    "properties": {"consistencygroup": {
        "type": "object", "required": ["volume_types"],
        "properties": {"name": NAME, "description": TEXT, "volume_types": {"type": "string", "minLength": 1},
                       "availability_zone": TEXT}}},
}
FROM = {
    "type": "object", "required": ["consistencygroup-from-src"],
    "properties": {"consistencygroup-from-src": {
        "type": "object", "properties": {"name": NAME, "description": TEXT, "cgsnapshot_id": TEXT,
                                         "source_cgid": TEXT}}},
}
UPDATE = {
    "type": "object", "required": ["consistencygroup"],
    "properties": {"consistencygroup": {
        "type": "object", "additionalProperties": False,
        "properties": {"name": NAME, "description": TEXT, "add_volumes": {"type": ["string", "null"]},
                       "remove_volumes": {"type": ["string", "null"]}}}},
}
DELETE = {"type": "object", "properties": {"consistencygroup": {"type": ["object", "null"],
                                                                "properties": {"force": FLAG}}}}
FREEZE = {
    "type": "object", "required": ["cgsnapshot"],
    "properties": {"cgsnapshot": {
        "type": "object", "required": ["consistencygroup_id"],
        "properties": {"consistencygroup_id": {"type": "string", "format": "uuid"}, "name": NAME,
                       "description": TEXT}}},
}
SORT_KEYS = {"id": "id", "name": "name", "created_at": "created_at", "status": "status"}
FILTERS = {"name": "name", "status": "status"}


def _kind(service: BlockStorage, call: Call) -> Row:
    with service.kit.db.read() as tx:
        return group_types.named(tx, call.context, group_types.OF_CONSISTENCY_GROUPS)


def brief(row: Row) -> dict[str, Any]:
    """A group without details."""
    return {"id": row.id, "name": row.name}


def full(row: Row) -> dict[str, Any]:
    """A group with all details."""
    return {**brief(row), "status": row.status, "availability_zone": row.zone, "description": row.description,
            "created_at": to_microsecond(row.created_at), "volume_types": row.volume_types}


def frozen(row: Row) -> dict[str, Any]:
    """A group snapshot with all details."""
    return {**brief(row), "consistencygroup_id": row.group_id, "status": row.status, "description": row.description,
            "created_at": to_microsecond(row.created_at)}


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Make a group."""
    body = call.body["consistencygroup"]
    kinds = [one.strip() for one in body["volume_types"].split(",") if one.strip()]
    row = service.groups.create(call.context, NewGroup(
        group_type=_kind(service, call).id, volume_types=kinds, name=body.get("name"),
        description=body.get("description"), zone=body.get("availability_zone") or ""))
    return {"consistencygroup": brief(row)}


def create_from(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to make a group from a snapshot or another group."""
    body = call.body["consistencygroup-from-src"]
    snapshot_id, source = body.get("cgsnapshot_id") or "", body.get("source_cgid") or ""
    if bool(snapshot_id) == bool(source):
        raise BadRequest("Either 'cgsnapshot_id' or 'source_cgid' must be provided to create consistency group from "
                         "source, and not both.")
    return {"consistencygroup": brief(service.groups.create_from(
        call.context, body.get("name"), body.get("description"), snapshot_id, source))}


def _find(service: BlockStorage, call: Call) -> Row:
    row, _ = service.groups.show(call.context, call.path["consistencygroup_id"])
    if row.type_id != _kind(service, call).id:
        raise NotFound(f"ConsistencyGroup {row.id} could not be found.")
    return row


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One group."""
    return {"consistencygroup": full(_find(service, call))}


def update(service: BlockStorage, call: Call) -> None:
    """Change name and description, add volumes and take volumes out."""
    body, row = call.body["consistencygroup"], _find(service, call)
    changes = {key: body[key] for key in ("name", "description") if key in body and (body[key] or call.since("3.6"))}
    add, remove = ([one.strip() for one in (body.get(key) or "").split(",") if one.strip()]
                   for key in ("add_volumes", "remove_volumes"))
    if not (changes or add or remove):
        raise BadRequest("Name, description, add_volumes, and remove_volumes can not be all empty in the request body.")
    service.groups.update(call.context, row.id, changes, add, remove)


def delete(service: BlockStorage, call: Call) -> None:
    """Begin to delete a group; by force its volumes too."""
    asked = (call.body or {}).get("consistencygroup") or {}
    service.groups.delete(call.context, _find(service, call).id, truth(asked.get("force")))


def _groups(service: BlockStorage, call: Call, path: str, view: Any) -> dict[str, Any]:
    asked = question(call, "groups", FILTERS, SORT_KEYS)
    asked.add("type_id", "eq", _kind(service, call).id)
    rows, _ = service.groups.listed(asked, False)
    return page(call, "consistencygroups", path, [view(row) for row in rows], asked)


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of groups: ids and names."""
    return _groups(service, call, "/consistencygroups", brief)


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of groups with all details."""
    return _groups(service, call, "/consistencygroups/detail", full)


def freeze(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Begin to freeze a group."""
    body = call.body["cgsnapshot"]
    row = service.group_snapshots.create(call.context, body["consistencygroup_id"], body.get("name"),
                                         body.get("description"))
    return {"cgsnapshot": brief(row)}


def show_frozen(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One snapshot of a group."""
    return {"cgsnapshot": frozen(service.group_snapshots.show(call.context, call.path["cgsnapshot_id"]))}


def delete_frozen(service: BlockStorage, call: Call) -> None:
    """Begin to delete a snapshot of a group."""
    service.group_snapshots.delete(call.context, call.path["cgsnapshot_id"])


def _frozen(service: BlockStorage, call: Call, path: str, view: Any) -> dict[str, Any]:
    asked = question(call, "group_snapshots", FILTERS, SORT_KEYS)
    asked.add("group_type_id", "eq", _kind(service, call).id)
    return page(call, "cgsnapshots", path, [view(row) for row in service.group_snapshots.listed(asked)], asked)


def listed_frozen(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of snapshots of groups: ids and names."""
    return _frozen(service, call, "/cgsnapshots", brief)


def detailed_frozen(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of snapshots of groups with all details."""
    return _frozen(service, call, "/cgsnapshots/detail", frozen)


ROOT, SNAPSHOTS = "/consistencygroups", "/cgsnapshots"
ONE, ONE_FROZEN = ROOT + "/{consistencygroup_id}", SNAPSHOTS + "/{cgsnapshot_id}"
RULE = "consistencygroup:"
OPERATIONS = (
    Operation("POST", ROOT, create, RULE + "create", body=CREATE, status=202, summary="Create a consistency group."),
    Operation("POST", ROOT + "/create_from_src", create_from, RULE + "create", body=FROM, status=202,
              summary="Create a consistency group from a source."),
    Operation("GET", ROOT, listed, RULE + "get_all", summary="List consistency groups."),
    Operation("GET", ROOT + "/detail", detailed, RULE + "get_all", summary="List consistency groups with details."),
    Operation("GET", ONE, show, RULE + "get", summary="Show a consistency group."),
    Operation("PUT", ONE + "/update", update, RULE + "update", body=UPDATE, status=202,
              summary="Update a consistency group."),
    Operation("POST", ONE + "/delete", delete, RULE + "delete", body=DELETE, status=202,
              summary="Delete a consistency group."),
    Operation("POST", SNAPSHOTS, freeze, RULE + "create_cgsnapshot", body=FREEZE, status=202,
              summary="Create a consistency group snapshot."),
    Operation("GET", SNAPSHOTS, listed_frozen, RULE + "get_all_cgsnapshots", summary="List the snapshots."),
    Operation("GET", SNAPSHOTS + "/detail", detailed_frozen, RULE + "get_all_cgsnapshots",
              summary="List the snapshots with details."),
    Operation("GET", ONE_FROZEN, show_frozen, RULE + "get_cgsnapshot", summary="Show a snapshot."),
    Operation("DELETE", ONE_FROZEN, delete_frozen, RULE + "delete_cgsnapshot", status=202,
              summary="Delete a snapshot."),
)
