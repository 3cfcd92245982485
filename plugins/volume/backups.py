"""Backups: copies of volumes kept outside their pools, whole or as what changed since an earlier one."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers import names
from ...core.errors import AlreadyExists, BadRequest, WrongState
from ...core.process.slice import Kit
from . import access, listing, quotas, states
from .backends import Backends
from .base import Base
from .sources import NewVolume
from .stores import BackupStore
from .tables import backups
from .volumes import Volumes

LATEST = sa.select(backups).where(
    backups.c.volume_id == sa.bindparam("volume_id"), backups.c.project_id == sa.bindparam("project_id"),
    backups.c.driver == sa.bindparam("driver"), backups.c.status.in_(("available", "restoring")),
    backups.c.data_at <= sa.bindparam("before")).order_by(
    backups.c.data_at.desc(), backups.c.created_at.desc()).limit(1)
SHARED = sa.select(backups.c.id).where(backups.c.data_id == sa.bindparam("data_id"),
                                       backups.c.id != sa.bindparam("id"),
                                       backups.c.status != "deleting").limit(1)
SERVICE = "cinder.backup.drivers."
"""What stands before a driver's name in exported records, as clients expect it."""
CHILD = sa.select(backups.c.id).where(backups.c.parent_id == sa.bindparam("id")).limit(1)
PARENTS = sa.select(backups.c.parent_id).distinct().where(
    backups.c.parent_id.in_(sa.bindparam("ids", expanding=True)))


class NewBackup(msgspec.Struct, kw_only=True):
    """What a caller may say of a backup when it is made."""

    volume_id: str
    snapshot_id: str = ""
    name: str | None = None
    description: str | None = None
    container: str | None = None
    zone: str = ""
    metadata: dict[str, str] = {}
    incremental: bool = False
    force: bool = False


class BackupRecord(msgspec.Struct, kw_only=True):
    """What another cloud needs to know of a backup to read it from the same store."""

    id: str
    volume_id: str
    size: int
    driver: str
    name: str | None = None
    description: str | None = None
    container: str | None = None
    data_id: str
    """The id under which the store has it."""
    parent_id: str | None = None
    metadata: dict[str, str] = {}
    origin: dict[str, Any] = {}
    data_at: datetime.datetime | None = None


