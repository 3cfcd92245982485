"""Encrypted volumes as a domain has them: QEMU decrypts with a passphrase that libvirt holds by name."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ...core.drivers.hypervisor import Disk
from ...core.errors import NotSupported

FORMATS = ("luks",)
PREFIX = "stratolith/"


def usage_of(guest: str, volume_id: str) -> str:
    """What libvirt calls the passphrase of a guest's volume."""
    return f"{PREFIX}{guest}/{volume_id}"


def is_wrapped(element: ET.Element) -> bool:
    """Whether a disk's encryption takes a part of its file for itself: what the guest sees is smaller than that."""
    driver = element.find("driver")
    return element.find("source/encryption") is not None and driver is not None and driver.get("type") == "raw"


def lock(element: ET.Element, disk: Disk, guest: str) -> ET.Element:
    """The element of a volume, with what decrypts it if it is encrypted. :raises NotSupported: QEMU cannot."""
    encryption = disk.connection.encryption if disk.connection is not None else None
    source = element.find("source")
    if encryption is not None and source is not None:
        if encryption.format not in FORMATS:
            raise NotSupported(f"this hypervisor reads no volumes encrypted as {encryption.format[:30]}")
        found = ET.SubElement(source, "encryption", format=encryption.format)
        ET.SubElement(found, "secret", type="passphrase", usage=usage_of(guest, disk.volume_id))
    return element
