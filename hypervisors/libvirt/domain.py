"""The domain of a guest, as libvirt wants it described."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from ...core.drivers.hypervisor import Disk, GuestSpec
from .ability import Abilities
from .attachment import cdrom_bus, fit_interface, put_on_bus, scsi_model
from .device import config_drive_disk, interface, local_disk, rescue_disk, volume_disk
from .disks import GuestFolder
from .encryption import lock, lock_local, see_known
from .firmware import chosen, features, system
from .host import Host
from .options import LibvirtOptions
from .paging import backing
from .peripheral import add_all
from .processor import processor
from .realtime import schedule, threads
from .refusal import refuse
from .screen import add_screens, add_serial
from .seating import bind, hostdevs, pages
from .tuning import limit_disk, limit_processors, tie
from .wish import Wishes

NAMESPACE = "https://stratolith.invalid/xmlns/guest/1"
"""Marks the domains that are ours."""
PREFIX = "stratolith-"
UNPRINTABLE = re.compile("[^\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
ON_EVENTS = (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy"))
"""What libvirt does when a guest ends by itself."""
HOTPLUG_PORTS = 12
"""PCI Express sockets kept for devices that come later; only machine types with PCI Express need them."""

ET.register_namespace("stratolith", NAMESPACE)


def domain_name(guest: str) -> str:
    """The name of the guest's domain."""
    return PREFIX + guest


def domain_xml(spec: GuestSpec, folder: GuestFolder, options: LibvirtOptions, host: Host | None = None) -> str:
    """The whole domain of ``spec`` over the files in ``folder``.

    :raises NotSupported: the guest asks for what this host cannot give.
    """
    host, wishes = host or Host(), Wishes.of(spec)
    refuse(wishes, spec.seat is not None, spec.encryption is not None)
    see_known(spec.encryption, "disks")
    asked = threads(spec)
    firmware = chosen(wishes, options.machine, host.abilities_of)
    abilities = host.abilities_of(firmware.machine)
    root = ET.Element("domain", type=options.virt_type)
    named(root, spec, folder, wishes)
    text(root, "memory", str(spec.memory_mib), unit="MiB")
    text(root, "vcpu", str(spec.vcpus))
    limit_processors(root, wishes)
    if spec.seat is not None:
        bind(root, spec.seat, host.shared, host.cells, asked)
    else:
        tie(root, host.pins, host.shared)
    root.append(system(firmware, wishes, folder.nvram, not spec.boot_device))
    root.append(features(firmware, wishes, options.virt_type, options.translation_cache_mib))
    shape = processor(spec, wishes, options, abilities)
    for part in (_backing(spec, wishes, host, shape), shape):
        if part is not None:
            root.append(part)
    schedule(root, asked, options)
    ET.SubElement(root, "clock", offset="utc")
    for event, action in ON_EVENTS:
        text(root, f"on_{event}", action)
    devices = _devices(spec, folder, wishes, abilities, firmware.express)
    add_screens(devices, options)
    add_all(devices, wishes, options, abilities)
    root.append(devices)
    if options.qemu_user:
        label = ET.SubElement(root, "seclabel", type="static", model="dac", relabel="yes")
        text(label, "label", options.qemu_user)
    return ET.tostring(root, encoding="unicode")


def _backing(spec: GuestSpec, wishes: Wishes, host: Host, shape: ET.Element | None) -> ET.Element | None:
    """The pages of a guest's memory: those of its seat, or what is free here."""
    if spec.seat is None or not spec.seat.cells:
        return backing(spec.memory_mib, wishes, host.free_pages)
    return pages(spec.seat, shape is not None and shape.find("numa") is not None)


def text(parent: ET.Element, tag: str, content: str, **attributes: str) -> None:
    """Add an element that holds only text."""
    ET.SubElement(parent, tag, attributes).text = content


def owner(element: str) -> str:
    """The folder of guests to which the domain belongs whose metadata has this ``element`` of ours."""
    return ET.fromstring(element).get("folder", "")


def named(root: ET.Element, spec: GuestSpec, folder: GuestFolder, wishes: Wishes) -> None:
    """Say whose domain it is: its name, its id, and our element in its metadata."""
    text(root, "name", domain_name(spec.guest))
    text(root, "uuid", spec.guest)
    guest = ET.SubElement(ET.SubElement(root, "metadata"), f"{{{NAMESPACE}}}guest")
    guest.set("folder", str(folder.path.parent))
    guest.set("project", UNPRINTABLE.sub(" ", spec.project_id))
    guest.text = UNPRINTABLE.sub(" ", spec.name)
    wishes.keep(guest, NAMESPACE)


def _devices(spec: GuestSpec, folder: GuestFolder, wishes: Wishes, abilities: Abilities, express: bool) -> ET.Element:
    devices = ET.Element("devices")
    if express:
        ET.SubElement(devices, "controller", type="pci", model="pcie-root")
        for _ in range(HOTPLUG_PORTS):
            ET.SubElement(devices, "controller", type="pci", model="pcie-root-port")
    disks = [_disk(disk, folder, spec, wishes, abilities) for disk in spec.disks]
    if spec.config_drive is not None:
        disks.append(config_drive_disk(folder.drive(spec), cdrom_bus(express, wishes, abilities)))
    scsi = any(target.get("bus") == "scsi" for disk in disks for target in disk.iter("target"))
    if scsi or scsi_model(wishes):
        ET.SubElement(devices, "controller", type="scsi", model=scsi_model(wishes) or "virtio-scsi")
    devices.extend(disks)
    devices.extend([fit_interface(interface(vif), wishes, spec.vcpus) for vif in spec.vifs])
    devices.extend([*hostdevs(spec.seat.devices)] if spec.seat is not None else ())
    add_serial(devices, folder.console_log, folder.serial)
    _agent(devices)
    ET.SubElement(devices, "memballoon", model="virtio")
    return devices


def _disk(disk: Disk, folder: GuestFolder, spec: GuestSpec, wishes: Wishes, abilities: Abilities) -> ET.Element:
    if disk.kind == "rescue":
        element = rescue_disk(disk, folder.disk(disk))
    elif disk.connection is None:
        element = local_disk(disk.device, folder.disk(disk))
    else:
        element = lock(volume_disk(disk), disk, folder.path.name)
    put_on_bus(element, disk, wishes, abilities)
    if disk.connection is None:
        lock_local(element, spec.encryption, folder.below(disk), folder.path.name)
        limit_disk(element, wishes)
    if spec.boot_device and disk.device == spec.boot_device:
        ET.SubElement(element, "boot", order="1")
    return element


def _agent(devices: ET.Element) -> None:
    channel = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
