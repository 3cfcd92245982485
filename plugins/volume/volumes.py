"""Volumes: making, showing, changing, extending and deleting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, WrongState
from ...core.services.volume import AttachmentRecord, VolumeDetail, VolumeRecord
from . import access, listing, quotas, sources, states, types
from .base import Base
from .sources import NewVolume, Source
from .tables import attachments, marks, snapshots, transfers, volumes

TYPE_OF_IMAGE = "cinder_img_volume_type"
"""The property by which an image names the type of volumes made from it."""
CLONING = sa.select(volumes.c.id).where(volumes.c.status == "creating", volumes.c.source_id == sa.bindparam("id"))
SUMMARY = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(volumes.c.size), 0))
IDLE = ("available", "error", "error_extending", "error_deleting", "error_restoring", "error_managing", "maintenance")


def record(row: Row) -> VolumeRecord:
    """A row as compute sees it."""
    return VolumeRecord(id=row.id, name=row.name or "", status=row.status, size=row.size, bootable=row.bootable,
                        multiattach=row.multiattach, zone=row.zone, image_metadata=row.image_metadata or {})


def detail(row: Row, attached: Sequence[Row], type_name: str) -> VolumeDetail:
    """A row with all that compute may show of it."""
    servers = [AttachmentRecord(server_id=one.server_id, device=one.device or "") for one in attached if one.server_id]
    return VolumeDetail(
        id=row.id, name=row.name or "", status=row.status, size=row.size, bootable=row.bootable,
        multiattach=row.multiattach, zone=row.zone, image_metadata=row.image_metadata or {},
        description=row.description, volume_type=type_name, snapshot_id=row.snapshot_id, metadata=row.metadata,
        attachments=servers, created_at=row.created_at)


class Volumes(Base):
    """The volumes of all projects."""

    def show(self, context: Context, volume_id: str) -> tuple[Row, Sequence[Row], str]:
        """A volume, its attachments and the name of its type."""
        with self.kit.db.read() as tx:
            row = access.volume(tx, context, volume_id)
            return row, access.attached(tx, volume_id), types.names(tx, {row.type_id}).get(row.type_id, "")

    def listed(self, question: listing.Question) -> tuple[Sequence[Row], Mapping[str, list[Row]], Mapping[str, str]]:
        """A page of volumes, their attachments, and the names of their types: three queries."""
        with self.kit.db.read() as tx:
            rows = listing.rows(tx, question)
            return (rows, access.attached_of(tx, [row.id for row in rows]),
                    types.names(tx, {row.type_id for row in rows}))

    def brief(self, question: listing.Question) -> Sequence[Row]:
        """A page of volumes and nothing else."""
        with self.kit.db.read() as tx:
            return listing.rows(tx, question)

    def count(self, question: listing.Question) -> int:
        """How many volumes there are on all pages."""
        with self.kit.db.read() as tx:
            return listing.count(tx, question)

    def summary(self, context: Context, everyone: bool) -> tuple[int, int, Mapping[str, list[str]]]:
        """How many volumes there are, their GiB, and all values of their metadata by key."""
        own = volumes.c.project_id == context.project_id
        statement = SUMMARY if everyone else SUMMARY.where(own)
        inner = sa.select(volumes.c.id) if everyone else sa.select(volumes.c.id).where(own)
        with self.kit.db.read() as tx:
            total: Any = tx.row(statement)
            found: dict[str, list[str]] = {}
            for row in tx.rows(sa.select(marks.c.name, marks.c.value).distinct().where(
                    marks.c.owner_id.in_(inner)).order_by(marks.c.name, marks.c.value)):
                found.setdefault(row.name, []).append(row.value)
        return total[0], int(total[1]), found

    # Making.

    def create(self, context: Context, new: NewVolume) -> tuple[Row, str]:
        """Begin to make a volume; gives its row and the name of its type.

        :raises BadRequest: the sizes do not fit, or the source cannot be used now.
        :raises QuotaExceeded: the project may not have it.
        """
        sources.check_one(new)
        image = sources.image(self.kit, context, new.image_id) if new.image_id else None
        inside = sources.snapshot_inside(image) if image is not None else ""
        if inside:
            new.snapshot_id, new.image_id, image = inside, "", None
        if new.zone and new.zone != self.kit.options.zone:
            raise BadRequest(f"Invalid input received: Availability zone '{new.zone}' is invalid.")
        with self.kit.db.read() as tx:
            source = sources.find(tx, context, new, image)
            kind = self._type(tx, context, new, source)
            group = self._group(tx, context, new, kind)
            closed = self.closed(tx)
        size = sources.size(new.size, source)
        types.check_encryption(kind)
        types.check_zone(kind, self.kit.options.zone)
        multiattach = new.multiattach or types.multiattach(kind)
        backend = group.backend if group is not None else self._place(kind, size, source, closed)
        with self.kit.db.write() as tx:
            quotas.check(self.kit, tx, context.project_id, volumes=1, gigabytes=size, size=size, type_id=kind.id,
                         type_name=kind.name)
            sources.still(tx, context, new)
            if new.backup_id:
                states.step_backup(self.kit, tx, access.backup(tx, context, new.backup_id), "restore")
            row = self._insert(tx, context, new, size, kind.id, backend, multiattach, source)
        return row, kind.name

    def _group(self, tx: Transaction, context: Context, new: NewVolume, kind: Row) -> Row | None:
        """The group that a new volume is to be in. :raises BadRequest: it does not take such volumes now."""
        if not new.group_id:
            return None
        row = access.group(tx, context, new.group_id)
        copied = row.status == "creating" and (row.group_snapshot_id or row.source_group_id)
        if row.status != "available" and not copied:
            raise BadRequest(f"Invalid Group: Group status must be available, but current status is: {row.status}.")
        if kind.id not in row.volume_types:
            raise BadRequest(f"Invalid input received: Invalid volume_type provided: {kind.id} (requested type must "
                             "be supported by this group).")
        return row

    def _type(self, tx: Transaction, context: Context, new: NewVolume, source: Source) -> Row:
        if new.volume_type:
            return types.named(tx, context, new.volume_type)
        of_image = str((source.image_metadata or {}).get(TYPE_OF_IMAGE) or "") if source.kind == "image" else ""
        if of_image:
            return types.named(tx, context, of_image)
        if source.type_id:
            return types.find(tx, context, source.type_id)
        return types.default(self.kit, tx, context)

    def _place(self, kind: Row, size: int, source: Source, closed: frozenset[str]) -> str:
        """The back end of a new volume, or nothing when none fits."""
        specs = kind.extra_specs
        if source.backend and self.backends.fits(source.backend, specs):
            return source.backend
        if source.kind == "snapshot":
            raise BadRequest("Invalid input received: the snapshot lies on a back end that is not of this volume type")
        return self.backends.choose(specs, size, closed)

    def _insert(self, tx: Transaction, context: Context, new: NewVolume, size: int, type_id: str, backend: str,
                multiattach: bool, source: Source) -> Row:
        volume_id = new.id or self.kit.clock.uuid()
        image = {**source.image_metadata} if source.image_metadata else None
        tx.insert(volumes, {
            "id": volume_id, "project_id": context.project_id, "user_id": context.user_id, "name": new.name,
            "description": new.description, "size": size, "status": "creating", "zone": self.kit.options.zone,
            "type_id": type_id, "host": self.backends.host(backend) if backend else "", "backend": backend,
            "bootable": False, "multiattach": multiattach, "snapshot_id": new.snapshot_id or None,
            "source_id": new.source_id or None, "metadata": new.metadata, "image_metadata": image,
            "group_id": new.group_id or None, "created_at": self.kit.clock.now()})
        self.mark(tx, volume_id, new.metadata, fresh=True)
        if image:
            self.mark(tx, listing.IMAGE + volume_id, image, fresh=True)
        row = tx.row(access.VOLUME, {"id": volume_id})
        assert row is not None
        self.emit(tx, context, "volume.create.start", row)
        self.kit.engine.start(tx, "volume.create", volume_id, context, {
            "source": source.kind, "volume": source.volume, "snapshot": new.snapshot_id, "image": source.image_id,
            "backup": new.backup_id, "bootable": source.bootable})
        return row

    # Changing.

    def update(self, context: Context, volume_id: str, changes: Mapping[str, Any]) -> None:
        """Change name, description or metadata."""
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            if "metadata" in changes:
                self.mark(tx, volume_id, changes["metadata"])
            tx.update(volumes, volume_id, **changes, updated_at=self.kit.clock.now())
            self.emit(tx, context, "volume.update.end", row)

    def set_bootable(self, context: Context, volume_id: str, bootable: bool) -> None:
        """Say whether servers may boot from a volume."""
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            tx.update(volumes, volume_id, bootable=bootable, updated_at=self.kit.clock.now())
            self.emit(tx, context, "volume.update.end", row)

    def set_readonly(self, context: Context, volume_id: str, readonly: bool) -> None:
        """Say whether a volume may be written to. :raises WrongState: it is in use."""
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            if row.status != "available":
                raise WrongState(f"Invalid volume: Volume {volume_id} status must be available to update readonly "
                                 f"flag, but current status is: {row.status}.")
            tx.update(volumes, volume_id, readonly=readonly, updated_at=self.kit.clock.now())
            self.emit(tx, context, "volume.update.end", row)

    def extend(self, context: Context, volume_id: str, size: int, online: bool) -> None:
        """Begin to make a volume larger; ``online`` allows it while the volume is attached.

        :raises BadRequest: the size is not larger than the present one.
        """
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            if row.status != "available" and not (online and row.status == "in-use"):
                raise WrongState(f"Invalid volume: Volume {volume_id} status must be '{{available}}' to extend, "
                                 f"currently {row.status}.")
            if size <= row.size:
                raise BadRequest(f"Invalid input received: New size for extend must be greater than current size. "
                                 f"(current: {row.size}, extended: {size}).")
            name = types.names(tx, {row.type_id}).get(row.type_id, "")
            quotas.check(self.kit, tx, row.project_id, gigabytes=size - row.size, size=size, type_id=row.type_id,
                         type_name=name)
            states.step(self.kit, tx, row, "extend", growing=size - row.size)
            self.emit(tx, context, "volume.resize.start", row)
            self.kit.engine.start(tx, "volume.extend", volume_id, context, {"size": size})

    def reset(self, context: Context, volume_id: str, status: str) -> None:
        """Set a volume's state whatever it is: for administrators."""
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            states.force(self.kit, tx, volume_id, status)
            self.emit(tx, context, "volume.reset_status.end", row)

    # Deleting.

    def delete(self, context: Context, volume_id: str, *, cascade: bool = False, force: bool = False,
               of_group: bool = False) -> None:
        """Begin to delete a volume, with ``cascade`` its snapshots too; ``force`` whatever its state is.

        A volume in a group goes with its group, ``of_group``.

        :raises WrongState: it is attached, or something depends on it.
        """
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            if row.group_id and not of_group:
                raise WrongState(f"Invalid volume: Volume {volume_id} belongs to group {row.group_id}.")
            self._check_deletable(tx, row, cascade, force)
            if not row.backend and row.status != "creating":
                # It never came to lie anywhere: nothing has to be waited for.
                self.erase(tx, context, row)
                return
            if force or row.status == "maintenance":
                states.force(self.kit, tx, volume_id, "deleting")
            else:
                states.step(self.kit, tx, row, "delete")
            self.emit(tx, context, "volume.delete.start", row)
            self.kit.engine.start(tx, "volume.delete", volume_id, context, interrupt=force)

    def _check_deletable(self, tx: Transaction, row: Row, cascade: bool, force: bool) -> None:
        if any(one.status == "attached" or one.by_compute for one in access.attached(tx, row.id)):
            raise WrongState(f"Invalid volume: Volume {row.id} is still attached, detach volume first.")
        if not force and row.status not in IDLE:
            raise WrongState(f"Invalid volume: Volume status must be available or error or error_restoring or "
                             f"error_extending or error_managing and must not be migrating, attached, belong to a "
                             f"group, have snapshots, awaiting a transfer, or be disassociated from snapshots after "
                             f"volume transfer. It is {row.status}.")
        if tx.row(CLONING, {"id": row.id}) is not None:
            raise WrongState(f"Invalid volume: Volume {row.id} is being copied.")
        frozen = tx.rows(access.SNAPSHOTS_OF, {"volume_id": row.id})
        if frozen and not cascade:
            raise WrongState(f"Invalid volume: Volume {row.id} still has {len(frozen)} dependent snapshots.")

    def erase(self, tx: Transaction, context: Context, row: Row, event: str = "volume.delete.end") -> None:
        """Remove all rows of a volume whose storage is gone, or is somebody else's from now on."""
        ids = [row.id, listing.IMAGE + row.id, *(one.id for one in tx.rows(access.SNAPSHOTS_OF, {"volume_id": row.id}))]
        tx.execute(marks.delete().where(marks.c.owner_id.in_(ids)))
        tx.execute(attachments.delete().where(attachments.c.volume_id == row.id))
        if len(ids) > 2:
            tx.execute(snapshots.delete().where(snapshots.c.volume_id == row.id))
        if row.status == "awaiting-transfer":
            tx.execute(transfers.delete().where(transfers.c.volume_id == row.id))
        tx.delete(volumes, row.id)
        self.emit(tx, context, event, row)
        tx.after_commit(lambda: self.kit.wake(f"volume:{row.id}"))
