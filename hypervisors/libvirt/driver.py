"""The libvirt hypervisor, and which kind of it serves a connection."""

from __future__ import annotations

from typing import Any

import libvirt

from ...core.drivers.hypervisor import (
    ConsoleEndpoint,
    ConsoleKind,
    Consoles,
    Disk,
    Interfaces,
    VolumeGrowth,
    Volumes,
)
from ...core.drivers.network import Vif
from ...core.errors import BadConfiguration, NotFound, NotSupported
from .ability import unknown
from .attachment import fit_interface, put_on_bus
from .connection import translated
from .containers.driver import Containers
from .device import find_interface, find_volume, interface, volume_disk
from .disks import GIB
from .domains import Measuring, Pausing, Saving
from .encryption import is_wrapped, lock
from .killing import Killing
from .live import Live
from .moving import Moving
from .plain import Plain
from .plugging import Plugging
from .resizing import Resizing
from .root_copies import Copying
from .screen import endpoint
from .tending import Tending
from .volume_snapshots import Assisting

REFUSED = {
    "esx": "libvirt cannot carry the bytes of images to ESX", "gsx": "libvirt cannot carry the bytes of images to GSX",
    "vpx": "libvirt cannot carry the bytes of images to vCenter",
    "hyperv": "libvirt cannot carry the bytes of images to Hyper-V",
}
"""Connections that lead to other machines, where this driver's files are not."""


def serving(uri: str, machines: type[Any]) -> type[Any]:
    """The class that serves the guests of a connection. :raises BadConfiguration: there is none."""
    scheme = uri.partition(":")[0].partition("+")[0].lower()
    if scheme in REFUSED:
        raise BadConfiguration(f"{REFUSED[scheme]}: there are no guests over {scheme}")
    return {"lxc": Containers, "xen": Plain, "test": Plain}.get(scheme, machines)


class Libvirt(Killing, Tending, Moving, Live, Resizing, Assisting, Copying, Plugging, Pausing, Saving, Measuring,
              Volumes, VolumeGrowth, Interfaces, Consoles):
    """The machines of QEMU of one libvirt daemon on this machine; for other connections, the class that serves them."""

    @classmethod
    def chosen(cls, options: Any) -> type[Any]:
        return serving(options.uri, cls)

    def console(self, guest: str, kind: ConsoleKind) -> ConsoleEndpoint:
        with translated():
            domain = self.domain(guest)
            if not domain.isActive():
                raise NotFound("the guest does not run")
            return endpoint(domain.XMLDesc(0), kind)

    def attach_volume(self, guest: str, disk: Disk) -> None:
        element, swapped = lock(volume_disk(disk), disk, guest), self.folder(guest).swapped()
        with translated():
            self.domain(guest)
            self.secrets.keep_one(guest, disk)
            put_on_bus(element, disk, self.wishes(guest), unknown(""))
        self.plug(guest, element, lambda text: find_volume(text, disk.volume_id, swapped))

    def detach_volume(self, guest: str, volume_id: str) -> None:
        swapped = self.folder(guest).swapped()
        self.unplug(guest, lambda text: find_volume(text, volume_id, swapped))
        with translated():
            self.secrets.drop(guest, volume_id)
        if volume_id in swapped:
            self.folder(guest).swap(volume_id, "", "")

    def grow_volume(self, guest: str, volume_id: str, size_gib: int) -> None:
        with translated():
            domain = self.domain(guest)
            element = find_volume(domain.XMLDesc(0), volume_id, self.folder(guest).swapped())
            target = element.find("target") if element is not None else None
            if element is None or target is None:
                raise NotFound("the guest does not have the volume")
            if domain.isActive():
                if is_wrapped(element):
                    raise NotSupported("an encrypted volume that grew is seen larger at the guest's next start only")
                domain.blockResize(target.get("dev"), size_gib * GIB, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)

    def attach_interface(self, guest: str, vif: Vif) -> None:
        with translated():
            element = fit_interface(interface(vif), self.wishes(guest), self.domain(guest).info()[3])
        self.plug(guest, element, lambda text: find_interface(text, vif.port_id))

    def detach_interface(self, guest: str, port_id: str) -> None:
        self.unplug(guest, lambda text: find_interface(text, port_id))
