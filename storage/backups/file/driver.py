"""The store of backups in one folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ....core.config import option
from ....core.drivers.backup import BackupDriver, BackupFacts, Stored
from ....core.drivers.base import Surroundings
from ....core.errors import BadConfiguration, NoSpace
from ...partial import SYNC_CHOICES, backend_errors
from ...streams import MIB
from ..archive import Archive
from ..codecs import CHOICES

KIB = 1024


@dataclasses.dataclass(frozen=True)
class FileOptions:
    """Options of the store of backups ``file``."""

    path: str = option("", "Folder of the backups, e.g. a mounted share; empty for the driver's own state folder.")
    compression: str = option("zlib", "How pieces are made smaller: 'none', 'zlib' or 'zstd' (needs stratolith[zstd]).")
    chunk_kib: int = option(1024, "KiB of one piece: the least that an incremental backup stores; at most 4096.")
    sync: str = option("data", "'data' has backups on the disk before they are acknowledged; 'none' does not.")
    reserved_mib: int = option(256, "MiB of the file system that are never filled with backups.")


class File(BackupDriver):
    """One folder of backups, each an index and a data file; any host that sees the folder may read them.

    Pieces of zeros take nothing, the others are packed and bear a SHA-256 sum of their content. An
    incremental backup has only the pieces whose sums differ from its parent's.
    """

    Options = FileOptions
    options: FileOptions

    def __init__(self, options: Any, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        given = self.options
        self._archive = Archive(Path(given.path or surroundings.state_dir).absolute(), self.clock, given.compression,
                                given.chunk_kib * KIB, given.sync == "data")

    def open(self) -> None:
        """Check the options, make the folder and sweep out what a crash left."""
        for name, value, choices in (("compression", self.options.compression, CHOICES),
                                     ("sync", self.options.sync, SYNC_CHOICES)):
            if value not in choices:
                raise BadConfiguration(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        if not 4 <= self.options.chunk_kib <= 4096:
            raise BadConfiguration("chunk_kib must be between 4 and 4096")
        swept = self._archive.open()
        if swept:
            self.log.warning("removed %d unfinished backups", swept)

    def facts(self) -> BackupFacts:
        """The compression, and the bytes that may still be filled."""
        return BackupFacts(self.options.compression, self._free_bytes())

    def _free_bytes(self) -> int:
        with backend_errors("measuring the backups"):
            system = os.statvfs(self._archive.folder)
        return max(0, system.f_bavail * system.f_frsize - self.options.reserved_mib * MIB)

    def observe(self) -> Sequence[str]:
        """Ids of the whole backups in the folder."""
        return self._archive.observe()

    def store(self, backup: str, chunks: Iterable[bytes], parent: str = "") -> Stored:
        """Stream the chunks to hidden files and rename them when complete."""
        return self._archive.store(backup, self._while_room(chunks), parent)

    def _while_room(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for number, chunk in enumerate(chunks):
            if number % 16 == 0 and not self._free_bytes():
                raise NoSpace("the store of backups is full")
            yield chunk

    def stored(self, backup: str) -> Stored:
        """What the index says."""
        return self._archive.stored(backup)

    def read(self, backup: str) -> Iterator[bytes]:
        """The content, each piece checked against its sum."""
        return self._archive.read(backup)

    def delete(self, backup: str) -> None:
        """Unlink both files."""
        self._archive.delete(backup)
