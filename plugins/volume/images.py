"""Images and volumes: a volume filled from an image, and an image made from a volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...core.context import Context
from ...core.drivers.volume import VolumeDriver
from ...core.errors import BadRequest, NotFound, WrongState
from ...core.services.image import ImageRecord, ImageService
from . import access, listing, qcow2, states
from .base import Base
from .tables import volumes

RAW = frozenset(("raw", "iso", "ami", "ari", "aki", "gpt"))
IMAGE_FORMATS = RAW | {"qcow2"}
UPLOAD_FORMATS = ("raw", "qcow2")


def image_metadata(image: ImageRecord) -> dict[str, str]:
    """What a volume remembers of its image; all values are texts."""
    return {**image.properties, "image_id": image.id, "image_name": image.name, "checksum": image.checksum,
            "container_format": image.container_format, "disk_format": image.disk_format,
            "min_disk": str(image.min_disk), "min_ram": str(image.min_ram), "size": str(image.size)}


def raw_chunks(images: ImageService, context: Context, image: ImageRecord) -> Iterator[bytes]:
    """The disk inside an image."""
    if image.disk_format == "qcow2":
        return qcow2.raw(lambda offset, length: images.read(context, image.id, offset, length))
    return images.chunks(context, image.id)


def upload_chunks(driver: VolumeDriver, volume: str, disk_format: str) -> Iterator[bytes]:
    """A volume's content as an image's data."""
    if disk_format == "raw":
        return driver.read(volume)
    found, size = qcow2.used(driver.read(volume))
    return qcow2.write(found, size, driver.read(volume))


class VolumeImages(Base):
    """The metadata that volumes have from images, and images made from volumes."""

    def upload(self, context: Context, volume_id: str, name: str, disk_format: str, container_format: str, *,
               force: bool = False, visibility: str = "private", protected: bool = False) -> tuple[Any, ImageRecord]:
        """Begin to make an image from a volume; gives the volume's row and the image.

        :raises WrongState: the volume is neither available nor, with ``force``, in use.
        """
        if disk_format not in UPLOAD_FORMATS or container_format != "bare":
            raise BadRequest(f"Invalid input received: a volume can be uploaded as {' or '.join(UPLOAD_FORMATS)} in "
                             f"container format bare, not as {disk_format} in {container_format}")
        images = self.kit.peers.of(ImageService)
        with self.kit.db.read() as tx:
            row = access.volume(tx, context, volume_id)
        if row.status != "available" and not (force and row.status == "in-use"):
            raise WrongState(f"Invalid volume: Volume {volume_id} status must be available or in-use but current "
                             f"status is: {row.status}.")
        known = {key: value for key, value in (row.image_metadata or {}).items() if key not in BASIC}
        image = images.create(context, self.kit.clock.uuid(), name, disk_format, container_format, known,
                              int((row.image_metadata or {}).get("min_disk", 0) or 0),
                              int((row.image_metadata or {}).get("min_ram", 0) or 0), visibility, protected)
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            states.step(self.kit, tx, row, "upload")
            self.kit.engine.start(tx, "volume.upload", volume_id, context,
                                  {"image": image.id, "format": disk_format})
            row = access.volume(tx, context, volume_id)
        return row, image

    def metadata(self, context: Context, volume_id: str) -> Mapping[str, str]:
        """What a volume remembers of its image."""
        with self.kit.db.read() as tx:
            return access.volume(tx, context, volume_id).image_metadata or {}

    def set_metadata(self, context: Context, volume_id: str, changes: Mapping[str, str]) -> Mapping[str, str]:
        """Add to what a volume remembers of its image."""
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            found = {**(row.image_metadata or {}), **changes}
            tx.update(volumes, volume_id, image_metadata=found)
            self.mark(tx, listing.IMAGE + volume_id, found)
            self.emit(tx, context, "volume.update.end", row)
            return found

    def drop_metadata(self, context: Context, volume_id: str, key: str) -> None:
        """Forget one value. :raises NotFound: there is none of this key."""
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            found = dict(row.image_metadata or {})
            if key not in found:
                raise NotFound("Metadata does not exist.")
            del found[key]
            tx.update(volumes, volume_id, image_metadata=found or None)
            self.mark(tx, listing.IMAGE + volume_id, found)
            self.emit(tx, context, "volume.update.end", row)


BASIC = frozenset(("image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk", "min_ram",
                   "size"))
