"""Device elements of a domain: disks and network interfaces, and how to find them again."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from ...core.drivers.hypervisor import Disk
from ...core.drivers.network import Vif
from ...core.errors import BackendFailed, NotSupported

BUSES = {"vd": "virtio", "sd": "scsi", "hd": "ide"}
"""A disk's bus by the first letters of its device name."""
INTERFACE_ALIAS = "ua-port-"
VOLUME_FORMATS = ("raw", "qcow2")


def bus_of(device: str) -> str:
    """The bus that a device name stands for. :raises BackendFailed: for none."""
    if device[:2] not in BUSES:
        raise BackendFailed("a disk has an improper device name")
    return BUSES[device[:2]]


def local_disk(device: str, path: Path) -> ET.Element:
    """A disk of the guest's own: a qcow2 file."""
    disk = ET.Element("disk", type="file", device="disk")
    ET.SubElement(disk, "driver", name="qemu", type="qcow2", discard="unmap")
    ET.SubElement(disk, "source", file=str(path))
    ET.SubElement(disk, "target", dev=device, bus=bus_of(device))
    return disk


def rescue_disk(rescue: Disk, path: Path) -> ET.Element:
    """The disk a guest is rescued from; its image may ask for a bus, and to be a CD."""
    disk = local_disk(rescue.device, path)
    properties = rescue.image.properties if rescue.image is not None else {}
    target = disk.find("target")
    if target is not None and properties.get("hw_rescue_bus"):
        target.set("bus", properties["hw_rescue_bus"])
    if properties.get("hw_rescue_device") == "cdrom":
        disk.set("device", "cdrom")
        ET.SubElement(disk, "readonly")
    return disk


def config_drive_disk(path: Path, bus: str) -> ET.Element:
    """The config drive as a CD."""
    disk = ET.Element("disk", type="file", device="cdrom")
    ET.SubElement(disk, "driver", name="qemu", type="raw")
    ET.SubElement(disk, "source", file=str(path))
    ET.SubElement(disk, "target", dev="hdd" if bus == "ide" else "sdz", bus=bus)
    ET.SubElement(disk, "readonly")
    return disk


def volume_disk(volume: Disk) -> ET.Element:
    """A volume, found again by its serial number, the volume's id.

    :raises NotSupported: QEMU cannot reach the volume in this way.
    """
    connection = volume.connection
    if connection is None:
        raise BackendFailed("the volume has no connection")
    if connection.protocol == "file":
        disk = _file_volume(connection.details)
    elif connection.protocol == "nbd":
        disk = _nbd_volume(connection.details)
    else:
        raise NotSupported(f"this hypervisor cannot reach volumes over {connection.protocol}")
    ET.SubElement(disk, "target", dev=volume.device, bus=bus_of(volume.device))
    ET.SubElement(disk, "serial").text = volume.volume_id
    if connection.read_only:
        ET.SubElement(disk, "readonly")
    return disk


def _driver(disk: ET.Element, details: Mapping[str, str]) -> None:
    disk_format = details.get("format", "raw")
    if disk_format not in VOLUME_FORMATS:
        raise NotSupported(f"this hypervisor attaches no volume in the format {disk_format}")
    ET.SubElement(disk, "driver", name="qemu", type=disk_format, cache="none", discard="unmap")


def _file_volume(details: Mapping[str, str]) -> ET.Element:
    disk = ET.Element("disk", type="file", device="disk")
    _driver(disk, details)
    ET.SubElement(disk, "source", file=details["path"])
    return disk


def _nbd_volume(details: Mapping[str, str]) -> ET.Element:
    disk = ET.Element("disk", type="network", device="disk")
    _driver(disk, details)
    source = ET.SubElement(disk, "source", protocol="nbd", name=details.get("export", ""))
    if details.get("socket"):
        ET.SubElement(source, "host", transport="unix", socket=details["socket"])
    else:
        ET.SubElement(source, "host", name=details["host"], port=details["port"])
    return disk


def interface(vif: Vif) -> ET.Element:
    """A network interface, found again by its alias, which holds the port's id.

    :raises NotSupported: the kind of wiring is unknown here.
    """
    if vif.kind == "bridge":
        element = ET.Element("interface", type="bridge")
        ET.SubElement(element, "source", bridge=vif.bridge)
        ET.SubElement(element, "target", dev=vif.device)
    elif vif.kind == "tap":
        element = ET.Element("interface", type="ethernet")
        ET.SubElement(element, "target", dev=vif.device, managed="no")
    elif vif.kind == "none":
        # A card without a cable: QEMU's user network, which needs no privilege, behind a link that is down.
        element = ET.Element("interface", type="user")
        ET.SubElement(element, "link", state="down")
    else:
        raise NotSupported(f"this hypervisor cannot join an interface of kind {vif.kind}")
    ET.SubElement(element, "mac", address=vif.mac)
    ET.SubElement(element, "model", type=vif.model)
    ET.SubElement(element, "alias", name=INTERFACE_ALIAS + vif.port_id)
    if vif.mtu and vif.kind != "none":
        ET.SubElement(element, "mtu", size=str(vif.mtu))
    return element


def target_of(disk: ET.Element) -> str:
    """The device name of a disk."""
    target = disk.find("target")
    return target.get("dev", "") if target is not None else ""


def find_volume(domain_xml: str, volume_id: str, swapped: Mapping[str, str] | None = None) -> ET.Element | None:
    """The disk element of the volume in a domain, or None.

    ``swapped`` has the device names of volumes that took another's place, and with it the other's serial number.
    """
    swapped = swapped or {}
    for disk in ET.fromstring(domain_xml).iterfind("./devices/disk"):
        device = target_of(disk)
        if volume_id in swapped:
            if device == swapped[volume_id]:
                return disk
        elif disk.findtext("serial") == volume_id and device not in swapped.values():
            return disk
    return None


def find_interface(domain_xml: str, port_id: str) -> ET.Element | None:
    """The interface element of the port in a domain, or None."""
    for element in ET.fromstring(domain_xml).iterfind("./devices/interface"):
        alias = element.find("alias")
        if alias is not None and alias.get("name") == INTERFACE_ALIAS + port_id:
            return element
    return None
