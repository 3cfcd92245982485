"""A guest's folder: its local disks, its config drive, its console log, its way back from a resize."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from ...core.drivers.hypervisor import Disk, GuestSpec
from ...core.drivers.volume import Encryption
from ...core.errors import BackendFailed, NotFound
from .config_drive import write_config_drive
from .images import ImageCache
from .limited import wholly
from .qcow2 import read_header
from .qemu_img import QemuImg, Source

GIB = 1 << 30
MIB = 1 << 20
PROPER_GUEST = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PROPER_DEVICE = re.compile(r"[a-z]{2,4}")


def size_bytes(disk: Disk) -> int:
    """The size asked for a local disk; 0 when it is the image's own."""
    return disk.size_mib * MIB if disk.size_mib else disk.size_gib * GIB


class GuestFolder:
    """Paths of one guest's files.

    The root disk is a pile of qcow2 layers, ``root-0``, ``root-1``, ...: each resize puts one on
    top, so that going back is to drop it.
    """

    def __init__(self, top: Path, guest: str) -> None:
        if not PROPER_GUEST.fullmatch(guest):
            raise NotFound("a guest's id is a UUID")
        self.path = top / guest
        self.console_log = self.path / "console.log"
        self.serial = self.path / "tty"
        self.config_drive = self.path / "config-drive.iso"
        self.before = self.path / "before-resize.xml"
        self.before_rescue = self.path / "before-rescue.xml"
        self.offered = self.path / "offered.json"
        self.expected = self.path / "expected"
        self.nvram = self.path / "nvram.fd"
        self.pins = self.path / "pinned.json"
        self._swapped = self.path / "swapped.json"

    def make(self) -> None:
        """Make the folder, empty: what a killed spawn left is dropped."""
        self.remove()
        self.path.mkdir(parents=True, mode=0o711)
        self.console_log.touch(mode=0o600)

    def remove(self) -> None:
        """Remove the folder with all in it; nothing if it is not there."""
        if self.path.exists():
            shutil.rmtree(self.path)

    def layers(self) -> int:
        """How many layers the root disk has."""
        count = 0
        while self.layer(count).exists():
            count += 1
        return count

    def layer(self, number: int) -> Path:
        """The root disk's layer ``number``."""
        return self.path / f"root-{number}.qcow2"

    def disk(self, disk: Disk) -> Path:
        """The file of a local disk as it is now."""
        if disk.kind == "root":
            return self.layer(max(0, self.layers() - 1))
        if not PROPER_DEVICE.fullmatch(disk.device):
            raise BackendFailed("a disk has an improper device name")
        return self.path / f"{disk.kind}-{disk.device}.qcow2"

    def below(self, disk: Disk) -> list[Path]:
        """The layers under the top one of a disk, the nearest first; only root disks have them."""
        return [self.layer(number) for number in range(self.layers() - 2, -1, -1)] if disk.kind == "root" else []

    def whole_files(self) -> dict[str, Path]:
        """The files that encrypted disks consist of, by their names: all layers, and the image under them."""
        kinds = ("base.raw", "base.qcow2", "root-*.qcow2", "ephemeral-*.qcow2", "swap-*.qcow2")
        return {path.name: path for kind in kinds for path in sorted(self.path.glob(kind))}

    def keep_before(self, xml: str) -> None:
        """Keep the domain as it was before a resize."""
        self.keep(self.before, xml)

    def keep(self, path: Path, text: str) -> None:
        """Write ``text`` to ``path``, wholly or not at all. Others cannot read it: it may hold a key or a password."""
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(text)
        os.replace(new, path)

    def drive(self, spec: GuestSpec) -> Path:
        """The config drive of ``spec``: a rescued guest has one of its own."""
        rescued = any(disk.kind == "rescue" for disk in spec.disks)
        return self.path / "rescue-config-drive.iso" if rescued else self.config_drive

    def forget_rescue(self) -> None:
        """Remove the rescue disk and its config drive, and last what the guest was before."""
        for path in self.path.glob("rescue-*"):
            path.unlink()
        self.before_rescue.unlink()

    def swapped(self) -> dict[str, str]:
        """The device names of volumes that took the place of others, by volume id."""
        found: dict[str, str] = json.loads(self._swapped.read_text()) if self._swapped.exists() else {}
        return found

    def swap(self, old_volume_id: str, new_volume_id: str, device: str) -> None:
        """Note that a volume takes the place of another; an empty new one only goes."""
        found = {volume: name for volume, name in self.swapped().items() if volume != old_volume_id}
        if new_volume_id:
            found[new_volume_id] = device
        self.keep(self._swapped, json.dumps(found))


