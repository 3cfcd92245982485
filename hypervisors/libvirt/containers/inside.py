"""Running containers as the kernel sees them: their first process, and their file system made to stand still."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ....core.errors import BackendFailed

FREEZE = 0xC0045877
THAW = 0xC0045878
"""The requests FIFREEZE and FITHAW of linux/fs.h."""
PROC = Path("/proc")


def first_process(name: str, proc: Path = PROC) -> int:
    """The number of the container's first process, by its domain's name; 0 when it is not seen from here."""
    wanted = name.encode()
    for entry in proc.glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError, ValueError, IndexError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"libvirt_lxc") and words[words.index(b"--name") + 1] == wanted:
                return int((entry / "task" / entry.name / "children").read_text().split()[0])
    return 0


@contextlib.contextmanager
def still(name: str) -> Iterator[None]:
    """Around a copy of a running container's root disk: all is written to it, and nothing more until the end.

    :raises BackendFailed: the container's file system cannot be reached.
    """
    try:
        root = os.open(PROC / str(first_process(name)) / "root", os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise BackendFailed("the container's file system cannot be reached", detail=str(exc)) from exc
    try:
        _frozen(root)
        try:
            yield
        finally:
            fcntl.ioctl(root, THAW, 0)
    finally:
        os.close(root)


def _frozen(root: int) -> None:
    try:
        fcntl.ioctl(root, FREEZE, 0)
    except OSError as exc:
        # Somebody who was killed left it so.
        if exc.errno != errno.EBUSY:
            raise BackendFailed("the container's file system cannot be frozen", detail=str(exc)) from exc


def thaw(name: str) -> None:
    """Undo what a process did that was killed while it copied a disk; nothing if nothing stands still."""
    with contextlib.suppress(OSError):
        root = os.open(PROC / str(first_process(name)) / "root", os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(root, THAW, 0)
        finally:
            os.close(root)
