"""What projects have used in a span of time: hours of servers, and of what the servers had."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

import sqlalchemy as sa

from ...core.db.engine import Row
from ...core.db.paging import Page, paged
from ...core.process.slice import Kit
from .tables import servers

HOUR_S = 3600.0

_SPAN = sa.select(
    servers.c.id, servers.c.name, servers.c.project_id, servers.c.flavor, servers.c.vcpus, servers.c.memory_mib,
    servers.c.root_gib, servers.c.ephemeral_gib, servers.c.vm_state, servers.c.launched_at, servers.c.terminated_at,
).where(servers.c.launched_at < sa.bindparam("stop"),
        sa.or_(servers.c.terminated_at.is_(None), servers.c.terminated_at >= sa.bindparam("start")))
_OF_PROJECT = _SPAN.where(servers.c.project_id == sa.bindparam("project_id"))


@dataclasses.dataclass(frozen=True)
class Span:
    """From ``start`` to ``stop``, looked at ``now``."""

    start: datetime.datetime
    stop: datetime.datetime
    now: datetime.datetime


@dataclasses.dataclass(frozen=True)
class ServerUsage:
    """What one server used within a span."""

    row: Row
    hours: float
    uptime_s: int

    @property
    def disk_gib(self) -> int:
        """Local disk, root and ephemeral."""
        return int(self.row.root_gib + self.row.ephemeral_gib)


@dataclasses.dataclass
class ProjectUsage:
    """What the servers of one project used, and the sums in hours of each."""

    project_id: str
    servers: list[ServerUsage] = dataclasses.field(default_factory=list)

    def sum(self, attribute: str) -> float:
        """Hours times an amount of the servers: ``vcpus``, ``memory_mib`` or ``disk_gib``; ``hours`` alone."""
        if attribute == "hours":
            return sum(one.hours for one in self.servers)
        if attribute == "disk_gib":
            return sum(one.hours * one.disk_gib for one in self.servers)
        return sum(one.hours * int(getattr(one.row, attribute)) for one in self.servers)


def page(kit: Kit, span: Span, project_id: str, limit: int | None, marker: str) -> Sequence[Row]:
    """The servers that ran within a span, of a project or of all, in the order in which they were made.

    :raises BadRequest: the marker names none.
    """
    statement = _OF_PROJECT if project_id else _SPAN
    wanted = Page(limit=limit, marker=marker, sort=(("created_at", "asc"),))
    asked = {"start": span.start, "stop": span.stop, **({"project_id": project_id} if project_id else {})}
    with kit.db.read() as tx:
        return tx.rows(paged(statement, servers, wanted, tx), asked)


def by_project(rows: Sequence[Row], span: Span) -> list[ProjectUsage]:
    """The usage of servers, put together by project."""
    found: dict[str, ProjectUsage] = {}
    for row in rows:
        found.setdefault(row.project_id, ProjectUsage(row.project_id)).servers.append(_usage(row, span))
    return list(found.values())


def _usage(row: Row, span: Span) -> ServerUsage:
    ended = min(row.terminated_at or span.stop, span.stop, span.now)
    within = (ended - max(row.launched_at, span.start)).total_seconds()
    uptime = ((row.terminated_at or span.now) - row.launched_at).total_seconds()
    return ServerUsage(row, max(0.0, within) / HOUR_S, max(0, int(uptime)))
