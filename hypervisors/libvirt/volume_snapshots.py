"""Snapshots of volumes that are files, made where a guest uses them: it writes to another file from then on."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import libvirt

from ...core.drivers.hypervisor import VolumeSnapshots
from ...core.errors import BackendBusy, BackendFailed, NotFound, NotSupported, WrongState
from .connection import translated
from .copying import caught_up
from .device import find_volume, target_of
from .machines import Machines
from .quiesce import quiesce

POLL_S = 0.1
MERGE_S = 3600.0
FLAGS = (libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA
         | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC)


class Assisting(Machines, VolumeSnapshots):
    """The facet of a libvirt host that helps with snapshots of the volumes its guests use."""

    def create_volume_snapshot(self, guest: str, volume_id: str, snapshot_id: str, new_file: str) -> None:
        with translated(), contextlib.ExitStack() as thaw:
            domain, disk = self._using(guest, volume_id)
            files = chain(disk)
            new = files[0].with_name(new_file)
            if files[0] == new:
                return
            if new in files:
                raise WrongState("the volume's guest has gone on from that file already")
            made = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT if new.exists() else 0
            quiesce(domain, self.wishes(guest), thaw)
            domain.snapshotCreateXML(_description(domain.XMLDesc(0), target_of(disk), new), FLAGS | made)

    def delete_volume_snapshot(self, guest: str, volume_id: str, snapshot_id: str, file_to_merge: str,
                               merge_target_file: str) -> None:
        with translated():
            domain, disk = self._using(guest, volume_id)
            device, files = target_of(disk), chain(disk)
            top = files[0].with_name(file_to_merge) if file_to_merge else None
            if merge_target_file:
                target = files[0].with_name(merge_target_file)
                if top in files and target in files:
                    self._commit(domain, device, top, target, active=top == files[0])
            elif top is None:
                if len(files) > 1:
                    domain.blockPull(device)
            elif top in files[2:]:
                domain.blockRebase(device, str(top))
            self._end(domain, device)
            left = chain(self._using(guest, volume_id)[1])
            merged = (top not in left if merge_target_file else len(left) == 1 if top is None
                      else top not in left[2:])
            if not merged:
                raise BackendFailed("the files of the volume were not merged")

    def _commit(self, domain: libvirt.virDomain, device: str, top: Path | None, target: Path, active: bool) -> None:
        """Write what ``top`` has into ``target``; the guest's own file is given up for it then."""
        flag = libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE if active else 0
        domain.blockCommit(device, str(target), str(top), 0, flag)
        if active:
            self._wait(lambda: caught_up(domain, device))
            domain.blockJobAbort(device, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)

    def _end(self, domain: libvirt.virDomain, device: str) -> None:
        self._wait(lambda: not domain.blockJobInfo(device))

    def _wait(self, done: Callable[[], bool]) -> None:
        deadline = self.clock.monotonic() + MERGE_S
        while not done():
            if self.clock.monotonic() > deadline:
                raise BackendBusy("the files of the volume are not merged yet")
            self.clock.sleep(POLL_S)

    def _using(self, guest: str, volume_id: str) -> tuple[libvirt.virDomain, ET.Element]:
        """The domain and its disk. :raises NotFound: there is none. :raises NotSupported: it is no plain file."""
        domain = self.domain(guest)
        disk = find_volume(domain.XMLDesc(0), volume_id, self.folder(guest).swapped())
        if disk is None:
            raise NotFound("the guest does not have the volume")
        if disk.get("type") != "file" or disk.find("source/encryption") is not None:
            raise NotSupported("a host makes snapshots only of volumes that are files and not encrypted")
        if not domain.isActive():
            raise WrongState("the guest does not run")
        return domain, disk


def chain(disk: ET.Element) -> list[Path]:
    """The files of a running guest's disk: the one it writes to, then each that lies under the one before."""
    found, layer = [], disk
    while True:
        source = layer.find("source")
        if source is not None and source.get("file"):
            found.append(Path(source.get("file", "")))
        below = layer.find("backingStore")
        if below is None:
            return found
        layer = below


def _description(domain_xml: str, device: str, new: Path) -> str:
    """A snapshot of one disk alone."""
    root = ET.Element("domainsnapshot")
    disks = ET.SubElement(root, "disks")
    for disk in ET.fromstring(domain_xml).iterfind("./devices/disk"):
        name = target_of(disk)
        mine = ET.SubElement(disks, "disk", name=name, snapshot="external" if name == device else "no")
        if name == device:
            ET.SubElement(mine, "driver", type="qcow2")
            ET.SubElement(mine, "source", file=str(new))
    return ET.tostring(root, encoding="unicode")
