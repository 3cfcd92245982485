"""Machines that get another size on their host: a layer more on the root disk, and a way back."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt

from ...core.drivers.hypervisor import GuestSpec, Resizable
from .connection import translated
from .disks import GuestFolder, size_bytes
from .domains import cut_power
from .machines import Machines
from .qcow2 import read_header


class Resizing(Machines, Resizable):
    """The facet of a libvirt host whose machines can be resized."""

    def resize(self, spec: GuestSpec) -> None:
        with translated(), contextlib.ExitStack() as undo:
            domain, folder = self.domain(spec.guest), self.folder(spec.guest)
            self.refuse_giants(spec)
            self.stop(spec.guest, 0)
            if not folder.before.exists():
                undo.callback(self._put_back, spec.guest)
                folder.keep_before(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE))
            self._add_layer(folder, spec)
            self.furnish(folder, spec)
            domain = self.define(self.described(spec))
            undo.callback(cut_power, domain)
            self.begin(domain)
            self.prove(domain, spec)
            undo.pop_all()

    def confirm_resize(self, guest: str) -> None:
        if self.found(guest) is not None:
            folder = self.folder(guest)
            if folder.before.exists():
                self.dedicated.settle(folder, back=False)
                folder.before.unlink(missing_ok=True)

    def revert_resize(self, spec: GuestSpec) -> None:
        self.domain(spec.guest)
        with translated():
            self.learn(spec)
        if self.folder(spec.guest).before.exists():
            self.stop(spec.guest, 0)
            self._put_back(spec.guest)
        self.start(spec.guest)

    def _add_layer(self, folder: GuestFolder, spec: GuestSpec) -> None:
        """Put a layer on the root disk, unless that was done since the way back was kept."""
        below = _layer_in(folder.before.read_text())
        root = next((disk for disk in spec.disks if disk.kind == "root" and disk.connection is None), None)
        if below is not None and root is not None:
            present = read_header(folder.layer(below)).size_bytes
            self.disks.grow_root(folder, below + 1, size_bytes(root), present, spec.encryption)

    def _put_back(self, guest: str) -> None:
        """Make the guest, which is off, what it was before its resize."""
        folder = self.folder(guest)
        if not folder.before.exists():
            return
        text = folder.before.read_text()
        with translated():
            self.define(text)
        below = _layer_in(text)
        if below is not None:
            folder.layer(below + 1).unlink(missing_ok=True)
        self.dedicated.settle(folder, back=True)
        folder.before.unlink()


def _layer_in(text: str) -> int | None:
    """The number of the root disk's top layer in a domain's description; None when it has none."""
    for source in ET.fromstring(text).iterfind("./devices/disk/source"):
        name = Path(source.get("file", "")).name
        if name.startswith("root-"):
            return int(name.removeprefix("root-").removesuffix(".qcow2"))
    return None
