"""The states of volumes, snapshots, backups and groups, and the one function that moves each."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Row, Transaction
from ...core.errors import WrongState
from ...core.process.slice import Kit
from .tables import backups, groups, snapshots, volumes

FLOW = (
    # from                event       to
    ("creating",         "created",  "available"),
    ("creating",         "failed",   "error"),
    ("available",        "reserve",  "reserved"),
    ("in-use",           "reserve",  "in-use"),
    ("available",        "hold",     "attaching"),
    ("in-use",           "hold",     "attaching"),
    ("reserved",         "connect",  "attaching"),
    ("attaching",        "connect",  "attaching"),
    ("in-use",           "connect",  "in-use"),
    ("available",        "use",      "in-use"),
    ("reserved",         "use",      "in-use"),
    ("attaching",        "use",      "in-use"),
    ("detaching",        "use",      "in-use"),
    ("in-use",           "use",      "in-use"),
    ("in-use",           "detach",   "detaching"),
    ("detaching",        "detach",   "detaching"),
    ("attaching",        "part",     "reserved"),
    ("in-use",           "part",     "reserved"),
    ("reserved",         "release",  "available"),
    ("attaching",        "release",  "available"),
    ("detaching",        "release",  "available"),
    ("in-use",           "release",  "available"),
    ("error",            "release",  "available"),
    ("available",        "extend",   "extending"),
    ("in-use",           "extend",   "extending"),
    ("extending",        "release",  "available"),
    ("extending",        "use",      "in-use"),
    ("extending",        "failed",   "error_extending"),
    ("available",        "upload",   "uploading"),
    ("in-use",           "upload",   "uploading"),
    ("uploading",        "release",  "available"),
    ("uploading",        "use",      "in-use"),
    ("available",        "offer",    "awaiting-transfer"),
    ("awaiting-transfer", "release", "available"),
    ("available",        "backup",   "backing-up"),
    ("in-use",           "backup",   "backing-up"),
    ("backing-up",       "release",  "available"),
    ("backing-up",       "use",      "in-use"),
    ("available",        "restore",  "restoring-backup"),
    ("restoring-backup", "release",  "available"),
    ("restoring-backup", "failed",   "error_restoring"),
    ("available",        "revert",   "reverting"),
    ("reverting",        "release",  "available"),
    ("reverting",        "failed",   "error"),
    ("available",        "reimage",  "downloading"),
    ("error",            "reimage",  "downloading"),
    ("reserved",         "reimage",  "downloading"),
    ("downloading",      "release",  "available"),
    ("downloading",      "keep",     "reserved"),
    ("downloading",      "failed",   "error"),
    ("available",        "retype",   "retyping"),
    ("retyping",         "release",  "available"),
    ("available",        "maintain", "maintenance"),
    ("maintenance",      "release",  "available"),
    ("creating",         "unmanaged", "error_managing"),
    ("available",        "delete",   "deleting"),
    ("error",            "delete",   "deleting"),
    ("error_extending",  "delete",   "deleting"),
    ("error_deleting",   "delete",   "deleting"),
    ("error_restoring",  "delete",   "deleting"),
    ("error_managing",   "delete",   "deleting"),
    ("deleting",         "failed",   "error_deleting"),
)
NEXT = {(state, event): to for state, event, to in FLOW}

SNAPSHOT_FLOW = (
    ("creating",       "created", "available"),
    ("creating",       "failed",  "error"),
    ("available",      "backup",  "backing-up"),
    ("backing-up",     "release", "available"),
    ("available",      "revert",  "restoring"),
    ("restoring",      "release", "available"),
    ("creating",       "unmanaged", "error"),
    ("available",      "delete",  "deleting"),
    ("error",          "delete",  "deleting"),
    ("error_deleting", "delete",  "deleting"),
    ("deleting",       "failed",  "error_deleting"),
)
SNAPSHOT_NEXT = {(state, event): to for state, event, to in SNAPSHOT_FLOW}

BACKUP_FLOW = (
    ("creating",       "created", "available"),
    ("creating",       "failed",  "error"),
    ("available",      "restore", "restoring"),
    ("restoring",      "release", "available"),
    ("available",      "delete",  "deleting"),
    ("error",          "delete",  "deleting"),
    ("error_deleting", "delete",  "deleting"),
    ("deleting",       "failed",  "error_deleting"),
)
BACKUP_NEXT = {(state, event): to for state, event, to in BACKUP_FLOW}

GROUP_FLOW = (
    ("creating",       "created", "available"),
    ("creating",       "failed",  "error"),
    ("available",      "delete",  "deleting"),
    ("error",          "delete",  "deleting"),
    ("error_deleting", "delete",  "deleting"),
    ("deleting",       "failed",  "error_deleting"),
)
"""The states of groups and of group snapshots alike."""
GROUP_NEXT = {(state, event): to for state, event, to in GROUP_FLOW}

MOVING = ("starting", "migrating", "completing")
"""Migration states in which a volume is on its way to another back end."""

RESETTABLE = ("creating", "available", "deleting", "error", "error_deleting", "attaching", "detaching", "in-use",
              "maintenance", "reserved", "error_extending", "error_restoring", "error_backing-up", "error_managing",
              "uploading", "extending", "downloading", "retyping", "backing-up", "restoring-backup",
              "awaiting-transfer")
SNAPSHOT_RESETTABLE = ("creating", "available", "deleting", "error", "error_deleting")


def check_still(volume: Row) -> None:
    """See that a volume is not on its way to another back end. :raises WrongState: it is."""
    if volume.migration_status in MOVING:
        raise WrongState(f"Invalid volume: Volume {volume.id} is part of a migration.")


def step(kit: Kit, tx: Transaction, volume: Row, event: str, **values: Any) -> str:
    """Move a volume on by ``event`` if it still is in the state of its row; return the new state.

    Who waits for the volume is woken when this is committed.
    :raises WrongState: the event does not fit the state, or another request was first.
    """
    check_still(volume)
    to = NEXT.get((volume.status, event))
    if to is None or not tx.change(volumes, volume.id, {"status": volume.status}, status=to,
                                   updated_at=kit.clock.now(), **values):
        raise WrongState(f"Invalid volume: Volume {volume.id} status must allow {event}, but current status is: "
                         f"{volume.status}.")
    tx.after_commit(lambda: kit.wake(f"volume:{volume.id}"))
    return to


def force(kit: Kit, tx: Transaction, volume_id: str, to: str, **values: Any) -> None:
    """Set a volume's state whatever it was: an administrator's word, or the end of an operation that owns it."""
    tx.update(volumes, volume_id, status=to, updated_at=kit.clock.now(), **values)
    tx.after_commit(lambda: kit.wake(f"volume:{volume_id}"))


def step_snapshot(kit: Kit, tx: Transaction, snapshot: Row, event: str, **values: Any) -> str:
    """Move a snapshot on by ``event``; return the new state.

    :raises WrongState: the event does not fit the state, or another request was first.
    """
    to = SNAPSHOT_NEXT.get((snapshot.status, event))
    if to is None or not tx.change(snapshots, snapshot.id, {"status": snapshot.status}, status=to,
                                   updated_at=kit.clock.now(), **values):
        raise WrongState(f"Invalid snapshot: Snapshot {snapshot.id} status must allow {event}, but current status "
                         f"is: {snapshot.status}.")
    tx.after_commit(lambda: kit.wake(f"snapshot:{snapshot.id}"))
    return to


def step_backup(kit: Kit, tx: Transaction, backup: Row, event: str, **values: Any) -> str:
    """Move a backup on by ``event``; return the new state.

    :raises WrongState: the event does not fit the state, or another request was first.
    """
    to = BACKUP_NEXT.get((backup.status, event))
    if to is None or not tx.change(backups, backup.id, {"status": backup.status}, status=to,
                                   updated_at=kit.clock.now(), **values):
        raise WrongState(f"Invalid backup: Backup status must allow {event}, but current status is: "
                         f"{backup.status}.")
    return to


def step_group(kit: Kit, tx: Transaction, table: sa.Table, row: Row, event: str, **values: Any) -> str:
    """Move a group or a group snapshot, of ``table``, on by ``event``; return the new state.

    :raises WrongState: the event does not fit the state, or another request was first.
    """
    to = GROUP_NEXT.get((row.status, event))
    if to is None or not tx.change(table, row.id, {"status": row.status}, status=to,
                                   updated_at=kit.clock.now(), **values):
        noun = "Group" if table is groups else "GroupSnapshot"
        raise WrongState(f"Invalid {noun}: {noun} status must allow {event}, but current status is: {row.status}.")
    tx.after_commit(lambda: kit.wake(f"group:{row.id}"))
    return to
