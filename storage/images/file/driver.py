"""Image data as one plain file an image in one folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ....core.config import option
from ....core.drivers import names
from ....core.drivers.image_store import ImageStore, ImageStoreFacts, LocalPaths
from ....core.errors import BadConfiguration, BadRequest, NoSpace, NotFound
from ...partial import SYNC_CHOICES, Partial, backend_errors, partial, sweep
from ...streams import MIB, FileReader, write_pieces

CHECK_EVERY_BYTES = 64 * MIB


@dataclasses.dataclass(frozen=True)
class FileOptions:
    """Options of the image store ``file``."""

    path: str = option("", "Folder of the image data; empty for the driver's own state folder.")
    sync: str = option("data", "'data' has image data on the disk before it is acknowledged; 'none' leaves that to "
                               "the system and may lose images of the last seconds when power fails.")
    reserved_mib: int = option(256, "MiB of the file system that are never filled with images.")


class File(ImageStore, LocalPaths):
    """One folder of image data, also on a file system that several hosts share.

    File names are image ids, in one flat folder: today's file systems index folders, so splitting
    it would only make it harder to read. Data is written beside and renamed when complete.
    """

    Options = FileOptions
    options: FileOptions

    def open(self) -> None:
        """Make the folder and sweep out what a crash left."""
        if self.options.sync not in SYNC_CHOICES:
            raise BadConfiguration(f"sync must be one of {', '.join(SYNC_CHOICES)}")
        self._folder = Path(self.options.path or self.surroundings.state_dir).absolute()
        with backend_errors("opening the image store"):
            self._folder.mkdir(parents=True, exist_ok=True)
            swept = sweep(self._folder)
        if swept:
            self.log.warning("removed %d unfinished uploads", swept)

    def facts(self) -> ImageStoreFacts:
        """Scheme ``file`` and the bytes that may still be filled."""
        return ImageStoreFacts("file", self._free_bytes())

    def _free_bytes(self) -> int:
        with backend_errors("measuring the image store"):
            system = os.statvfs(self._folder)
        return max(0, system.f_bavail * system.f_frsize - self.options.reserved_mib * MIB)

    def observe(self) -> Sequence[str]:
        """Ids of the complete files in the folder."""
        with backend_errors("listing the image store"):
            return sorted(entry.name for entry in os.scandir(self._folder) if not entry.name.startswith("."))

    def put(self, image: str, chunks: Iterable[bytes]) -> int:
        """Stream ``chunks`` to a hidden file and rename it when complete."""
        names.check(image)
        with partial(self._folder, self.clock, sync=self.options.sync == "data") as target:
            size = self._stream(target, chunks)
            target.commit(self._folder / image)
        return size

    def _stream(self, target: Partial, chunks: Iterable[bytes]) -> int:
        size = checked = waiting = 0
        held: list[bytes] = []
        self._check_room()
        for chunk in chunks:
            held.append(chunk)
            waiting += len(chunk)
            if waiting >= MIB:
                size += self._write(target, held, size)
                held, waiting = [], 0
            if size - checked >= CHECK_EVERY_BYTES:
                self._check_room()
                checked = size
        return size + self._write(target, held, size)

    def _write(self, target: Partial, held: Sequence[bytes], position: int) -> int:
        with backend_errors("storing image data"):
            return write_pieces(target.descriptor, held, position)

    def _check_room(self) -> None:
        if self.options.reserved_mib and not self._free_bytes():
            raise NoSpace("the image store is full")

    def size(self, image: str) -> int:
        """The file's size."""
        names.check(image)
        with backend_errors("reading image data"):
            try:
                return os.stat(self._folder / image).st_size
            except FileNotFoundError:
                raise NotFound(f"no data of image {image}") from None

    def read(self, image: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Open the file now and read it as asked; beyond its end there is nothing."""
        names.check(image)
        if offset < 0 or (length is not None and length < 0):
            raise BadRequest("offset and length must not be negative")
        with backend_errors("reading image data"):
            try:
                descriptor = os.open(self._folder / image, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise NotFound(f"no data of image {image}") from None
            size = os.fstat(descriptor).st_size
        end = size if length is None else min(size, offset + length)
        return FileReader(descriptor, offset, end, MIB)

    def delete(self, image: str) -> None:
        """Unlink the file; who reads it still does."""
        names.check(image)
        with backend_errors("deleting image data"):
            (self._folder / image).unlink(missing_ok=True)

    def path(self, image: str) -> str:
        """The file's absolute path."""
        self.size(image)
        return str(self._folder / image)
