"""A container's folder: its root disk as a raw file, its config drive as a folder, the wires it has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ....core.drivers.hypervisor import Disk, GuestSpec
from ....core.errors import BackendFailed, NotSupported
from ..disks import PROPER_DEVICE, GuestFolder, size_bytes
from ..images import ImageCache
from ..limited import Limits, wholly
from ..qemu_img import QemuImg, Source
from .file_system import FileSystems

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
        return self.path / f"{disk.device}.raw"

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
            if disk.kind in ("root", "ephemeral") and not folder.disk(disk).exists():
                with wholly(folder.disk(disk)) as part:
                    self._make_one(folder, disk, part)
        if spec.config_drive is not None and not folder.config_drive.exists():
            write_files(folder.config_drive, spec.config_drive)

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


def refuse_disks(spec: GuestSpec) -> None:
    """:raises NotSupported: a disk is one that no container can have."""
    if any(disk.connection is not None for disk in spec.disks):
        raise NotSupported("a container has no volumes")
