"""Revision and memory: answers that are kept until identity changes, here or in another process.

Each write that can change what a token means bumps the row ``identity_revision`` in its own
transaction. This process knows of its own writes once they are committed; the others hear of them over the
bus, and read the row twice a second, because a message may be lost.

With the number goes a list for those who check tokens by themselves: what was revoked, and what has changed so
that they must ask. The list holds one entry a subject and is kept as long as a token of before may be about.
"""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar, cast

import msgspec
import sqlalchemy as sa

from ...core.clock import Clock
from ...core.db.engine import Database, Transaction
from ...core.drivers.revocation import ALL, Entry, News
from ...core.errors import BackendBusy
from .tables import revision, revocations

T = TypeVar("T")
NUMBER = sa.select(revision.c.number).where(revision.c.id == 1)
BUMP = revision.update().where(revision.c.id == 1).values(number=revision.c.number + 1)
CHECK_EVERY_S = 0.45
BY_ID = "audit:"
"""Begins subjects that are single tokens: they are useless whenever they were issued."""
CHANGED = "~"
"""Marks the subjects of entries that revoke nothing: tokens of theirs may mean something else by now."""
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(News).decode


def entry(subject: str, issued_before: datetime.datetime) -> Entry:
    """A row of the list."""
    at = issued_before.replace(tzinfo=datetime.UTC).timestamp()
    return Entry(subject.removeprefix(CHANGED), at, not subject.startswith(CHANGED))


class Revision:
    """The generation of what this process knows; it grows with each change that matters.

    ``kept_s`` is how long entries of the list are kept; ``tell`` is handed what other processes should hear.
    """

    def __init__(self, database: Database, clock: Clock, kept_s: float = 0.0,
                 tell: Callable[[bytes], None] | None = None) -> None:
        self._db = database
        self._clock = clock
        self._kept = datetime.timedelta(seconds=kept_s)
        self._tell = tell
        self._lock = threading.Lock()
        self._checked = -CHECK_EVERY_S
        self._seen = -1
        self._generation = 0

    def current(self) -> int:
        """The present generation."""
        if self._clock.monotonic() - self._checked >= CHECK_EVERY_S:
            self._check()
        return self._generation

    def bump(self, tx: Transaction, changed: Sequence[str] = ALL, revoked: Sequence[str] = ()) -> None:
        """Tell all processes, once ``tx`` is committed, that what they remember may be wrong.

        ``changed`` are subjects (``user:ID``, ``project:ID``, ``domain:ID``, or all) whose tokens may mean something
        else now, nothing where no token can; ``revoked`` are those whose tokens are useless for good.
        """
        again = [subject for subject in revoked if not subject.startswith(BY_ID)]
        self._write(tx, [*revoked, *(CHANGED + subject for subject in changed if subject not in revoked)])
        if again:
            tx.after_commit(lambda: self._settle(again))

    def _write(self, tx: Transaction, subjects: Sequence[str]) -> None:
        if tx.execute(BUMP) == 0:
            tx.insert(revision, {"id": 1, "number": 1})
        # The row is locked from here to the commit, so numbers are seen in their order.
        number = tx.value(NUMBER)
        now = self._clock.now()
        if subjects:
            tx.execute(revocations.delete().where(revocations.c.subject.in_(subjects)))
            tx.insert(revocations, [{"subject": subject, "issued_before": now, "expires_at": now + self._kept,
                                     "number": number} for subject in subjects])
        tx.after_commit(lambda: self._told(number, [entry(subject, now) for subject in subjects]))

    def _settle(self, subjects: Sequence[str]) -> None:
        """Revoke once more, as of a moment behind the commit: a login that began between the first moment and the
        commit saw what was before, and its token must not live. Whoever knows of the change begins later."""
        # Without it the first moment stands, which leaves out logins of those few milliseconds only.
        with contextlib.suppress(BackendBusy), self._db.write() as tx:
            self._write(tx, subjects)

    def trim(self, tx: Transaction) -> None:
        """Forget entries that no token is as old as any more."""
        tx.execute(revocations.delete().where(revocations.c.expires_at < self._clock.now()))

    def hear(self, body: bytes) -> None:
        """What another process told: what is remembered is to be found anew. Bodies that are none are none."""
        with contextlib.suppress(msgspec.MsgspecError):
            number = decode(body).number
            if number > self._seen:
                self._grow(number)

    def _told(self, number: int, entries: list[Entry]) -> None:
        self._grow(number)
        if self._tell is not None:
            self._tell(encode(News(number, entries)))

    def _grow(self, number: int) -> None:
        """One more generation; with nothing missed in between, the number need not be noticed again."""
        with self._lock:
            self._generation += 1
            if number == self._seen + 1:
                self._seen = number

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
