"""Files that appear whole or not at all, and leave nothing behind after a failure or a crash."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..core.clock import Clock
from ..core.errors import BackendFailed, NoSpace

PREFIX = ".partial-"
SYNC_CHOICES = ("data", "none")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Partial:
    """A file in the making: ``descriptor`` is open for reading and writing at ``path``."""

    def __init__(self, path: Path, descriptor: int, sync: bool) -> None:
        self.path = path
        self.descriptor = descriptor
        self._sync = sync

    def commit(self, target: Path) -> None:
        """Make the file appear as ``target``, in place of what was there; durable if so asked."""
        with backend_errors("storing"):
            if self._sync:
                os.fdatasync(self.descriptor)
            os.rename(self.path, target)
            if self._sync:
                sync_folder(target.parent)


@contextlib.contextmanager
def partial(folder: Path, clock: Clock, *, sync: bool) -> Iterator[Partial]:
    """An empty file in ``folder`` that vanishes at the end of the block unless it was committed.

    A lock marks it as being made, so that :func:`sweep` of another process spares it.
    """
    made = _make(folder, clock, sync)
    try:
        yield made
    finally:
        with contextlib.suppress(FileNotFoundError):  # committed, so it has another name now
            os.unlink(made.path)
        os.close(made.descriptor)


def _make(folder: Path, clock: Clock, sync: bool) -> Partial:
    while True:
        path = folder / (PREFIX + clock.hex_id())
        try:
            with backend_errors("storing"):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return Partial(path, descriptor, sync)
        os.close(descriptor)  # swept between creation and lock: take another name


def sweep(folder: Path) -> int:
    """Remove what crashed makers left in ``folder`` and return how many files that were."""
    removed = 0
    for entry in os.scandir(folder):
        if entry.name.startswith(PREFIX) and _abandoned(entry.path):
            removed += 1
    return removed


def _abandoned(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(descriptor)
    return True


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def backend_errors(what: str) -> Iterator[None]:
    """Turn the system's errors about our own files into the cloud's.

    Other exceptions pass through, and so does ``FileExistsError``, which is an answer. Never put it
    around a caller's iterator: what that raises is not ours to translate.
    """
    try:
        yield
    except FileExistsError:
        raise
    except OSError as exc:
        if exc.errno in _FULL:
            raise NoSpace(f"no space left for {what}") from exc
        raise BackendFailed(f"{what} failed", reason=exc.strerror or str(exc)) from exc
