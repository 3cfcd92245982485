"""Time, sleep, ids and chance: the only place that calls time, uuid, secrets and random.

Everything else is handed a :class:`Clock`, so that a test can give a virtual one and a
whole cloud replays from one integer.
"""

from __future__ import annotations

import abc
import datetime
import os
import random
import time
import uuid

UTC = datetime.UTC
EPOCH = datetime.datetime(2030, 1, 1, tzinfo=UTC)


class Clock(abc.ABC):
    """Source of time, ids and chance. Any thread may call any method."""

    @abc.abstractmethod
    def time(self) -> float:
        """Seconds since the Unix epoch."""

    @abc.abstractmethod
    def monotonic(self) -> float:
        """Seconds since some fixed moment; never steps back."""

    @abc.abstractmethod
    def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""

    @abc.abstractmethod
    def random_bytes(self, count: int) -> bytes:
        """``count`` bytes, unpredictable in production."""

    @abc.abstractmethod
    def random(self) -> random.Random:
        """A generator for choices that need no secrecy."""

    def now(self) -> datetime.datetime:
        """The present moment, naive and in UTC: the form in which the database keeps it."""
        return datetime.datetime.fromtimestamp(self.time(), UTC).replace(tzinfo=None)

    def uuid(self) -> str:
        """A new random UUID with dashes (RFC 9562 version 4)."""
        return str(uuid.UUID(bytes=self.random_bytes(16), version=4))

    def hex_id(self) -> str:
        """A new random UUID as 32 hexadecimal digits, the form of identity's ids."""
        return uuid.UUID(bytes=self.random_bytes(16), version=4).hex


class System(Clock):
    """The machine's own time and the operating system's chance."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def random(self) -> random.Random:
        return self._random


class Virtual(Clock):
    """Time that moves only when told, and chance that replays from ``seed``."""

    def __init__(self, seed: int = 0, start: datetime.datetime = EPOCH) -> None:
        self._time = start.timestamp()
        self._begin = self._time
        self._random = random.Random(seed)

    def time(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._time - self._begin

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move time forward by ``seconds``; a negative number moves nothing."""
        self._time += max(0.0, seconds)

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def random(self) -> random.Random:
        return self._random
