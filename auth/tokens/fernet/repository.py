"""The key repository: a folder of numbered keys that several processes and hosts may share.

File ``0`` is the staged key, the highest number is the primary key that encrypts, and the
rest are secondary keys that only decrypt. A rotation makes the staged key the new primary, so every
process that shares the folder knows a key before any token is made with it.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ....core.clock import Clock
from ....core.errors import BadConfiguration

STAGED = 0
Stamp = tuple[tuple[str, int, int], ...]
"""What tells one state of a folder from another: name, time and inode of each key."""


class Repository:
    """The keys of one folder. Any thread and any process may call any method."""

    def __init__(self, folder: Path, clock: Clock, kept: int) -> None:
        self._folder = folder
        self._clock = clock
        self._kept = max(kept, 2)

    def prepare(self) -> None:
        """Make the folder, and a staged and a primary key when it has none."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            present = self.numbers()
            if not present:
                self._write(STAGED)
            if not any(number != STAGED for number in present):
                self._write(1)

    def numbers(self) -> list[int]:
        """The numbers of all keys, rising."""
        return sorted(int(entry.name) for entry in os.scandir(self._folder) if entry.name.isdecimal())

    def stamp(self) -> Stamp:
        """Something that differs once a key was added, replaced or removed."""
        found = []
        for entry in os.scandir(self._folder):
            if entry.name.isdecimal():
                facts = entry.stat()
                found.append((entry.name, facts.st_mtime_ns, facts.st_ino))
        return tuple(sorted(found))

    def read(self) -> list[bytes]:
        """All keys, the primary first.

        :raises BadConfiguration: there is none, or one is not 32 bytes in URL-safe base64.
        """
        found = []
        for number in sorted(self.numbers(), reverse=True):
            with contextlib.suppress(FileNotFoundError):
                found.append(self._key(number))
        if not found:
            raise BadConfiguration(f"the key repository {self._folder} holds no key")
        return found

    def rotate(self) -> None:
        """Make the staged key primary, stage a new one, and remove the oldest beyond those kept."""
        with self._locked():
            numbers = self.numbers()
            new = max(numbers) + 1
            staged = self._folder / str(STAGED)
            if staged.exists():
                staged.rename(self._folder / str(new))
            else:
                self._write(new)
            self._write(STAGED)
            old = [number for number in numbers if number != STAGED]
            for number in old[:max(0, len(old) + 2 - self._kept)]:
                (self._folder / str(number)).unlink(missing_ok=True)

    def _key(self, number: int) -> bytes:
        text = (self._folder / str(number)).read_bytes().strip()
        try:
            good = len(base64.urlsafe_b64decode(text)) == 32
        except ValueError:
            good = False
        if not good:
            raise BadConfiguration(f"the key {self._folder / str(number)} is not 32 bytes in URL-safe base64")
        return text

    def _write(self, number: int) -> None:
        """Write a new key under a passing name and rename it, so that nobody ever reads half of one."""
        passing = self._folder / f".{number}.new"
        passing.unlink(missing_ok=True)
        descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(self._clock.random_bytes(32)))
            file.flush()
            os.fsync(file.fileno())
        passing.rename(self._folder / str(number))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
