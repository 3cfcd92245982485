"""The list of revocations as others read it: services that check tokens by themselves, and OS-REVOKE's clients."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from ...core.drivers.revocation import CHANGED_TOPIC, Entry, Part
from ...core.process.slice import Kit
from .revision import CHANGED, NUMBER, entry
from .store import Store
from .tables import revocations

MARGIN_S = 5.0
"""A change is found to be later than it was by the time its transaction takes. Tokens issued so much later than an
entry says may have been made before the change was seen: who meets one asks."""
SINCE = (sa.select(revocations.c.subject, revocations.c.issued_before, revocations.c.number)
         .where(revocations.c.number > sa.bindparam("number"), revocations.c.issued_before > sa.bindparam("oldest"))
         .order_by(revocations.c.number.desc(), revocations.c.id.desc()).limit(sa.bindparam("limit")))
EVENTS = (sa.select(revocations.c.subject, revocations.c.issued_before)
          .where(revocations.c.subject.not_like(CHANGED + "%"),
                 revocations.c.issued_before >= sa.bindparam("since"))
          .order_by(revocations.c.number, revocations.c.id))
BEGINNING = datetime.datetime(1970, 1, 1)


def teller(kit: Kit) -> Callable[[bytes], None] | None:
    """Tells the other processes of the cloud, where a bus leads to any; a message that is lost delays the news only."""
    bus = kit.mesh.bus
    if not bus.facts().remote:
        return None
    return lambda body: kit.executor.submit(lambda: bus.publish(CHANGED_TOPIC, body))


class Revocations:
    """What was revoked and what has changed, as long as a good token may be about that does not know."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def since(self, number: int) -> Part:
        """The entries of changes after ``number``, oldest first; all, when the number is none there ever was."""
        limit = self._store.options.revocation_list_limit
        oldest = self._store.clock.now() - datetime.timedelta(seconds=self._store.options.token_lifetime_s)
        with self._store.db.read() as tx:
            present = int(tx.value(NUMBER) or 0)
            known = number if 0 < number <= present else 0
            rows = [] if known == present else tx.rows(SINCE, {"number": known, "oldest": oldest, "limit": limit + 1})
        entries = [entry(row.subject, row.issued_before) for row in reversed(rows)]
        floor = 0.0
        if len(entries) > limit:
            floor = entries[0].issued_before
            entries = entries[1:]
        return Part(number=present, since=known, floor=floor, margin_s=MARGIN_S, entries=entries)

    def events(self, since: datetime.datetime | None) -> Sequence[Entry]:
        """What was revoked since a moment, oldest first."""
        with self._store.db.read() as tx:
            return [entry(row.subject, row.issued_before)
                    for row in tx.rows(EVENTS, {"since": since or BEGINNING})]
