"""Encrypted disks of simulated guests: what is remembered of a key is its digest."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ...core.drivers.hypervisor import DiskEncryption
from ...core.drivers.volume import Encryption
from ...core.errors import BackendFailed, NotSupported, WrongState
from .guest import Guest, digest


class Encrypting(DiskEncryption):
    """The facet of a simulated host that knows which guests need a key."""

    unlocked: set[str]
    """The guests whose keys the host knows; a host that starts anew knows none."""

    @abc.abstractmethod
    def guest(self, guest: str) -> Guest:
        """What is remembered of ``guest``. :raises NotFound: there is no such guest."""

    @abc.abstractmethod
    def verb(self, verb: str, guest: str) -> AbstractContextManager[None]:
        """Around each verb: its delay and its fault."""

    @abc.abstractmethod
    def write_disk(self, record: Guest, target: Path) -> str:
        """Write the guest's disk to ``target``; return its format."""

    def encryption_formats(self) -> Sequence[str]:
        return ("luks",)

    def unlock(self, guest: str, encryption: Encryption) -> None:
        with self.verb("unlock", guest):
            self.learn(self.guest(guest), encryption)

    def plain_snapshot(self, guest: str, target: Path, encryption: Encryption) -> str:
        with self.verb("plain_snapshot", guest):
            record = self.guest(guest)
            if record.disk_key != digest(encryption):
                raise BackendFailed("the key of the guest's disks is another")
            return self.write_disk(record, target)

    def learn(self, record: Guest, encryption: Encryption | None) -> None:
        """Know the key from now on. :raises BackendFailed: the guest's disks have another, or none."""
        if record.disk_key != digest(encryption):
            raise BackendFailed("the key of the guest's disks is another")
        if encryption is not None:
            self.unlocked.add(record.id)

    def see_unlocked(self, record: Guest) -> None:
        """:raises WrongState: the guest's key is needed, and the host does not know it."""
        if record.disk_key and record.id not in self.unlocked:
            raise WrongState("the key of the guest's disks is not known to this host any more")

    def see_plain(self, record: Guest) -> None:
        """:raises NotSupported: the guest's disks are encrypted."""
        if record.disk_key:
            raise NotSupported("a copy of encrypted disks needs their key")

