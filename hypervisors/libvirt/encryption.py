"""Encrypted disks and volumes as a domain has them: QEMU decrypts with a passphrase that libvirt holds by name."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from ...core.drivers.hypervisor import Disk
from ...core.drivers.volume import Encryption
from ...core.errors import NotSupported

FORMATS = ("luks",)
PREFIX = "stratolith/"
DISKS = "disks"
"""Stands in a passphrase's name for all of a guest's own disks, where a volume's id stands else."""


def usage_of(guest: str, volume_id: str) -> str:
    """What libvirt calls the passphrase of a guest's volume."""
    return f"{PREFIX}{guest}/{volume_id}"


def is_wrapped(element: ET.Element) -> bool:
    """Whether a disk's encryption takes a part of its file for itself: what the guest sees is smaller than that."""
    driver = element.find("driver")
    return element.find("source/encryption") is not None and driver is not None and driver.get("type") == "raw"


def see_known(encryption: Encryption | None, what: str) -> None:
    """:raises NotSupported: QEMU cannot decrypt so."""
    if encryption is not None and encryption.format not in FORMATS:
        raise NotSupported(f"this hypervisor reads no {what} encrypted as {encryption.format[:30]}")


def lock(element: ET.Element, disk: Disk, guest: str) -> ET.Element:
    """The element of a volume, with what decrypts it if it is encrypted. :raises NotSupported: QEMU cannot."""
    encryption = disk.connection.encryption if disk.connection is not None else None
    source = element.find("source")
    if encryption is not None and source is not None:
        see_known(encryption, "volumes")
        _decrypt(source, encryption.format, usage_of(guest, disk.volume_id))
    return element


def lock_local(element: ET.Element, encryption: Encryption | None, below: Sequence[Path], guest: str) -> ET.Element:
    """The element of a local disk, with what decrypts it and the layers ``below`` it, the nearest first."""
    layer, source = element, element.find("source")
    if encryption is None or source is None:
        return element
    usage = usage_of(guest, DISKS)
    _decrypt(source, encryption.format, usage)
    for path in below:
        layer = ET.SubElement(layer, "backingStore", type="file")
        ET.SubElement(layer, "format", type="qcow2")
        _decrypt(ET.SubElement(layer, "source", file=str(path)), encryption.format, usage)
    return element


def _decrypt(source: ET.Element, form: str, usage: str) -> None:
    found = ET.SubElement(source, "encryption", format=form)
    ET.SubElement(found, "secret", type="passphrase", usage=usage)
