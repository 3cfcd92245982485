"""A quick look at the claims of many hosts at once: who seems to have another claim than it should.

It reads the holders of claims first and the rows that explain them afterwards, some hosts at a time, by as many
queries for each however many servers they have. What it finds is only a suspicion: see :mod:`.audit_claims`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.columns import BigText
from ...core.db.engine import Transaction
from ...core.process.slice import Kit
from ...core.services.placement import Holding, PlacementService
from . import seats, states
from .audit_due import Due, Ground
from .tables import block_devices, server_details, servers

TOGETHER = 100
"""Hosts at a time."""
MANY = 500
"""Ids of one query."""
UNTOUCHED = (states.BUILDING, states.ERROR)
"""Servers that may or may not have a claim, by how far they came."""
NOTHING = Holding({})
_BACKED = sa.exists().where(block_devices.c.server_id == servers.c.id, block_devices.c.boot_index == 0,
                            block_devices.c.destination_type == "volume")
PLACED = (sa.select(servers.c.id, servers.c.provider, servers.c.host,
                    sa.and_(servers.c.task_state.is_(None), servers.c.move.is_(None),
                            servers.c.vm_state.not_in(UNTOUCHED)),
                    sa.type_coerce(servers.c.flavor, BigText), sa.type_coerce(server_details.c.image, BigText),
                    sa.type_coerce(server_details.c.hints, BigText), _BACKED)
          .join(server_details, server_details.c.server_id == servers.c.id, isouter=True)
          .where(servers.c.host.in_(sa.bindparam("hosts", expanding=True)), servers.c.deleted.is_(False)))
KNOWN = sa.select(servers.c.id, servers.c.provider).where(
    servers.c.id.in_(sa.bindparam("ids", expanding=True)), servers.c.deleted.is_(False))


@dataclasses.dataclass
class Suspects:
    """Those of some hosts: holders that are no servers, by provider, and servers."""

    strangers: Mapping[str, Sequence[str]]
    servers: Sequence[str]


def surveyed(kit: Kit, context: Context, ground: Ground) -> Iterator[Suspects]:
    """The suspects of all hosts."""
    providers = list(ground.names)
    for start in range(0, len(providers), TOGETHER):
        yield _survey(kit, context, ground, dict.fromkeys(providers[start:start + TOGETHER]))


def _survey(kit: Kit, context: Context, ground: Ground, providers: Mapping[str, None]) -> Suspects:
    holdings = kit.peers.of(PlacementService).holdings(context, list(providers))
    with kit.db.read() as tx:
        rows: Sequence[Any] = tx.rows(PLACED, {"hosts": sorted({ground.names[one] for one in providers})})
        placed = [row for row in rows if row[1] in providers]
        seated = {row.consumer: seats.read(row.seat) for row in tx.rows(seats.ON, {"providers": list(providers)})}
        here = {row[0] for row in placed}
        known = known_of(tx, [one for one in holdings if one not in here])
    # One that is said to be here, but not to be on the host of that name, is looked at, too.
    suspects = [one for one, place in known.items() if not place or place in providers]
    for id, provider, host, rests, flavor, image, hints, backed in placed:
        if rests:
            due = ground.of(provider, host, ground.terms(flavor, image, hints, bool(backed)), seated.get(id))
            if not _is_met(ground, due, provider, holdings.get(id, NOTHING)):
                suspects.append(id)
    return Suspects(_strangers(holdings, here | known.keys(), providers), suspects)


def _is_met(ground: Ground, due: Due, provider: str, holding: Holding) -> bool:
    """Whether nothing is wrong with the claim of a server on ``provider``, which should have what is ``due``."""
    held = holding.allocations
    return not due.odd and not due.unseated and due.met(held) and holding.sole == due.sole and not any(
        one != provider and one in ground.names for one in held)


def _strangers(holdings: Mapping[str, Holding], servers: set[str], providers: Mapping[str, None]
               ) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {one: [] for one in providers}
    for holder in sorted(holdings.keys() - servers):
        for one in found.keys() & holdings[holder].allocations.keys():
            found[one].append(holder)
    return {one: holders for one, holders in found.items() if holders}


def known_of(tx: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """Which of ``ids`` are servers, and their providers; many are asked for piece by piece."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), MANY):
        found.update(tx.rows(KNOWN, {"ids": list(ids[start:start + MANY])}))  # type: ignore[arg-type]
    return found
