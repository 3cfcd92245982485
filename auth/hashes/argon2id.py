"""argon2id, the winner of the password hashing competition (RFC 9106): the default."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ...core.clock import Clock
from ...core.drivers.password_hash import Cost, PasswordHash

MEMORY_KIB = 19456
TIME_COST = 2


class Argon2id(PasswordHash):
    """``$argon2id$v=19$m=…,t=…,p=1$salt$hash``, the PHC string format."""

    prefixes = ("$argon2id$",)

    def __init__(self, clock: Clock, cost: Cost) -> None:
        super().__init__(clock, cost)
        self._hasher = PasswordHasher(time_cost=cost.time_cost or TIME_COST, parallelism=1,
                                      memory_cost=cost.memory_kib or MEMORY_KIB)

    def hash(self, password: bytes) -> str:
        return self._hasher.hash(password, salt=self.clock.random_bytes(16))

    def verify(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, ValueError):
            return False

    def is_current(self, stored: str) -> bool:
        try:
            return not self._hasher.check_needs_rehash(stored)
        except (InvalidHashError, ValueError):
            return False
