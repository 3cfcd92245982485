"""Volumes: making, showing, changing, extending, retyping and deleting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, NotFound, WrongState
from ...core.services.image import ImageRecord, ImageService
from ...core.services.volume import AttachmentRecord, VolumeDetail, VolumeRecord
from . import access, listing, quotas, states, types
from .base import Base
from .images import IMAGE_FORMATS, image_metadata
from .tables import attachments, marks, snapshots, transfers, volumes

GIB = 1 << 30
CLONING = sa.select(volumes.c.id).where(volumes.c.status == "creating", volumes.c.source_id == sa.bindparam("id"))
SUMMARY = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(volumes.c.size), 0))
IDLE = ("available", "error", "error_extending", "error_deleting", "error_restoring", "error_managing", "maintenance")


class NewVolume(msgspec.Struct, kw_only=True):
    """What a caller may say of a volume when it is made."""

    id: str = ""
    size: int | None = None
    name: str | None = None
    description: str | None = None
    image_id: str = ""
    snapshot_id: str = ""
    source_id: str = ""
    volume_type: str = ""
    zone: str = ""
    metadata: dict[str, str] = {}
    multiattach: bool = False


class _Source(msgspec.Struct):
    """Where a new volume's content comes from."""

    kind: str = "empty"
    size: int = 0
    backend: str = ""
    volume: str = ""
    type_id: str = ""
    bootable: bool = False
    image_metadata: Mapping[str, str] | None = None
    image_id: str = ""


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
        if sum(map(bool, (new.image_id, new.snapshot_id, new.source_id))) > 1:
            raise BadRequest("Only one of imageRef, snapshot_id and source_volid may be given")
        image = self._image(context, new.image_id) if new.image_id else None
        if new.zone and new.zone != self.kit.options.zone:
            raise BadRequest(f"Invalid input received: Availability zone '{new.zone}' is invalid.")
        with self.kit.db.read() as tx:
            source = self._source(tx, context, new, image)
            kind = self._type(tx, context, new, source)
            closed = self.closed(tx)
        size = _size(new.size, source)
        _check_type(kind)
        multiattach = new.multiattach or kind.extra_specs.get("multiattach", "").replace(" ", "") == "<is>True"
        backend = self._place(kind, size, source, closed)
        with self.kit.db.write() as tx:
            quotas.check(self.kit, tx, context.project_id, volumes=1, gigabytes=size, size=size, type_id=kind.id,
                         type_name=kind.name)
            self._still(tx, context, new)
            row = self._insert(tx, context, new, size, kind.id, backend, multiattach, source)
        return row, kind.name

    def _image(self, context: Context, image_id: str) -> ImageRecord:
        try:
            image = self.kit.peers.of(ImageService).image(context, image_id)
        except NotFound as exc:
            raise BadRequest(f"Invalid image identifier or unable to access requested image {image_id}.") from exc
        if image.status != "active":
            raise BadRequest(f"Invalid input received: Image {image_id} is not active.")
        if image.disk_format not in IMAGE_FORMATS:
            raise BadRequest(f"Invalid input received: a volume cannot be made from disk format {image.disk_format}")
        return image

    def _source(self, tx: Transaction, context: Context, new: NewVolume, image: ImageRecord | None) -> _Source:
        if image is not None:
            inside = max(image.size, image.virtual_size)
            return _Source("image", max(-(-inside // GIB), image.min_disk), bootable=True, image_id=image.id,
                           image_metadata=image_metadata(image))
        if new.snapshot_id:
            frozen = access.snapshot(tx, context, new.snapshot_id)
            if frozen.status != "available":
                raise WrongState("Invalid snapshot: Originating snapshot status must be one of ['available'] values")
            origin = access.volume(tx, context, frozen.volume_id)
            return _Source("snapshot", frozen.size, origin.backend, origin.id, origin.type_id, origin.bootable,
                           origin.image_metadata)
        if new.source_id:
            origin = access.volume(tx, context, new.source_id)
            if origin.status not in ("available", "in-use"):
                raise WrongState(f"Invalid volume: Originating volume status must be one of ['available', 'in-use'], "
                                 f"not {origin.status}")
            return _Source("volume", origin.size, origin.backend, origin.id, origin.type_id, origin.bootable,
                           origin.image_metadata)
        return _Source()

    def _type(self, tx: Transaction, context: Context, new: NewVolume, source: _Source) -> Row:
        if new.volume_type:
            return types.named(tx, context, new.volume_type)
        if source.type_id:
            return types.find(tx, context, source.type_id)
        return types.named(tx, context, self.kit.options.default_type)

    def _place(self, kind: Row, size: int, source: _Source, closed: frozenset[str]) -> str:
        """The back end of a new volume, or nothing when none fits."""
        specs = kind.extra_specs
        if source.backend and self.backends.fits(source.backend, specs):
            return source.backend
        if source.kind == "snapshot":
            raise BadRequest("Invalid input received: the snapshot lies on a back end that is not of this volume type")
        return self.backends.choose(specs, size, closed)

    def _still(self, tx: Transaction, context: Context, new: NewVolume) -> None:
        """See, now that nobody else can write, that the source still can be used."""
        if new.snapshot_id and access.snapshot(tx, context, new.snapshot_id).status != "available":
            raise WrongState(f"Invalid snapshot: Snapshot {new.snapshot_id} is no longer available")
        if new.source_id and access.volume(tx, context, new.source_id).status not in ("available", "in-use"):
            raise WrongState(f"Invalid volume: Volume {new.source_id} is no longer available")

    def _insert(self, tx: Transaction, context: Context, new: NewVolume, size: int, type_id: str, backend: str,
                multiattach: bool, source: _Source) -> Row:
        volume_id = new.id or self.kit.clock.uuid()
        image = {**source.image_metadata} if source.image_metadata else None
        tx.insert(volumes, {
            "id": volume_id, "project_id": context.project_id, "user_id": context.user_id, "name": new.name,
            "description": new.description, "size": size, "status": "creating", "zone": self.kit.options.zone,
            "type_id": type_id, "host": self.backends.host(backend) if backend else "", "backend": backend,
            "bootable": False, "multiattach": multiattach, "snapshot_id": new.snapshot_id or None,
            "source_id": new.source_id or None, "metadata": new.metadata, "image_metadata": image,
            "created_at": self.kit.clock.now()})
        self.mark(tx, volume_id, new.metadata, fresh=True)
        row = tx.row(access.VOLUME, {"id": volume_id})
        assert row is not None
        self.emit(tx, context, "volume.create.start", row)
        self.kit.engine.start(tx, "volume.create", volume_id, context, {
            "source": source.kind, "volume": source.volume, "snapshot": new.snapshot_id, "image": source.image_id,
            "bootable": source.bootable})
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

    def retype(self, context: Context, volume_id: str, name: str) -> None:
        """Give a volume another type of the same back end.

        :raises BadRequest: it has that type, or its back end does not fit the type.
        """
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            kind = types.named(tx, context, name)
            if row.status not in ("available", "in-use"):
                raise WrongState(f"Invalid volume: Volume {volume_id} status must be available or in-use to retype")
            if kind.id == row.type_id:
                raise BadRequest(f"Invalid input received: New volume_type same as original: {name}.")
            if kind.encryption is not None or not self.backends.fits(row.backend, kind.extra_specs):
                raise BadRequest("Invalid input received: the volume's back end does not fit the new type")
            quotas.check(self.kit, tx, row.project_id, type_id=kind.id, type_name=kind.name, volumes=0)
            tx.update(volumes, volume_id, type_id=kind.id, updated_at=self.kit.clock.now())
            self.emit(tx, context, "volume.retype", row)

    def reset(self, context: Context, volume_id: str, status: str) -> None:
        """Set a volume's state whatever it is: for administrators."""
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            states.force(self.kit, tx, volume_id, status)
            self.emit(tx, context, "volume.reset_status.end", row)

    # Deleting.

    def delete(self, context: Context, volume_id: str, *, cascade: bool = False, force: bool = False) -> None:
        """Begin to delete a volume, with ``cascade`` its snapshots too; ``force`` whatever its state is.

        :raises WrongState: it is attached, or something depends on it.
        """
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            self._check_deletable(tx, row, cascade, force)
            if force or row.status in ("maintenance", "error_restoring", "error_managing"):
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

    def erase(self, tx: Transaction, context: Context, row: Row) -> None:
        """Remove all rows of a volume whose storage is gone."""
        ids = [row.id, *(one.id for one in tx.rows(access.SNAPSHOTS_OF, {"volume_id": row.id}))]
        tx.execute(marks.delete().where(marks.c.owner_id.in_(ids)))
        tx.execute(attachments.delete().where(attachments.c.volume_id == row.id))
        if len(ids) > 1:
            tx.execute(snapshots.delete().where(snapshots.c.volume_id == row.id))
        if row.status == "awaiting-transfer":
            tx.execute(transfers.delete().where(transfers.c.volume_id == row.id))
        tx.delete(volumes, row.id)
        self.emit(tx, context, "volume.delete.end", row)
        tx.after_commit(lambda: self.kit.wake(f"volume:{row.id}"))


def _size(asked: int | None, source: _Source) -> int:
    """The GiB of a new volume."""
    if asked is None:
        if source.kind in ("snapshot", "volume"):
            return source.size
        raise BadRequest("Invalid input received: Volume size must be given, as an integer and greater than 0")
    if asked < source.size:
        words = {"image": "is smaller than the image's size or minimal disk size",
                 "snapshot": "cannot be lesser than the snapshot size",
                 "volume": "cannot be lesser than original volume size"}[source.kind]
        raise BadRequest(f"Invalid input received: Volume size {asked}GB {words} {source.size}GB.")
    return asked


def _check_type(kind: Row) -> None:
    if kind.encryption is not None:
        raise BadRequest(f"Volume type {kind.name} asks for encryption, which no back end here offers")
