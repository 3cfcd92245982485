"""Volumes in containers: block devices, on which the container makes or mounts file systems by itself.

A raw file is one through the kernel's loop driver: libvirt does that at the container's start, this module while it
runs.
"""

from __future__ import annotations

import abc
import errno
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import libvirt

from ....core.drivers.hypervisor import Disk, GuestSpec, Volumes
from ....core.errors import BackendBusy, BackendFailed, NotSupported
from ..connection import translated
from ..device import find_volume
from ..limited import Limits
from ..plugging import Plugging, scopes
from .folder import ContainerFolder

DEVICES = Path("/sys/block")


class ContainerVolumes(Plugging, Volumes):
    """The facet of a host whose containers have volumes."""

    limits: Limits

    @abc.abstractmethod
    def folder(self, guest: str) -> ContainerFolder:
        """The container's files."""

    def attach_volume(self, guest: str, disk: Disk) -> None:
        path = path_of(disk)
        with translated():
            domain, folder = self.domain(guest), self.folder(guest)
            folder.link()
            folder.link_volume(disk.device, path)
            for scope, present in scopes(domain):
                if find_volume(present, disk.volume_id) is None:
                    live = scope == libvirt.VIR_DOMAIN_AFFECT_LIVE
                    element = self._running(folder, disk) if live else volume(disk, folder)
                    domain.attachDeviceFlags(ET.tostring(element, encoding="unicode"), scope)

    def detach_volume(self, guest: str, volume_id: str) -> None:
        domain = self.found(guest)
        if domain is None:
            return
        folder = self.folder(guest)
        with translated():
            element = find_volume(domain.XMLDesc(0), volume_id)
        target = element.find("target") if element is not None else None
        device = target.get("dev", "") if target is not None else ""
        if device and domain.isActive():
            self._written(folder.volume(device))
        self.unplug(guest, lambda text: find_volume(text, volume_id))
        if device:
            self._let_go(folder, device)
            folder.volume(device).unlink(missing_ok=True)

    def _written(self, path: Path) -> None:
        """See that all is on the volume. :raises BackendBusy: the container has mounted it and does not let go."""
        deadline = self.clock.monotonic() + self.options.unplug_s
        while (busy := [one for one in devices_of(path) if not flushed(one)]) and self.clock.monotonic() < deadline:
            self.clock.sleep(0.1)
        if busy:
            raise BackendBusy("the container has mounted the volume")

    def _running(self, folder: ContainerFolder, disk: Disk) -> ET.Element:
        """The element of a volume for a container that runs: libvirt takes nothing but block devices then."""
        path = folder.volume(disk.device).resolve()
        if path.is_block_device():
            return volume(disk, folder)
        read_only = disk.connection is not None and disk.connection.read_only
        self._let_go(folder, disk.device)
        said = self.limits.run(["losetup", "--find", "--show", *(("--read-only",) if read_only else ()), str(path)])
        loop = said.decode().strip()
        folder.keep_loops({**folder.loops(), disk.device: loop})
        return _element(disk, "block", loop)

    def _let_go(self, folder: ContainerFolder, device: str) -> None:
        """Give back the loop device that a volume had in a running container; nothing if it had none."""
        loops = folder.loops()
        loop = loops.pop(device, "")
        if loop and is_backed(Path(loop), folder.volume(device)):
            self.limits.run(["losetup", "--detach", loop])
        if loop:
            folder.keep_loops(loops)

    def rest(self, folder: ContainerFolder) -> None:
        """Give back what a container that is off, or ends, had while it ran."""
        for device in folder.loops():
            self._let_go(folder, device)


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
        return _element(disk, "block", str(path))
    return _element(disk, "file", str(folder.short(folder.volume(disk.device))))


def local(device: str, path: Path) -> ET.Element:
    """A raw file of the container's own as a block device, for its start."""
    return _element(Disk(device, 0), "file", str(path))


def _element(disk: Disk, kind: str, source: str) -> ET.Element:
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


def is_backed(device: Path, file: Path, devices: Path = DEVICES) -> bool:
    """Tell whether a loop device's bytes are those of ``file``."""
    try:
        return Path((devices / device.name / "loop" / "backing_file").read_text().rstrip("\n")).samefile(file)
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

