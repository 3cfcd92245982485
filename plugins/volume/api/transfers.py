"""Transfers over HTTP, under their old path and the one of 3.55."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from ..service import BlockStorage
from .actions import FLAG, truth
from .paging import links, page, question

CREATE = {
    "type": "object", "required": ["transfer"],
    "properties": {"transfer": {
        "type": "object", "required": ["volume_id"],
        "properties": {"volume_id": {"type": "string", "format": "uuid"}, "name": {"type": ["string", "null"],
                                                                                   "maxLength": 255},
                       "no_snapshots": FLAG}}},
}
ACCEPT = {
    "type": "object", "required": ["accept"],
    "properties": {"accept": {"type": "object", "required": ["auth_key"],
                              "properties": {"auth_key": {"type": "string", "minLength": 1, "maxLength": 255}}}},
}


FILTERS = {"name": "name", "volume_id": "volume_id", "id": "id"}
SORT_KEYS = {"id": "id", "name": "name", "created_at": "created_at", "volume_id": "volume_id"}
OLDEST_FIRST = (("created_at", "asc"), ("id", "asc"))

ALL = 100_000
"""As many as there are: without pages (before 3.59)."""


def _path(call: Call) -> str:
    return call.operation.path.removeprefix("/v3")


def brief(row: Row, call: Call) -> dict[str, Any]:
    """A transfer without details."""
    kind = call.operation.path.split("/")[2]
    return {"id": row.id, "name": row.name, "volume_id": row.volume_id, "links": links(call, kind)(row.id)}


def full(row: Row, call: Call) -> dict[str, Any]:
    """A transfer with all details."""
    body = {**brief(row, call), "created_at": to_microsecond(row.created_at)}
    if call.since("3.55"):
        body["no_snapshots"] = bool(row.no_snapshots)
    if call.since("3.57"):
        body.update(source_project_id=row.project_id, destination_project_id=None, accepted=False)
    return body


def create(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Offer a volume."""
    asked = call.body["transfer"]
    row, key = service.transfers.create(
        call.context, asked["volume_id"], asked.get("name"), alone=not call.since("3.55"),
        no_snapshots=truth(asked.get("no_snapshots")) and call.since("3.55"))
    return {"transfer": {**full(row, call), "auth_key": key}}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One transfer."""
    return {"transfer": full(service.transfers.show(call.context, call.path["transfer_id"]), call)}


def _asked(call: Call) -> Any:
    asked = question(call, "transfers", FILTERS, SORT_KEYS)
    if not call.since("3.59"):
        asked.marker, asked.offset, asked.limit, asked.sort = "", 0, ALL, OLDEST_FIRST
    elif not any(name in call.query for name in ("sort", "sort_key", "sort_dir")):
        asked.sort = OLDEST_FIRST
    return asked


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The transfers of the caller's project."""
    asked = _asked(call)
    rows = service.transfers.listed(asked)
    return page(call, "transfers", _path(call), [brief(row, call) for row in rows], asked)


def detailed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The transfers of the caller's project with all details."""
    asked = _asked(call)
    rows = service.transfers.listed(asked)
    return page(call, "transfers", _path(call), [full(row, call) for row in rows], asked)


def accept(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Take a volume that is offered."""
    row = service.transfers.accept(call.context, call.path["transfer_id"], call.body["accept"]["auth_key"])
    return {"transfer": brief(row, call)}


def delete(service: BlockStorage, call: Call) -> None:
    """Withdraw an offer."""
    service.transfers.delete(call.context, call.path["transfer_id"])


def _table(path: str, since: str) -> tuple[Operation, ...]:
    one = path + "/{transfer_id}"
    return (
        Operation("POST", path, create, "volume:create_transfer", body=CREATE, status=202, since=since,
                  summary="Create a transfer."),
        Operation("GET", path, listed, "volume:get_all_transfers", since=since, summary="List transfers."),
        Operation("GET", path + "/detail", detailed, "volume:get_all_transfers", since=since,
                  summary="List transfers with details."),
        Operation("GET", one, show, "volume:get_transfer", since=since, summary="Show a transfer."),
        Operation("POST", one + "/accept", accept, "volume:accept_transfer", body=ACCEPT, status=202, since=since,
                  summary="Accept a transfer."),
        Operation("DELETE", one, delete, "volume:delete_transfer", status=202, since=since,
                  summary="Delete a transfer."))


OPERATIONS = (*_table("/os-volume-transfer", ""), *_table("/volume-transfers", "3.55"))
