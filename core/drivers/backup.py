"""The backup interface: where copies of volumes are kept, outside the pools they came from."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from .base import Driver


@dataclasses.dataclass(frozen=True)
class BackupFacts:
    """What a store of backups offers. ``free_bytes`` is -1 when it cannot tell."""

    compression: str = "none"
    free_bytes: int = -1
    driver_version: str = "1.0"


@dataclasses.dataclass(frozen=True)
class Stored:
    """What one backup takes: pieces and bytes of its own, without those of the backups it builds upon."""

    pieces: int
    stored_bytes: int


class BackupDriver(Driver):
    """One store of backups, keyed by backup id.

    Calls block. Any thread may call, but never two for one backup at a time. Every verb may be called
    twice with the same arguments and leaves the same world. Nothing is visible under an id before all
    of it is there: after a failed ``store`` nothing is left. What ``read`` gives is what was stored, or it
    raises: each piece is checked against a sum that was kept with it. Every verb raises ``BadRequest`` for
    an id that ``names.check`` refuses.
    """

    @abc.abstractmethod
    def facts(self) -> BackupFacts:
        """What this store offers now."""

    @abc.abstractmethod
    def observe(self) -> Sequence[str]:
        """Ids of all backups that are wholly here."""

    @abc.abstractmethod
    def store(self, backup: str, chunks: Iterable[bytes], parent: str = "") -> Stored:
        """Keep ``chunks`` as the backup's content; with a ``parent``, only what differs from that backup's content.

        Memory use does not grow with the data. What ``chunks`` raises passes through. A backup that is there
        already is left as it is.
        :raises NotFound: there is no such parent.
        :raises NoSpace: the store is full.
        """

    @abc.abstractmethod
    def stored(self, backup: str) -> Stored:
        """What the backup takes. :raises NotFound: there is none. :raises BackendFailed: it is damaged."""

    @abc.abstractmethod
    def read(self, backup: str) -> Iterator[bytes]:
        """The content from its start, in chunks of at most 4 MiB, parents' pieces included.

        :raises NotFound: there is no such backup.
        :raises BackendFailed: a piece is not what was stored, or one is gone.
        """

    @abc.abstractmethod
    def delete(self, backup: str) -> None:
        """Remove the backup; nothing if it is not there. :raises InUse: an incremental backup builds upon it."""
