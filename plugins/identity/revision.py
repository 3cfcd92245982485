"""Revision and memory: answers that are kept until identity changes, here or in another process.

Each write that can change what a token means bumps the row ``identity_revision`` in its own
transaction. This process knows of its own writes once they are committed; the row, read once a
second at most, tells of the others'.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from ...core.clock import Clock
from ...core.db.engine import Database, Transaction
from .tables import revision

T = TypeVar("T")
NUMBER = sa.select(revision.c.number).where(revision.c.id == 1)
BUMP = revision.update().where(revision.c.id == 1).values(number=revision.c.number + 1)
CHECK_EVERY_S = 1.0


class Revision:
    """The generation of what this process knows; it grows with each change that matters."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self._lock = threading.Lock()
        self._checked = -CHECK_EVERY_S
        self._seen = -1
        self._generation = 0

    def current(self) -> int:
        """The present generation."""
        if self._clock.monotonic() - self._checked >= CHECK_EVERY_S:
            self._check()
        return self._generation

    def bump(self, tx: Transaction) -> None:
        """Tell all processes, once ``tx`` is committed, that what they remember may be wrong."""
        if tx.execute(BUMP) == 0:
            tx.insert(revision, {"id": 1, "number": 1})
        tx.after_commit(self._grow)

    def _grow(self) -> None:
        with self._lock:
            self._generation += 1

    def _check(self) -> None:
        with self._lock:
            now = self._clock.monotonic()
            if now - self._checked < CHECK_EVERY_S:
                return
            self._checked = now
        with self._db.read() as tx:
            number = tx.value(NUMBER) or 0
        with self._lock:
            if number != self._seen:
                self._seen = number
                self._generation += 1


class Memory:
    """A bounded memory of answers. One is good for the generation it was found in, and for ``ttl_s``.

    Answers are found outside of any lock: two threads may find the same one twice. The generation is noted
    before an answer is looked for, so a change in between is never missed.
    """

    def __init__(self, revision: Revision, clock: Clock, ttl_s: float, size: int = 10_000) -> None:
        self._revision = revision
        self._clock = clock
        self._ttl_s = ttl_s
        self._size = size
        self._known: dict[Hashable, tuple[int, float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """The answer for ``key``, by ``find`` when it is not known; what ``find`` raises is not kept."""
        generation = self._revision.current()
        known = self._known.get(key)
        if known is not None and known[0] == generation and known[1] > self._clock.monotonic():
            return cast(T, known[2])
        found = find()
        with self._lock:
            self._known.pop(key, None)
            while len(self._known) >= self._size:
                del self._known[next(iter(self._known))]
            self._known[key] = (generation, self._clock.monotonic() + self._ttl_s, found)
        return found
