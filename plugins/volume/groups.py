"""Groups: volumes of one back end that are frozen together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers.volume import GroupSnapshots
from ...core.errors import BadRequest, NotFound, WrongState
from ...core.process.slice import Kit
from . import access, group_types, listing, quotas, states, types
from .backends import Backends
from .base import Base
from .messages import Messages
from .sources import NewVolume
from .tables import group_snapshots, groups, volumes
from .tables import group_types as kinds
from .volumes import Volumes

SNAPSHOT_OF = sa.select(group_snapshots.c.id).where(group_snapshots.c.group_id == sa.bindparam("group_id")).limit(1)
MEMBERS = sa.select(volumes.c.group_id, volumes.c.id).where(
    volumes.c.group_id.in_(sa.bindparam("ids", expanding=True))).order_by(volumes.c.created_at, volumes.c.id)
OF_CONSISTENCY = sa.select(groups.c.id).join(kinds, kinds.c.id == groups.c.type_id).where(
    groups.c.id.in_(sa.bindparam("ids", expanding=True)), kinds.c.name == sa.bindparam("name"))
ADDABLE = ("available", "in-use")
RESETTABLE = ("available", "error", "creating", "deleting", "updating", "error_deleting")


class NewGroup(msgspec.Struct, kw_only=True):
    """What a caller may say of a group when it is made."""

    group_type: str
    volume_types: list[str]
    name: str | None = None
    description: str | None = None
    zone: str = ""


class Groups(Base):
    """The groups of all projects."""

    def __init__(self, kit: Kit, backends: Backends, made_volumes: Volumes, messages: Messages) -> None:
        super().__init__(kit, backends)
        self.volumes = made_volumes
        self.messages = messages

    def show(self, context: Context, group_id: str) -> tuple[Row, Sequence[str]]:
        """A group and the ids of its volumes."""
        with self.kit.db.read() as tx:
            row = access.group(tx, context, group_id)
            return row, [one.id for one in access.volumes_of(tx, group_id)]

    def listed(self, question: listing.Question, with_volumes: bool) -> tuple[Sequence[Row], Mapping[str, list[str]]]:
        """A page of groups and, where asked for, the ids of their volumes: two queries."""
        with self.kit.db.read() as tx:
            rows = listing.rows(tx, question)
            found: dict[str, list[str]] = {row.id: [] for row in rows}
            for one in tx.rows(MEMBERS, {"ids": list(found)}) if rows and with_volumes else ():
                found[one.group_id].append(one.id)
            return rows, found

    def of_consistency(self, ids: Collection[str]) -> frozenset[str]:
        """Those of some groups that the older API calls consistency groups, in one query."""
        with self.kit.db.read() as tx:
            return frozenset(tx.values(OF_CONSISTENCY, {"ids": list(ids), "name": group_types.OF_CONSISTENCY_GROUPS}))

    # Making.

    def create(self, context: Context, new: NewGroup) -> Row:
        """Make a group on the first back end that fits; without one it is in error, and a message says so.

        :raises BadRequest: a type makes no sense.
        :raises QuotaExceeded: the project may not have it.
        """
        if new.zone and new.zone != self.kit.options.zone:
            raise BadRequest(f"Invalid input received: Availability zone '{new.zone}' is invalid.")
        if not new.volume_types:
            raise BadRequest("volume_types must be provided to create group.")
        with self.kit.db.read() as tx:
            kind = group_types.named(tx, context, new.group_type)
            kinds = [_volume_type(tx, context, text) for text in new.volume_types]
            closed = self.closed(tx)
        backend = self._place(kind, kinds, closed)
        with self.kit.db.write() as tx:
            quotas.check_group(self.kit, tx, context.project_id)
            row = self.insert(tx, context, {
                "name": new.name, "description": new.description, "type_id": kind.id, "backend": backend,
                "volume_types": [one.id for one in kinds], "status": "available" if backend else "error"})
            if backend:
                self.told(tx, context, "group.create.end", row)
            else:
                self.messages.add(tx, context, "group", "no_backend", "VOLUME_GROUP", row.id, row.project_id)
                self.told(tx, context, "group.create.error", row)
        return row

    def insert(self, tx: Transaction, context: Context, values: Mapping[str, Any]) -> Row:
        """Add the row of a group of the caller's project."""
        group_id, backend = self.kit.clock.uuid(), values["backend"]
        tx.insert(groups, {
            "id": group_id, "project_id": context.project_id, "user_id": context.user_id,
            "zone": self.kit.options.zone, "host": self.backends.host(backend) if backend else "",
            "created_at": self.kit.clock.now(), **values})
        row = tx.row(access.GROUP, {"id": group_id})
        assert row is not None
        return row

    def _place(self, kind: Row, kinds: Sequence[Row], closed: frozenset[str]) -> str:
        together = group_types.consistent(kind.specs)
        for name, driver in self.backends.drivers.items():
            if name not in closed and all(self.backends.fits(name, one.extra_specs) for one in kinds) and (
                    not together or isinstance(driver, GroupSnapshots)):
                return name
        return ""

    # Changing.

    def update(self, context: Context, group_id: str, changes: Mapping[str, Any], add: Sequence[str],
               remove: Sequence[str]) -> None:
        """Change name and description, add volumes and take volumes out.

        :raises BadRequest: a volume does not fit or is not there.
        :raises WrongState: the group or a volume is in a state that does not allow it.
        """
        with self.kit.db.write() as tx:
            row = access.group(tx, context, group_id)
            if row.status != "available":
                raise WrongState(f"Invalid Group: Group status must be available, but current status is: {row.status}.")
            for volume_id in remove:
                self._take(tx, row, volume_id)
            for volume_id in add:
                self._add(tx, context, row, volume_id)
            tx.update(groups, group_id, **changes, updated_at=self.kit.clock.now())
            self.told(tx, context, "group.update.end", row)

    def _take(self, tx: Transaction, row: Row, volume_id: str) -> None:
        volume = tx.row(access.VOLUME, {"id": volume_id})
        if volume is None or volume.group_id != row.id:
            raise BadRequest(f"Invalid volume: Cannot remove volume {volume_id} from group {row.id} because it is not "
                             "in the group.")
        if volume.status not in (*ADDABLE, "error", "error_deleting"):
            raise WrongState(f"Invalid volume: Cannot remove volume {volume_id} from group {row.id} because it is in "
                             f"an invalid state: {volume.status}.")
        tx.update(volumes, volume_id, group_id=None, updated_at=self.kit.clock.now())

    def _add(self, tx: Transaction, context: Context, row: Row, volume_id: str) -> None:
        try:
            volume = access.volume(tx, context, volume_id)
        except NotFound as exc:
            raise BadRequest(f"Invalid volume: Cannot add volume {volume_id} to group {row.id} because volume cannot "
                             "be found.") from exc
        why = ""
        if volume.group_id:
            why = f"it is already in group {volume.group_id}"
        elif volume.type_id not in row.volume_types:
            why = f"volume type {volume.type_id} is not supported by the group"
        elif volume.status not in ADDABLE:
            why = f"volume is in an invalid state: {volume.status}"
        elif volume.backend != row.backend:
            why = "it is on another back end"
        elif volume.project_id != row.project_id:
            why = "it is of another project"
        if why:
            raise BadRequest(f"Invalid volume: Cannot add volume {volume_id} to group {row.id} because {why}.")
        states.check_still(volume)
        tx.update(volumes, volume_id, group_id=row.id, updated_at=self.kit.clock.now())

    def reset(self, context: Context, group_id: str, status: str) -> None:
        """Set a group's state whatever it is: for administrators."""
        if status not in RESETTABLE:
            raise BadRequest(f"Invalid input received: group status {status[:64]} is not known")
        with self.kit.db.write() as tx:
            row = access.group(tx, context, group_id)
            tx.update(groups, group_id, status=status, updated_at=self.kit.clock.now())
            self.told(tx, context, "group.reset_status.end", row)

    # Deleting.

    def delete(self, context: Context, group_id: str, with_volumes: bool) -> None:
        """Begin to delete a group and, ``with_volumes``, what is in it.

        :raises WrongState: it has volumes and they are not to go, it has snapshots, or a volume cannot go.
        """
        with self.kit.db.write() as tx:
            row = access.group(tx, context, group_id)
            members = access.volumes_of(tx, group_id)
            if members and not with_volumes:
                raise WrongState(f"Invalid Group: Group {group_id} still contains volumes. The delete-volumes flag is "
                                 "required to delete it.")
            if tx.row(SNAPSHOT_OF, {"group_id": group_id}) is not None:
                raise WrongState(f"Invalid Group: Group {group_id} still has dependent group snapshots.")
            states.step_group(self.kit, tx, groups, row, "delete")
            for volume in members:
                self.volumes.delete(context, volume.id, of_group=True)
            self.told(tx, context, "group.delete.start", row)
            self.kit.engine.start(tx, "volume.delete_group", group_id, context)

    # Making from another.

    def create_from(self, context: Context, name: str | None, description: str | None, group_snapshot_id: str,
                    source_group_id: str) -> Row:
        """Begin to make a group with copies of the volumes of a group snapshot or of another group.

        :raises BadRequest: the source has no volumes.
        :raises WrongState: the source is not available.
        """
        with self.kit.db.write() as tx:
            origin, news = self._copies(tx, context, group_snapshot_id, source_group_id)
            quotas.check_group(self.kit, tx, context.project_id)
            row = self.insert(tx, context, {
                "name": name, "description": description, "type_id": origin.type_id, "backend": origin.backend,
                "volume_types": origin.volume_types, "status": "creating",
                "group_snapshot_id": group_snapshot_id or None, "source_group_id": source_group_id or None})
            self.told(tx, context, "group.create.start", row)
            for new in news:
                new.group_id = row.id
                self.volumes.create(context, new)
            self.kit.engine.start(tx, "volume.create_group", row.id, context)
        return row

    def _copies(self, tx: Transaction, context: Context, group_snapshot_id: str,
                source_group_id: str) -> tuple[Row, list[NewVolume]]:
        if group_snapshot_id:
            frozen = access.group_snapshot(tx, context, group_snapshot_id)
            _check_available(frozen, "GroupSnapshot")
            origin = access.group(tx, context, frozen.group_id)
            news = [NewVolume(snapshot_id=one.id, name=one.name, description=one.description)
                    for one in access.frozen_of(tx, group_snapshot_id)]
        else:
            origin = access.group(tx, context, source_group_id)
            _check_available(origin, "Group")
            news = [NewVolume(source_id=one.id, name=one.name, description=one.description)
                    for one in access.volumes_of(tx, source_group_id)]
        if not news:
            raise BadRequest("Invalid input received: the source has no volumes, so no group can be made from it")
        return origin, news

    def erase(self, tx: Transaction, context: Context, row: Row) -> None:
        """Remove the row of a group that is empty."""
        tx.delete(groups, row.id)
        self.told(tx, context, "group.delete.end", row)

    def told(self, tx: Transaction, context: Context, event: str, row: Row) -> None:
        """Tell that ``event`` happened to a group; what it is now is read from ``tx``."""
        now = tx.row(access.GROUP, {"id": row.id}) or row
        self.tell(tx, context, event, "GroupPayload", now, group_type=now.type_id, volume_types=now.volume_types)


def _check_available(row: Row, noun: str) -> None:
    if row.status != "available":
        raise WrongState(f"Invalid {noun}: {noun} status must be available, but current status is: {row.status}.")


def _volume_type(tx: Transaction, context: Context, text: str) -> Row:
    kind = types.named(tx, context, text)
    types.check_encryption(kind)
    return kind
