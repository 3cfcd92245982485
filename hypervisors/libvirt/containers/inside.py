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
DEVICES = Path("/sys/dev/block")


def first_processes(name: str, proc: Path = PROC) -> Iterator[int]:
    """The numbers of those that seem to be the container's first process, by its domain's name.

    There may be others: what a process of any container is called, its tenant says.
    """
    wanted = name.encode()
    for entry in proc.glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError, ValueError, IndexError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"libvirt_lxc") and words[words.index(b"--name") + 1] == wanted:
                yield int((entry / "task" / entry.name / "children").read_text().split()[0])


def is_from(device: int, disk: Path, devices: Path = DEVICES) -> bool:
    """Tell whether a device's bytes are those of the file ``disk``."""
    backing = devices / f"{os.major(device)}:{os.minor(device)}" / "loop" / "backing_file"
    try:
        return Path(backing.read_text().rstrip("\n")).samefile(disk)
    except OSError:
        return False


def root_of(name: str, disk: Path, proc: Path = PROC) -> int:
    """The container's root folder, opened, on the file system that is in ``disk``.

    A container may take any folder for its root that it can reach, and a folder of the host is among these: whoever
    froze that would freeze the host.
    :raises BackendFailed: it cannot be reached.
    """
    for process in first_processes(name, proc):
        with contextlib.suppress(OSError):
            root = os.open(proc / str(process) / "root", os.O_RDONLY | os.O_DIRECTORY)
            if is_from(os.fstat(root).st_dev, disk):
                return root
            os.close(root)
    raise BackendFailed("the container's file system cannot be reached")


@contextlib.contextmanager
def still(name: str, disk: Path) -> Iterator[None]:
    """Around a copy of a running container's root ``disk``: all is written to it, and nothing more until the end.

    :raises BackendFailed: the container's file system cannot be reached.
    """
    root = root_of(name, disk)
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


def thaw(name: str, disk: Path) -> None:
    """Undo what a process did that was killed while it copied a disk; nothing if nothing stands still."""
    with contextlib.suppress(OSError, BackendFailed):
        root = root_of(name, disk)
        try:
            fcntl.ioctl(root, THAW, 0)
        finally:
            os.close(root)
