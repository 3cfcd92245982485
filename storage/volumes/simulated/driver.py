"""The simulated pool: volumes with sizes and content, and nothing that serves them."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ....core.config import option
from ....core.drivers import names
from ....core.drivers.base import Surroundings
from ....core.drivers.faults import Faults, Unreliable
from ....core.drivers.volume import (
    Adoptions,
    Clones,
    Connection,
    Connector,
    GroupSnapshots,
    ObservedVolumes,
    Snapshots,
    VolumeDriver,
    VolumeFacts,
)
from ....core.errors import AlreadyExists, BadRequest, CloudError, InUse, NoSpace, NotFound
from .content import Content
from .journal import SNAPSHOT, VOLUME, Journal


@dataclasses.dataclass(frozen=True)
class SimulatedOptions:
    """Options of the simulated pool."""

    capacity_gib: int = option(10_000, "GiB that the volumes of the pool may have together.")
    persist: bool = option(True, "Keep volumes on file, so that a restarted cloud finds them.")
    delay_s: float = option(0.0, "Seconds that every verb takes.")
    delays: tuple[str, ...] = option((), "Seconds that single verbs take, e.g. create=2.5,delete=1.")


class Simulated(VolumeDriver, Snapshots, Clones, GroupSnapshots, Adoptions, Unreliable):
    """A pool whose volumes are remembered, with what was written to them.

    A volume's space counts in full when it is made; snapshots are free. Only what is not zero takes
    disk space, in sparse files of the driver's state folder. Verbs can be told to be slow, to fail
    or to lose their answer.
    """

    Options = SimulatedOptions
    options: SimulatedOptions

    def __init__(self, options: Any, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        folder = surroundings.state_dir if self.options.persist else surroundings.run_dir
        self._content = Content(folder / "content", self.clock)
        self._journal = Journal(folder / "journal" if self.options.persist else None)
        self._faults = Faults("volume", self.clock, self.options.delay_s, self.options.delays)
        self._lock = threading.Lock()
        self._folder = folder

    def open(self) -> None:
        """Read what an earlier instance remembered."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._journal.open()
        self._content.open({*self._volumes, *self._snapshots})

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    def outside(self, volume: str) -> None:
        """Let the volume and its snapshots vanish behind the cloud's back."""
        with self._lock:
            for key in [key for key in self._snapshots if key.startswith(f"{volume}@")]:
                self._forget(SNAPSHOT, key)
            self._forget(VOLUME, volume)

    @property
    def _volumes(self) -> dict[str, int]:
        return self._journal.sizes[VOLUME]

    @property
    def _snapshots(self) -> dict[str, int]:
        return self._journal.sizes[SNAPSHOT]

    def facts(self) -> VolumeFacts:
        """The option's capacity, less what the volumes take."""
        with self._lock:
            free = self.options.capacity_gib - sum(self._volumes.values())
        return VolumeFacts("simulated", self.options.capacity_gib, max(0, free), multiattach=True)

    def observe(self) -> ObservedVolumes:
        """Everything that is remembered."""
        with self._faults.around("observe"), self._lock:
            return ObservedVolumes(dict(self._volumes), sorted(key.partition("@")[2] for key in self._snapshots))

    def create(self, volume: str, size_gib: int) -> None:
        """Remember the volume."""
        with self._faults.around("create"), self._lock:
            self._make(volume, size_gib, 1)

    def _make(self, volume: str, size_gib: int, least_gib: int, source: str = "") -> None:
        """Add the volume with the content ``source`` of ``least_gib``, unless it is there with this size."""
        names.check(volume)
        if size_gib < least_gib:
            raise BadRequest(f"the volume must have {least_gib} GiB or more")
        present = self._volumes.get(volume)
        if present == size_gib:
            return
        if present is not None:
            raise AlreadyExists(f"volume {volume} is there with another size")
        self._check_room(size_gib)
        if source:
            self._content.copy(source, volume)
        self._journal.set(VOLUME, volume, size_gib)

    def _check_room(self, more_gib: int) -> None:
        if sum(self._volumes.values()) + more_gib > self.options.capacity_gib:
            raise NoSpace("the pool is full")

    def delete(self, volume: str) -> None:
        """Forget the volume and its content."""
        names.check(volume)
        with self._faults.around("delete"), self._lock:
            if any(key.startswith(f"{volume}@") for key in self._snapshots):
                raise InUse(f"volume {volume} has snapshots")
            self._forget(VOLUME, volume)

    def _forget(self, kind: str, name: str) -> None:
        if name in self._journal.sizes[kind]:
            self._content.delete(name)
            self._journal.set(kind, name, None)

    def extend(self, volume: str, size_gib: int) -> None:
        """Remember the larger size."""
        names.check(volume)
        with self._faults.around("extend"), self._lock:
            present = self._size(volume)
            if size_gib > present:
                self._check_room(size_gib - present)
                self._journal.set(VOLUME, volume, size_gib)

    def _size(self, volume: str) -> int:
        try:
            return self._volumes[volume]
        except KeyError:
            raise NotFound(f"there is no volume {volume} in the pool") from None

    def write(self, volume: str, chunks: Iterable[bytes]) -> None:
        """Keep what is not zero."""
        names.check(volume)
        with self._faults.around("write"):
            self._content.write(volume, self._size(volume), chunks)

    def read(self, volume: str) -> Iterator[bytes]:
        """What was written, and zeros."""
        names.check(volume)
        with self._faults.around("read"):
            return self._content.read(volume, self._size(volume))

    def connect(self, volume: str, connector: Connector) -> Connection:
        """A connection without details."""
        names.check(volume)
        with self._faults.around("connect"):
            self._size(volume)
            return Connection("simulated")

    def disconnect(self, volume: str, connector: Connector) -> None:
        """Nothing but the delay and the faults: connections are not remembered."""
        names.check(volume)
        with self._faults.around("disconnect"):
            return

    def snapshot(self, volume: str, snapshot: str) -> None:
        """Copy what is not zero."""
        names.check(volume, snapshot)
        with self._faults.around("snapshot"), self._lock:
            self._freeze(volume, snapshot)

    def _freeze(self, volume: str, snapshot: str) -> bool:
        """Copy what is not zero, and tell whether the snapshot was not there."""
        key, size_gib = f"{volume}@{snapshot}", self._size(volume)
        if key in self._snapshots:
            return False
        self._content.copy(volume, key)
        self._journal.set(SNAPSHOT, key, size_gib)
        return True

    def snapshot_group(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Copy them while nobody else may change a volume."""
        names.check(*(name for pair in pairs for name in pair))
        with self._faults.around("snapshot_group"), self._lock:
            for volume, _ in pairs:
                self._size(volume)
            made: list[str] = []
            try:
                for volume, snapshot in pairs:
                    if self._freeze(volume, snapshot):
                        made.append(f"{volume}@{snapshot}")
            except CloudError:
                for key in made:
                    self._forget(SNAPSHOT, key)
                raise

    def delete_snapshot(self, volume: str, snapshot: str) -> None:
        """Forget the snapshot and its content."""
        names.check(volume, snapshot)
        with self._faults.around("delete_snapshot"), self._lock:
            self._forget(SNAPSHOT, f"{volume}@{snapshot}")

    def create_from_snapshot(self, volume: str, size_gib: int, source: str, snapshot: str) -> None:
        """Remember the volume with a copy of the snapshot's content."""
        names.check(volume, source, snapshot)
        key = f"{source}@{snapshot}"
        with self._faults.around("create_from_snapshot"), self._lock:
            if key not in self._snapshots:
                raise NotFound(f"there is no snapshot {snapshot} of volume {source}")
            self._make(volume, size_gib, self._snapshots[key], key)

    def clone(self, volume: str, size_gib: int, source: str) -> None:
        """Remember the volume with a copy of the source's content."""
        names.check(volume, source)
        with self._faults.around("clone"), self._lock:
            self._make(volume, size_gib, self._size(source), source)

    def snapshot_sizes(self, volume: str) -> Mapping[str, int]:
        """The snapshots that are remembered."""
        names.check(volume)
        with self._faults.around("snapshot_sizes"), self._lock:
            self._size(volume)
            prefix = f"{volume}@"
            return {key.removeprefix(prefix): size for key, size in self._snapshots.items() if key.startswith(prefix)}

    def adopt(self, volume: str, name: str) -> None:
        """Remember volume and snapshots under other names."""
        names.check(volume, name)
        with self._faults.around("adopt"), self._lock:
            if volume in self._volumes and name in self._volumes and volume != name:
                raise AlreadyExists(f"volume {volume} is there already")
            if name not in self._volumes:
                self._size(volume)
            for key in [key for key in self._snapshots if key.startswith(f"{name}@")]:
                self._rename(SNAPSHOT, key, f"{volume}@{key.partition('@')[2]}")
            self._rename(VOLUME, name, volume)

    def adopt_snapshot(self, volume: str, snapshot: str, name: str) -> None:
        """Remember a snapshot under another name."""
        names.check(volume, snapshot, name)
        old, new = f"{volume}@{name}", f"{volume}@{snapshot}"
        with self._faults.around("adopt_snapshot"), self._lock:
            if old in self._snapshots and new in self._snapshots and old != new:
                raise AlreadyExists(f"snapshot {snapshot} is there already")
            if old not in self._snapshots and new not in self._snapshots:
                raise NotFound(f"there is no snapshot {name} of volume {volume}")
            self._rename(SNAPSHOT, old, new)

    def _rename(self, kind: str, old: str, new: str) -> None:
        if old in self._journal.sizes[kind] and old != new:
            self._content.copy(old, new)
            self._journal.set(kind, new, self._journal.sizes[kind][old])
            self._forget(kind, old)
