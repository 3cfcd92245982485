"""Administrators' passwords on their way to guests: sealed in the database until the guest that gets one is made.

The keys of servers' encrypted disks are sealed alike, as long as the servers last. The keys are files of a folder that
all control processes share, named by numbers: the highest seals, the others only open. The first is made when it is
needed. Who loses the folder loses the passwords of boots under way and all encrypted local disks.
"""

from __future__ import annotations

import base64
import threading
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ...core.clock import Clock
from ...core.errors import BadConfiguration, BadRequest, NotFound
from ...core.key_folder import KeyFolder

FIRST = "1"
MOST_BYTES = 1024


class PasswordSeal:
    """Seals and opens passwords. Any thread and any process may call any method."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = KeyFolder(folder)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: list[Fernet] = []

    def close(self, text: str) -> str:
        """``text`` sealed with the newest key that this process knows; nothing stays nothing."""
        if not text:
            return ""
        return self._known()[0].encrypt_at_time(text.encode(), int(self._clock.time())).decode()

    def password(self, text: str) -> str:
        """An administrator's password, sealed. :raises BadRequest: it is longer than :data:`MOST_BYTES`."""
        if len(text.encode()) > MOST_BYTES:
            raise BadRequest(f"adminPass is longer than {MOST_BYTES} bytes")
        return self.close(text)

    def open(self, sealed: str) -> str:
        """What :meth:`close` was given. :raises NotFound: it was changed, or sealed with a key that is gone."""
        for keys in (self._known, self._read):
            try:
                return MultiFernet(keys()).decrypt(sealed.encode()).decode()
            except InvalidToken:
                continue
        raise NotFound("The password opens with none of the keys.")

    def _known(self) -> list[Fernet]:
        return self._keys or self._read()

    def _read(self) -> list[Fernet]:
        """The keys as they are in the folder now, the newest first; the first one is made if there is none."""
        with self._lock:
            with self._folder.locked():
                if not self._folder.numbers():
                    self._folder.write(FIRST, base64.urlsafe_b64encode(self._clock.random_bytes(32)))
            self._keys = [self._key(number) for number in sorted(self._folder.numbers(), reverse=True)]
            return self._keys

    def _key(self, number: int) -> Fernet:
        try:
            return Fernet((self._folder.path / str(number)).read_bytes().strip())
        except ValueError as exc:
            raise BadConfiguration(f"the key {number} of {self._folder.path} is not 32 bytes in URL-safe base64"
                                   ) from exc


def seal(state_dir: Path, options: Any, clock: Clock) -> PasswordSeal:
    """The seal that the options of ``[compute]`` describe."""
    folder = options.password_key_repository
    return PasswordSeal(Path(folder) if folder else state_dir / "compute" / "password-keys", clock)
