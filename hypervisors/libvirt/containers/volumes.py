"""Volumes in containers: block devices, on which the container makes or mounts file systems by itself.

A raw file is one through the kernel's loop driver: libvirt does that at the container's start, this module while it
runs.
"""

from __future__ import annotations

import abc
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt

from ....core.drivers.hypervisor import Disk, Volumes
from ....core.errors import BackendBusy
from ..connection import translated
from ..device import find_volume
from ..limited import Limits
from ..plugging import Plugging, scopes
from .folder import ContainerFolder
from .volume_device import block_device, devices_of, flushed, is_backed, path_of, volume


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
        return block_device(disk, "block", loop)

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
