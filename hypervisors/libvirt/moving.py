"""What of a machine is handed over when it moves: its disks, and what its firmware remembers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import libvirt

from ...core.drivers.hypervisor import GuestSpec
from ...core.errors import BackendFailed, NotSupported
from .disks import size_bytes
from .handing import Handing
from .luggage import PROPER_NAME, WHOLE_FILE, local_disks
from .machines import Machines
from .qemu_img import Source


class Moving(Handing, Machines):
    """The facet of a libvirt host that hands machines over."""

    def offered(self, domain: libvirt.virDomain) -> Mapping[str, Path]:
        description = ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        if description.find("./devices/tpm") is not None:
            raise NotSupported("the guest's TPM cannot leave its host while the guest is off; live migration "
                               "takes it along")
        return local_disks(description, self.folder(domain.UUIDString()))

    def take_in(self, spec: GuestSpec, name: str, source: Source) -> None:
        folder = self.folder(spec.guest)
        if WHOLE_FILE.fullmatch(name):
            self.disks.fetch_raw(folder.path / name, source)
        elif not PROPER_NAME.fullmatch(name):
            raise BackendFailed("an offered disk has an improper name")
        elif name == folder.nvram.stem:
            self.disks.fetch_raw(folder.nvram, source)
        else:
            self.disks.fetch(folder.path / f"{name}.qcow2", source)

    def fit(self, spec: GuestSpec) -> None:
        folder = self.folder(spec.guest)
        root = next((disk for disk in spec.disks if disk.kind == "root" and disk.connection is None), None)
        if root is not None and folder.layers():
            self.disks.enlarge(folder.layer(folder.layers() - 1), size_bytes(root), spec.encryption)

