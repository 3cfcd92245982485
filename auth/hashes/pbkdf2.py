"""PBKDF2 with HMAC-SHA-512 (RFC 8018), which Keystone offers too."""

from __future__ import annotations

import hashlib
import hmac

from ...core.drivers.password_hash import PasswordHash
from .text import decoded, encoded

ROUNDS, SALT_BYTES, DIGEST_BYTES = 210_000, 16, 64
MOST_ROUNDS = 10_000_000
NAME = "pbkdf2-sha512"


class Pbkdf2Sha512(PasswordHash):
    """``$pbkdf2-sha512$rounds$salt$hash`` with passlib's Base64, which has ``.`` for ``+``."""

    prefixes = (f"${NAME}$",)

    def hash(self, password: bytes) -> str:
        salt = self.clock.random_bytes(SALT_BYTES)
        digest = hashlib.pbkdf2_hmac("sha512", password, salt, self._rounds(), DIGEST_BYTES)
        return f"${NAME}${self._rounds()}${_dotted(salt)}${_dotted(digest)}"

    def verify(self, stored: str, password: bytes) -> bool:
        try:
            _, _, rounds, salt, digest = stored.split("$")
            if not 0 < int(rounds) <= MOST_ROUNDS:
                return False
            wanted = decoded(digest.replace(".", "+"))
            found = hashlib.pbkdf2_hmac("sha512", password, decoded(salt.replace(".", "+")), int(rounds), len(wanted))
            return hmac.compare_digest(found, wanted)
        except ValueError:
            return False

    def is_current(self, stored: str) -> bool:
        return stored.startswith(f"${NAME}${self._rounds()}$")

    def _rounds(self) -> int:
        return self.cost.rounds or ROUNDS


def _dotted(data: bytes) -> str:
    return encoded(data).replace("+", ".")
