"""What was done to servers, told from their operations."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import BadRequest, NotFound
from ...core.process.slice import Kit
from . import records

NAMES: Mapping[str, str] = {
    "compute.boot": "create", "compute.confirm_resize": "confirmResize", "compute.revert_resize": "revertResize",
    "compute.live_migrate": "live-migration", "compute.snapshot": "createImage", "compute.reboot_hard": "reboot",
    "compute.reset_state": "resetState",
    "compute.shelve_offload": "shelveOffload", "compute.create_backup": "createBackup",
    "compute.soft_delete": "delete", "compute.change_password": "changePassword",
    "compute.add_security_group": "addSecurityGroup", "compute.remove_security_group": "removeSecurityGroup"}


def action_name(kind: str) -> str:
    """The word that the API has for a kind of operation."""
    return NAMES.get(kind, kind.partition(".")[2])


def actions(kit: Kit, context: Context, server_id: str, deleted: bool) -> tuple[Row, Sequence[Row]]:
    """A server and its operations, the newest first. ``deleted`` servers keep their history.

    :raises NotFound: there is no such server.
    """
    with kit.db.read() as tx:
        server = records.find(tx, context, server_id, records.ANY_BY_ID if deleted else records.BY_ID)
        rows = kit.engine.of_subject(tx, server_id)
    return server, [row for row in rows if not row.data.get("again")]


def action(kit: Kit, context: Context, server_id: str, request_id: str, deleted: bool) -> tuple[Row, Row]:
    """A server and one of its operations, by the request that began it. :raises NotFound: there is none."""
    server, rows = actions(kit, context, server_id, deleted)
    for row in rows:
        if row.request_id == request_id:
            return server, row
    raise NotFound(f"Action for request_id {request_id} on instance {server_id} not found")


def page(rows: Sequence[Row], limit: int, marker: str, since: datetime.datetime | None,
         before: datetime.datetime | None) -> Sequence[Row]:
    """The part of ``rows`` that is asked for; ``marker`` is a request's id. :raises BadRequest: an unknown marker."""
    if marker:
        place = next((number for number, row in enumerate(rows) if row.request_id == marker), None)
        if place is None:
            raise BadRequest(f"marker [{marker}] not found")
        rows = rows[place + 1:]
    found = [row for row in rows if (since is None or row.updated_at >= since)
             and (before is None or row.updated_at <= before)]
    return found[:limit]


def events(row: Row) -> list[dict[str, Any]]:
    """The steps of an operation: name, begin, end, result and message."""
    found = [{"event": f"compute_{name}", "begin": _moment(begin), "end": _moment(end), "result": result,
              "message": message} for name, begin, end, result, message in row.history]
    if not found and row.state != "done":
        found.append({"event": f"compute_{action_name(row.kind)}", "begin": row.started_at, "end": None,
                      "result": None, "message": ""})
    return found


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)
