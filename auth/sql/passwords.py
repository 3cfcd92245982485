"""Passwords hashed and checked, by the algorithm of each hash, and a memory of what was verified lately.

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

from ...core.clock import Clock
from ...core.drivers.password_hash import LONGEST_BYTES, Cost, PasswordHash
from ...core.errors import NoSuchDriver
from ...core.plugins import Registry

HASHES: Registry[PasswordHash] = Registry("password_hashes", PasswordHash)
REMEMBERED = 4096
DEFAULT = "argon2id"


class Passwords:
    """Makes hashes with one algorithm and checks those of all installed ones. Any thread may call."""

    def __init__(self, clock: Clock, memory_kib: int, time_cost: int, remember_s: float, algorithm: str = DEFAULT,
                 rounds: int = 0) -> None:
        self._clock = clock
        self._cost = Cost(memory_kib=memory_kib, time_cost=time_cost, rounds=rounds)
        self._hasher = HASHES.load(algorithm)(clock, self._cost)
        self._others: dict[str, PasswordHash] | None = None
        self._remember_s = remember_s
        self._key = clock.random_bytes(32)
        self._verified: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        """A hash with a salt of its own, by the algorithm chosen."""
        return self._hasher.hash(_bytes(password))

    def matches(self, user_id: str, stored: str, password: str) -> bool:
        """Tell whether ``stored`` is a hash of ``password``, by whichever algorithm it says."""
        mark = self._mark(user_id, stored, password)
        now = self._clock.monotonic()
        if self._verified.get(mark, -1.0) > now:
            return True
        by = self._algorithm(stored)
        if by is None:
            self.waste(password)
            return False
        if not by.verify(stored, _bytes(password)):
            return False
        if self._remember_s > 0:
            self._remember(mark, now + self._remember_s)
        return True

    def is_current(self, stored: str) -> bool:
        """Tell whether ``stored`` is of the algorithm and cost that new hashes have."""
        return stored.startswith(self._hasher.prefixes) and self._hasher.is_current(stored)

    def waste(self, password: str) -> None:
        """Spend the time of one verification, so that an unknown user cannot be told from a wrong password."""
        self.hash(password)

    def _algorithm(self, stored: str) -> PasswordHash | None:
        """Who can read ``stored``; others than the algorithm chosen are loaded when the first of theirs comes."""
        if stored.startswith(self._hasher.prefixes):
            return self._hasher
        if self._others is None:
            self._others = {prefix: one for one in self._installed() for prefix in one.prefixes}
        return next((one for prefix, one in self._others.items() if stored.startswith(prefix)), None)

    def _installed(self) -> list[PasswordHash]:
        found = []
        for name in HASHES.names():
            try:
                found.append(HASHES.load(name)(self._clock, self._cost))
            except NoSuchDriver:
                # Its library is not installed; its hashes then match nothing, and `stratolith plugins` says why.
                continue
        return found

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
    data = password.encode("utf-8", "surrogatepass")
    return data if len(data) <= LONGEST_BYTES else hashlib.sha512(data).digest()
