"""Guests whose local disks are encrypted: qcow2 layers of LUKS, whose key libvirt holds in its memory."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ...core.drivers.hypervisor import DiskEncryption, Power, Snapshots
from ...core.drivers.volume import Encryption
from ...core.errors import NotSupported, WrongState
from .connection import translated
from .encryption import FORMATS, see_known
from .machines import Machines
from .qcow2 import read_header
from .quiesce import quiesce
from .state import power_of


class Copying(Machines, Snapshots, DiskEncryption):
    """The facets of a libvirt host that copies root disks, encrypted ones among them."""

    def encryption_formats(self) -> Sequence[str]:
        return FORMATS

    def unlock(self, guest: str, encryption: Encryption) -> None:
        see_known(encryption, "disks")
        with translated():
            self.domain(guest)
            self.secrets.keep_disks(guest, encryption)

    def snapshot(self, guest: str, target: Path) -> str:
        """A running guest is frozen while its disk is copied: QEMU writes out all it holds when it freezes."""
        with translated():
            self.domain(guest)
            folder = self.folder(guest)
            if folder.layers() and read_header(folder.layer(folder.layers() - 1)).encrypted:
                raise NotSupported("a copy of encrypted disks needs their key")
        return self._copied(guest, target, None)

    def plain_snapshot(self, guest: str, target: Path, encryption: Encryption) -> str:
        see_known(encryption, "disks")
        return self._copied(guest, target, encryption)

    def _copied(self, guest: str, target: Path, encryption: Encryption | None) -> str:
        with translated(), contextlib.ExitStack() as thaw:
            domain = self.domain(guest)
            folder = self.folder(guest)
            if folder.layers() == 0:
                raise WrongState("the guest's root disk is a volume")
            if power_of(domain) is Power.RUNNING:
                quiesce(domain, self.wishes(guest), thaw)
                domain.suspend()
                thaw.callback(domain.resume)
            self.disks.copy_root(folder, target, encryption)
        return "qcow2"
