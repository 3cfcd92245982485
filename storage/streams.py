"""Bytes in and out of files in constant memory; holes cost neither disk nor reading."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence

from ..core.errors import BackendFailed, NoSpace
from .partial import backend_errors

MIB = 1024 * 1024
GIB = 1024 * MIB
ZEROS = bytes(4 * MIB)
PIECES_A_CALL = 1024


class FileReader(Iterator[bytes]):
    """The bytes of an open file from ``start`` to ``end``, in chunks of at most ``chunk_bytes``.

    Owns ``descriptor``: closes it at the end, by :meth:`close`, or when forgotten. The file may be
    unlinked meanwhile. Holes are answered from memory.

    :raises BackendFailed: the file became shorter than ``end`` while it was read.
    """

    def __init__(self, descriptor: int, start: int, end: int, chunk_bytes: int) -> None:
        self._descriptor = descriptor
        self._position = start
        self._end = end
        self._chunk_bytes = min(chunk_bytes, len(ZEROS))
        self._data_from = start

    def __next__(self) -> bytes:
        wanted = min(self._chunk_bytes, self._end - self._position)
        if wanted <= 0 or self._descriptor < 0:
            self.close()
            raise StopIteration
        hole = self._hole()
        chunk = ZEROS[:min(wanted, hole)] if hole else os.pread(self._descriptor, wanted, self._position)
        if not chunk:
            self.close()
            raise BackendFailed("data became shorter while it was read")
        self._position += len(chunk)
        return chunk

    def _hole(self) -> int:
        """Bytes from here to the next data: 0 inside data."""
        if self._position >= self._data_from:
            self._data_from = min(next_data(self._descriptor, self._position), self._end)
        return self._data_from - self._position

    def close(self) -> None:
        """Let go of the file; the iteration ends. Nothing if that is done."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()


def next_data(descriptor: int, offset: int) -> int:
    """Where data begins at or after ``offset``; the file's size when only a hole follows."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as exc:
        if exc.errno == errno.ENXIO:
            return max(offset, os.fstat(descriptor).st_size)
        if exc.errno == errno.EINVAL:  # the file system knows no holes: all is data
            return offset
        raise


def fill(descriptor: int, size_bytes: int, chunks: Iterable[bytes]) -> int:
    """Write ``chunks`` over the file's start and return how many bytes they were; zeros leave holes alone.

    :raises NoSpace: they are more than ``size_bytes``.
    """
    position = 0
    for chunk in chunks:
        if position + len(chunk) > size_bytes:
            raise NoSpace("the data is longer than the volume")
        with backend_errors("writing data"):
            if not _is_hole(descriptor, position, chunk):
                write_all(descriptor, chunk, position)
        position += len(chunk)
    return position


def _is_hole(descriptor: int, position: int, chunk: bytes) -> bool:
    """Whether ``chunk`` is zeros and the file has only a hole there already."""
    return ZEROS.startswith(chunk) and next_data(descriptor, position) >= position + len(chunk)


def write_all(descriptor: int, data: bytes, position: int) -> None:
    """Write all of ``data`` at ``position``, however many calls that takes."""
    written = os.pwrite(descriptor, data, position)
    if written == len(data):
        return
    rest = memoryview(data)[written:]
    while rest:
        position += written
        written = os.pwrite(descriptor, rest, position)
        rest = rest[written:]


def write_pieces(descriptor: int, pieces: Sequence[bytes], position: int) -> int:
    """Write ``pieces`` one after the other from ``position`` on, uncopied; return their length in bytes."""
    total = 0
    for first in range(0, len(pieces), PIECES_A_CALL):
        some = pieces[first:first + PIECES_A_CALL]
        length = sum(map(len, some))
        written = os.pwritev(descriptor, some, position + total)
        if written < length:
            write_all(descriptor, b"".join(some)[written:], position + total + written)
        total += length
    return total
