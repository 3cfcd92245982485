"""The states of volumes and snapshots, and the one function that moves each."""

from __future__ import annotations

from typing import Any

from ...core.db.engine import Row, Transaction
from ...core.errors import WrongState
from ...core.process.slice import Kit
from .tables import snapshots, volumes

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
    ("available",        "delete",   "deleting"),
    ("error",            "delete",   "deleting"),
    ("error_extending",  "delete",   "deleting"),
    ("error_deleting",   "delete",   "deleting"),
    ("deleting",         "failed",   "error_deleting"),
)
NEXT = {(state, event): to for state, event, to in FLOW}

SNAPSHOT_FLOW = (
    ("creating",       "created", "available"),
    ("creating",       "failed",  "error"),
    ("available",      "delete",  "deleting"),
    ("error",          "delete",  "deleting"),
    ("error_deleting", "delete",  "deleting"),
    ("deleting",       "failed",  "error_deleting"),
)
SNAPSHOT_NEXT = {(state, event): to for state, event, to in SNAPSHOT_FLOW}

RESETTABLE = ("creating", "available", "deleting", "error", "error_deleting", "attaching", "detaching", "in-use",
              "maintenance", "reserved", "error_extending", "error_restoring", "error_backing-up", "error_managing",
              "uploading", "extending", "downloading", "retyping", "backing-up", "restoring-backup",
              "awaiting-transfer")
SNAPSHOT_RESETTABLE = ("creating", "available", "deleting", "error", "error_deleting")


def step(kit: Kit, tx: Transaction, volume: Row, event: str, **values: Any) -> str:
    """Move a volume on by ``event`` if it still is in the state of its row; return the new state.

    Who waits for the volume is woken when this is committed.
    :raises WrongState: the event does not fit the state, or another request was first.
    """
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
