"""Where backups are kept: the one place that calls backup drivers."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.drivers.backup import BackupDriver, Stored
from ...core.errors import BackendBusy, BackendFailed
from ...core.plugins import Registry
from ...core.process.slice import Kit
from .backends import Backends

DRIVERS: Registry[BackupDriver] = Registry("backups", BackupDriver)


class BackupStore:
    """The backup driver of this host, or none. Two calls for one backup never overlap."""

    def __init__(self, kit: Kit, backends: Backends) -> None:
        self.name, _, kind = kit.options.backup_driver.partition(":")
        self._backends = backends
        self._driver = kit.driver(DRIVERS, kind or self.name, f"backups.{self.name}") if self.name else None

    @property
    def driver(self) -> BackupDriver:
        """The driver. :raises BackendBusy: backups are not offered."""
        if self._driver is None:
            raise BackendBusy("Service cinder-backup could not be found.")
        return self._driver

    def driver_of(self, name: str) -> BackupDriver:
        """The driver that keeps a backup. :raises BackendFailed: the backup was made with another one."""
        if name != self.name:
            raise BackendFailed(f"backups of {name} cannot be reached: the cloud keeps backups elsewhere now")
        return self.driver

    def store(self, name: str, backup: str, chunks: Iterator[bytes], parent: str) -> Stored:
        """Keep a stream as a backup."""
        with self._backends.holding(backup):
            return self.driver_of(name).store(backup, chunks, parent)

    def read(self, name: str, backup: str) -> Iterator[bytes]:
        """The content of a backup."""
        return self.driver_of(name).read(backup)

    def delete(self, name: str, backup: str) -> None:
        """Remove a backup."""
        with self._backends.holding(backup):
            self.driver_of(name).delete(backup)
        self._backends.forget(backup)

    def stored(self, name: str, backup: str) -> Stored:
        """What a backup takes. :raises NotFound: there is none."""
        return self.driver_of(name).stored(backup)
