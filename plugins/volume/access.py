"""Who sees a volume or a snapshot, and what a policy rule is told about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import NotFound
from .tables import attachments, backups, group_snapshots, groups, messages, snapshots, volumes

VOLUME = sa.select(volumes).where(volumes.c.id == sa.bindparam("id"))
SNAPSHOT = sa.select(snapshots).where(snapshots.c.id == sa.bindparam("id"))
ATTACHMENT = sa.select(attachments).where(attachments.c.id == sa.bindparam("id"))
BACKUP = sa.select(backups).where(backups.c.id == sa.bindparam("id"))
GROUP = sa.select(groups).where(groups.c.id == sa.bindparam("id"))
GROUP_SNAPSHOT = sa.select(group_snapshots).where(group_snapshots.c.id == sa.bindparam("id"))
MESSAGE = sa.select(messages).where(messages.c.id == sa.bindparam("id"))
VOLUMES_OF = sa.select(volumes).where(volumes.c.group_id == sa.bindparam("group_id")).order_by(
    volumes.c.created_at, volumes.c.id)
FROZEN_OF = sa.select(snapshots).where(snapshots.c.group_snapshot_id == sa.bindparam("group_snapshot_id")).order_by(
    snapshots.c.created_at, snapshots.c.id)
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


def backup(tx: Transaction, context: Context, backup_id: str) -> Row:
    """A backup by id. :raises NotFound: there is none that the caller may see."""
    return _own(tx.row(BACKUP, {"id": backup_id}), context, f"Backup {backup_id} could not be found.")


def group(tx: Transaction, context: Context, group_id: str) -> Row:
    """A group by id. :raises NotFound: there is none that the caller may see."""
    return _own(tx.row(GROUP, {"id": group_id}), context, f"Group {group_id} could not be found.")


def group_snapshot(tx: Transaction, context: Context, group_snapshot_id: str) -> Row:
    """A group snapshot by id. :raises NotFound: there is none that the caller may see."""
    return _own(tx.row(GROUP_SNAPSHOT, {"id": group_snapshot_id}), context,
                f"GroupSnapshot {group_snapshot_id} could not be found.")


def message(tx: Transaction, context: Context, message_id: str) -> Row:
    """A message by id. :raises NotFound: there is none that the caller may see."""
    return _own(tx.row(MESSAGE, {"id": message_id}), context, f"Message {message_id} could not be found.")


def volumes_of(tx: Transaction, group_id: str) -> Sequence[Row]:
    """The volumes of a group, the oldest first."""
    return tx.rows(VOLUMES_OF, {"group_id": group_id})


def frozen_of(tx: Transaction, group_snapshot_id: str) -> Sequence[Row]:
    """The snapshots of a group snapshot, the oldest first."""
    return tx.rows(FROZEN_OF, {"group_snapshot_id": group_snapshot_id})


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
