"""What of a container is handed over when it moves: its disks as they are."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from pathlib import Path

import libvirt

from ....core.drivers.hypervisor import GuestSpec
from ....core.errors import BackendFailed
from ..disks import PROPER_DEVICE
from ..handing import Handing
from ..qemu_img import Source
from .folder import ContainerFolder, Roots


class ContainerMoving(Handing):
    """The facet of a libvirt host that hands containers over."""

    roots: Roots

    @abc.abstractmethod
    def folder(self, guest: str) -> ContainerFolder:
        """The container's files."""

    def offered(self, domain: libvirt.virDomain) -> Mapping[str, Path]:
        return self.folder(domain.UUIDString()).disks()

    def take_in(self, spec: GuestSpec, name: str, source: Source) -> None:
        folder = self.folder(spec.guest)
        if name != folder.root.stem and not PROPER_DEVICE.fullmatch(name):
            raise BackendFailed("an offered disk has an improper name")
        self.roots.fetch(folder.path / f"{name}.raw", source)

    def fit(self, spec: GuestSpec) -> None:
        self.roots.grow(self.folder(spec.guest), spec)
