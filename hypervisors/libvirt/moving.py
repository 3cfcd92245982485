"""What of a machine is handed over when it moves: its disks, and what its firmware remembers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path

import libvirt

from ...core.drivers.hypervisor import GuestSpec
from ...core.errors import BackendFailed, NotSupported
from .disks import GuestFolder, size_bytes
from .handing import Handing
from .machines import Machines
from .qemu_img import Source

PROPER_NAME = re.compile(r"root-0|nvram|(ephemeral|swap)-[a-z]{2,4}")
WHOLE_FILE = re.compile(r"root-[0-9]{1,4}\.qcow2|(ephemeral|swap)-[a-z]{2,4}\.qcow2|base\.(raw|qcow2)")
"""Names of files that come as they are: encrypted disks, whose keys are not at hand where they leave."""


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


def local_disks(description: ET.Element, folder: GuestFolder) -> dict[str, Path]:
    """The files of a guest's own disks by the names they have after a move; layers of the root disk become one.

    Encrypted disks go as they are, all their layers and the image under them.
    What its firmware remembers goes along like a disk.
    """
    found = {folder.nvram.stem: folder.nvram} if folder.nvram.exists() else {}
    if any(path.parent == folder.path for path in _encrypted(description)):
        return found | folder.whole_files()
    for disk in description.iterfind("./devices/disk"):
        source = disk.find("source")
        path = Path(source.get("file", "")) if source is not None else Path()
        if disk.get("device") == "disk" and path.parent == folder.path:
            found["root-0" if path.name.startswith("root-") else path.stem] = path
    return found


def _encrypted(description: ET.Element) -> Iterator[Path]:
    """The files of a domain that are encrypted."""
    for source in description.iterfind("./devices/disk/source[encryption]"):
        yield Path(source.get("file", ""))
