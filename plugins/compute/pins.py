"""The availability zone that a server is pinned to: where it may be scheduled when it moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.db.engine import Row, Transaction
from ...core.errors import Conflict
from . import records
from .tables import server_details

PINNED = "pinned_availability_zone"


def pin(tx: Transaction, row: Row, zone: str) -> Mapping[str, Any]:
    """Pin a server to the zone that it is in, or with an empty ``zone`` to none; give what its row gets of it.

    :raises Conflict: it is pinned to another zone, or it is in another.
    """
    if zone == row.pinned_zone:
        return {}
    if zone and row.pinned_zone:
        raise Conflict(f"The server is pinned to the availability zone {row.pinned_zone!r}. "
                       "Set pinned_availability_zone to null first.")
    if zone and zone != (row.zone if row.host else ""):
        raise Conflict(f"The server can be pinned only to the availability zone that it is in: {row.zone!r}, "
                       f"not {zone!r}.")
    placement = {**records.details(tx, row.id).placement, "zone": zone}
    tx.execute(server_details.update().where(server_details.c.server_id == row.id).values(placement=placement))
    return {"pinned_zone": zone} if row.host else {"pinned_zone": zone, "zone": zone}
