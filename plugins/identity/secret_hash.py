"""Hashes of secrets that log a program in: slow for who guesses, remembered for who knows."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac

from ...core.clock import Clock
from ...core.errors import Unauthorized
from .revision import Memory

FORM = "scrypt"
COST, BLOCK, PARALLEL, LENGTH = 1 << 13, 8, 1, 32
"""scrypt's N, r and p (RFC 7914), 8 MiB; and the bytes of a hash."""


class SecretHashes:
    """Makes and checks hashes. A secret that was right is known again at once while identity does not change."""

    def __init__(self, clock: Clock, memory: Memory) -> None:
        self._clock = clock
        self._memory = memory
        self._pepper = clock.random_bytes(32)

    @functools.cached_property
    def _nobody(self) -> str:
        return self.hashed(base64.b64encode(self._clock.random_bytes(32)).decode())

    def hashed(self, secret: str) -> str:
        """The hash of a secret, with its salt and cost."""
        salt = self._clock.random_bytes(16)
        return f"{FORM}${COST}${BLOCK}${PARALLEL}${_text(salt)}${_text(_scrypt(secret, salt, COST, BLOCK, PARALLEL))}"

    def check(self, secret: str, known: str | None) -> None:
        """See that ``known`` is the hash of ``secret``; none, which no secret fits, costs as much as a wrong one.

        :raises Unauthorized: it is not.
        """
        digest = hmac.new(self._pepper, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        self._memory.get(("secret", known, digest), lambda: self._verify(secret, known))

    def _verify(self, secret: str, known: str | None) -> bool:
        # Asked for in any case: the time that its making takes tells nothing.
        nobody = self._nobody
        _, cost, block, parallel, salt, wanted = (known or nobody).split("$")
        found = _scrypt(secret, base64.b64decode(salt), int(cost), int(block), int(parallel))
        if not hmac.compare_digest(found, base64.b64decode(wanted)) or known is None:
            raise Unauthorized()
        return True


def _scrypt(secret: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(secret.encode("utf-8", "surrogatepass"), salt=salt, n=cost, r=block, p=parallel,
                          maxmem=256 * cost * block, dklen=LENGTH)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
