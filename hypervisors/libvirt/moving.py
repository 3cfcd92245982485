"""Guests that are handed over, shut down, from one libvirt host to another: their disks are fetched over NBD."""

from __future__ import annotations

import contextlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt

from ...core.drivers.hypervisor import GuestSpec, Movable, Offer, Power
from ...core.errors import BackendFailed, NotSupported
from .connection import translated
from .disks import GuestFolder, size_bytes
from .export import sources
from .machines import Machines
from .state import power_of

PROPER_NAME = re.compile(r"root-0|nvram|(ephemeral|swap)-[a-z]{2,4}")


class Moving(Machines, Movable):
    """The facet of a libvirt host that hands guests over."""

    def depart(self, guest: str, timeout_s: float) -> Offer:
        with translated():
            domain, folder = self.domain(guest), self.folder(guest)
            if ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).find("./devices/tpm") is not None:
                raise NotSupported("the guest's TPM cannot leave its host while the guest is off; live migration "
                                   "takes it along")
            self.stop(guest, timeout_s)
            return self.exports.open(folder, local_disks(domain, folder))

    def arrive(self, spec: GuestSpec, offer: Offer, start: bool) -> None:
        with translated(), contextlib.ExitStack() as undo:
            domain = self.found(spec.guest)
            if domain is None:
                undo.callback(self.destroy, spec.guest)
                self.described(spec)
                domain = self._made(spec, offer)
            if start and power_of(domain) is not Power.RUNNING:
                self.begin(domain)
                self.prove(domain, spec)
            undo.pop_all()

    def _made(self, spec: GuestSpec, offer: Offer) -> libvirt.virDomain:
        folder = self.folder(spec.guest)
        folder.make()
        keys = folder.path / "keys"
        keys.mkdir(mode=0o700)
        for name, source in sources(offer, keys).items():
            if not PROPER_NAME.fullmatch(name):
                raise BackendFailed("an offered disk has an improper name")
            if name == folder.nvram.stem:
                self.disks.fetch_raw(folder.nvram, source)
            else:
                self.disks.fetch(folder.path / f"{name}.qcow2", source)
        for file in (*keys.iterdir(), keys):
            file.unlink() if file.is_file() else file.rmdir()
        root = next((disk for disk in spec.disks if disk.kind == "root" and disk.connection is None), None)
        if root is not None and folder.layers():
            self.disks.enlarge(folder.layer(0), size_bytes(root))
        self.furnish(folder, spec)
        return self.define(self.described(spec))

    def stay(self, spec: GuestSpec, start: bool) -> None:
        with translated():
            domain, folder = self.domain(spec.guest), self.folder(spec.guest)
            self.exports.close(folder)
            self.secrets.keep(spec)
            if power_of(domain) in (Power.SHUTDOWN, Power.CRASHED):
                domain = self.define(self.described(spec))
                if start:
                    self.begin(domain)


def local_disks(domain: libvirt.virDomain, folder: GuestFolder) -> dict[str, Path]:
    """The files of a guest's own disks by the names they have after a move; layers of the root disk become one.

    What its firmware remembers goes along like a disk.
    """
    found = {folder.nvram.stem: folder.nvram} if folder.nvram.exists() else {}
    for disk in ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).iterfind("./devices/disk"):
        source = disk.find("source")
        path = Path(source.get("file", "")) if source is not None else Path()
        if disk.get("device") == "disk" and path.parent == folder.path:
            found["root-0" if path.name.startswith("root-") else path.stem] = path
    return found
