"""The key repository: a folder of numbered keys that several processes and hosts may share.

File ``0`` is the staged key, the highest number is the primary key that encrypts, and the
rest are secondary keys that only decrypt. A rotation makes the staged key the new primary, so every
process that shares the folder knows a key before any token is made with it.
"""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

from ....core.clock import Clock
from ....core.errors import BadConfiguration
from ....core.key_folder import KeyFolder

STAGED = 0


class Repository(KeyFolder):
    """The keys of one folder. Any thread and any process may call any method."""

    def __init__(self, folder: Path, clock: Clock, kept: int) -> None:
        super().__init__(folder)
        self._clock = clock
        self._kept = max(kept, 2)

    def prepare(self) -> None:
        """Make the folder, and a staged and a primary key when it has none."""
        with self.locked():
            present = self.numbers()
            if not present:
                self._add(STAGED)
            if not any(number != STAGED for number in present):
                self._add(1)

    def read(self) -> list[bytes]:
        """All keys, the primary first.

        :raises BadConfiguration: there is none, or one is not 32 bytes in URL-safe base64.
        """
        found = []
        for number in sorted(self.numbers(), reverse=True):
            with contextlib.suppress(FileNotFoundError):
                found.append(self._key(number))
        if not found:
            raise BadConfiguration(f"the key repository {self.path} holds no key")
        return found

    def rotate(self) -> None:
        """Make the staged key primary, stage a new one, and remove the oldest beyond those kept."""
        with self.locked():
            numbers = self.numbers()
            new = max(numbers) + 1
            staged = self.path / str(STAGED)
            if staged.exists():
                staged.rename(self.path / str(new))
            else:
                self._add(new)
            self._add(STAGED)
            old = [number for number in numbers if number != STAGED]
            for number in old[:max(0, len(old) + 2 - self._kept)]:
                self.remove(str(number))

    def _key(self, number: int) -> bytes:
        text = (self.path / str(number)).read_bytes().strip()
        try:
            good = len(base64.urlsafe_b64decode(text)) == 32
        except ValueError:
            good = False
        if not good:
            raise BadConfiguration(f"the key {self.path / str(number)} is not 32 bytes in URL-safe base64")
        return text

    def _add(self, number: int) -> None:
        self.write(str(number), base64.urlsafe_b64encode(self._clock.random_bytes(32)))
