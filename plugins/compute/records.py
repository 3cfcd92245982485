"""Reading servers and what belongs to them: prepared queries, and the one lookup by id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import NotFound
from .tables import block_devices, server_details, servers

BY_ID = sa.select(servers).where(servers.c.id == sa.bindparam("id"), servers.c.deleted.is_(False))
ANY_BY_ID = sa.select(servers).where(servers.c.id == sa.bindparam("id"))
WITH_USER_DATA = (sa.select(servers, server_details.c.user_data)
                  .join(server_details, server_details.c.server_id == servers.c.id, isouter=True)
                  .where(servers.c.id == sa.bindparam("id"), servers.c.deleted.is_(False)))
WITH_DETAILS = (sa.select(servers, server_details.c.user_data, server_details.c.image.label("image_record"),
                          server_details.c.hints)
                .join(server_details, server_details.c.server_id == servers.c.id, isouter=True)
                .where(servers.c.id == sa.bindparam("id"), servers.c.deleted.is_(False)))
DETAILS = sa.select(server_details).where(server_details.c.server_id == sa.bindparam("id"))
DEVICES = (sa.select(block_devices).where(block_devices.c.server_id == sa.bindparam("id"))
           .order_by(block_devices.c.position))
DEVICES_OF_VOLUME = sa.select(block_devices).where(block_devices.c.volume_id == sa.bindparam("volume"))
DEVICE = sa.select(block_devices).where(block_devices.c.server_id == sa.bindparam("id"),
                                        block_devices.c.volume_id == sa.bindparam("volume"))


def find(tx: Transaction, context: Context, server_id: str, statement: sa.Select[Any] = BY_ID) -> Row:
    """The row of a server the caller may see. :raises NotFound: there is none."""
    row = tx.row(statement, {"id": server_id})
    if row is None or (row.project_id != context.project_id and not context.is_admin):
        raise NotFound(f"Instance {server_id} could not be found.")
    return row


def present(tx: Transaction, server_id: str) -> Row | None:
    """A server's row for the cloud's own work, or none when the server is gone."""
    return tx.row(BY_ID, {"id": server_id})


def details(tx: Transaction, server_id: str) -> Row:
    """What only making the server needs. :raises NotFound: the server is unknown."""
    row = tx.row(DETAILS, {"id": server_id})
    if row is None:
        raise NotFound(f"Instance {server_id} could not be found.")
    return row


def devices(tx: Transaction, server_id: str) -> Sequence[Row]:
    """The rows of a server's block devices, in order."""
    return tx.rows(DEVICES, {"id": server_id})


def device(tx: Transaction, server_id: str, volume_id: str) -> Row:
    """The row of one volume's attachment. :raises NotFound: the volume is not attached to the server."""
    row = tx.row(DEVICE, {"id": server_id, "volume": volume_id})
    if row is None:
        raise NotFound(f"volume_id not found: {volume_id}")
    return row


def volumes_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What a server's row repeats of its volumes."""
    return [{"id": row.volume_id, "delete_on_termination": row.delete_on_termination}
            for row in rows if row.volume_id and row.destination_type == "volume"]
