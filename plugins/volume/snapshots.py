"""Snapshots: making, showing, changing and deleting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import WrongState
from . import access, listing, quotas, states
from .base import Base
from .tables import marks, snapshots, volumes

COPYING = sa.select(volumes.c.id).where(volumes.c.status == "creating", volumes.c.snapshot_id == sa.bindparam("id"))


class SnapshotSet(Base):
    """The snapshots of all projects."""

    def show(self, context: Context, snapshot_id: str) -> Row:
        """A snapshot by id."""
        with self.kit.db.read() as tx:
            return access.snapshot(tx, context, snapshot_id)

    def listed(self, question: listing.Question) -> Sequence[Row]:
        """A page of snapshots."""
        with self.kit.db.read() as tx:
            return listing.rows(tx, question)

    def count(self, question: listing.Question) -> int:
        """How many snapshots there are on all pages."""
        with self.kit.db.read() as tx:
            return listing.count(tx, question)

    def create(self, context: Context, volume_id: str, name: str | None, description: str | None,
               metadata: Mapping[str, str], *, force: bool = False, snapshot_id: str = "") -> Row:
        """Begin to freeze a volume; ``force`` also when it is attached.

        :raises WrongState: the volume is in another state.
        :raises QuotaExceeded: the project may not have it.
        """
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            states.check_still(volume)
            if volume.status != "available" and not (force and volume.status in ("in-use", "reserved", "attaching")):
                raise WrongState(f"Invalid volume: Volume {volume_id} status must be available, but current status "
                                 f"is: {volume.status}.")
            quotas.check(self.kit, tx, context.project_id, snapshots=1, gigabytes=volume.size)
            snapshot_id = snapshot_id or self.kit.clock.uuid()
            tx.insert(snapshots, {
                "id": snapshot_id, "volume_id": volume_id, "project_id": volume.project_id,
                "user_id": context.user_id, "name": name, "description": description, "size": volume.size,
                "status": "creating", "metadata": dict(metadata), "created_at": self.kit.clock.now()})
            self.mark(tx, snapshot_id, metadata, fresh=True)
            row = access.snapshot(tx, context, snapshot_id)
            self.emit(tx, context, "snapshot.create.start", row)
            self.kit.engine.start(tx, "volume.snapshot", volume_id, context, {"snapshot": snapshot_id})
        return row

    def update(self, context: Context, snapshot_id: str, changes: Mapping[str, Any]) -> Row:
        """Change name, description or metadata."""
        with self.kit.db.write() as tx:
            access.snapshot(tx, context, snapshot_id)
            if "metadata" in changes:
                self.mark(tx, snapshot_id, changes["metadata"])
            tx.update(snapshots, snapshot_id, **changes, updated_at=self.kit.clock.now())
            changed = access.snapshot(tx, context, snapshot_id)
            self.emit(tx, context, "snapshot.update.end", changed)
            return changed

    def delete(self, context: Context, snapshot_id: str, *, force: bool = False) -> None:
        """Begin to delete a snapshot, with ``force`` whatever its state is.

        :raises WrongState: a volume is being made from it, or its state does not allow it.
        """
        with self.kit.db.write() as tx:
            row = access.snapshot(tx, context, snapshot_id)
            if row.group_snapshot_id:
                raise WrongState(f"Invalid snapshot: Snapshot {snapshot_id} belongs to group snapshot "
                                 f"{row.group_snapshot_id}.")
            if tx.row(COPYING, {"id": snapshot_id}) is not None:
                raise WrongState(f"Invalid snapshot: Snapshot {snapshot_id} is being copied.")
            if force:
                tx.update(snapshots, snapshot_id, status="deleting", updated_at=self.kit.clock.now())
            else:
                states.step_snapshot(self.kit, tx, row, "delete")
            self.emit(tx, context, "snapshot.delete.start", row)
            self.kit.engine.start(tx, "volume.delete_snapshot", row.volume_id, context, {"snapshot": snapshot_id})

    def reset(self, context: Context, snapshot_id: str, status: str, progress: str | None = None) -> None:
        """Set a snapshot's state whatever it is: for administrators."""
        with self.kit.db.write() as tx:
            row = access.snapshot(tx, context, snapshot_id)
            values: dict[str, Any] = {"status": status, "updated_at": self.kit.clock.now()}
            if progress is not None:
                values["progress"] = progress
            tx.update(snapshots, snapshot_id, **values)
            self.emit(tx, context, "snapshot.reset_status.end", row)

    def erase(self, tx: Transaction, context: Context, row: Row, event: str = "snapshot.delete.end") -> None:
        """Remove the rows of a snapshot whose storage is gone, or is nobody's from now on."""
        tx.execute(marks.delete().where(marks.c.owner_id == row.id))
        tx.delete(snapshots, row.id)
        self.emit(tx, context, event, row)
        tx.after_commit(lambda: self.kit.wake(f"snapshot:{row.id}"))
