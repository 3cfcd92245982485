"""Volumes whose content is replaced: by their latest snapshot's, or by an image's."""

from __future__ import annotations

import sqlalchemy as sa

from ...core.context import Context
from ...core.errors import BadRequest, WrongState
from . import access, sources, states
from .base import Base
from .tables import snapshots

LATEST = sa.select(snapshots.c.id).where(snapshots.c.volume_id == sa.bindparam("volume_id")).order_by(
    snapshots.c.created_at.desc(), snapshots.c.id.desc()).limit(1)


class Contents(Base):
    """What volumes hold, of all projects."""

    def revert(self, context: Context, volume_id: str, snapshot_id: str) -> None:
        """Begin to give a volume the content of its latest snapshot.

        :raises BadRequest: the snapshot is another volume's, or not the latest.
        :raises WrongState: volume or snapshot are in a state that does not allow it.
        """
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            frozen = access.snapshot(tx, context, snapshot_id)
            if frozen.volume_id != volume_id:
                raise BadRequest(f"Invalid snapshot: Specified snapshot {snapshot_id} is not of volume {volume_id}.")
            if tx.value(LATEST, {"volume_id": volume_id}) != snapshot_id:
                raise BadRequest(f"Invalid input received: Specified snapshot {snapshot_id} is not the latest one of "
                                 f"volume {volume_id}")
            if volume.size != frozen.size:
                raise BadRequest(f"Invalid input received: volume {volume_id} was extended after snapshot "
                                 f"{snapshot_id} was made: it has {volume.size}GB, the snapshot {frozen.size}GB.")
            if volume.status != "available":
                raise WrongState(f"Invalid volume: Volume {volume_id} status must be available to revert, but current "
                                 f"status is: {volume.status}.")
            states.step_snapshot(self.kit, tx, frozen, "revert")
            states.step(self.kit, tx, volume, "revert")
            self.emit(tx, context, "volume.revert.start", volume)
            self.kit.engine.start(tx, "volume.revert", volume_id, context, {"snapshot": snapshot_id})

    def reimage(self, context: Context, volume_id: str, image_id: str, reserved: bool) -> None:
        """Begin to fill a volume anew from an image; a ``reserved`` one too, which is reserved again afterwards.

        :raises BadRequest: the image is of no use, or too large.
        :raises WrongState: the volume is in another state.
        """
        with self.kit.db.read() as tx:
            access.volume(tx, context, volume_id)
        image = sources.image(self.kit, context, image_id)
        least = max(-(-max(image.size, image.virtual_size) // sources.GIB), image.min_disk)
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            if volume.status not in ("available", "error") and not (reserved and volume.status == "reserved"):
                allowed = "available, error or reserved" if reserved else "available or error"
                raise WrongState(f"Invalid volume: status must be {allowed} to re-image, but current status is: "
                                 f"{volume.status}.")
            if volume.size < least:
                raise BadRequest(f"Invalid input received: Image size or minimal disk size {least}GB is larger than "
                                 f"the volume size {volume.size}GB.")
            states.step(self.kit, tx, volume, "reimage")
            self.emit(tx, context, "volume.reimage.start", volume)
            self.kit.engine.start(tx, "volume.reimage", volume_id, context, {
                "image": image_id, "then": "keep" if volume.status == "reserved" else "release"})
