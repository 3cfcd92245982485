"""The list of revocations as a service keeps it: fetched while requests come, or told by the bus."""

from __future__ import annotations

import dataclasses
import enum
import threading
from collections.abc import Callable, Iterable

import msgspec

from ...core.clock import Clock
from ...core.drivers.revocation import Entry, News, Part
from ...core.errors import BackendBusy

MOST = 50_000
AFRESH_S = 3600.0
NEVER = float("-inf")
decode = msgspec.json.Decoder(News).decode


class Standing(enum.Enum):
    """What the list says of a token: nothing, that identity must be asked, or that it is useless."""

    GOOD = "good"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclasses.dataclass(frozen=True)
class Known:
    """Of one subject: until when tokens are useless, until when they may have changed, and since which number."""

    revoked: float = 0.0
    changed: float = 0.0
    number: int = 0


class RevocationList:
    """The list, no older than ``patience_s``. Any thread may call.

    ``fetch`` takes the number of the last change known and gives what followed. One thread fetches at a time, the
    others go on with what is known.
    """

    def __init__(self, clock: Clock, fetch: Callable[[int], Part], interval_s: float, patience_s: float) -> None:
        self._clock = clock
        self._fetch = fetch
        self._interval_s = interval_s
        self._patience_s = patience_s
        self._known: dict[str, Known] = {}
        self._margin_s = 0.0
        self._floor = Known()
        self.number = 0
        """Of the last change known; answers of identity asked for from now on know of it."""
        self.epoch = 0
        """Grows when numbers begin anew, so that nothing found before counts any more."""
        self._asked = self._heard = self._whole = NEVER
        self._fetching = threading.Lock()
        self._changing = threading.Lock()

    def refresh(self) -> None:
        """See that the list is young enough. :raises BackendBusy: it is too old and identity cannot be asked."""
        now = self._clock.monotonic()
        if now - self._asked < self._interval_s:
            return
        wait = now - self._heard >= self._patience_s
        if not self._fetching.acquire(blocking=wait):
            return
        try:
            # Who waited for another thread's answer may have it now.
            if self._clock.monotonic() - self._asked >= self._interval_s:
                self._pull(wait)
        finally:
            self._fetching.release()

    def _pull(self, needed: bool) -> None:
        self._asked = now = self._clock.monotonic()
        afresh = now - self._whole >= AFRESH_S or len(self._known) > MOST
        try:
            part = self._fetch(0 if afresh else self.number)
        except BackendBusy:
            if needed:
                self._asked = NEVER
                raise
            return
        with self._changing:
            if part.since == 0:
                self._begin(part.number, now)
            self._add(part.entries, part.number)
            self._margin_s = part.margin_s
            if part.floor:
                self._floor = Known(changed=part.floor, number=part.number)
            self.number = part.number
            self._heard = now

    def _begin(self, number: int, now: float) -> None:
        """Know nothing, because everything is told. Numbers that went back are another count."""
        if number < self.number:
            self.epoch += 1
        self._known, self._floor, self._whole = {}, Known(), now

    def _add(self, entries: Iterable[Entry], number: int) -> None:
        for one in entries:
            old = self._known.get(one.subject, Known())
            self._known[one.subject] = Known(max(old.revoked, one.issued_before if one.final else 0.0),
                                             max(old.changed, one.issued_before), number)

    def hear(self, body: bytes) -> None:
        """Take what the bus tells; where something was missed or cannot be read, the next request fetches."""
        try:
            news = decode(body)
        except msgspec.MsgspecError:
            self._asked = NEVER
            return
        with self._changing:
            if news.number == self.number + 1:
                self._add(news.entries, news.number)
                self.number = news.number
            elif news.number > self.number:
                self._asked = NEVER

    def standing(self, subjects: Iterable[str], issued_at: float, number: int = -1) -> Standing:
        """What is known of a token of ``subjects``; of changes up to ``number`` whoever asks knows already."""
        found = Standing.GOOD
        for one in (self._floor, *(self._known[subject] for subject in subjects if subject in self._known)):
            if issued_at < one.revoked:
                return Standing.REVOKED
            if one.number > number and issued_at < one.changed + self._margin_s:
                found = Standing.CHANGED
        return found
