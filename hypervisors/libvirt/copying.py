"""Copies of disks that go on while a guest writes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import libvirt

from ...core.errors import WrongState
from .device import target_of


def caught_up(domain: libvirt.virDomain, device: str) -> bool:
    """Whether the copy of a disk has caught up with its guest. :raises WrongState: it has ended without that."""
    for disk in ET.fromstring(domain.XMLDesc(0)).iterfind("./devices/disk"):
        if target_of(disk) == device:
            mirror = disk.find("mirror")
            if mirror is None:
                raise WrongState("the copy of the volume broke off")
            return mirror.get("ready") == "yes"
    raise WrongState("the guest let go of the volume")
