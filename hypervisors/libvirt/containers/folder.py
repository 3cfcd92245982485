"""A container's folder: its root disk as a raw file, its config drive as a folder, the wires it has."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ....core.drivers.hypervisor import Disk, GuestSpec
from ....core.errors import BackendFailed
from ..disks import PROPER_DEVICE, GuestFolder, size_bytes
from ..images import ImageCache
from ..limited import Limits, wholly
from ..qemu_img import QemuImg, Source
from .file_system import FileSystems

OWN = ("root", "ephemeral", "rescue")
"""Kinds of disks that are files of the container's own."""
SHORT = Path("/run/stratolith/c")
"""Where links to the folders of containers are: the kernel's names of mounted files have 63 bytes at most."""


class ContainerFolder(GuestFolder):
    """Paths of one container's files."""

    def __init__(self, top: Path, guest: str) -> None:
        super().__init__(top, guest)
        self.root = self.path / "root.raw"
        self.before_root = self.path / "before-resize.raw"
        self.config_drive = self.path / "config-drive"
        self._wires = self.path / "wires.json"
        self._loops = self.path / "loops.json"
        self._link = SHORT / guest.replace("-", "")

    def make(self) -> None:
        """Make the folder, empty, and closed to others: nobody but root needs what is in it."""
        super().make()
        self.path.chmod(0o700)

    def disk(self, disk: Disk) -> Path:
        if disk.kind == "root":
            return self.root
        if not PROPER_DEVICE.fullmatch(disk.device):
            raise BackendFailed("a disk has an improper device name")
        # With an ending the short name of a rescue disk would not be short enough.
        return self.path / (f"rescue-{disk.device}" if disk.kind == "rescue" else f"{disk.device}.raw")

    def volume(self, device: str) -> Path:
        """The link to the volume that is ``device``."""
        if not PROPER_DEVICE.fullmatch(device):
            raise BackendFailed("a disk has an improper device name")
        return self.path / f"{device}.vol"

    def link_volume(self, device: str, path: Path) -> None:
        """See that the link of a volume leads to ``path``."""
        link = self.volume(device)
        if not link.is_symlink() or link.readlink() != path:
            link.unlink(missing_ok=True)
            link.symlink_to(path)

    def drive(self, spec: GuestSpec) -> Path:
        rescued = any(disk.kind == "rescue" for disk in spec.disks)
        return self.path / "rescue-config-drive" if rescued else self.config_drive

    def forget_rescue(self) -> None:
        shutil.rmtree(self.path / "rescue-config-drive", ignore_errors=True)
        super().forget_rescue()

    def disks(self) -> dict[str, Path]:
        """The files of the disks it has now, by name."""
        return {path.stem: path for path in self.path.glob("*.raw") if path != self.before_root}

    def short(self, path: Path) -> Path:
        """A name of one of the disks that is short enough for the kernel."""
        return self._link / path.name

    def link(self) -> None:
        """See that the short names lead here."""
        if not self._link.is_symlink() or self._link.readlink() != self.path:
            self._link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.path)

    def unlink(self) -> None:
        """Give the short names up."""
        self._link.unlink(missing_ok=True)

    def wires(self) -> dict[str, str]:
        """The MAC addresses of the container's interfaces by port: libvirt keeps no names for a container's."""
        found: dict[str, str] = json.loads(self._wires.read_text()) if self._wires.exists() else {}
        return found

    def keep_wires(self, wires: Mapping[str, str]) -> None:
        """Write down which interfaces there are."""
        self.keep(self._wires, json.dumps(wires))

    def loops(self) -> dict[str, str]:
        """The loop devices that volumes got while the container ran, by device name."""
        found: dict[str, str] = json.loads(self._loops.read_text()) if self._loops.exists() else {}
        return found

    def keep_loops(self, loops: Mapping[str, str]) -> None:
        """Write down which loop devices there are."""
        self.keep(self._loops, json.dumps(loops))


class Roots:
    """Makes the disks of containers."""

    def __init__(self, images: ImageCache, qemu_img: QemuImg, limits: Limits) -> None:
        self._images = images
        self._qemu_img = qemu_img
        self._limits = limits
        self._file_systems = FileSystems(limits)

    def make(self, folder: ContainerFolder, spec: GuestSpec) -> None:
        """Make every disk and the config drive of ``spec`` that is not there yet.

        :raises BackendFailed: the image is nothing a container could be made of.
        """
        for disk in spec.disks:
            if disk.kind in OWN and not folder.disk(disk).exists():
                with wholly(folder.disk(disk)) as part:
                    self._make_one(folder, disk, part)
        if spec.config_drive is not None and not folder.drive(spec).exists():
            write_files(folder.drive(spec), spec.config_drive)

    def _make_one(self, folder: ContainerFolder, disk: Disk, path: Path) -> None:
        wanted = size_bytes(disk)
        if disk.kind == "ephemeral":
            self._file_systems.make(path, wanted, f"ephemeral-{disk.device}")
            return
        if disk.image is None:
            raise BackendFailed("a container needs an image: there is nothing to start on an empty disk")
        base = self._images.link(disk.image, folder.path)
        if wanted and base.size_bytes > wanted:
            raise BackendFailed("the image is larger than the disk")
        self._qemu_img.unpack(base.path, base.disk_format, path)
        base.path.unlink()
        self._file_systems.tame(path, wanted)

    def grow(self, folder: ContainerFolder, spec: GuestSpec) -> None:
        """See that the root disk of a container that is off is as large as ``spec`` says."""
        for disk in spec.disks:
            if disk.kind == "root":
                self._file_systems.grow(folder.root, size_bytes(disk))

    def fetch(self, path: Path, offered: Source) -> None:
        """Copy a disk that another host offers to ``path``, wholly or not at all."""
        self._qemu_img.fetch(path, offered, "raw")

    def keep_root(self, folder: ContainerFolder) -> None:
        """Keep a copy of the root disk of a container that is off."""
        with wholly(folder.before_root) as part:
            self._limits.run(["cp", "--reflink=auto", "--sparse=always", str(folder.root), str(part)])

    def copy_root(self, folder: ContainerFolder, target: Path) -> None:
        """Write the root disk to ``target`` as qcow2, wholly or not at all."""
        try:
            with wholly(target) as part:
                self._qemu_img.pack(folder.root, part)
        except OSError as exc:
            raise BackendFailed("the snapshot could not be written", detail=str(exc)) from exc


def write_files(top: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` by path below the new folder ``top``, wholly or not at all.

    :raises BackendFailed: a path leads elsewhere.
    """
    part = top.with_name(top.name + ".part")
    for name, content in files.items():
        parts = PurePosixPath("/", name).parts[1:]
        if ".." in parts or not parts:
            raise BackendFailed("a file of the config drive has an improper path")
        target = part.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    part.mkdir(exist_ok=True)
    part.rename(top)
