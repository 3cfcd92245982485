"""The keys that secrets in the database are sealed with: a folder of numbered keys that processes share.

File ``0`` is the staged key, the highest number the primary one that seals, the rest only open. A rotation makes the
staged key the new primary, so every process that shares the folder knows a key before anything is sealed with it.
There is no way to seal without a key: the first ones are made when they are needed.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ...core.clock import Clock
from ...core.errors import BadConfiguration, NotFound
from ...core.key_folder import KeyFolder, WatchedKeys

STAGED = 0


class Keys:
    """The keys of one moment, the primary first, as ciphers for each purpose."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = keys
        self._ciphers: dict[str, list[Fernet]] = {}

    def primary(self, purpose: str) -> Fernet:
        """The cipher that seals."""
        return self._for(purpose)[0]

    def all(self, purpose: str) -> MultiFernet:
        """The cipher that opens what any of them sealed."""
        return MultiFernet(self._for(purpose))

    def _for(self, purpose: str) -> list[Fernet]:
        known = self._ciphers.get(purpose)
        if known is None:
            known = self._ciphers[purpose] = [Fernet(_for_purpose(key, purpose)) for key in self._keys]
        return known


class Seal:
    """Seals and opens texts. Any thread and any process may call any method.

    ``first`` is a file that held the only key before there was a folder; it becomes the first primary key.
    """

    def __init__(self, folder: Path, clock: Clock, kept: int, first: Path | None = None) -> None:
        self._folder = KeyFolder(folder)
        self._clock = clock
        self._kept = max(kept, 2)
        self._first = first

    def close(self, text: str, purpose: str = "") -> str:
        """``text`` sealed with the primary key; what is sealed for one purpose opens for no other."""
        return self._keys.known().primary(purpose).encrypt_at_time(text.encode(), int(self._clock.time())).decode()

    def open(self, sealed: str, purpose: str = "") -> str:
        """What :meth:`close` was given. :raises NotFound: it was changed, or sealed with a key that is gone."""
        keys: Keys | None = self._keys.known()
        while keys:
            try:
                return keys.all(purpose).decrypt(sealed.encode()).decode()
            except (InvalidToken, ValueError):
                keys = self._keys.newer(keys)
        raise NotFound("What is sealed opens with none of the keys.")

    def is_primary(self, sealed: str) -> bool:
        """Tell whether something was sealed with the primary key of this instant."""
        known = self._keys.known()
        try:
            (self._keys.newer(known) or known).primary("").decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def rotate(self) -> None:
        """Make the staged key primary, stage a new one, and remove the oldest beyond those kept."""
        with self._folder.locked():
            self._prepare()
            numbers = self._folder.numbers()
            self._folder.rename(str(STAGED), str(max(numbers) + 1))
            self._write(STAGED)
            old = [number for number in numbers if number != STAGED]
            for number in old[:max(0, len(old) + 2 - self._kept)]:
                self._folder.remove(str(number))

    @functools.cached_property
    def _keys(self) -> WatchedKeys[Keys]:
        with self._folder.locked():
            self._prepare()
        return WatchedKeys(self._folder, self._clock, self._read)

    def _read(self) -> Keys:
        # A rotation renames keys: who listed their numbers before it finds one gone after it.
        with self._folder.locked():
            return Keys([self._key(number) for number in sorted(self._folder.numbers(), reverse=True)])

    def _key(self, number: int) -> bytes:
        text = (self._folder.path / str(number)).read_bytes().strip()
        try:
            key = base64.urlsafe_b64decode(text)
            good = len(key) == 32 and key != bytes(32)
        except ValueError:
            good = False
        if not good:
            raise BadConfiguration(f"the key {number} of {self._folder.path} is not 32 random bytes in URL-safe base64")
        return text

    def _prepare(self) -> None:
        """Make a staged and a primary key where there is none."""
        present = self._folder.numbers()
        if STAGED not in present:
            self._write(STAGED)
        if not any(number != STAGED for number in present):
            if self._first is not None and self._first.exists():
                self._first.rename(self._folder.path / "1")
            else:
                self._write(1)

    def _write(self, number: int) -> None:
        self._folder.write(str(number), base64.urlsafe_b64encode(self._clock.random_bytes(32)))


def seal(state_dir: Path, options: Any, clock: Clock) -> Seal:
    """The seal that the options of ``[identity]`` describe."""
    own = state_dir / "identity"
    folder = Path(options.credential_key_repository) if options.credential_key_repository else own / "credential-keys"
    return Seal(folder, clock, options.max_active_credential_keys, first=own / "credential.key")


def _for_purpose(key: bytes, purpose: str) -> bytes:
    """The key itself, or one that follows from it and says nothing of it."""
    if not purpose:
        return key
    derived = hmac.new(base64.urlsafe_b64decode(key), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(derived)
