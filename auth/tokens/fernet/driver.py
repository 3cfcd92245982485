"""Fernet tokens: the payload encrypted and signed with symmetric keys that are rotated."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

from cryptography.fernet import Fernet as Cipher
from cryptography.fernet import InvalidToken, MultiFernet

from ....core.config import option
from ....core.drivers.token import TokenFacts, TokenFormat, TokenPayload
from ....core.errors import Unauthorized
from ....core.key_folder import WatchedKeys
from .packing import pack, unpack
from .repository import Repository

LONGEST_BYTES = 255


class Keys(NamedTuple):
    """The key that makes tokens, and all that open them."""

    primary: Cipher
    all: MultiFernet


@dataclasses.dataclass(frozen=True)
class FernetOptions:
    """Options of ``[tokens.fernet]``."""

    key_repository: str = option("", "folder of the keys, which identity processes share; empty: a state folder")
    max_active_keys: int = option(3, "keys kept after a rotation: the staged, the primary and secondaries")


class Fernet(TokenFormat):
    """Tokens in the Fernet format (github.com/fernet/spec) with a folder of keys.

    The folder is looked at four times a second at most, and whenever a token of an unknown key comes,
    so that a rotation needs no restart of anything.
    """

    Options = FernetOptions

    def open(self) -> None:
        """Make the folder and its first keys at need, and read them."""
        folder = Path(self.options.key_repository) if self.options.key_repository else self.surroundings.state_dir
        self._repository = Repository(folder, self.clock, self.options.max_active_keys)
        self._repository.prepare()
        self._keys = WatchedKeys(self._repository, self.clock, self._read_keys)

    def facts(self) -> TokenFacts:
        return TokenFacts(offline=False, longest_bytes=LONGEST_BYTES)

    def issue(self, payload: TokenPayload) -> str:
        primary = self._keys.known().primary
        return primary.encrypt_at_time(pack(payload), int(self.clock.time())).rstrip(b"=").decode()

    def read(self, text: str) -> TokenPayload:
        if not text.isascii() or not 0 < len(text) <= 2 * LONGEST_BYTES:
            raise Unauthorized()
        token = text.encode() + b"=" * (-len(text) % 4)
        keys: Keys | None = self._keys.known()
        while keys:
            try:
                return unpack(bytes(keys.all.decrypt(token)))
            except InvalidToken:
                keys = self._keys.newer(keys)
        raise Unauthorized()

    def rotate(self) -> None:
        self._repository.rotate()
        self._keys.look()

    def _read_keys(self) -> Keys:
        ciphers = [Cipher(key) for key in self._repository.read()]
        return Keys(ciphers[0], MultiFernet(ciphers))
