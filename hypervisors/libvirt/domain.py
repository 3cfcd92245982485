"""The domain of a guest, as libvirt wants it described."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from ...core.drivers.hypervisor import Disk, GuestSpec
from .device import config_drive_disk, interface, local_disk, rescue_disk, volume_disk
from .disks import GuestFolder
from .options import LibvirtOptions
from .screen import add_screens, add_serial

NAMESPACE = "https://stratolith.invalid/xmlns/guest/1"
"""Marks the domains that are ours."""
PREFIX = "stratolith-"
UNPRINTABLE = re.compile("[^\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
HOTPLUG_PORTS = 12
"""PCI Express sockets kept for devices that come later; only machine types with PCI Express need them."""

ET.register_namespace("stratolith", NAMESPACE)


def domain_name(guest: str) -> str:
    """The name of the guest's domain."""
    return PREFIX + guest


def domain_xml(spec: GuestSpec, folder: GuestFolder, options: LibvirtOptions) -> str:
    """The whole domain of ``spec`` over the files in ``folder``."""
    root = ET.Element("domain", type=options.virt_type)
    _text(root, "name", domain_name(spec.guest))
    _text(root, "uuid", spec.guest)
    _metadata(root, spec, folder)
    _text(root, "memory", str(spec.memory_mib), unit="MiB")
    _text(root, "vcpu", str(spec.vcpus))
    _system(root, spec, options)
    _features(root, options)
    _cpu(root, options)
    ET.SubElement(root, "clock", offset="utc")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        _text(root, f"on_{event}", action)
    root.append(_devices(spec, folder, options))
    if options.qemu_user:
        label = ET.SubElement(root, "seclabel", type="static", model="dac", relabel="yes")
        _text(label, "label", options.qemu_user)
    return ET.tostring(root, encoding="unicode")


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text


def owner(element: str) -> str:
    """The folder of guests to which the domain belongs whose metadata has this ``element`` of ours."""
    return ET.fromstring(element).get("folder", "")


def _metadata(root: ET.Element, spec: GuestSpec, folder: GuestFolder) -> None:
    guest = ET.SubElement(ET.SubElement(root, "metadata"), f"{{{NAMESPACE}}}guest")
    guest.set("folder", str(folder.path.parent))
    guest.set("project", UNPRINTABLE.sub(" ", spec.project_id))
    guest.text = UNPRINTABLE.sub(" ", spec.name)


def _system(root: ET.Element, spec: GuestSpec, options: LibvirtOptions) -> None:
    image = next((disk.image for disk in spec.disks if disk.image is not None), None)
    wishes = image.properties if image is not None else {}
    system = ET.SubElement(root, "os")
    if wishes.get("hw_firmware_type") == "uefi":
        system.set("firmware", "efi")
    _text(system, "type", "hvm", arch="x86_64", machine=wishes.get("hw_machine_type") or options.machine)
    if not spec.boot_device:
        ET.SubElement(system, "boot", dev="hd")


def _features(root: ET.Element, options: LibvirtOptions) -> None:
    features = ET.SubElement(root, "features")
    ET.SubElement(features, "acpi")
    ET.SubElement(features, "apic")
    if options.virt_type == "qemu" and options.translation_cache_mib:
        _text(ET.SubElement(features, "tcg"), "tb-cache", str(options.translation_cache_mib), unit="MiB")


def _cpu(root: ET.Element, options: LibvirtOptions) -> None:
    mode = options.cpu_mode or ("maximum" if options.virt_type == "qemu" else "host-model")
    ET.SubElement(root, "cpu", mode=mode)


def _devices(spec: GuestSpec, folder: GuestFolder, options: LibvirtOptions) -> ET.Element:
    devices = ET.Element("devices")
    express = options.machine.startswith("q35") or "q35" in options.machine
    if express:
        ET.SubElement(devices, "controller", type="pci", model="pcie-root")
        for _ in range(HOTPLUG_PORTS):
            ET.SubElement(devices, "controller", type="pci", model="pcie-root-port")
    if any(disk.device.startswith("sd") for disk in spec.disks):
        ET.SubElement(devices, "controller", type="scsi", model="virtio-scsi")
    for disk in spec.disks:
        devices.append(_disk(disk, folder, spec.boot_device))
    if spec.config_drive is not None:
        devices.append(config_drive_disk(folder.config_drive, "sata" if express else "ide"))
    for vif in spec.vifs:
        devices.append(interface(vif))
    add_serial(devices, folder.console_log, folder.serial)
    _agent(devices)
    add_screens(devices, options)
    ET.SubElement(devices, "memballoon", model="virtio")
    _text(ET.SubElement(devices, "rng", model="virtio"), "backend", "/dev/urandom", model="random")
    return devices


def _disk(disk: Disk, folder: GuestFolder, boot_device: str) -> ET.Element:
    if disk.kind == "rescue":
        element = rescue_disk(disk, folder.disk(disk))
    elif disk.connection is None:
        element = local_disk(disk.device, folder.disk(disk))
    else:
        element = volume_disk(disk)
    if boot_device and disk.device == boot_device:
        ET.SubElement(element, "boot", order="1")
    return element


def _agent(devices: ET.Element) -> None:
    channel = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
