"""Compute's events, in the names of OpenStack's notifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.process.slice import Kit
from . import records


def emit(kit: Kit, tx: Transaction, context: Context, event_type: str, server: Row | Mapping[str, Any],
         fault: Mapping[str, Any] | None = None) -> None:
    """Tell of a change of ``server`` within ``tx``; ``fault`` makes it an error event.

    Of a row only the id counts, as long as the server is there: what it is now is read from ``tx``.
    """
    row: Any = server if isinstance(server, dict) else _now(tx, cast(Row, server))
    data = {
        "uuid": row["id"], "tenant_id": row["project_id"], "user_id": row["user_id"], "display_name": row["name"],
        "host_name": row["hostname"], "host": row["host"] or None, "node": row["node"] or None,
        "state": row["vm_state"], "task_state": row["task_state"], "image_uuid": row["image_id"],
        "flavor": row["flavor"]["name"], "flavor_id": row["flavor_id"], "metadata": row["metadata"],
        "availability_zone": row["zone"] or None, "locked": bool(row.get("locked")),
        "reservation_id": row.get("reservation_id", ""), "request_id": context.request_id,
        "fault": dict(fault) if fault else None}
    kit.events.emit(tx, context, event_type, "InstanceActionPayload", data, priority="ERROR" if fault else "INFO")


def _now(tx: Transaction, row: Row) -> Any:
    return (records.present(tx, row.id) or row)._mapping
