"""Password hashes, and a memory of what was verified lately.

A hash is made to cost much, and clients of a cloud log in all the time. So a successful
verification is remembered for a while under an HMAC of user, stored hash and password with a
key that is made by this process and never leaves it. Neither password nor anything from
which it could be found without that key is kept; who can read the key can read passwords as they
arrive too. A changed hash is another entry, so a changed password is refused at once. A wrong password
is never remembered and always costs a full verification.
"""

from __future__ import annotations

import hashlib
import hmac
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ...core.clock import Clock

REMEMBERED = 4096
LONGEST_BYTES = 4096


class Passwords:
    """Makes and checks hashes with argon2id. Any thread may call; the work is done outside the interpreter's lock."""

    def __init__(self, clock: Clock, memory_kib: int, time_cost: int, remember_s: float) -> None:
        self._clock = clock
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._remember_s = remember_s
        self._key = clock.random_bytes(32)
        self._verified: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        """A hash with a salt of its own, in the PHC string format."""
        return self._hasher.hash(_bytes(password), salt=self._clock.random_bytes(16))

    def matches(self, user_id: str, stored: str, password: str) -> bool:
        """Tell whether ``stored`` is a hash of ``password``."""
        mark = self._mark(user_id, stored, password)
        now = self._clock.monotonic()
        if self._verified.get(mark, -1.0) > now:
            return True
        try:
            self._hasher.verify(stored, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        if self._remember_s > 0:
            self._remember(mark, now + self._remember_s)
        return True

    def waste(self, password: str) -> None:
        """Spend the time of one verification, so that an unknown user cannot be told from a wrong password."""
        self.hash(password)

    def _mark(self, user_id: str, stored: str, password: str) -> bytes:
        parts = b"\0".join((user_id.encode(), stored.encode(), _bytes(password)))
        return hmac.digest(self._key, parts, "sha256")

    def _remember(self, mark: bytes, until: float) -> None:
        with self._lock:
            while len(self._verified) >= REMEMBERED:
                del self._verified[next(iter(self._verified))]
            self._verified[mark] = until


def _bytes(password: str) -> bytes:
    """The password's bytes; of one longer than any hash should read, a digest."""
    data = password.encode()
    return data if len(data) <= LONGEST_BYTES else hashlib.sha512(data).digest()
