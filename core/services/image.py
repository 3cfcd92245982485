"""What the image service promises the other services."""

from __future__ import annotations

import abc
import datetime
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ..context import Context
from .base import ServiceInterface


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An image, as compute and volume need it. Sizes are in bytes, 0 when unknown."""

    id: str
    name: str = ""
    status: str = "queued"
    owner: str = ""
    visibility: str = "shared"
    disk_format: str = ""
    container_format: str = ""
    size: int = 0
    virtual_size: int = 0
    min_disk: int = 0
    """GiB."""
    min_ram: int = 0
    """MiB."""
    hash_algorithm: str = ""
    hash_value: str = ""
    checksum: str = ""
    properties: Mapping[str, str] = {}
    tags: list[str] = []
    created_at: str = ""
    updated_at: str = ""


class ImageQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A page of images that is asked for, the newest first. What is left empty does not narrow the list."""

    name: str = ""
    statuses: list[str] = []
    properties: Mapping[str, str] = {}
    """Values that properties must have."""
    min_disk: int | None = None
    """GiB, exactly."""
    min_ram: int | None = None
    """MiB, exactly."""
    changed_since: datetime.datetime | None = None
    """UTC, without a zone."""
    marker: str = ""
    limit: int = 1000


class ImageService(ServiceInterface):
    """Images and their data. Every method sees only what ``context`` may see."""

    service = "image"

    @abc.abstractmethod
    def image(self, context: Context, image_id: str) -> ImageRecord:
        """An image by id. :raises NotFound: there is none that the caller may see."""

    @abc.abstractmethod
    def images(self, context: Context, question: ImageQuestion) -> list[ImageRecord]:
        """A page of the images in the caller's own list. :raises BadRequest: the marker names no image."""

    @abc.abstractmethod
    def set_properties(self, context: Context, image_id: str, properties: Mapping[str, str],
                       replace: bool = False) -> ImageRecord:
        """Add ``properties`` to an image's, or make them all it has.

        :raises NotFound: there is no such image that the caller may see.
        :raises Forbidden: the caller may not change it, or a name is reserved.
        :raises TooLarge: it would have too many.
        """

    @abc.abstractmethod
    def remove_property(self, context: Context, image_id: str, name: str) -> ImageRecord:
        """Take one property from an image. :raises NotFound: there is no such image or property."""

    @abc.abstractmethod
    def read(self, context: Context, image_id: str, offset: int, length: int) -> bytes:
        """At most ``length`` bytes of the data from ``offset``; empty at the end.

        :raises NotFound: no such image or it has no data.
        """

    @abc.abstractmethod
    def chunks(self, context: Context, image_id: str) -> Iterator[bytes]:
        """All of the data in chunks of at most 1 MiB. :raises NotFound: as ``read``."""

    @abc.abstractmethod
    def create(self, context: Context, image_id: str, name: str, disk_format: str, container_format: str,
               properties: Mapping[str, str], min_disk: int, min_ram: int, visibility: str = "private",
               protected: bool = False) -> ImageRecord:
        """Make a queued image owned by the caller's project; the same id again is the same image.

        :raises Forbidden: the caller may not give it this visibility.
        """

    @abc.abstractmethod
    def upload(self, context: Context, image_id: str, chunks: Iterable[bytes]) -> ImageRecord:
        """Give a queued image its data and make it active.

        :raises WrongState: it is not queued. After any failure it is queued again.
        """

    @abc.abstractmethod
    def give_up(self, context: Context, image_id: str, still_s: float) -> bool:
        """Give up an upload that has stood still for ``still_s`` seconds, as its sender has died; tell whether it was.

        The image is queued again then. Uploads that live are heard of every 20 s.
        :raises NotFound: there is no such image that the caller may see.
        """

    @abc.abstractmethod
    def delete(self, context: Context, image_id: str) -> None:
        """Delete an image and its data; nothing when it is gone. :raises Forbidden: it is protected."""