class Disks:
    """Makes the local disks of guests."""

    def __init__(self, images: ImageCache, qemu_img: QemuImg) -> None:
        self._images = images
        self._qemu_img = qemu_img

    def make(self, folder: GuestFolder, spec: GuestSpec) -> None:
        """Make every local disk and the config drive of ``spec`` that is not there yet."""
        for disk in spec.disks:
            if disk.connection is None and not folder.disk(disk).exists():
                self._make_one(folder, disk, spec.encryption)
        self.make_config_drive(folder, spec)

    def _make_one(self, folder: GuestFolder, disk: Disk, encryption: Encryption | None) -> None:
        path, wanted = folder.disk(disk), size_bytes(disk)
        if disk.image is None:
            self._qemu_img.create(path, wanted, encryption)
            return
        base = self._images.link(disk.image, folder.path, "rescue-base" if disk.kind == "rescue" else "base")
        if wanted and base.size_bytes > wanted:
            raise BackendFailed("the image is larger than the disk")
        self._qemu_img.overlay(path, base.path, base.disk_format, wanted or base.size_bytes, encryption)

    def fetch(self, path: Path, offered: Source) -> None:
        """Copy a disk that another host offers to ``path``, wholly or not at all."""
        self._qemu_img.fetch(path, offered)

    def fetch_raw(self, path: Path, offered: Source) -> None:
        """Copy a file without a format of its own that another host offers, wholly or not at all."""
        self._qemu_img.fetch(path, offered, "raw")

    def enlarge(self, path: Path, wanted_bytes: int, encryption: Encryption | None) -> None:
        """See that a disk that nobody uses is at least so large."""
        if read_header(path).size_bytes < wanted_bytes:
            self._qemu_img.resize(path, wanted_bytes, encryption)

    def empty(self, folder: GuestFolder, spec: GuestSpec) -> None:
        """Make every local disk of ``spec``, empty and as large as the running guest's."""
        for disk in spec.disks:
            if disk.connection is None:
                size = size_bytes(disk) or (disk.image.virtual_size_bytes if disk.image is not None else 0)
                self._qemu_img.create(folder.disk(disk), size, spec.encryption)

    def make_config_drive(self, folder: GuestFolder, spec: GuestSpec) -> None:
        """Make the config drive of ``spec`` when it has one that is not there yet."""
        if spec.config_drive is not None and not folder.drive(spec).exists():
            write_config_drive(folder.drive(spec), spec.config_drive, self._qemu_img.closed)

    def grow_root(self, folder: GuestFolder, layer: int, wanted_bytes: int, present_bytes: int,
                  encryption: Encryption | None) -> None:
        """Put ``layer`` of the root disk, counted from 0, on top of the one below; nothing if it is there."""
        if not folder.layer(layer).exists():
            below = folder.layer(layer - 1)
            self._qemu_img.overlay(folder.layer(layer), below, "qcow2", max(wanted_bytes, present_bytes), encryption)

    def copy_root(self, folder: GuestFolder, target: Path, encryption: Encryption | None = None) -> None:
        """Write the root disk with all that lies under it to ``target``, wholly or not at all; the copy is plain."""
        try:
            with wholly(target) as part:
                if encryption is None:
                    self._qemu_img.flatten(folder.layer(folder.layers() - 1), part)
                else:
                    self._qemu_img.decrypt(folder.layer(folder.layers() - 1), folder.layers(), part, encryption)
        except OSError as exc:
            raise BackendFailed("the snapshot could not be written", detail=str(exc)) from exc
