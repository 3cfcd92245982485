"""The simulated store of backups: real content in small files, and faults on request."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ....core.config import option
from ....core.drivers import names
from ....core.drivers.backup import BackupDriver, BackupFacts, Stored
from ....core.drivers.base import Surroundings
from ....core.drivers.faults import Faults, Unreliable
from ...streams import MIB
from ..archive import Archive


@dataclasses.dataclass(frozen=True)
class SimulatedOptions:
    """Options of the simulated store of backups."""

    persist: bool = option(True, "Keep backups in the state folder, so that a restarted cloud finds them.")
    delay_s: float = option(0.0, "Seconds that every verb takes.")
    delays: tuple[str, ...] = option((), "Seconds that single verbs take, e.g. store=2.5,delete=1.")


class Simulated(BackupDriver, Unreliable):
    """A store that keeps what is not zero. Verbs can be told to be slow, to fail or to lose their answer."""

    Options = SimulatedOptions
    options: SimulatedOptions

    def __init__(self, options: Any, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        folder = surroundings.state_dir if self.options.persist else surroundings.run_dir
        self._archive = Archive(folder, self.clock, "none", MIB, sync=False)
        self._faults = Faults("backup", self.clock, self.options.delay_s, self.options.delays)

    def open(self) -> None:
        """Make the folder."""
        self._archive.open()

    def facts(self) -> BackupFacts:
        """No compression, and room without end."""
        return BackupFacts()

    def observe(self) -> Sequence[str]:
        """Ids of the backups."""
        with self._faults.around("observe"):
            return self._archive.observe()

    def store(self, backup: str, chunks: Iterable[bytes], parent: str = "") -> Stored:
        """Keep what is not zero."""
        names.check(backup)
        with self._faults.around("store"):
            return self._archive.store(backup, chunks, parent)

    def stored(self, backup: str) -> Stored:
        """What the index says."""
        names.check(backup)
        with self._faults.around("stored"):
            return self._archive.stored(backup)

    def read(self, backup: str) -> Iterator[bytes]:
        """What was stored."""
        names.check(backup)
        with self._faults.around("read"):
            return self._archive.read(backup)

    def delete(self, backup: str) -> None:
        """Drop the files."""
        names.check(backup)
        with self._faults.around("delete"):
            self._archive.delete(backup)
