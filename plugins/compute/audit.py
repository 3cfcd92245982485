"""What compute has written down twice, compared: usage with the servers counted, claims with the servers there are.

All of it is kept in the transactions that change servers, so nothing should ever be found; what is found is a trace
of a mistake, or of hands in the database. It can be asked while the cloud runs: what is being changed is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.drivers.filter import EXCLUSIVE, truth
from ...core.errors import BadRequest, CloudError
from ...core.process.slice import Drift, Kit
from ...core.services.placement import PlacementService
from . import accounting, disks, plans, records, seats, states
from .tables import aggregate_hosts, aggregates, hosts, servers, usage
from .tables import seats as seat_rows
from .wants import Wants

LIVE = (servers.c.deleted.is_(False), servers.c.vm_state != states.SOFT_DELETED)
PROJECTS = sa.union(sa.select(usage.c.project_id), sa.select(servers.c.project_id).where(*LIVE))
COUNTED = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(servers.c.vcpus), 0),
                    sa.func.coalesce(sa.func.sum(servers.c.memory_mib), 0)).where(
    servers.c.project_id == sa.bindparam("project"), *LIVE)
BUSY = sa.select(servers.c.id).where(servers.c.project_id == sa.bindparam("project"), servers.c.deleted.is_(False),
                                     servers.c.task_state.is_not(None)).limit(1)
PROVIDERS = sa.select(hosts.c.id, hosts.c.host).order_by(hosts.c.number)
PLACED = sa.select(servers).where(servers.c.provider == sa.bindparam("provider"), servers.c.deleted.is_(False))
MOVING = sa.select(servers.c.move).where(servers.c.deleted.is_(False), servers.c.move.is_not(None))
EXCLUSIVE_HOSTS = (sa.select(aggregate_hosts.c.host, aggregates.c.metadata)
                   .join(aggregates, aggregates.c.id == aggregate_hosts.c.aggregate_id))
SEATS = sa.select(seat_rows).order_by(seat_rows.c.provider, seat_rows.c.consumer)
KNOWN = sa.select(servers.c.id).where(servers.c.id.in_(sa.bindparam("ids", expanding=True)),
                                      servers.c.deleted.is_(False))


def usages(kit: Kit, mend: bool) -> Iterator[Drift]:
    """Projects whose usage is not what their servers use; a project in which something is being done is left out."""
    with kit.db.read() as tx:
        projects = tx.values(PROJECTS)
    for project in sorted(projects):
        with kit.db.write() as tx:
            # The row is locked first, so that nobody adds to it between counting and writing.
            accounting.charge(tx, project, 0, 0, 0)
            if tx.row(BUSY, {"project": project}) is not None:
                continue
            counted = tuple(int(value) for value in tx.row(COUNTED, {"project": project}) or (0, 0, 0))
            written = tuple(accounting.used(tx, project).values())
            if counted == written:
                continue
            if mend:
                instances, cores, ram = counted
                tx.execute(usage.update().where(usage.c.project_id == project)
                           .values(instances=instances, cores=cores, ram=ram))
        words = "{} servers, {} cores, {} MiB"
        yield Drift("usage", project, f"written: {words.format(*written)}; counted: {words.format(*counted)}", mend)


def claims(kit: Kit, context: Context, mend: bool) -> Iterator[Drift]:
    """Claims of servers that there are not, and servers without the claim of their flavor."""
    placement = kit.peers.of(PlacementService)
    with kit.db.read() as tx:
        providers: Sequence[Any] = tx.rows(PROVIDERS)
        moving = {row.move["consumer"] for row in tx.rows(MOVING) if row.move}
        exclusive = {row.host for row in tx.rows(EXCLUSIVE_HOSTS) if truth(row.metadata.get(EXCLUSIVE, ""))}
    for provider, host in providers:
        with kit.db.read() as tx:
            placed = {row.id: row for row in tx.rows(PLACED, {"provider": provider})}
        holders = placement.consumers(context, provider)
        yield from _strangers(kit, context, host, [one for one in holders if one not in placed and one not in moving],
                              mend)
        for row in placed.values():
            yield from _missing(kit, context, provider, host, row, host in exclusive, mend)


def _strangers(kit: Kit, context: Context, host: str, holders: Sequence[str], mend: bool) -> Iterator[Drift]:
    """Holders that are no servers. One that is a server somewhere is claiming just now, or has moved."""
    with kit.db.read() as tx:
        known = set(tx.values(KNOWN, {"ids": list(holders)})) if holders else set()
        strange = [one for one in holders if one not in known and kit.engine.unfinished(tx, one) is None]
    for one in strange:
        if mend:
            kit.peers.of(PlacementService).release(context, one)
        yield Drift("claim", one, f"claimed on {host}, but no server", mend)


def _missing(kit: Kit, context: Context, provider: str, host: str, row: Any, exclusive: bool, mend: bool
             ) -> Iterator[Drift]:
    if row.task_state is not None or row.move is not None or row.vm_state in (states.BUILDING, states.ERROR):
        return
    placement = kit.peers.of(PlacementService)
    with kit.db.read() as tx:
        details = records.details(tx, row.id)
        try:
            particular, seat = plans.wanted(kit, row.flavor, details), seats.of(tx, row.id)
        except BadRequest as odd:
            # What flavors may say has changed since.
            yield Drift("seat", row.id, f"its flavor or image cannot be kept any more: {odd.message}", False)
            return
        wanted = {provider: _amounts(tx, row, particular), **(seats.amounts(seat) if seat is not None else {})}
        exclusive = exclusive or plans.exclusive(row.flavor["extra_specs"], details.hints)
        if kit.engine.unfinished(tx, row.id) is not None:
            return
    held, sole = placement.allocations(context, row.id), provider if exclusive else ""
    alone, grouped = placement.sole(context, row.id), plans.grouped(row.flavor["extra_specs"])
    # Where groups of resources went only the scheduler knows, so that only none at all is a drift.
    right = bool(held) if grouped else all(held.get(one) == of for one, of in wanted.items())
    if particular and seat is None:
        yield Drift("seat", row.id, f"has nothing of {host} for itself, as its flavor says; move it", False)
    if right and alone == sole:
        return
    mended, should = False, wanted[provider] if len(wanted) == 1 else wanted
    said = f"holds {held or 'nothing'} on {host}, should hold {should}"
    if right:
        said = f"has {host} {'for its project alone, and should not' if alone else 'not for its project alone'}"
        wanted = held
    if mend and (right or not grouped):
        try:
            placement.claim(context, row.id, wanted, row.project_id, row.user_id, "INSTANCE", sole)
            mended = True
        except CloudError as error:
            said += f"; not mended: {error}"
    yield Drift("claim", row.id, said, mended)


def _amounts(tx: Transaction, row: Any, particular: Wants) -> dict[str, int]:
    return plans.resources(row.flavor, disks.is_volume_backed(records.devices(tx, row.id)), particular.dedicated)


def seating(kit: Kit, mend: bool) -> Iterator[Drift]:
    """Seats of nobody, and what two seats have of one host."""
    with kit.db.read() as tx:
        taken: Sequence[Any] = tx.rows(SEATS)
        moving = {row.move["consumer"] for row in tx.rows(MOVING) if row.move}
        known = set(tx.values(KNOWN, {"ids": [row.server_id for row in taken]})) if taken else set()
        stray = [row for row in taken if kit.engine.unfinished(tx, row.server_id) is None
                 and (row.server_id not in known or row.consumer not in (row.server_id, *moving))]
    for row in stray:
        if mend:
            with kit.db.write() as tx:
                seats.release(tx, row.consumer)
        yield Drift("seat", row.consumer, f"holds a seat for {row.server_id} on provider {row.provider}", mend)
    owner: dict[tuple[str, str], str] = {}
    for row in taken:
        seat = seats.read(row.seat)
        for part in (*(f"processor {cpu}" for cpu in seat.taken), *(f"device {one.address}" for one in seat.devices)):
            if owner.setdefault((row.provider, part), row.consumer) != row.consumer:
                yield Drift("seat", row.consumer, f"has {part} of provider {row.provider}, as has "
                                                  f"{owner[row.provider, part]}", False)
