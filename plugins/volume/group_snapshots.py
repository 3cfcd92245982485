"""Group snapshots: all volumes of a group frozen, at one moment where its type asks for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, WrongState
from . import access, listing, quotas, states
from .base import Base
from .tables import group_snapshots, groups, snapshots

COPYING = sa.select(groups.c.id).where(groups.c.status == "creating",
                                       groups.c.group_snapshot_id == sa.bindparam("id")).limit(1)
RESETTABLE = ("available", "error", "creating", "deleting", "error_deleting")


class GroupSnapshotSet(Base):
    """The group snapshots of all projects."""

    def show(self, context: Context, group_snapshot_id: str) -> Row:
        """A group snapshot by id."""
        with self.kit.db.read() as tx:
            return access.group_snapshot(tx, context, group_snapshot_id)

    def listed(self, question: listing.Question) -> Sequence[Row]:
        """A page of group snapshots."""
        with self.kit.db.read() as tx:
            return listing.rows(tx, question)

    def create(self, context: Context, group_id: str, name: str | None, description: str | None) -> Row:
        """Begin to freeze the volumes of a group.

        :raises WrongState: the group or one of its volumes is in a state that does not allow it.
        :raises BadRequest: the group has no volumes.
        :raises QuotaExceeded: the project may not have the snapshots.
        """
        with self.kit.db.write() as tx:
            group = access.group(tx, context, group_id)
            if group.status != "available":
                raise WrongState(f"Invalid Group: Group status must be available, but current status is: "
                                 f"{group.status}.")
            members = access.volumes_of(tx, group_id)
            self._check(group, members)
            quotas.check(self.kit, tx, group.project_id, snapshots=len(members),
                         gigabytes=sum(one.size for one in members))
            row = self._insert(tx, context, group, name, description)
            pairs = [(one.id, self._freeze(tx, context, one, row)) for one in members]
            self.told(tx, context, "group_snapshot.create.start", row)
            self.kit.engine.start(tx, "volume.group_snapshot", group_id, context,
                                  {"group_snapshot": row.id, "pairs": pairs})
        return row

    def _check(self, group: Row, members: Sequence[Row]) -> None:
        if not members:
            raise BadRequest(f"Invalid Group: Group {group.id} is empty. No group snapshot will be created.")
        for one in members:
            states.check_still(one)
            if one.status not in ("available", "in-use"):
                raise WrongState(f"Invalid volume: Volume {one.id} status must be available or in-use, but current "
                                 f"status is: {one.status}.")

    def _insert(self, tx: Transaction, context: Context, group: Row, name: str | None, description: str | None) -> Row:
        made = {"id": self.kit.clock.uuid(), "group_id": group.id, "group_type_id": group.type_id,
                "project_id": group.project_id, "user_id": context.user_id, "name": name,
                "description": description, "status": "creating", "created_at": self.kit.clock.now()}
        tx.insert(group_snapshots, made)
        return access.group_snapshot(tx, context, str(made["id"]))

    def _freeze(self, tx: Transaction, context: Context, volume: Row, row: Row) -> str:
        snapshot_id = self.kit.clock.uuid()
        tx.insert(snapshots, {
            "id": snapshot_id, "volume_id": volume.id, "project_id": volume.project_id, "user_id": context.user_id,
            "name": row.name, "description": row.description, "size": volume.size, "status": "creating",
            "metadata": {}, "group_snapshot_id": row.id, "created_at": self.kit.clock.now()})
        self.emit(tx, context, "snapshot.create.start", access.snapshot(tx, context, snapshot_id))
        return snapshot_id

    def update(self, context: Context, group_snapshot_id: str, changes: Mapping[str, Any]) -> Row:
        """Change name or description."""
        with self.kit.db.write() as tx:
            access.group_snapshot(tx, context, group_snapshot_id)
            tx.update(group_snapshots, group_snapshot_id, **changes, updated_at=self.kit.clock.now())
            row = access.group_snapshot(tx, context, group_snapshot_id)
            self.told(tx, context, "group_snapshot.update.end", row)
            return row

    def reset(self, context: Context, group_snapshot_id: str, status: str) -> None:
        """Set a group snapshot's state whatever it is: for administrators."""
        if status not in RESETTABLE:
            raise BadRequest(f"Invalid input received: group snapshot status {status[:64]} is not known")
        with self.kit.db.write() as tx:
            row = access.group_snapshot(tx, context, group_snapshot_id)
            tx.update(group_snapshots, group_snapshot_id, status=status, updated_at=self.kit.clock.now())
            self.told(tx, context, "group_snapshot.reset_status.end", row)

    def delete(self, context: Context, group_snapshot_id: str) -> None:
        """Begin to delete a group snapshot with its snapshots.

        :raises WrongState: a group is being made from it, or its state does not allow it.
        """
        with self.kit.db.write() as tx:
            row = access.group_snapshot(tx, context, group_snapshot_id)
            if tx.row(COPYING, {"id": group_snapshot_id}) is not None:
                raise WrongState(f"Invalid GroupSnapshot: a group is being created from {group_snapshot_id}.")
            states.step_group(self.kit, tx, group_snapshots, row, "delete")
            for one in access.frozen_of(tx, group_snapshot_id):
                if one.status != "deleting":
                    states.step_snapshot(self.kit, tx, one, "delete")
                self.emit(tx, context, "snapshot.delete.start", one)
            self.told(tx, context, "group_snapshot.delete.start", row)
            self.kit.engine.start(tx, "volume.delete_group_snapshot", row.group_id, context,
                                  {"group_snapshot": group_snapshot_id})

    def erase(self, tx: Transaction, context: Context, row: Row) -> None:
        """Remove the row of a group snapshot whose snapshots are gone."""
        tx.delete(group_snapshots, row.id)
        self.told(tx, context, "group_snapshot.delete.end", row)

    def told(self, tx: Transaction, context: Context, event: str, row: Row) -> None:
        """Tell that ``event`` happened to a group snapshot; what it is now is read from ``tx``."""
        now = tx.row(access.GROUP_SNAPSHOT, {"id": row.id}) or row
        self.tell(tx, context, event, "GroupSnapshotPayload", now, group_id=now.group_id, group_type=now.group_type_id)
