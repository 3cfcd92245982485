"""Who sees a volume or a snapshot, and what a policy rule is told about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import NotFound
from .tables import attachments, snapshots, volumes

VOLUME = sa.select(volumes).where(volumes.c.id == sa.bindparam("id"))
SNAPSHOT = sa.select(snapshots).where(snapshots.c.id == sa.bindparam("id"))
ATTACHMENT = sa.select(attachments).where(attachments.c.id == sa.bindparam("id"))
ATTACHED = sa.select(attachments).where(attachments.c.volume_id == sa.bindparam("volume_id")).order_by(
    attachments.c.created_at, attachments.c.id)
SNAPSHOTS_OF = sa.select(snapshots).where(snapshots.c.volume_id == sa.bindparam("volume_id")).order_by(
    snapshots.c.created_at, snapshots.c.id)
ATTACHED_TO = sa.select(attachments).where(
    attachments.c.volume_id.in_(sa.bindparam("ids", expanding=True))).order_by(attachments.c.created_at)


def target(row: Row) -> Mapping[str, Any]:
    """What rules may ask of a row."""
    return {"project_id": row.project_id, "tenant_id": row.project_id, "user_id": getattr(row, "user_id", None)}


def volume(tx: Transaction, context: Context, volume_id: str) -> Row:
    """A volume by id. :raises NotFound: there is none that the caller may see."""
    return _own(tx.row(VOLUME, {"id": volume_id}), context, f"Volume {volume_id} could not be found.")


def snapshot(tx: Transaction, context: Context, snapshot_id: str) -> Row:
    """A snapshot by id. :raises NotFound: there is none that the caller may see."""
    return _own(tx.row(SNAPSHOT, {"id": snapshot_id}), context, f"Snapshot {snapshot_id} could not be found.")


def attachment(tx: Transaction, context: Context, attachment_id: str) -> Row:
    """An attachment by id. :raises NotFound: there is none that the caller may see."""
    return _own(tx.row(ATTACHMENT, {"id": attachment_id}), context,
                f"Volume attachment could not be found with filter: attachment_id = {attachment_id}.")


def _own(row: Row | None, context: Context, message: str) -> Row:
    if row is None or (row.project_id != context.project_id and not context.is_admin):
        raise NotFound(message)
    return row


def attached(tx: Transaction, volume_id: str) -> Sequence[Row]:
    """All attachments of a volume, the oldest first."""
    return tx.rows(ATTACHED, {"volume_id": volume_id})


def attached_of(tx: Transaction, ids: Sequence[str]) -> Mapping[str, list[Row]]:
    """The attachments of several volumes, in one query."""
    found: dict[str, list[Row]] = {}
    for row in tx.rows(ATTACHED_TO, {"ids": ids}) if ids else ():
        found.setdefault(row.volume_id, []).append(row)
    return found
