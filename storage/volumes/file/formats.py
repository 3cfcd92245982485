"""The two forms of a volume's file: raw, which needs no program, and qcow2, made by qemu-img."""

from __future__ import annotations

import abc
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from ....core.clock import Clock
from ....core.errors import BackendFailed
from ...copying import clone_or_copy
from ...partial import backend_errors, partial
from ...streams import GIB, MIB, FileReader, fill
from .tools import Limits, found, run

CHUNK_BYTES = 4 * MIB
_QCOW2_HEAD = struct.Struct(">4sIQIIQ")
_QCOW2_MAGIC = b"QFI\xfb"


class Format(abc.ABC):
    """How a volume lies in a file. Methods block and raise the errors of the volume interface."""

    name = ""

    @abc.abstractmethod
    def make(self, path: Path, size_gib: int) -> None:
        """Turn the empty file ``path`` into an empty volume."""

    @abc.abstractmethod
    def resize(self, path: Path, size_gib: int) -> None:
        """Give the volume in ``path`` a larger size."""

    @abc.abstractmethod
    def size_bytes(self, path: Path) -> int:
        """The size that a guest sees. :raises FileNotFoundError: there is no such file."""

    @abc.abstractmethod
    def read(self, path: Path) -> Iterator[bytes]:
        """The volume's raw bytes."""

    @abc.abstractmethod
    def write(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Lay raw ``chunks`` over the volume's start, all of them or none."""


class Raw(Format):
    """A sparse file of the volume's size."""

    name = "raw"

    def __init__(self, clock: Clock, sync: bool) -> None:
        self._clock = clock
        self._sync = sync

    def make(self, path: Path, size_gib: int) -> None:
        """Set the file's length: all of it is a hole."""
        with backend_errors("making a volume"):
            os.truncate(path, size_gib * GIB)

    def resize(self, path: Path, size_gib: int) -> None:
        """Set the file's length."""
        with backend_errors("extending a volume"):
            os.truncate(path, size_gib * GIB)

    def size_bytes(self, path: Path) -> int:
        """The file's length."""
        return os.stat(path).st_size

    def read(self, path: Path) -> Iterator[bytes]:
        """The file's bytes."""
        with backend_errors("reading a volume"):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            return FileReader(descriptor, 0, os.fstat(descriptor).st_size, CHUNK_BYTES)

    def write(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Lay the chunks over a copy, and put that in the file's place."""
        with partial(path.parent, self._clock, sync=self._sync) as made:
            with backend_errors("writing a volume"):
                source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    clone_or_copy(source, made.descriptor)
                finally:
                    os.close(source)
            fill(made.descriptor, os.fstat(made.descriptor).st_size, chunks)
            made.commit(path)


class Qcow2(Format):
    """QEMU's own format. Data passes through a sparse raw file beside, that nobody ever sees."""

    name = "qcow2"

    def __init__(self, clock: Clock, sync: bool, qemu_img: str, limits: Limits) -> None:
        self._clock = clock
        self._sync = sync
        self._qemu_img = qemu_img
        self._limits = limits

    def _run(self, *arguments: str) -> None:
        run([found(self._qemu_img), *arguments], self._limits)

    def make(self, path: Path, size_gib: int) -> None:
        """Let qemu-img make the volume."""
        self._run("create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=off", str(path), str(size_gib * GIB))

    def resize(self, path: Path, size_gib: int) -> None:
        """Let qemu-img extend the volume; it refuses one that a guest uses."""
        self._run("resize", "-q", "-f", "qcow2", str(path), str(size_gib * GIB))

    def size_bytes(self, path: Path) -> int:
        """The virtual size of the file's header (QEMU's docs/interop/qcow2.txt)."""
        with open(path, "rb", buffering=0) as file:
            head = file.read(_QCOW2_HEAD.size)
        if len(head) < _QCOW2_HEAD.size or not head.startswith(_QCOW2_MAGIC):
            raise BackendFailed("a volume's file is damaged", file=path.name)
        return int(_QCOW2_HEAD.unpack(head)[5])

    def read(self, path: Path) -> Iterator[bytes]:
        """The bytes of a raw copy that is unlinked already."""
        with partial(path.parent, self._clock, sync=False) as raw:
            self._run("convert", "-f", "qcow2", "-O", "raw", str(path), str(raw.path))
            descriptor = os.dup(raw.descriptor)
        return FileReader(descriptor, 0, os.fstat(descriptor).st_size, CHUNK_BYTES)

    def write(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Lay the chunks over a raw copy, and put that, as qcow2, in the file's place."""
        folder = path.parent
        with partial(folder, self._clock, sync=False) as raw, partial(folder, self._clock, sync=self._sync) as made:
            self._run("convert", "-f", "qcow2", "-O", "raw", str(path), str(raw.path))
            fill(raw.descriptor, os.fstat(raw.descriptor).st_size, chunks)
            self._run("convert", "-f", "raw", "-O", "qcow2", str(raw.path), str(made.path))
            made.commit(path)
