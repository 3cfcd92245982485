"""The image cache: each image is fetched once, checked, and is then the base of many disks."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import re
import threading
from pathlib import Path

from ...core.clock import Clock
from ...core.drivers.hypervisor import Image
from ...core.errors import BackendBusy, BackendFailed, CloudError, NoSpace, NotSupported
from .qcow2 import safe_size

FORMATS = ("raw", "qcow2")
PROPER_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
SECTOR = 512


@dataclasses.dataclass(frozen=True)
class Base:
    """An image as a file. ``size_bytes`` is what a guest sees of it."""

    path: Path
    disk_format: str
    size_bytes: int


class ImageCache:
    """Images by id in one folder. A file is there wholly and checked, or not at all.

    A guest gets a hard link to its image, so the cache may forget an image at any time: the
    bytes live as long as a guest needs them.
    """

    def __init__(self, folder: Path, clock: Clock, keep_s: float) -> None:
        self._folder = folder
        self._clock = clock
        self._keep_s = keep_s
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def open(self) -> None:
        """Make the folder; drop what a killed download left, and what nobody used for long."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        for part in self._folder.glob("*.part"):
            part.unlink()
        self._prune()

    def link(self, image: Image, folder: Path, name: str = "base") -> Base:
        """``image`` as a file ``name`` in ``folder``, fetched if it was not in the cache.

        :raises NotSupported: its format is not one of ours.
        :raises BackendFailed: its bytes are not what was promised, or hostile.
        :raises BackendBusy: its bytes could not be read to the end.
        """
        linked = folder / f"{name}.{image.disk_format}"
        with self._lock(image.id):
            path = self._present(image)
            linked.unlink(missing_ok=True)
            linked.hardlink_to(path)
        return Base(linked, image.disk_format, visible_size(linked, image.disk_format))

    def keep(self, image: Image) -> None:
        """Fetch ``image`` if it is not in the cache. :raises CloudError: as :meth:`link`."""
        with self._lock(image.id):
            self._present(image)

    def _present(self, image: Image) -> Path:
        """The image's file in the cache, used just now; to be called with the image's lock held."""
        if image.disk_format not in FORMATS:
            raise NotSupported(f"this hypervisor boots no image in the format {image.disk_format}")
        if not PROPER_ID.fullmatch(image.id):
            raise BackendFailed("the image has an improper id")
        path = self._folder / f"{image.id}.{image.disk_format}"
        if not path.exists():
            self._prune()
            self._fetch(image, path)
        os.utime(path, (self._clock.time(), self._clock.time()))
        return path

    def _prune(self) -> None:
        """Forget the images that were not asked for within ``keep_s``."""
        oldest = self._clock.time() - self._keep_s
        for path in self._folder.iterdir():
            if path.suffix != ".part" and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    def _lock(self, image: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(image, threading.Lock())

    def _fetch(self, image: Image, path: Path) -> None:
        part = path.with_name(f"{path.name}.{self._clock.hex_id()}.part")
        try:
            _write_checked(image, part)
            visible_size(part, image.disk_format)
            part.chmod(0o644)
            part.rename(path)
        except OSError as exc:
            kind: type[CloudError] = BackendBusy
            if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                kind = NoSpace
            raise kind("the image could not be fetched", detail=str(exc)) from exc
        finally:
            part.unlink(missing_ok=True)


def visible_size(path: Path, disk_format: str) -> int:
    """The bytes a guest sees of an image file; whole sectors. :raises BackendFailed: the file is hostile."""
    size = safe_size(path) if disk_format == "qcow2" else path.stat().st_size
    return (size + SECTOR - 1) // SECTOR * SECTOR


def _write_checked(image: Image, part: Path) -> None:
    digest = hashlib.new(image.hash_algorithm) if image.hash_algorithm else None
    left = image.size_bytes
    with part.open("wb") as file:
        for chunk in image.chunks():
            left -= len(chunk)
            if left < 0:
                raise BackendFailed("the image is longer than promised")
            if digest is not None:
                digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if left:
        raise BackendFailed("the image is shorter than promised")
    if digest is not None and digest.hexdigest() != image.hash_value:
        raise BackendFailed("the image's checksum is wrong")
