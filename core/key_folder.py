"""A folder of numbered key files that several processes, and hosts, may share."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from .clock import Clock

CHECK_EVERY_S = 0.25
"""How long a process may go on with the keys it knows before it looks at the folder again."""

Stamp = tuple[tuple[str, int, int], ...]
"""What tells one state of a folder from another: name, time and inode of each key."""

Keys = TypeVar("Keys")


class KeyFolder:
    """The files of one folder. Any thread and any process may call any method; nobody ever reads half a file.

    A key's file is named by its number and perhaps a suffix: ``3``, ``3.pem``.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder

    def numbers(self, suffix: str = "") -> list[int]:
        """The numbers of all keys with ``suffix``, rising."""
        names = (entry.name.removesuffix(suffix) for entry in os.scandir(self.path) if entry.name.endswith(suffix))
        return sorted(int(name) for name in names if name.isdecimal())

    def stamp(self) -> Stamp:
        """Something that differs once a key was added, replaced or removed."""
        found = []
        for entry in os.scandir(self.path):
            with contextlib.suppress(FileNotFoundError):
                if entry.name.partition(".")[0].isdecimal():
                    facts = entry.stat()
                    found.append((entry.name, facts.st_mtime_ns, facts.st_ino))
        return tuple(sorted(found))

    def write(self, name: str, data: bytes) -> None:
        """Write a file that only its owner may read: under a passing name, then renamed."""
        passing = self.path / f".{name}.new"
        passing.unlink(missing_ok=True)
        descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        passing.rename(self.path / name)

    def rename(self, name: str, new: str) -> None:
        """Give a file another name."""
        (self.path / name).rename(self.path / new)

    def remove(self, name: str) -> None:
        """Remove a file; nothing when it is gone."""
        (self.path / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who changes the folder, which is made if it is missing."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class WatchedKeys(Generic[Keys]):
    """What ``read`` makes of a folder's keys, made again once the folder changed. Any thread may call any method.

    A caller takes one value and works with that, so that nobody ever sees half of a rotation.

    :raises BadConfiguration: whatever ``read`` raises; the keys known before stay.
    """

    def __init__(self, folder: KeyFolder, clock: Clock, read: Callable[[], Keys]) -> None:
        self._folder = folder
        self._clock = clock
        self._read = read
        self._lock = threading.Lock()
        self._checked = clock.monotonic()
        self._stamp = folder.stamp()
        self._known = read()

    def known(self) -> Keys:
        """The keys; the folder is looked at when that was :data:`CHECK_EVERY_S` ago."""
        if self._clock.monotonic() - self._checked >= CHECK_EVERY_S:
            self.look()
        return self._known

    def newer(self, keys: Keys) -> Keys | None:
        """The keys as they are this instant, or none when these are ``keys``, which did not suffice."""
        self.look()
        known = self._known
        return None if known is keys else known

    def look(self) -> None:
        """Read the keys again if the folder changed."""
        # Who comes while another reads waits for it: the stamp alone would tell him that nothing is new.
        with self._lock:
            self._checked = self._clock.monotonic()
            stamp = self._folder.stamp()
            if stamp != self._stamp:
                self._known = self._read()
                self._stamp = stamp
