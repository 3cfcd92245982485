"""The index of a backup: which piece lies where, and the sum of each.

A line of JSON says what all pieces share; then comes one record of fixed length a piece, and last a sum over
all of it. Records name the backup whose data file has the piece by its place in the header's list of owners, so
that an incremental backup is read with one index, however long its chain is.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ...core.errors import BackendFailed, NotFound

MAGIC = b"stratolith-backup-1\n"
RECORD = struct.Struct(">32sIQIIB")
SUM_BYTES = 32


class Record(NamedTuple):
    """One piece: the sum of its content, whose data file has it, where, and how it is packed."""

    digest: bytes
    owner: int
    offset: int
    packed_bytes: int
    size_bytes: int
    code: int


class Header(NamedTuple):
    """What all pieces of a backup share."""

    chunk_bytes: int
    owners: list[str]
    """Backups whose data files have pieces of this one, itself first."""
    pieces: int
    stored_bytes: int


class IndexWriter:
    """Writes an index piece by piece. The header comes last in time and first in the file: room is kept for it."""

    HEADER_BYTES = 16 * 1024

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        file.seek(self.HEADER_BYTES)

    def add(self, record: Record) -> None:
        """Append one piece."""
        packed = RECORD.pack(*record)
        self._digest.update(packed)
        self._file.write(packed)

    def finish(self, header: Header) -> None:
        """Write the header and the sum. :raises BackendFailed: the chain of backups is too long to be named."""
        line = MAGIC + json.dumps(header._asdict()).encode() + b"\n"
        if len(line) > self.HEADER_BYTES:
            raise BackendFailed("the chain of incremental backups is too long; make a full one")
        line = line.ljust(self.HEADER_BYTES, b"\0")
        self._digest.update(line)
        self._file.write(self._digest.digest())
        self._file.seek(0)
        self._file.write(line)
        self._file.flush()


def header(path: Path) -> Header:
    """The header of an index. :raises NotFound: there is no such file. :raises BackendFailed: it is damaged."""
    with _opened(path) as file:
        return _header(path, file.read(IndexWriter.HEADER_BYTES))


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"there is no backup {path.stem}") from None
    except OSError as exc:
        raise BackendFailed("reading a backup failed", reason=exc.strerror or str(exc)) from exc


def _header(path: Path, data: bytes) -> Header:
    try:
        if not data.startswith(MAGIC):
            raise ValueError("no index")
        found: dict[str, Any] = json.loads(data[len(MAGIC):].rstrip(b"\0"))
        return Header(**found)
    except (ValueError, TypeError) as exc:
        raise BackendFailed(f"the index of backup {path.stem} is damaged") from exc


def records(path: Path) -> Iterator[Record]:
    """All pieces of an index in order.

    The sum over all is checked when the last piece was given; each piece's own sum protects what is read
    before. :raises NotFound: there is no such file. :raises BackendFailed: it is damaged.
    """
    with _opened(path) as file:
        first = file.read(IndexWriter.HEADER_BYTES)
        _header(path, first)
        digest, kept = hashlib.sha256(), file.read(RECORD.size)
        while len(kept) == RECORD.size:
            digest.update(kept)
            yield Record(*RECORD.unpack(kept))
            kept = file.read(RECORD.size)
        digest.update(first)
        if kept != digest.digest():
            raise BackendFailed(f"the index of backup {path.stem} is damaged")
