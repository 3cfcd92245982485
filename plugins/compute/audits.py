"""Usage audits: for a whole month that is over, how many servers each host had."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

import sqlalchemy as sa

from ...core.process.slice import Kit
from .tables import hosts, servers

_HOSTS = sa.select(hosts.c.host).where(hosts.c.created_at < sa.bindparam("end")).distinct().order_by(hosts.c.host)
_SERVERS = sa.select(servers.c.host, sa.func.count().label("number")).where(
    servers.c.launched_at < sa.bindparam("end"),
    sa.or_(servers.c.terminated_at.is_(None), servers.c.terminated_at >= sa.bindparam("begin")),
).group_by(servers.c.host)


@dataclasses.dataclass(frozen=True)
class Audit:
    """What the hosts that were there before ``end`` had since ``begin``: numbers of servers by host."""

    begin: datetime.datetime
    end: datetime.datetime
    servers: Mapping[str, int]


def period(before: datetime.datetime) -> tuple[datetime.datetime, datetime.datetime]:
    """The last whole month that was over at a moment: when it began and when it ended."""
    end = before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # The day before the first lies within the month before, unless the calendar begins there.
    last = end - min(datetime.timedelta(days=1), end - datetime.datetime.min)
    return last.replace(day=1), end


def audit(kit: Kit, before: datetime.datetime) -> Audit:
    """The audit of the last whole month before a moment."""
    begin, end = period(before)
    with kit.db.read() as tx:
        names = [row.host for row in tx.rows(_HOSTS, {"end": end})]
        counts = {row.host: row.number for row in tx.rows(_SERVERS, {"begin": begin, "end": end})} if names else {}
    return Audit(begin, end, {name: counts.get(name, 0) for name in names})
