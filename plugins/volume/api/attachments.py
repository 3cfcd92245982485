"""Attachments over HTTP (3.27 and later)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Action, Operation
from ..attachments import asked as connector_of
from ..attachments import check_safe, client_view
from ..service import BlockStorage
from .paging import page, question

CONNECTOR = {"type": ["object", "null"]}
CREATE = {
    "type": "object", "required": ["attachment"],
    "properties": {"attachment": {
        "type": "object", "required": ["volume_uuid"], "additionalProperties": False,
        "properties": {"volume_uuid": {"type": "string", "format": "uuid"},
                       "instance_uuid": {"type": ["string", "null"], "format": "uuid"},
                       "connector": CONNECTOR, "mode": {"enum": ["rw", "ro"]}}}},
}
UPDATE = {
    "type": "object", "required": ["attachment"],
    "properties": {"attachment": {"type": "object", "required": ["connector"],
                                  "properties": {"connector": {"type": "object", "minProperties": 1}}}},
}
SORT_KEYS = {"id": "id", "status": "status", "created_at": "created_at", "volume_id": "volume_id"}
FILTERS = {"volume_id": "volume_id", "status": "status", "instance_id": "server_id", "instance_uuid": "server_id",
           "attach_status": "status",
           "id": "id"}


def brief(row: Row) -> dict[str, Any]:
    """An attachment without details."""
    return {"id": row.id, "status": row.status, "instance": row.server_id, "volume_id": row.volume_id}


def full(row: Row, limits: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An attachment with all details, with the ``limits`` of its volume."""
    info = client_view(row.connection, limits) if row.connection else {}
    return {**brief(row), "attach_mode": row.mode, "connection_info": {**info, **info.get("data", {})} if info else {},
            "attached_at": to_microsecond(row.attached_at) if row.attached_at else "",
            "detached_at": ""}


def _connect(service: BlockStorage, call: Call, attachment_id: str, connector: dict[str, Any]) -> None:
    service.attachments.connect(call.context, attachment_id, connector_of(connector),
                                str(connector.get("mountpoint") or ""))


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Reserve a volume, and with a connector open it to a host."""
    body = call.body["attachment"]
    mode = body.get("mode", "rw") if call.since("3.54") else "rw"
    row = service.attachments.reserve(call.context, body["volume_uuid"], body.get("instance_uuid"),
                                      service.kit.clock.uuid(), mode=mode)
    if body.get("connector"):
        _connect(service, call, row.id, body["connector"])
    return _shown(service, call, row.id)


def _shown(service: BlockStorage, call: Call, attachment_id: str) -> dict[str, Any]:
    row = service.attachments.show(call.context, attachment_id)
    return {"attachment": full(row, service.attachments.limits(row.volume_id) if row.connection else None)}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One attachment."""
    return _shown(service, call, call.path["attachment_id"])


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Open a reserved volume to a host."""
    _connect(service, call, call.path["attachment_id"], call.body["attachment"]["connector"])
    return show(service, call)


def delete(service: BlockStorage, call: Call) -> dict[str, Any]:
    """End an attachment."""
    row = service.attachments.show(call.context, call.path["attachment_id"])
    check_safe(call.context, row)
    service.attachments.detach(call.context, row.id)
    asked = question(call, "attachments", {}, SORT_KEYS)
    asked.add("volume_id", "eq", row.volume_id)
    return {"attachments": [brief(one) for one in service.attachments.listed(asked)]}


def complete(service: BlockStorage, call: Call) -> None:
    """The guest has the volume."""
    service.attachments.complete(call.context, call.path["attachment_id"])


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of attachments."""
    asked = question(call, "attachments", FILTERS, SORT_KEYS)
    return page(call, "attachments", "/attachments", [brief(row) for row in service.attachments.listed(asked)], asked)


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One page of attachments with all details."""
    asked = question(call, "attachments", FILTERS, SORT_KEYS)
    return page(call, "attachments", "/attachments/detail", [full(row) for row in service.attachments.listed(asked)],
                asked)


ONE = "/attachments/{attachment_id}"
OPERATIONS = (
    Operation("POST", "/attachments", create, "volume:attachment_create", body=CREATE, since="3.27",
              summary="Create an attachment."),
    Operation("GET", "/attachments", listed, "volume:attachment_get", since="3.27", summary="List attachments."),
    Operation("GET", "/attachments/detail", detailed, "volume:attachment_get", since="3.27",
              summary="List attachments with details."),
    Operation("GET", ONE, show, "volume:attachment_get", since="3.27", summary="Show an attachment."),
    Operation("PUT", ONE, update, "volume:attachment_update", body=UPDATE, since="3.27",
              summary="Update an attachment."),
    Operation("DELETE", ONE, delete, "volume:attachment_delete", since="3.27", summary="Delete an attachment."),
    Action(ONE + "/action", "os-complete", complete, "volume:attachment_complete", status=204, since="3.44",
           summary="Complete an attachment."),
)
