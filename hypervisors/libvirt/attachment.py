"""How disks and interfaces are attached: the buses and models that images ask for."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ...core.drivers.hypervisor import Disk
from ...core.errors import NotSupported
from .ability import NICS, Abilities
from .device import bus_of
from .tuning import limit_interface
from .wish import Wishes, one_of, truth

DISK_BUSES = ("ide", "sata", "scsi", "usb", "virtio")
CDROM_BUSES = ("ide", "sata", "scsi", "usb")
SCSI_MODELS = ("auto", "buslogic", "ibmvscsi", "lsilogic", "lsisas1068", "lsisas1078", "virtio-scsi", "vmpvscsi")
QUEUES = 256
"""More queues an interface cannot have."""


def disk_bus(device: str, wishes: Wishes, abilities: Abilities) -> str:
    """The bus of a disk: the image's wish, else what the device name stands for."""
    asked = wishes.image("hw_disk_bus")
    if not asked:
        return bus_of(device)
    one_of("hw_disk_bus", asked, DISK_BUSES)
    abilities.need("devices/disk", "bus", asked, "disk bus")
    return asked


def cdrom_bus(express: bool, wishes: Wishes, abilities: Abilities) -> str:
    """The bus of CDs: the image's wish, else SATA where there is no IDE."""
    asked = wishes.image("hw_cdrom_bus")
    if not asked:
        return "sata" if express else "ide"
    one_of("hw_cdrom_bus", asked, CDROM_BUSES)
    abilities.need("devices/disk", "bus", asked, "bus for CDs")
    return asked


def scsi_model(wishes: Wishes) -> str:
    """The model of SCSI controllers; empty when the image does not say."""
    asked = wishes.image("hw_scsi_model")
    return one_of("hw_scsi_model", asked, SCSI_MODELS) if asked else ""


def put_on_bus(element: ET.Element, disk: Disk, wishes: Wishes, abilities: Abilities) -> None:
    """Put a disk on its bus: that which is asked for it, or which the image says.

    That of a rescue disk its own image says, and ``hw_rescue_bus`` before ``hw_disk_bus``.
    """
    target = element.find("target")
    if disk.type:
        element.set("device", disk.type)
        if disk.type == "cdrom" and element.find("readonly") is None:
            ET.SubElement(element, "readonly")
    if disk.bus and target is not None:
        one_of("disk_bus", disk.bus, DISK_BUSES)
        abilities.need("devices/disk", "bus", disk.bus, "disk bus")
        target.set("bus", disk.bus)
        return
    if disk.kind == "rescue":
        wishes = Wishes(disk.image.properties if disk.image is not None else {}, {})
    if target is not None and not (disk.kind == "rescue" and wishes.image("hw_rescue_bus")):
        target.set("bus", disk_bus(disk.device, wishes, abilities))


def fit_interface(element: ET.Element, wishes: Wishes, vcpus: int) -> ET.Element:
    """The interface with the model, queues and rates that are asked for.

    :raises NotSupported: the card is unknown, or its wire takes one queue only.
    """
    model = element.find("model")
    asked = wishes.image("hw_vif_model")
    if asked and model is not None:
        model.set("type", one_of("hw_vif_model", asked, NICS))
    if truth("hw_vif_multiqueue_enabled", wishes.agreed("vif_multiqueue_enabled")) and vcpus > 1:
        if model is not None and model.get("type") == "virtio" and element.get("type") != "user":
            if element.get("type") != "bridge":
                raise NotSupported("an interface on a tap device made beforehand has one queue only")
            ET.SubElement(element, "driver", queues=str(min(vcpus, QUEUES)))
    if element.get("type") != "user":
        limit_interface(element, wishes)
    return element
