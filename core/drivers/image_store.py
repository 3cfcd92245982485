"""The image store interface: where the bytes of images are kept."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from .base import Driver


@dataclasses.dataclass(frozen=True)
class ImageStoreFacts:
    """What a store is. ``scheme`` begins its locations; ``free_bytes`` is -1 when unknown."""

    scheme: str
    free_bytes: int = -1


class ImageStore(Driver):
    """One store of image data, keyed by image id.

    Calls block; any thread may call, but never two writers for one image. Nothing is visible
    under an id before all of it is there. After a failed ``put`` nothing is left, and what was
    there before still is. Every verb raises ``BadRequest`` for an id that ``names.check`` refuses.
    """

    @abc.abstractmethod
    def facts(self) -> ImageStoreFacts:
        """What this store is and has."""

    @abc.abstractmethod
    def observe(self) -> Sequence[str]:
        """Ids of all images whose data is here."""

    @abc.abstractmethod
    def put(self, image: str, chunks: Iterable[bytes]) -> int:
        """Keep ``chunks`` as the image's data, replacing what was there; return the size in bytes.

        Memory use does not grow with the data. What ``chunks`` raises passes through.
        :raises NoSpace: the store is full; nothing was left behind.
        """

    @abc.abstractmethod
    def size(self, image: str) -> int:
        """The size of the data in bytes. :raises NotFound: no data of this image."""

    @abc.abstractmethod
    def read(self, image: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The data from ``offset``, ``length`` bytes or to the end, in chunks of at most 1 MiB.

        A reader finishes even if the image is deleted or replaced meanwhile; beyond the end there is nothing.
        :raises BadRequest: ``offset`` or ``length`` is negative.
        :raises NotFound: no data of this image, raised by the call itself and not by the iteration.
        """

    @abc.abstractmethod
    def delete(self, image: str) -> None:
        """Remove the data; nothing if there is none."""


class LocalPaths(abc.ABC):
    """Facet: a hypervisor on the same machine may read the data as a file."""

    @abc.abstractmethod
    def path(self, image: str) -> str:
        """Absolute path of the data, to be read only. :raises NotFound: no data of this image."""
