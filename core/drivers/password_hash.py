"""The password hash interface: passwords turned into text from which they cannot be found, and checked."""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar

from ..clock import Clock

LONGEST_BYTES = 4096


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one hash may cost; each algorithm takes of it what it knows.

    ``memory_kib`` is for argon2id and scrypt, ``time_cost`` (passes over the memory) for argon2id, ``rounds`` for
    bcrypt (as power of two) and pbkdf2_sha512 (as a number); 0 stands for the algorithm's own default.
    """

    memory_kib: int = 0
    time_cost: int = 0
    rounds: int = 0


class PasswordHash(abc.ABC):
    """One algorithm at one cost. Any thread may call; the work should let go of the interpreter's lock.

    Passwords are bytes, at most :data:`LONGEST_BYTES` of them. A stored hash says its own algorithm and cost,
    so that one of any cost can be verified.
    """

    api: ClassVar[tuple[int, int]] = (1, 0)
    prefixes: ClassVar[tuple[str, ...]]
    """What the hashes of this algorithm begin with, e.g. ``$2b$``."""

    def __init__(self, clock: Clock, cost: Cost) -> None:
        self.clock = clock
        self.cost = cost

    @abc.abstractmethod
    def hash(self, password: bytes) -> str:
        """A hash of ``password`` with a salt of its own, at most 255 ASCII characters."""

    @abc.abstractmethod
    def verify(self, stored: str, password: bytes) -> bool:
        """Tell whether ``stored``, which begins with one of the prefixes, is a hash of ``password``.

        One that cannot be read is a hash of nothing.
        """

    @abc.abstractmethod
    def is_current(self, stored: str) -> bool:
        """Tell whether ``stored`` has the cost that new hashes have."""
