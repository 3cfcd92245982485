"""What of a machine is handed over when it moves: its disks, and what its firmware remembers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import libvirt

from ...core.drivers.hypervisor import GuestSpec
from ...core.errors import BackendFailed, NotSupported
from .disks import GuestFolder, size_bytes
from .handing import Handing
from .machines import Machines
from .qemu_img import Source

PROPER_NAME = re.compile(r"root-0|nvram|(ephemeral|swap)-[a-z]{2,4}")


class Moving(Handing, Machines):
    """The facet of a libvirt host that hands machines over."""

    def offered(self, domain: libvirt.virDomain) -> Mapping[str, Path]:
        description = ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        if description.find("./devices/tpm") is not None:
            raise NotSupported("the guest's TPM cannot leave its host while the guest is off; live migration "
                               "takes it along")
        return local_disks(description, self.folder(domain.UUIDString()))

    def take_in(self, spec: GuestSpec, name: str, source: Source) -> None:
        if not PROPER_NAME.fullmatch(name):
            raise BackendFailed("an offered disk has an improper name")
        folder = self.folder(spec.guest)
        if name == folder.nvram.stem:
            self.disks.fetch_raw(folder.nvram, source)
        else:
            self.disks.fetch(folder.path / f"{name}.qcow2", source)

    def fit(self, spec: GuestSpec) -> None:
        folder = self.folder(spec.guest)
        root = next((disk for disk in spec.disks if disk.kind == "root" and disk.connection is None), None)
        if root is not None and folder.layers():
            self.disks.enlarge(folder.layer(0), size_bytes(root))


def local_disks(description: ET.Element, folder: GuestFolder) -> dict[str, Path]:
    """The files of a guest's own disks by the names they have after a move; layers of the root disk become one.

    What its firmware remembers goes along like a disk.
    """
    found = {folder.nvram.stem: folder.nvram} if folder.nvram.exists() else {}
    for disk in description.iterfind("./devices/disk"):
        source = disk.find("source")
        path = Path(source.get("file", "")) if source is not None else Path()
        if disk.get("device") == "disk" and path.parent == folder.path:
            found["root-0" if path.name.startswith("root-") else path.stem] = path
    return found
