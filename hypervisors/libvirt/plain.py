"""Machines of a libvirt of which little is known: what every kind of machine can do, and nothing more.

The kind of domain, its processor and its devices are those that the host's capabilities name.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import libvirt

from ...core.drivers.base import Surroundings
from ...core.drivers.hypervisor import Disk, GuestSpec, HypervisorFacts
from ...core.drivers.network import Vif
from ...core.errors import BadConfiguration, NotSupported
from . import fact
from .ability import Abilities
from .capability import Kind, kinds
from .connection import translated
from .device import interface, local_disk, volume_disk
from .disks import Disks, GuestFolder
from .domain import ON_EVENTS, named, text
from .domains import Pausing, Saving
from .options import LibvirtOptions
from .plain_wish import refuse_all
from .qemu_img import QemuImg
from .wish import Wishes

BUSES = ("virtio", "xen", "scsi", "sata", "ide")
"""Buses of disks, the best first."""
DEVICES = {"virtio": "vd", "xen": "xvd", "scsi": "sd", "sata": "sd", "ide": "hd"}
MODELS = {"virtio": "virtio", "xen": "netfront"}
"""Models of interfaces that go with a bus."""


class Plain(Pausing, Saving):
    """Machines that start and stop, pause, and are saved: over Xen and libvirt's own pretended host."""

    serves = ("Xen", "TEST")
    undefine = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE

    def __init__(self, options: LibvirtOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self.disks = Disks(self.images, QemuImg(options))
        self._kind = Kind("", "", "")
        self._bus = ""

    def open(self) -> None:
        super().open()
        handle = self.handle()
        with translated():
            found = [kind for kind in kinds(handle.getCapabilities()) if kind.os_type == "hvm"]
        if not found:
            raise BadConfiguration("the libvirt that the uri leads to has no machines with a firmware")
        self._kind = found[0]
        self._bus = best_bus(abilities(handle, self._kind))

    def facts(self) -> HypervisorFacts:
        handle = self.handle()
        with translated():
            version = handle.getVersion()
        return HypervisorFacts(handle.getType(), version, self.surroundings.host, fact.vcpus(), fact.memory_mib(),
                               fact.disk_gib(self.guests), architecture=self._kind.architecture,
                               disk_formats=("raw", "qcow2"),
                               traits=("COMPUTE_IMAGE_TYPE_QCOW2", "COMPUTE_IMAGE_TYPE_RAW"))

    def described(self, spec: GuestSpec) -> str:
        self.refuse_giants(spec)
        return plain_xml(spec, self.folder(spec.guest), self._kind, self._bus)

    def furnish(self, folder: GuestFolder, spec: GuestSpec) -> None:
        self.disks.make(folder, spec)


def abilities(handle: libvirt.virConnect, kind: Kind) -> Abilities:
    """What the host can give machines of this kind; nothing is known where libvirt cannot tell."""
    try:
        return Abilities(handle.getDomainCapabilities(None, kind.architecture, None, kind.domain_type, 0))
    except libvirt.libvirtError:
        return Abilities()


def best_bus(abilities: Abilities) -> str:
    """The best bus of disks that the host has; IDE, which every firmware knows, where it does not say."""
    has = abilities.values("devices/disk", "bus")
    return next((bus for bus in BUSES if bus in has), "ide")


def plain_xml(spec: GuestSpec, folder: GuestFolder, kind: Kind, bus: str) -> str:
    """The whole domain of ``spec`` over the files in ``folder``.

    :raises NotSupported: the guest asks for more than a plain machine.
    """
    wishes = Wishes.of(spec)
    refuse_all(wishes)
    root = ET.Element("domain", type=kind.domain_type)
    named(root, spec, folder, wishes)
    text(root, "memory", str(spec.memory_mib), unit="MiB")
    text(root, "vcpu", str(spec.vcpus))
    system = ET.SubElement(root, "os")
    text(system, "type", kind.os_type, arch=kind.architecture, **({"machine": kind.machine} if kind.machine else {}))
    ET.SubElement(system, "boot", dev="hd")
    features = ET.SubElement(root, "features")
    for name in ("acpi", "apic"):
        ET.SubElement(features, name)
    ET.SubElement(root, "clock", offset="utc")
    for event, action in ON_EVENTS:
        text(root, f"on_{event}", action)
    devices = ET.SubElement(root, "devices")
    devices.extend(_disks(spec.disks, folder, bus))
    if spec.config_drive is not None:
        devices.append(_config_drive(folder, bus, len(spec.disks)))
    devices.extend([_interface(vif, bus) for vif in spec.vifs])
    # What is written to a file needs no process that reads it.
    console = ET.SubElement(devices, "serial", type="file")
    ET.SubElement(console, "source", path=str(folder.console_log), append="on")
    return ET.tostring(root, encoding="unicode")


def _disks(disks: Sequence[Disk], folder: GuestFolder, bus: str) -> list[ET.Element]:
    found = []
    for number, disk in enumerate(disks):
        if disk.connection is not None and disk.connection.encryption is not None:
            raise NotSupported("this hypervisor decrypts no volumes")
        element = local_disk(disk.device, folder.disk(disk)) if disk.connection is None else volume_disk(disk)
        _put(element, bus, number)
        found.append(element)
    return found


def _put(element: ET.Element, bus: str, number: int) -> None:
    """Name a disk by its bus and its place among the disks."""
    target, driver = element.find("target"), element.find("driver")
    if target is not None:
        target.set("bus", bus)
        target.set("dev", DEVICES[bus] + chr(ord("a") + number))
    if driver is not None:
        driver.attrib.pop("cache", None)


def _config_drive(folder: GuestFolder, bus: str, number: int) -> ET.Element:
    disk = ET.Element("disk", type="file", device="cdrom" if bus == "ide" else "disk")
    ET.SubElement(disk, "driver", name="qemu", type="raw")
    ET.SubElement(disk, "source", file=str(folder.config_drive))
    ET.SubElement(disk, "target", dev=DEVICES[bus] + chr(ord("a") + number), bus=bus)
    ET.SubElement(disk, "readonly")
    return disk


def _interface(vif: Vif, bus: str) -> ET.Element:
    if vif.kind not in ("bridge", "none"):
        raise NotSupported(f"this hypervisor cannot join an interface of kind {vif.kind}")
    element = interface(vif)
    model = element.find("model")
    if model is not None:
        model.set("type", MODELS.get(bus, "rtl8139"))
    return element
