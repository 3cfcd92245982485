"""A folder of numbered key files that several processes, and hosts, may share."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

Stamp = tuple[tuple[str, int, int], ...]
"""What tells one state of a folder from another: name, time and inode of each key."""


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
