"""The programs of the distribution that the demo image is made with and of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....core.errors import BackendFailed

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
TOOLS: Mapping[str, str] = {
    "busybox": "busybox-static", "dropbear": "dropbear-bin", "depmod": "kmod", "mcopy": "mtools",
    "syslinux": "syslinux", "mkfs.vfat": "dosfstools", "sfdisk": "fdisk", "mke2fs": "e2fsprogs", "debugfs": "e2fsprogs",
    "blkid": "util-linux",
    "qemu-img": "qemu-utils", "ldd": "libc-bin", "dpkg": "dpkg", "apt-get": "apt", "apt-cache": "apt",
}
"""Debian packages by the program needed from each."""
MOMENT = 1_700_000_000
"""When every build says it was made, seconds since the Unix epoch."""
FIXED = {"LC_ALL": "C", "TZ": "UTC", "SOURCE_DATE_EPOCH": str(MOMENT), "E2FSPROGS_FAKE_TIME": str(MOMENT),
         "MTOOLS_SKIP_CHECK": "1"}
"""Environment that makes two builds alike: one language, one moment."""
BOOT_RECORD = Path("/usr/lib/syslinux/mbr/mbr.bin")
"""The boot record; Debian's package syslinux-common has it."""


def program(name: str) -> str:
    """The full path of a program. :raises BackendFailed: it is not installed; the message names its package."""
    found = shutil.which(name, path=PATH)
    if found is None:
        raise BackendFailed(f"{name} is missing; install the Debian package {TOOLS[name]}")
    return found


def check() -> None:
    """See that every program is installed. :raises BackendFailed: naming all packages that are not."""
    missing = {package for name, package in TOOLS.items() if shutil.which(name, path=PATH) is None}
    if not BOOT_RECORD.exists():
        missing.add("syslinux-common")
    if missing:
        packages = " ".join(sorted(missing))
        raise BackendFailed(f"the demo image needs more Debian packages: apt-get install {packages}")


def run(name: str, *arguments: str | Path, folder: Path | None = None, stdin: bytes = b"") -> str:
    """What the program printed. :raises BackendFailed: it ended with an error."""
    environment = {**os.environ, **FIXED, "PATH": PATH}
    command: Sequence[str] = [program(name), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True)
    if done.returncode:
        text = done.stderr.decode(errors="replace").strip()
        raise BackendFailed(f"{name} failed: {text}")
    return done.stdout.decode(errors="replace")
