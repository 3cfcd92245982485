"""The back ends of this host: the one place that calls volume drivers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence

from ...core.drivers.base import require
from ...core.drivers.volume import Adoptions, Clones, Snapshots, VolumeDriver, VolumeFacts
from ...core.errors import NotFound
from ...core.plugins import Registry
from ...core.process.slice import Kit

DRIVERS: Registry[VolumeDriver] = Registry("volumes", VolumeDriver)


class Backends:
    """Drivers by the name of their back end, in the order of the configuration.

    Two calls for one volume never overlap: each holds the volume's lock.
    """

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.drivers: dict[str, VolumeDriver] = {}
        for entry in kit.options.backends:
            name, _, driver = entry.partition(":")
            self.drivers[name] = kit.driver(DRIVERS, driver or name, f"volumes.{name}")
        self._locks: dict[str, threading.RLock] = {}
        self._guard = threading.Lock()

    def host(self, backend: str) -> str:
        """The pool's name as administrators see it: ``host@backend#backend``."""
        return f"{self.kit.host}@{backend}#{backend}"

    def driver(self, backend: str) -> VolumeDriver:
        """The driver of a back end. :raises NotFound: this host has no such back end."""
        found = self.drivers.get(backend)
        if found is None:
            raise NotFound(f"there is no volume back end {backend}")
        return found

    def facts(self) -> Mapping[str, VolumeFacts]:
        """What each back end offers now."""
        return {name: driver.facts() for name, driver in self.drivers.items()}

    def choose(self, specs: Mapping[str, str], size_gib: int, closed: frozenset[str]) -> str:
        """The first back end that fits a type's extra specs, has room and is not ``closed``; or nothing."""
        for name, driver in self.drivers.items():
            facts = driver.facts()
            room = facts.free_gib < 0 or facts.free_gib >= size_gib
            if room and name not in closed and _fits(specs, name, facts):
                return name
        return ""

    def fits(self, backend: str, specs: Mapping[str, str]) -> bool:
        """Tell whether a back end is what a type's extra specs ask for."""
        return backend in self.drivers and _fits(specs, backend, self.drivers[backend].facts())

    @contextlib.contextmanager
    def holding(self, *volumes: str) -> Iterator[None]:
        """Hold the locks of some volumes, always in the same order."""
        with contextlib.ExitStack() as stack:
            for volume in sorted(set(volumes)):
                with self._guard:
                    lock = self._locks.setdefault(volume, threading.RLock())
                stack.enter_context(lock)
            yield

    def forget(self, volume: str) -> None:
        """Drop the lock of a volume that is gone."""
        with self._guard:
            self._locks.pop(volume, None)

    def create(self, backend: str, volume: str, size_gib: int) -> None:
        """Make an empty volume."""
        with self.holding(volume):
            self.driver(backend).create(volume, size_gib)

    def clone(self, backend: str, volume: str, size_gib: int, source_backend: str, source: str) -> None:
        """Make a volume with the content of another, on any back end."""
        driver, origin = self.driver(backend), self.driver(source_backend)
        with self.holding(volume, source):
            if backend == source_backend and isinstance(driver, Clones):
                driver.clone(volume, size_gib, source)
                return
            driver.create(volume, size_gib)
            driver.write(volume, origin.read(source))

    def create_from_snapshot(self, backend: str, volume: str, size_gib: int, source: str, snapshot: str) -> None:
        """Make a volume with the content of a snapshot of the same back end."""
        with self.holding(volume, source):
            require(self.driver(backend), Snapshots).create_from_snapshot(volume, size_gib, source, snapshot)

    def snapshot(self, backend: str, volume: str, snapshot: str) -> None:
        """Freeze a volume's content. :raises NotSupported: the back end cannot."""
        with self.holding(volume):
            require(self.driver(backend), Snapshots).snapshot(volume, snapshot)

    def delete_snapshot(self, backend: str, volume: str, snapshot: str) -> None:
        """Remove a snapshot; nothing where there cannot be one."""
        driver = self.drivers.get(backend)
        if isinstance(driver, Snapshots):
            with self.holding(volume):
                driver.delete_snapshot(volume, snapshot)

    def snapshots_left(self, backend: str, volume: str) -> Sequence[str]:
        """Names of the snapshots that a volume has in its pool, where the pool can tell."""
        driver = self.drivers.get(backend)
        if not isinstance(driver, Adoptions):
            return ()
        with self.holding(volume), contextlib.suppress(NotFound):
            return list(driver.snapshot_sizes(volume))
        return ()

    def delete(self, backend: str, volume: str) -> None:
        """Remove a volume; nothing when it never had a back end."""
        if backend:
            with self.holding(volume):
                self.driver(backend).delete(volume)
        self.forget(volume)


def _fits(specs: Mapping[str, str], name: str, facts: VolumeFacts) -> bool:
    known = {"volume_backend_name": name, "storage_protocol": facts.protocol, "vendor_name": facts.vendor,
             "multiattach": facts.multiattach, "thin_provisioning_support": facts.thin,
             "driver_version": facts.driver_version}
    for key, wanted in specs.items():
        key = key.removeprefix("capabilities:")
        if key in known and not _same(known[key], wanted):
            return False
    return True


def _same(value: object, wanted: str) -> bool:
    """Whether a capability is what an extra spec asks for; ``<is> True`` asks for a truth."""
    words = wanted.split()
    if len(words) == 2 and words[0] == "<is>":
        return str(bool(value)).lower() == words[1].lower()
    return str(value).lower() == wanted.lower() if isinstance(value, bool) else value == wanted
