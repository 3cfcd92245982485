"""scrypt (RFC 7914), in the form passlib and Keystone write it."""

from __future__ import annotations

import hashlib
import hmac

from ...core.drivers.password_hash import PasswordHash
from .text import decoded, encoded, parameters

BLOCK_SIZE, PARALLEL, SALT_BYTES, DIGEST_BYTES = 8, 1, 16, 32
MEMORY_KIB = 65536
LARGEST_KIB = 1 << 20


class Scrypt(PasswordHash):
    """``$scrypt$ln=16,r=8,p=1$salt$hash``: ``ln`` is the logarithm of N, salt and hash are Base64 without padding."""

    prefixes = ("$scrypt$",)

    def hash(self, password: bytes) -> str:
        salt = self.clock.random_bytes(SALT_BYTES)
        digest = _digest(password, salt, self._log(), BLOCK_SIZE, PARALLEL)
        return f"$scrypt${self._settings()}${encoded(salt)}${encoded(digest)}"

    def verify(self, stored: str, password: bytes) -> bool:
        try:
            _, _, settings, salt, digest = stored.split("$")
            known = parameters(settings)
            found = _digest(password, decoded(salt), known["ln"], known["r"], known["p"])
            return hmac.compare_digest(found, decoded(digest))
        except (ValueError, KeyError):
            return False

    def is_current(self, stored: str) -> bool:
        return stored.startswith(f"$scrypt${self._settings()}$")

    def _settings(self) -> str:
        return f"ln={self._log()},r={BLOCK_SIZE},p={PARALLEL}"

    def _log(self) -> int:
        """N as a power of two that takes at most the memory allowed: one step takes 128 r bytes."""
        steps = (self.cost.memory_kib or MEMORY_KIB) * 1024 // (128 * BLOCK_SIZE)
        return max(1, steps.bit_length() - 1)


def _digest(password: bytes, salt: bytes, log: int, block_size: int, parallel: int) -> bytes:
    """:raises ValueError: the parameters make no sense, or would take more than a gibibyte."""
    if not 0 < log < 32 or block_size < 1 or parallel < 1 or (128 * block_size << log) > LARGEST_KIB * 1024:
        raise ValueError(log)
    room = 128 * block_size * ((1 << log) + parallel + 2)
    return hashlib.scrypt(password, salt=salt, n=1 << log, r=block_size, p=parallel, maxmem=room, dklen=DIGEST_BYTES)
