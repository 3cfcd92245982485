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
    """An image in the cache. ``size_bytes`` is what a guest sees of it."""

    path: Path
    disk_format: str
    size_bytes: int


class ImageCache:
    """Images by id in one folder. A file is there wholly and checked, or not at all."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def open(self) -> None:
        """Make the folder and drop what a killed download left."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        for part in self._folder.glob("*.part"):
            part.unlink()

    def base(self, image: Image) -> Base:
        """``image`` in the cache, fetched if it was not there.

        :raises NotSupported: its format is not one of ours.
        :raises BackendFailed: its bytes are not what was promised, or hostile.
        :raises BackendBusy: its bytes could not be read to the end.
        """
        if image.disk_format not in FORMATS:
            raise NotSupported(f"this hypervisor boots no image in the format {image.disk_format}")
        if not PROPER_ID.fullmatch(image.id):
            raise BackendFailed("the image has an improper id")
        path = self._folder / f"{image.id}.{image.disk_format}"
        with self._lock(image.id):
            if not path.exists():
                self._fetch(image, path)
        return Base(path, image.disk_format, visible_size(path, image.disk_format))

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
