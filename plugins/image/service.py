"""The image service: what the API and the other services may ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...core.context import Context
from ...core.db.engine import Row
from ...core.drivers.image_store import ImageStore
from ...core.errors import AlreadyExists, Forbidden, NotFound
from ...core.process.slice import Kit
from ...core.services.image import ImageQuestion, ImageRecord, ImageService
from . import images, listing, members
from .access import BY_ID, find
from .data import Data
from .patch import Change, check_name
from .tables import images as table


class Images(ImageService):
    """Images and their data; nouns that need no store are plain functions over ``kit``."""

    def __init__(self, kit: Kit, store: ImageStore) -> None:
        self.kit = kit
        self.data = Data(kit, store)

    def image(self, context: Context, image_id: str) -> ImageRecord:
        """An image by id. :raises NotFound: there is none that the caller may see."""
        return images.record(images.show(self.kit, context, image_id))

    def images(self, context: Context, question: ImageQuestion) -> list[ImageRecord]:
        """A page of the images in the caller's own list."""
        return [images.record(row) for row in listing.listed(self.kit, context, listing.of_peer(question))]

    def set_properties(self, context: Context, image_id: str, properties: Mapping[str, str],
                       replace: bool = False) -> ImageRecord:
        """Add ``properties`` to an image's, or make them all it has."""
        for name in properties:
            check_name(name)
        with self.kit.db.write() as tx:
            old = find(tx, context, image_id).properties if replace else {}
            changes = [*(Change("remove", name) for name in old if name not in properties),
                       *(Change("add", name, value) for name, value in properties.items())]
            return images.record(images.update(self.kit, context, image_id, changes))

    def remove_property(self, context: Context, image_id: str, name: str) -> ImageRecord:
        """Take one property from an image."""
        with self.kit.db.write() as tx:
            if name not in find(tx, context, image_id).properties:
                raise NotFound(f"Image {image_id} has no property {name}")
            return images.record(images.update(self.kit, context, image_id, [Change("remove", name)]))

    def read(self, context: Context, image_id: str, offset: int, length: int) -> bytes:
        """At most ``length`` bytes of the data from ``offset``; empty at the end."""
        return self.data.read(context, image_id, offset, length)

    def chunks(self, context: Context, image_id: str) -> Iterator[bytes]:
        """All of the data in chunks of at most 1 MiB."""
        return self.data.chunks(context, image_id)

    def create(self, context: Context, image_id: str, name: str, disk_format: str, container_format: str,
               properties: Mapping[str, str], min_disk: int, min_ram: int, visibility: str = "private",
               protected: bool = False) -> ImageRecord:
        """Make a queued image owned by the caller's project; the same id again is the same image."""
        with self.kit.db.read() as tx:
            known = tx.row(BY_ID, {"id": image_id})
        if known is not None:
            return self._formatted(context, image_id, disk_format, container_format)
        new = images.NewImage(id=image_id, name=name, visibility=visibility, protected=protected,
                              disk_format=disk_format or None, container_format=container_format or None,
                              properties=dict(properties), min_disk=min_disk, min_ram=min_ram)
        try:
            return images.record(images.create(self.kit, context, new))
        except AlreadyExists:
            # Another request with this id was just before this one.
            return self._formatted(context, image_id, disk_format, container_format)

    def _formatted(self, context: Context, image_id: str, disk_format: str, container_format: str) -> ImageRecord:
        """An image that is there; a queued one whose format was left open takes it now."""
        with self.kit.db.write() as tx:
            find(tx, context, image_id)
            if disk_format:
                tx.change(table, image_id, {"status": "queued", "disk_format": None}, disk_format=disk_format,
                          container_format=container_format or None)
            return images.record(find(tx, context, image_id))

    def upload(self, context: Context, image_id: str, chunks: Iterable[bytes]) -> ImageRecord:
        """Give a queued image its data and make it active."""
        self.data.upload(context, image_id, chunks)
        return self.image(context, image_id)

    def give_up(self, context: Context, image_id: str, still_s: float) -> bool:
        """Give up an upload that has stood still for so long; tell whether it was."""
        return self.data.give_up(context, image_id, still_s)

    def delete(self, context: Context, image_id: str) -> None:
        """Delete an image and its data; nothing when it is gone."""
        try:
            images.delete(self.kit, context, image_id)
        except NotFound:
            return

    def members(self, context: Context, image_id: str) -> Sequence[Row]:
        """The members of an image that the caller may see."""
        return members.listed(self.kit, context, image_id)

    def tasks(self, context: Context, image_id: str) -> Sequence[Row]:
        """The imports of an image, the newest first: rows of operations."""
        with self.kit.db.read() as tx:
            row = find(tx, context, image_id)
            if not context.is_admin and row.owner != context.project_id:
                raise Forbidden()
            return [one for one in self.kit.engine.of_subject(tx, image_id) if one.kind == "image.import"]
