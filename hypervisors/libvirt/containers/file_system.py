"""File systems that containers are made of: ext2, ext3 and ext4, without partitions around them.

The kernel mounts them, so a hostile one must not reach it: each is looked through by e2fsck, which refuses what
is damaged, and loses what would act on the host.
"""

from __future__ import annotations

from pathlib import Path

from ....core.errors import BackendFailed
from ..limited import Limits

MAGIC_OFFSET = 1024 + 56
MAGIC = b"\x53\xef"
JOURNAL_UUID_OFFSET, JOURNAL_INODE_OFFSET = 1024 + 208, 1024 + 224
JOURNAL_DEVICE_OFFSET = 1024 + 228
BOOT_BYTES = 1024
"""The bytes before the first superblock, where other file systems have their names."""
SOUND = (0, 1)
"""e2fsck's status when there was nothing to mend, or it was mended."""


class FileSystems:
    """Makes, checks and grows file systems in raw files."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def make(self, path: Path, size_bytes: int, label: str) -> None:
        """Make an empty one of ``size_bytes``."""
        _lengthen(path, size_bytes)
        self._limits.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", label, str(path)])

    def tame(self, path: Path, size_bytes: int) -> None:
        """Make a stranger's fit for the host's kernel, and at least so large.

        It shall mount itself read-only at an error rather than stop the machine, and use no options of its own.
        :raises BackendFailed: it is none, it is damaged, or its journal is elsewhere.
        """
        with path.open("r+b") as file:
            start = file.read(JOURNAL_DEVICE_OFFSET + 4)
            if start[MAGIC_OFFSET:MAGIC_OFFSET + 2] != MAGIC:
                raise BackendFailed("a container's image must be an ext2, ext3 or ext4 file system without partitions")
            # By its UUID e2fsck would look for it among the host's devices, and write to it.
            if any(start[JOURNAL_UUID_OFFSET:JOURNAL_INODE_OFFSET]) or any(start[JOURNAL_DEVICE_OFFSET:]):
                raise BackendFailed("the image's file system has its journal on another device")
            file.seek(0)
            file.write(bytes(BOOT_BYTES))
        self._mend(path)
        self._limits.run(["tune2fs", "-e", "remount-ro", "-c", "0", "-i", "0", "-o", "^debug", "-E", "mount_opts=",
                          str(path)])
        self._stretch(path, size_bytes)

    def grow(self, path: Path, size_bytes: int) -> None:
        """See that one which nobody uses is at least so large; what is in it stays."""
        if path.stat().st_size < size_bytes:
            self._mend(path)
            self._stretch(path, size_bytes)

    def _stretch(self, path: Path, size_bytes: int) -> None:
        if path.stat().st_size < size_bytes:
            _lengthen(path, size_bytes)
            self._limits.run(["resize2fs", str(path)])

    def _mend(self, path: Path) -> None:
        try:
            self._limits.run(["e2fsck", "-f", "-p", str(path)], SOUND)
        except BackendFailed as exc:
            raise BackendFailed("the file system is damaged", **exc.facts) from exc


def _lengthen(path: Path, size_bytes: int) -> None:
    with path.open("ab") as file:
        file.truncate(size_bytes)
