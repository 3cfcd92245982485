"""Fernet tokens: the payload encrypted and signed with symmetric keys that are rotated."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

from cryptography.fernet import Fernet as Cipher
from cryptography.fernet import InvalidToken, MultiFernet

from ....core.config import option
from ....core.drivers.token import TokenFacts, TokenFormat, TokenPayload
from ....core.errors import Unauthorized
from ....core.key_folder import Stamp
from .packing import pack, unpack
from .repository import Repository

LONGEST_BYTES = 255
CHECK_EVERY_S = 1.0


@dataclasses.dataclass(frozen=True)
class FernetOptions:
    """Options of ``[tokens.fernet]``."""

    key_repository: str = option("", "folder of the keys, which identity processes share; empty: a state folder")
    max_active_keys: int = option(3, "keys kept after a rotation: the staged, the primary and secondaries")


class Fernet(TokenFormat):
    """Tokens in the Fernet format (github.com/fernet/spec) with a folder of keys.

    The folder is looked at once a second at most, and whenever a token of an unknown key comes,
    so that a rotation needs no restart of anything.
    """

    Options = FernetOptions

    def open(self) -> None:
        """Make the folder and its first keys at need, and read them."""
        folder = Path(self.options.key_repository) if self.options.key_repository else self.surroundings.state_dir
        self._repository = Repository(folder, self.clock, self.options.max_active_keys)
        self._repository.prepare()
        self._lock = threading.Lock()
        self._checked = 0.0
        self._stamp: Stamp = ()
        self._load()

    def facts(self) -> TokenFacts:
        return TokenFacts(offline=False, longest_bytes=LONGEST_BYTES)

    def issue(self, payload: TokenPayload) -> str:
        self._refresh()
        return self._primary.encrypt_at_time(pack(payload), int(self.clock.time())).rstrip(b"=").decode()

    def read(self, text: str) -> TokenPayload:
        if not text.isascii() or not 0 < len(text) <= 2 * LONGEST_BYTES:
            raise Unauthorized()
        token = text.encode() + b"=" * (-len(text) % 4)
        data = self._decrypt(token)
        if data is None and self._refresh(at_once=True):
            data = self._decrypt(token)
        if data is None:
            raise Unauthorized()
        return unpack(data)

    def rotate(self) -> None:
        self._repository.rotate()
        self._load()

    def _decrypt(self, token: bytes) -> bytes | None:
        try:
            return bytes(self._all.decrypt(token))
        except InvalidToken:
            return None

    def _refresh(self, at_once: bool = False) -> bool:
        """Read the keys again if the folder changed; tell whether it had."""
        now = self.clock.monotonic()
        if not at_once and now - self._checked < CHECK_EVERY_S:
            return False
        self._checked = now
        if self._repository.stamp() == self._stamp:
            return False
        self._load()
        return True

    def _load(self) -> None:
        with self._lock:
            self._checked = self.clock.monotonic()
            self._stamp = self._repository.stamp()
            ciphers = [Cipher(key) for key in self._repository.read()]
            self._primary = ciphers[0]
            self._all = MultiFernet(ciphers)
