"""Hypervisors as administrators see them: what they offer, what is used, which servers they run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import BadRequest, NotFound
from ...core.http.validation import as_integer
from ...core.process.slice import Kit
from .agency import ComputeAgent, agent_queue
from .fleet import Fleet
from .picture import BINARY
from .tables import hosts, servers, services

DAY_S = 86400

_ALL = sa.select(hosts)
_DAEMONS = sa.select(services.c.host, services.c.id, services.c.number, services.c.disabled,
                     services.c.disabled_reason).where(services.c.binary == BINARY)
_USED = sa.select(
    servers.c.host, sa.func.count().label("servers"), sa.func.sum(servers.c.vcpus).label("vcpus"),
    sa.func.sum(servers.c.memory_mib).label("memory_mib"),
    sa.func.sum(servers.c.root_gib + servers.c.ephemeral_gib).label("disk_gib"),
    sa.func.sum(sa.case((servers.c.task_state.is_(None), 0), else_=1)).label("busy"),
).where(servers.c.deleted.is_(False), servers.c.host != "").group_by(servers.c.host)
_SERVERS = (sa.select(servers.c.host, servers.c.id, servers.c.name).where(servers.c.deleted.is_(False))
            .order_by(servers.c.created_at, servers.c.id))


@dataclasses.dataclass(frozen=True)
class Used:
    """What the servers of a host take."""

    servers: int = 0
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    busy: int = 0


@dataclasses.dataclass(frozen=True)
class Hypervisor:
    """One hypervisor: its row, its ``nova-compute``'s row, whether that lives, and what is used."""

    row: Row
    daemon: Row | None
    up: bool
    used: Used
    servers: Sequence[Row] = ()

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the host said of itself when it registered."""
        facts: Mapping[str, Any] = self.row.facts
        return facts

    @property
    def disabled(self) -> bool:
        """Whether the host takes no more servers."""
        return self.daemon is None or bool(self.daemon.disabled)


def _seen(tx: Transaction, fleet: Fleet, rows: Sequence[Row], with_servers: bool) -> list[Hypervisor]:
    """``rows`` with what belongs to them; the same few queries whatever their number."""
    names = [row.host for row in rows]
    if not names:
        return []
    daemons = {one.host: one for one in tx.rows(_DAEMONS.where(services.c.host.in_(names)))}
    used = {one.host: Used(one.servers, int(one.vcpus), int(one.memory_mib), int(one.disk_gib), int(one.busy))
            for one in tx.rows(_USED.where(servers.c.host.in_(names)))}
    inside: dict[str, list[Row]] = {}
    if with_servers:
        for one in tx.rows(_SERVERS.where(servers.c.host.in_(names))):
            inside.setdefault(one.host, []).append(one)
    return [Hypervisor(row, daemons.get(row.host), fleet.up(row.host), used.get(row.host, Used()),
                       inside.get(row.host, ())) for row in rows]


def page(kit: Kit, fleet: Fleet, limit: int | None, marker: str, with_servers: bool, by_number: bool
         ) -> list[Hypervisor]:
    """A page of hypervisors in the order in which they came; the marker is an id, or a number.

    :raises BadRequest: the marker names none.
    """
    with kit.db.read() as tx:
        if marker and by_number:
            marker = str(tx.value(sa.select(hosts.c.id).where(hosts.c.number == int(marker))) or marker)
        wanted = paged(_ALL, hosts, Page(limit=limit, marker=marker, sort=(("number", "asc"),)), tx)
        return _seen(tx, fleet, tx.rows(wanted), with_servers)


def matching(kit: Kit, fleet: Fleet, pattern: str, with_servers: bool) -> list[Hypervisor]:
    """The hypervisors whose name holds ``pattern``. :raises NotFound: there is none."""
    with kit.db.read() as tx:
        rows = tx.rows(_ALL.where(hosts.c.node.contains(pattern, autoescape=True)).order_by(hosts.c.number))
        if not rows:
            raise NotFound(f"No hypervisor matching '{pattern}' could be found.")
        return _seen(tx, fleet, rows, with_servers)


def find(kit: Kit, fleet: Fleet, id: str | int, with_servers: bool = False) -> Hypervisor:
    """The hypervisor of an id, or of a number. :raises NotFound: there is none."""
    column = hosts.c.number if isinstance(id, int) else hosts.c.id
    with kit.db.read() as tx:
        row = tx.row(_ALL.where(column == id))
        if row is None:
            raise NotFound(f"Hypervisor with ID '{id}' could not be found.")
        return _seen(tx, fleet, [row], with_servers)[0]


def of_host(kit: Kit, fleet: Fleet, host: str) -> Hypervisor:
    """A host's hypervisor. :raises NotFound: the host has none."""
    with kit.db.read() as tx:
        row = tx.row(_ALL.where(hosts.c.host == host).order_by(hosts.c.number))
        if row is None:
            raise NotFound(f"Compute host {host} could not be found.")
        return _seen(tx, fleet, [row], with_servers=False)[0]


def uptime(kit: Kit, context: Context, one: Hypervisor) -> str:
    """The host's present time and how long it has been up, as the command ``uptime`` says it.

    :raises BadRequest: the host is down. :raises BackendBusy: it does not answer.
    """
    if not one.up:
        raise BadRequest(f"Service is unavailable at this time: the host of hypervisor {one.row.node} is down.")
    seconds = int(kit.mesh.reach(agent_queue(one.row.host), ComputeAgent).uptime_s(context))
    days, rest = divmod(seconds, DAY_S)
    hours, minutes = divmod(rest // 60, 60)
    return f" {kit.clock.now():%H:%M:%S} up {f'{days} days, ' if days else ''}{hours:2}:{minutes:02}"


def by_project(kit: Kit, host: str) -> list[Row]:
    """What each project's servers on a host take."""
    statement = sa.select(
        servers.c.project_id, sa.func.sum(servers.c.vcpus).label("vcpus"),
        sa.func.sum(servers.c.memory_mib).label("memory_mib"),
        sa.func.sum(servers.c.root_gib + servers.c.ephemeral_gib).label("disk_gib"),
    ).where(servers.c.host == host, servers.c.deleted.is_(False)).group_by(servers.c.project_id).order_by(
        servers.c.project_id)
    with kit.db.read() as tx:
        return list(tx.rows(statement))


def enabled(kit: Kit, fleet: Fleet) -> list[Hypervisor]:
    """The hypervisors that are not disabled: those that the statistics sum up."""
    return [one for one in page(kit, fleet, None, "", with_servers=False, by_number=False) if not one.disabled]


def number(text: str) -> int:
    """A hypervisor's or aggregate's number from a path. :raises BadRequest: it is no number."""
    found = as_integer(text)
    if found is None:
        raise BadRequest(f"Invalid input: {text[:100]} is not an integer.")
    return found
