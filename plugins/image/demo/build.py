"""Builds the demo image: needs no root, no loop device and no other tool than the distribution's."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .archive import pack
from .guest_files import FILES, FIRST, FIRST_MODULES, FOLDERS, ROOT_MODULES, SYSLINUX
from .kernel import Kernel, fetch_kernel
from .tools import BOOT_RECORD, MOMENT, check, program, run

MIB = 1 << 20
SECTORS = MIB // 512
BOOT_MIB = 24
ROOT_MIB = 40
JOURNAL_MIB = 4
"""Guests lose their power at any moment; without a journal a file could be found in another's blocks then."""
PROGRAMS = ("dropbear", "mke2fs", "mkfs.vfat", "blkid")
"""What the guest has of the distribution's programs beside busybox."""
BOOT_CODE_BYTES = 440
"""Room for code at the head of the boot record; the partition table follows."""
OWNER_AND_TIMES = ("uid 0", "gid 0", *(f"{kind}time{part}" for kind in "acm" for part in (f" @{MOMENT}", "_extra 0")),
                   f"crtime @{MOMENT}", "crtime_extra 0")
"""Set on every file: the image is root's whoever builds it, and two builds are alike."""
IDENTITY = "5354524d-4c49-4448-9a10-64656d6f0001"
"""UUID and hash seed of the root file system: chosen once, so that two builds are alike."""


def build(target: Path, progress: Callable[[str], None]) -> Path:
    """Make the demo image as the qcow2 file ``target``, wholly or not at all; return its path.

    ``progress`` gets one line a step. :raises BackendFailed: a tool is missing or failed; the
    message names the Debian packages to install.
    """
    check()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-image-", dir=target.parent) as name:
        folder = Path(name)
        progress("downloading the kernel")
        kernel = fetch_kernel(folder / "kernel")
        progress(f"building the file systems around Linux {kernel.version}")
        root = _root_tree(folder / "root", kernel)
        first = _first_tree(folder / "first", kernel)
        boot = _boot_partition(folder, kernel, pack(first))
        system = _root_partition(folder, root)
        progress("writing the disk")
        disk = _disk(folder, boot, system)
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", disk, folder / "done")
        os.replace(folder / "done", target)
    progress(f"{target} is ready, {target.stat().st_size / MIB:.1f} MiB")
    return target


def _busybox(root: Path) -> None:
    """Put busybox and its names into the tree."""
    (root / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(program("busybox"), root / "bin" / "busybox")
    for name in run("busybox", "--list").split():
        link = root / "bin" / name
        if not link.exists():
            link.symlink_to("busybox")
    (root / "sbin").mkdir(exist_ok=True)
    for name in ("init", "poweroff", "reboot", "getty", "modprobe"):
        (root / "sbin" / name).symlink_to("/bin/busybox")


def _root_tree(root: Path, kernel: Kernel) -> Path:
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    _busybox(root)
    kernel.copy_modules(ROOT_MODULES, root)
    for name in PROGRAMS:
        _copy_with_libraries(name, root)
    (root / "etc" / "modules").write_text("\n".join(ROOT_MODULES) + "\n")
    for name, (text, mode) in FILES.items():
        (root / name).write_text(text)
        (root / name).chmod(mode)
    (root / "var" / "run").symlink_to("/run")
    return root


def _copy_with_libraries(name: str, root: Path) -> None:
    """Copy a program and the shared libraries it is linked with."""
    shutil.copy(program(name), root / "usr" / "sbin" / name)
    for library in re.findall(r"(/\S+\.so\S*)", run("ldd", program(name))):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)


def _first_tree(root: Path, kernel: Kernel) -> Path:
    for name in ("proc", "sys", "dev", "etc", "new"):
        (root / name).mkdir(parents=True)
    _busybox(root)
    kernel.copy_modules(FIRST_MODULES, root)
    (root / "etc" / "modules").write_text("\n".join(FIRST_MODULES) + "\n")
    (root / "init").write_text(FIRST)
    (root / "init").chmod(0o755)
    return root


def _sparse(path: Path, size_mib: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size_mib * MIB)
    return path


def _boot_partition(folder: Path, kernel: Kernel, first: bytes) -> Path:
    """A FAT file system with the boot loader, the kernel and the initial RAM disk."""
    boot = _sparse(folder / "boot.img", BOOT_MIB)
    run("mkfs.vfat", "--invariant", "-F", "16", "-i", "64656d6f", "-n", "BOOT", boot)
    (folder / "syslinux.cfg").write_text(SYSLINUX)
    (folder / "initrd.gz").write_bytes(first)
    run("mcopy", "-m", "-i", boot, kernel.image, "::/vmlinuz")
    for name in ("initrd.gz", "syslinux.cfg"):
        os.utime(folder / name, (MOMENT, MOMENT))
        run("mcopy", "-m", "-i", boot, folder / name, f"::/{name}")
    run("syslinux", "--install", boot)
    return boot


def _root_partition(folder: Path, root: Path) -> Path:
    system = _sparse(folder / "root.img", ROOT_MIB)
    run("mke2fs", "-q", "-t", "ext4", "-L", "demoroot", "-U", IDENTITY, "-E", f"root_owner=0:0,hash_seed={IDENTITY}",
        "-O", "^metadata_csum", "-J", f"size={JOURNAL_MIB}", "-d", root, system)
    paths = ["/", *(f"/{path.relative_to(root)}" for path in sorted(root.rglob("*")))]
    changes = [f"set_inode_field {path} {change}\n" for path in paths for change in OWNER_AND_TIMES]
    run("debugfs", "-w", "-f", "-", system, stdin="".join(changes).encode())
    return system


def _disk(folder: Path, boot: Path, system: Path) -> Path:
    """Both partitions behind a boot record, as one raw disk."""
    disk = _sparse(folder / "disk.img", 1 + BOOT_MIB + ROOT_MIB)
    start, middle = SECTORS, SECTORS * (1 + BOOT_MIB)
    table = (f"label: dos\nlabel-id: 0x64656d6f\n"
             f"start={start}, size={SECTORS * BOOT_MIB}, type=e, bootable\n"
             f"start={middle}, size={SECTORS * ROOT_MIB}, type=83\n")
    run("sfdisk", "-q", disk, stdin=table.encode())
    with disk.open("r+b") as file:
        file.write(BOOT_RECORD.read_bytes()[:BOOT_CODE_BYTES])
        for part, sector in ((boot, start), (system, middle)):
            file.seek(sector * 512)
            with part.open("rb") as source:
                shutil.copyfileobj(source, file, MIB)
    return disk
