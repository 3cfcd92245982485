"""Which files and block devices of this host are a container's volumes, and how its domain names them."""

from __future__ import annotations

import errno
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from ....core.drivers.hypervisor import Disk, GuestSpec
from ....core.errors import BackendFailed, NotSupported
from .folder import ContainerFolder

DEVICES = Path("/sys/block")


def path_of(disk: Disk) -> Path:
    """The raw file, or the block device, that a volume is. :raises NotSupported: it is none."""
    connection = disk.connection
    if connection is None:
        raise BackendFailed("the volume has no connection")
    if disk.kind != "volume" and disk.kind != "root":
        raise BackendFailed("the disk is no volume")
    if disk.kind == "root" or connection.protocol != "file" or connection.encryption is not None:
        raise NotSupported("a container has volumes that are files, not encrypted, and none to start from")
    if connection.details.get("format", "raw") != "raw":
        raise NotSupported("a container has volumes of raw files only: the kernel reads no other formats")
    return Path(connection.details["path"])


def volume(disk: Disk, folder: ContainerFolder) -> ET.Element:
    """The element of a volume for a container's start."""
    path = path_of(disk)
    if path.is_block_device():
        return block_device(disk, "block", str(path))
    return block_device(disk, "file", str(folder.short(folder.volume(disk.device))))


def local(name: str, path: Path) -> ET.Element:
    """A raw file of the container's own as a block device, for its start."""
    return block_device(Disk(name, 0), "file", str(path))


def block_device(disk: Disk, kind: str, source: str) -> ET.Element:
    """The element of a block device; ``kind`` is ``block``, or ``file`` for a raw file through the loop driver."""
    element = ET.Element("disk", type=kind, device="disk")
    ET.SubElement(element, "driver", name="loop" if kind == "file" else "lxc", type="raw")
    ET.SubElement(element, "source", {"file" if kind == "file" else "dev": source})
    ET.SubElement(element, "target", dev=disk.device, bus="virtio")
    if disk.connection is not None and disk.connection.read_only:
        ET.SubElement(element, "readonly")
    if disk.volume_id:
        ET.SubElement(element, "serial").text = disk.volume_id
    return element


def volumes_of(spec: GuestSpec) -> Iterator[Disk]:
    """The volumes of a container. :raises NotSupported: there is one that no container can have."""
    for disk in spec.disks:
        if disk.connection is not None:
            path_of(disk)
            yield disk


def is_backed(loop: Path, file: Path, devices: Path = DEVICES) -> bool:
    """Tell whether a loop device's bytes are those of ``file``."""
    try:
        return Path((devices / loop.name / "loop" / "backing_file").read_text().rstrip("\n")).samefile(file)
    except OSError:
        return False


def devices_of(path: Path, devices: Path = DEVICES) -> list[Path]:
    """The block devices of this host whose bytes are those of ``path``."""
    if path.is_block_device():
        return [path.resolve()]
    return [Path("/dev") / entry.name for entry in sorted(devices.glob("loop*")) if is_backed(entry, path, devices)]


def flushed(device: Path) -> bool:
    """Have the kernel write what it holds for a block device; false if it is mounted."""
    try:
        handle = os.open(device, os.O_RDONLY | os.O_EXCL)
    except OSError as exc:
        if exc.errno != errno.EBUSY:
            raise BackendFailed("the volume cannot be reached", detail=str(exc)) from exc
        return False
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return True

