"""What compute has written down twice, compared: usage with the servers counted, claims with the servers there are.

All of it is kept in the transactions that change servers, so nothing should ever be found; what is found is a trace
of a mistake, or of hands in the database. It can be asked while the cloud runs: what is being changed is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.process.slice import Drift, Kit
from . import accounting, seats, states
from .audit_survey import known_of
from .tables import seats as seat_rows
from .tables import servers, usage

LIVE = (servers.c.deleted.is_(False), servers.c.vm_state != states.SOFT_DELETED)
WRITTEN = sa.select(usage.c.project_id, usage.c.instances, usage.c.cores, usage.c.ram)
COUNTED_ALL = (sa.select(servers.c.project_id, sa.func.count(), sa.func.sum(servers.c.vcpus),
                         sa.func.sum(servers.c.memory_mib)).where(*LIVE).group_by(servers.c.project_id))
COUNTED = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(servers.c.vcpus), 0),
                    sa.func.coalesce(sa.func.sum(servers.c.memory_mib), 0)).where(
    servers.c.project_id == sa.bindparam("project"), *LIVE)
UNSETTLED = sa.select(servers.c.id).where(
    servers.c.project_id == sa.bindparam("project"), servers.c.deleted.is_(False), servers.c.task_state.is_not(None),
    sa.or_(servers.c.move.is_not(None), servers.c.vm_state.in_((states.SOFT_DELETED, states.RESIZED)))).limit(1)
"""What is charged before the server is changed, or after: resizes, and those deleted softly that come back."""
MOVING = sa.select(servers.c.move).where(servers.c.deleted.is_(False), servers.c.move.is_not(None))
SEATS = sa.select(seat_rows).order_by(seat_rows.c.provider, seat_rows.c.consumer)


def usages(kit: Kit, mend: bool) -> Iterator[Drift]:
    """Projects whose usage is not what their servers use; one in which a server gets another size is left out."""
    for project in _suspects(kit):
        with kit.db.write() as tx:
            # The row is locked first, so that nobody adds to it between counting and writing.
            accounting.charge(tx, project, 0, 0, 0)
            if tx.row(UNSETTLED, {"project": project}) is not None:
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


def _suspects(kit: Kit) -> list[str]:
    """Projects whose usage does not seem to be what their servers use, by one look at all."""
    with kit.db.read() as tx:
        written: dict[str, tuple[int, ...]] = {row[0]: tuple(row[1:]) for row in tx.rows(WRITTEN)}
        counted = {row[0]: tuple(map(int, row[1:])) for row in tx.rows(COUNTED_ALL)}
    nothing = 0, 0, 0
    return sorted(one for one in written.keys() | counted if written.get(one, nothing) != counted.get(one, nothing))


def seating(kit: Kit, mend: bool) -> Iterator[Drift]:
    """Seats of nobody, and what two seats have of one host."""
    with kit.db.read() as tx:
        taken: Sequence[Any] = tx.rows(SEATS)
        moving = {row.move["consumer"] for row in tx.rows(MOVING) if row.move}
        known = known_of(tx, [row.server_id for row in taken])
        stray = [row for row in taken
                 if (row.server_id not in known or (row.consumer != row.server_id and row.consumer not in moving))
                 and kit.engine.unfinished(tx, row.server_id) is None]
    for row in stray:
        with kit.db.write() as tx:
            # It may have been given back since the seats were read.
            if not seats.is_held(tx, row.consumer):
                continue
            if mend:
                seats.release(tx, row.consumer)
        yield Drift("seat", row.consumer, f"holds a seat for {row.server_id} on provider {row.provider}", mend)
    owner: dict[tuple[str, str], str] = {}
    for row in taken:
        seat = seats.read(row.seat)
        for part in (*(f"processor {cpu}" for cpu in seat.taken), *(f"device {one.address}" for one in seat.devices)):
            if owner.setdefault((row.provider, part), row.consumer) != row.consumer:
                yield Drift("seat", row.consumer, f"has {part} of provider {row.provider}, as has "
                                                  f"{owner[row.provider, part]}", False)
