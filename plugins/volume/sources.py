"""What new volumes are made from: an image, a snapshot, a volume, a backup, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import BadRequest, NotFound, WrongState
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord, ImageService
from . import access
from .images import IMAGE_FORMATS, image_metadata

GIB = 1 << 30


class NewVolume(msgspec.Struct, kw_only=True):
    """What a caller may say of a volume when it is made."""

    id: str = ""
    size: int | None = None
    name: str | None = None
    description: str | None = None
    image_id: str = ""
    snapshot_id: str = ""
    source_id: str = ""
    backup_id: str = ""
    group_id: str = ""
    volume_type: str = ""
    zone: str = ""
    metadata: dict[str, str] = {}
    multiattach: bool = False


class Source(msgspec.Struct):
    """Where a new volume's content comes from. ``size`` is the least that the volume must have, in GiB."""

    kind: str = "empty"
    size: int = 0
    backend: str = ""
    volume: str = ""
    type_id: str = ""
    bootable: bool = False
    image_metadata: Mapping[str, Any] | None = None
    image_id: str = ""


def check_one(new: NewVolume) -> None:
    """See that at most one source was named. :raises BadRequest: there are several."""
    if sum(map(bool, (new.image_id, new.snapshot_id, new.source_id, new.backup_id))) > 1:
        raise BadRequest("Only one of imageRef, snapshot_id, source_volid and backup_id may be given")


def image(kit: Kit, context: Context, image_id: str) -> ImageRecord:
    """The image that a volume is to be made from. :raises BadRequest: it is not there, or of no use."""
    try:
        found = kit.peers.of(ImageService).image(context, image_id)
    except NotFound as exc:
        raise BadRequest(f"Invalid image identifier or unable to access requested image {image_id}.") from exc
    if found.status != "active":
        raise BadRequest(f"Invalid input received: Image {image_id} is not active.")
    if found.disk_format not in IMAGE_FORMATS and not snapshot_inside(found):
        raise BadRequest(f"Invalid input received: a volume cannot be made from disk format {found.disk_format}")
    return found


def snapshot_inside(found: ImageRecord) -> str:
    """The snapshot of the root volume that an image without data stands for: such is made of servers that boot
    from a volume."""
    kept = found.properties.get("block_device_mapping", "")
    if found.size or not kept:
        return ""
    try:
        mappings = msgspec.json.decode(kept.encode(), type=list[dict[str, Any]])
    except msgspec.MsgspecError:
        return ""
    for one in mappings:
        if str(one.get("boot_index")) == "0" and one.get("source_type") == "snapshot":
            return str(one.get("snapshot_id") or "")
    return ""


def find(tx: Transaction, context: Context, new: NewVolume, found: ImageRecord | None) -> Source:
    """What the request names, if it can be used now.

    :raises NotFound: the caller sees none of its id.
    :raises WrongState: it is in a state that does not allow it.
    """
    if found is not None:
        return _of_image(found)
    if new.snapshot_id:
        return _of_snapshot(tx, context, new.snapshot_id)
    if new.source_id:
        return _of_volume(tx, context, new.source_id)
    return _of_backup(tx, context, new.backup_id) if new.backup_id else Source()


def _of_image(found: ImageRecord) -> Source:
    inside = max(found.size, found.virtual_size)
    return Source("image", max(-(-inside // GIB), found.min_disk), bootable=True, image_id=found.id,
                  image_metadata=image_metadata(found))


def _of_snapshot(tx: Transaction, context: Context, snapshot_id: str) -> Source:
    frozen = access.snapshot(tx, context, snapshot_id)
    if frozen.status != "available":
        raise WrongState("Invalid snapshot: Originating snapshot status must be one of ['available'] values")
    origin = access.volume(tx, context, frozen.volume_id)
    return Source("snapshot", frozen.size, origin.backend, origin.id, origin.type_id, origin.bootable,
                  origin.image_metadata)


def _of_volume(tx: Transaction, context: Context, volume_id: str) -> Source:
    origin = access.volume(tx, context, volume_id)
    if origin.status not in ("available", "in-use"):
        raise WrongState(f"Invalid volume: Originating volume status must be one of ['available', 'in-use'], "
                         f"not {origin.status}")
    return Source("volume", origin.size, origin.backend, origin.id, origin.type_id, origin.bootable,
                  origin.image_metadata)


def _of_backup(tx: Transaction, context: Context, backup_id: str) -> Source:
    row = access.backup(tx, context, backup_id)
    if row.status != "available":
        raise WrongState(f"Invalid backup: Backup status must be available, but the current status is: {row.status}.")
    return Source("backup", row.size, bootable=bool(row.origin.get("bootable")),
                  image_metadata=row.origin.get("image_metadata"))


def still(tx: Transaction, context: Context, new: NewVolume) -> None:
    """See, now that nobody else can write, that the source still can be used. :raises WrongState: it cannot."""
    if new.snapshot_id and access.snapshot(tx, context, new.snapshot_id).status != "available":
        raise WrongState(f"Invalid snapshot: Snapshot {new.snapshot_id} is no longer available")
    if new.source_id and access.volume(tx, context, new.source_id).status not in ("available", "in-use"):
        raise WrongState(f"Invalid volume: Volume {new.source_id} is no longer available")


def size(asked: int | None, source: Source) -> int:
    """The GiB of a new volume. :raises BadRequest: it must be said, or is too little."""
    if asked is None:
        if source.kind in ("snapshot", "volume", "backup"):
            return source.size
        raise BadRequest("Invalid input received: Volume size must be given, as an integer and greater than 0")
    if asked < source.size:
        words = {"image": "is smaller than the image's size or minimal disk size",
                 "snapshot": "cannot be lesser than the snapshot size",
                 "volume": "cannot be lesser than original volume size",
                 "backup": "is smaller than the backup size"}[source.kind]
        raise BadRequest(f"Invalid input received: Volume size {asked}GB {words} {source.size}GB.")
    return asked
