"""A folder of backups: two files each, one with pieces and one that says where each piece lies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...core.clock import Clock
from ...core.drivers import names
from ...core.drivers.backup import Stored
from ...core.errors import BackendFailed, InUse, NotFound
from ..partial import backend_errors, partial, sweep
from ..streams import MIB, ZEROS, write_all
from .codecs import ZERO, packer, unpack
from .index import SUM_BYTES, Header, IndexWriter, Record, header, records

NO_SUM = bytes(SUM_BYTES)


class Archive:
    """Backups of one folder. An incremental one stores the pieces whose sums differ from its parent's."""

    def __init__(self, folder: Path, clock: Clock, compression: str, chunk_bytes: int, sync: bool) -> None:
        self.folder = folder
        self._clock = clock
        self._compression = compression
        self._chunk_bytes = min(chunk_bytes, 4 * MIB)
        self._sync = sync

    def open(self) -> int:
        """Make the folder; return how many unfinished files were swept out."""
        packer(self._compression)
        with backend_errors("opening the backups"):
            self.folder.mkdir(parents=True, exist_ok=True)
            swept = sweep(self.folder)
            for path in self.folder.glob("*.data"):
                if not path.with_suffix(".index").exists():
                    path.unlink(missing_ok=True)
                    swept += 1
        return swept

    def _index(self, backup: str) -> Path:
        names.check(backup)
        return self.folder / f"{backup}.index"

    def observe(self) -> Sequence[str]:
        """Ids of all whole backups."""
        with backend_errors("listing the backups"):
            return sorted(path.stem for path in self.folder.glob("*.index"))

    def stored(self, backup: str) -> Stored:
        """What a backup takes by itself."""
        found = header(self._index(backup))
        return Stored(found.pieces, found.stored_bytes)

    def store(self, backup: str, chunks: Iterable[bytes], parent: str) -> Stored:
        """Write the pieces, then the index under its name: from then on the backup is there."""
        index = self._index(backup)
        if index.exists():
            return self.stored(backup)
        base = header(self._index(parent)) if parent else None
        with partial(self.folder, self._clock, sync=self._sync) as data, \
                partial(self.folder, self._clock, sync=self._sync) as made, \
                open(os.dup(made.descriptor), "r+b") as file:
            writer = _Writer(backup, data.descriptor, IndexWriter(file), base,
                             records(self._index(parent)) if parent else iter(()), self._compression)
            size = base.chunk_bytes if base else self._chunk_bytes
            for piece in rechunked(chunks, size):
                writer.add(piece)
            found = writer.finish(size)
            data.commit(self.folder / f"{backup}.data")
            made.commit(index)
        return found

    def read(self, backup: str) -> Iterator[bytes]:
        """The content, each piece checked."""
        index = self._index(backup)
        found = header(index)
        return self._pieces(index, found)

    def _pieces(self, index: Path, found: Header) -> Iterator[bytes]:
        files: dict[int, int] = {}
        try:
            for record in records(index):
                if record.code == ZERO:
                    yield ZEROS[:record.size_bytes]
                    continue
                if record.owner not in files:
                    files[record.owner] = self._data(found.owners[record.owner])
                yield _piece(files[record.owner], record)
        finally:
            for descriptor in files.values():
                os.close(descriptor)

    def _data(self, owner: str) -> int:
        try:
            return os.open(self.folder / f"{owner}.data", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as exc:
            raise BackendFailed(f"the data of backup {owner} cannot be read") from exc

    def delete(self, backup: str) -> None:
        """Unlink the index, then the data. :raises InUse: another backup has pieces there."""
        index = self._index(backup)
        if not index.exists():
            return
        for other in self.observe():
            if other != backup and backup in self._owners(other):
                raise InUse(f"backup {other} builds upon backup {backup}")
        with backend_errors("deleting a backup"):
            index.unlink(missing_ok=True)
            index.with_suffix(".data").unlink(missing_ok=True)

    def _owners(self, backup: str) -> Sequence[str]:
        try:
            return header(self._index(backup)).owners
        except NotFound:
            return ()


class _Writer:
    """Packs the pieces of one backup, and leaves out those that its parent has."""

    def __init__(self, backup: str, data: int, index: IndexWriter, base: Header | None, parent: Iterator[Record],
                 compression: str) -> None:
        self._data = data
        self._index = index
        self._parent = parent
        self._owners = [backup, *(base.owners if base else ())]
        self._pack = packer(compression)
        self._end = 0
        self._pieces = 0

    def add(self, piece: bytes) -> None:
        """Write down one piece."""
        known = next(self._parent, None)
        if ZEROS.startswith(piece):
            self._index.add(Record(NO_SUM, 0, 0, 0, len(piece), ZERO))
            return
        digest = hashlib.sha256(piece).digest()
        if known is not None and (known.digest, known.size_bytes) == (digest, len(piece)):
            # The parent's own list of owners follows this backup's name.
            self._index.add(known._replace(owner=known.owner + 1))
            return
        code, packed = self._pack(piece)
        with backend_errors("storing a backup"):
            write_all(self._data, packed, self._end)
        self._index.add(Record(digest, 0, self._end, len(packed), len(piece), code))
        self._end += len(packed)
        self._pieces += 1

    def finish(self, chunk_bytes: int) -> Stored:
        """Write the end of the index."""
        with backend_errors("storing a backup"):
            self._index.finish(Header(chunk_bytes, self._owners, self._pieces, self._end))
        return Stored(self._pieces, self._end)


def _piece(descriptor: int, record: Record) -> bytes:
    with backend_errors("reading a backup"):
        packed = os.pread(descriptor, record.packed_bytes, record.offset)
    piece = unpack(record.code, packed, record.size_bytes)
    if hashlib.sha256(piece).digest() != record.digest:
        raise BackendFailed("a piece of a backup is damaged: its sum is another")
    return piece


def rechunked(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of ``size``, the last one shorter."""
    held = b""
    for chunk in chunks:
        data = held + chunk if held else chunk
        if len(data) == size:
            yield data
            held = b""
            continue
        whole = len(data) - len(data) % size
        for start in range(0, whole, size):
            yield data[start:start + size]
        held = data[whole:]
    if held:
        yield held