class Backups(Base):
    """The backups of all projects."""

    def __init__(self, kit: Kit, backends: Backends, store: BackupStore, volumes: Volumes) -> None:
        super().__init__(kit, backends)
        self.store = store
        self.volumes = volumes

    def show(self, context: Context, backup_id: str) -> tuple[Row, bool]:
        """A backup, and whether others build upon it."""
        with self.kit.db.read() as tx:
            row = access.backup(tx, context, backup_id)
            return row, tx.row(CHILD, {"id": backup_id}) is not None

    def listed(self, question: listing.Question) -> tuple[Sequence[Row], frozenset[str]]:
        """A page of backups, and those of them that others build upon: two queries."""
        with self.kit.db.read() as tx:
            rows = listing.rows(tx, question)
            ids = [row.id for row in rows]
            return rows, frozenset(tx.values(PARENTS, {"ids": ids}) if ids else ())

    def brief(self, question: listing.Question) -> Sequence[Row]:
        """A page of backups and nothing else."""
        with self.kit.db.read() as tx:
            return listing.rows(tx, question)

    def count(self, question: listing.Question) -> int:
        """How many backups there are on all pages."""
        with self.kit.db.read() as tx:
            return listing.count(tx, question)

    # Making.

    def create(self, context: Context, new: NewBackup) -> Row:
        """Begin to back up a volume or one of its snapshots.

        :raises WrongState: it is in a state that does not allow it.
        :raises QuotaExceeded: the project may not have it.
        """
        self.store.driver.facts()
        if new.zone and new.zone != self.kit.options.zone:
            raise BadRequest(f"Invalid input received: Availability zone '{new.zone}' is invalid.")
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, new.volume_id)
            online, data_at, size = self._source(tx, context, new, volume)
            parent = self._parent(tx, context, new, data_at) if new.incremental else None
            quotas.check_backup(self.kit, tx, context.project_id, size)
            row = self._insert(tx, context, new, volume, parent, data_at, size)
            self.told(tx, context, "backup.create.start", row)
            self.kit.engine.start(tx, "volume.backup", volume.id, context, {
                "backup": row.id, "snapshot": new.snapshot_id, "online": online,
                "parent": "" if parent is None else parent.data_id})
        return row

    def _source(self, tx: Transaction, context: Context, new: NewBackup,
                volume: Row) -> tuple[bool, datetime.datetime, int]:
        """Whether a guest may write meanwhile, the moment of the content, and its GiB; the source is marked."""
        if new.snapshot_id:
            frozen = access.snapshot(tx, context, new.snapshot_id)
            if frozen.volume_id != volume.id:
                raise BadRequest(f"Invalid snapshot: Snapshot {frozen.id} is not of volume {volume.id}")
            if frozen.status != "available":
                raise WrongState(f"Invalid snapshot: Snapshot to be backed up must be available, but the current "
                                 f"status is \"{frozen.status}\".")
            states.step_snapshot(self.kit, tx, frozen, "backup")
            return False, frozen.created_at, frozen.size
        if volume.status == "in-use" and not new.force:
            raise WrongState("Invalid volume: Backing up an in-use volume must use the force flag.")
        if volume.status not in ("available", "in-use"):
            raise WrongState(f"Invalid volume: Volume to be backed up must be available or in-use, but the current "
                             f"status is \"{volume.status}\".")
        states.step(self.kit, tx, volume, "backup")
        return volume.status == "in-use", self.kit.clock.now(), volume.size

    def _parent(self, tx: Transaction, context: Context, new: NewBackup, data_at: datetime.datetime) -> Row:
        found = tx.row(LATEST, {"volume_id": new.volume_id, "project_id": context.project_id, "before": data_at,
                                "driver": self.store.name})
        if found is None:
            raise BadRequest("Invalid backup: No backups available to do an incremental backup.")
        return found

    def _insert(self, tx: Transaction, context: Context, new: NewBackup, volume: Row, parent: Row | None,
                data_at: datetime.datetime, size: int) -> Row:
        origin = {"bootable": bool(volume.bootable), "image_metadata": volume.image_metadata,
                  "metadata": volume.metadata}
        backup_id = self.kit.clock.uuid()
        return self._add(tx, context, {
            "id": backup_id, "data_id": backup_id, "volume_id": volume.id,
            "snapshot_id": new.snapshot_id or None,
            "parent_id": None if parent is None else parent.id, "name": new.name, "description": new.description,
            "size": size, "container": new.container, "zone": self.kit.options.zone, "driver": self.store.name,
            "metadata": new.metadata, "origin": origin, "data_at": data_at})

    def _add(self, tx: Transaction, context: Context, values: Mapping[str, Any]) -> Row:
        tx.insert(backups, {"project_id": context.project_id, "user_id": context.user_id, "status": "creating",
                            "host": self.kit.host, "created_at": self.kit.clock.now(), **values})
        row = tx.row(access.BACKUP, {"id": values["id"]})
        assert row is not None
        return row

    # Changing and deleting.

    def update(self, context: Context, backup_id: str, changes: Mapping[str, Any]) -> Row:
        """Change name, description or metadata."""
        with self.kit.db.write() as tx:
            access.backup(tx, context, backup_id)
            tx.update(backups, backup_id, **changes, updated_at=self.kit.clock.now())
            row = access.backup(tx, context, backup_id)
            self.told(tx, context, "backup.update.end", row)
            return row

    def reset(self, context: Context, backup_id: str, status: str) -> None:
        """Set a backup's state whatever it is: for administrators."""
        with self.kit.db.write() as tx:
            row = access.backup(tx, context, backup_id)
            tx.update(backups, backup_id, status=status, updated_at=self.kit.clock.now())
            self.told(tx, context, "backup.reset_status.end", row)

    def delete(self, context: Context, backup_id: str, *, force: bool = False) -> None:
        """Begin to delete a backup, with ``force`` whatever its state is.

        :raises BadRequest: others build upon it.
        :raises WrongState: its state does not allow it.
        """
        with self.kit.db.write() as tx:
            row = access.backup(tx, context, backup_id)
            if tx.row(CHILD, {"id": backup_id}) is not None:
                raise BadRequest("Invalid backup: Incremental backups exist for this backup.")
            if force:
                tx.update(backups, backup_id, status="deleting", updated_at=self.kit.clock.now())
            else:
                states.step_backup(self.kit, tx, row, "delete")
            self.told(tx, context, "backup.delete.start", row)
            self.kit.engine.start(tx, "volume.delete_backup", backup_id, context)

    def erase(self, tx: Transaction, context: Context, row: Row) -> None:
        """Remove the row of a backup whose data is gone."""
        tx.delete(backups, row.id)
        self.told(tx, context, "backup.delete.end", row)

    def told(self, tx: Transaction, context: Context, event: str, row: Row) -> None:
        """Tell that ``event`` happened to a backup; what it is now is read from ``tx``."""
        now = tx.row(access.BACKUP, {"id": row.id}) or row
        self.tell(tx, context, event, "BackupPayload", now, volume_id=now.volume_id, size=now.size,
                  incremental=now.parent_id is not None, fail_reason=now.fail_reason)

    # Restoring.

    def restore(self, context: Context, backup_id: str, volume_id: str, name: str) -> tuple[str, str]:
        """Begin to lay a backup over a volume, or over a new one; gives the volume's id and name.

        :raises WrongState: the backup or the volume is in a state that does not allow it.
        :raises BadRequest: the volume is too small.
        """
        with self.kit.db.read() as tx:
            row = access.backup(tx, context, backup_id)
        check_available(row)
        if not volume_id:
            new = NewVolume(backup_id=backup_id, name=name or f"restore_backup_{backup_id}",
                            description="auto-created_from_restore_from_backup")
            made, _ = self.volumes.create(context, new)
            return made.id, made.name
        with self.kit.db.write() as tx:
            row = access.backup(tx, context, backup_id)
            volume = access.volume(tx, context, volume_id)
            if volume.status != "available":
                raise WrongState("Invalid volume: Volume to be restored to must be available")
            if volume.size < row.size:
                raise BadRequest(f"Invalid volume: volume size {volume.size} is too small to restore backup of size "
                                 f"{row.size}.")
            check_available(row)
            states.step_backup(self.kit, tx, row, "restore")
            states.step(self.kit, tx, volume, "restore")
            self.told(tx, context, "backup.restore.start", row)
            self.kit.engine.start(tx, "volume.restore", volume_id, context, {"backup": backup_id})
        return volume.id, volume.name or ""

    # Records.

    def export(self, context: Context, backup_id: str) -> tuple[str, str]:
        """The driver of a backup and its record, as text that another cloud may import."""
        with self.kit.db.read() as tx:
            row = access.backup(tx, context, backup_id)
        if row.status != "available":
            raise WrongState(f"Invalid backup: Backup status must be available and not {row.status}.")
        found = BackupRecord(id=row.id, volume_id=row.volume_id, size=row.size, driver=row.driver,
                             data_id=row.data_id, name=row.name,
                             description=row.description, container=row.container, parent_id=row.parent_id,
                             metadata=row.metadata, origin=row.origin, data_at=row.data_at)
        return SERVICE + row.driver, base64.b64encode(msgspec.json.encode(found)).decode()

    def accept(self, context: Context, service: str, url: str) -> Row:
        """Begin to take over a backup that lies in the store, by its record.

        :raises BadRequest: the record cannot be read, is of another driver, or the backup is known.
        """
        if service.removeprefix(SERVICE) != self.store.name:
            raise BadRequest(f"Invalid input received: Requested backup driver {service[:64]} is not available")
        try:
            found = msgspec.json.decode(base64.b64decode(url, validate=True), type=BackupRecord)
        except (msgspec.MsgspecError, binascii.Error, ValueError) as exc:
            raise BadRequest("Invalid input received: Can't parse backup record.") from exc
        names.check(found.id, found.data_id, found.volume_id)
        data_at = found.data_at.replace(tzinfo=None) if found.data_at else None
        with self.kit.db.write() as tx:
            if tx.row(access.BACKUP, {"id": found.id}) is not None:
                raise BadRequest("Invalid backup: Backup already exists in database.")
            quotas.check_backup(self.kit, tx, context.project_id, found.size)
            try:
                row = self._add(tx, context, {
                    "id": found.id, "data_id": found.data_id, "volume_id": found.volume_id,
                    "parent_id": found.parent_id, "name": found.name, "description": found.description,
                    "size": found.size, "container": found.container,
                    "zone": self.kit.options.zone, "driver": found.driver, "metadata": found.metadata,
                    "origin": found.origin, "data_at": data_at})
            except AlreadyExists as exc:
                raise BadRequest("Invalid backup: Backup already exists in database.") from exc
            self.told(tx, context, "backup.import.start", row)
            self.kit.engine.start(tx, "volume.import_backup", row.id, context)
        return row


def check_available(row: Row) -> None:
    """See that a backup can be read now. :raises WrongState: it is in another state."""
    if row.status != "available":
        raise WrongState(f"Invalid backup: Backup status must be available, but the current status is: {row.status}.")
