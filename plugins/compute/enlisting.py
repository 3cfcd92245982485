"""Hosts that come, or come back, many at once: their rows, and what placement is told of them, in a few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.process.slice import Kit
from ...core.services.placement import Offer, PlacementService
from . import offer
from .agency import Enrolment
from .journeys import cleaned
from .options import Options
from .picture import BINARY
from .tables import aggregate_hosts, aggregates, hosts, servers, services

_NAMES: Any = sa.bindparam("names", expanding=True)
_DAEMONS = sa.select(services.c.host, services.c.disabled).where(services.c.binary == BINARY,
                                                                 services.c.host.in_(_NAMES))
_MEMBERS = (sa.select(aggregate_hosts.c.host, aggregates.c.uuid)
            .join(aggregates, aggregates.c.id == aggregate_hosts.c.aggregate_id)
            .where(aggregate_hosts.c.host.in_(_NAMES)).order_by(aggregates.c.id))
_KNOWN = sa.select(hosts.c.id).where(hosts.c.id.in_(_NAMES))
_BUSY = sa.select(servers.c.host).where(servers.c.host.in_(_NAMES), servers.c.deleted.is_(False)).distinct()
_AGAIN = (hosts.update().where(hosts.c.id == sa.bindparam("key"))
          .values(host=sa.bindparam("name"), node=sa.bindparam("called"), facts=sa.bindparam("said"),
                  updated_at=sa.bindparam("now")))


def register(kit: Kit, context: Context, enrolments: Sequence[Enrolment]) -> None:
    """Write that the hosts are there and what they offer.

    :raises InUse: one has no longer what is claimed of it.
    """
    names = [one.host for one in enrolments]
    with kit.db.write() as tx:
        closed = _daemons(kit, tx, names)
        _rows(kit, tx, enrolments)
        members = tx.rows(_MEMBERS, {"names": names})
    options = cast(Options, kit.options)
    member_of: defaultdict[str, list[str]] = defaultdict(list)
    for row in members:
        member_of[row.host].append(row.uuid)
    kit.peers.of(PlacementService).apply_providers(context, [Offer(
        provider=one.provider, name=one.facts.hostname, inventories=offer.inventories(options, one.facts),
        traits=offer.traits(one.facts, one.host in closed), children=offer.children(one.provider, one.facts),
        aggregates=member_of[one.host],
    ) for one in enrolments])


def _daemons(kit: Kit, tx: Transaction, names: Sequence[str]) -> set[str]:
    """Write that the hosts' processes live; those that are disabled."""
    beat_at, now = kit.clock.time(), kit.clock.now()
    known = {row.host: bool(row.disabled) for row in tx.rows(_DAEMONS, {"names": names})}
    if known:
        tx.execute(services.update().where(services.c.binary == BINARY, services.c.host.in_(list(known)))
                   .values(beat_at=beat_at, updated_at=now))
    tx.insert(services, [{"id": kit.clock.uuid(), "binary": BINARY, "host": name, "disabled": False,
                          "forced_down": False, "beat_at": beat_at, "created_at": now}
                         for name in names if name not in known])
    return {name for name, disabled in known.items() if disabled}


def _rows(kit: Kit, tx: Transaction, enrolments: Sequence[Enrolment]) -> None:
    now, known = kit.clock.now(), set(tx.values(_KNOWN, {"names": [one.provider for one in enrolments]}))
    again = [{"key": one.provider, "name": one.host, "called": one.facts.hostname,
              "said": msgspec.to_builtins(one.facts), "now": now} for one in enrolments if one.provider in known]
    if again:
        tx.execute(_AGAIN, again)
    tx.insert(hosts, [{"id": one.provider, "host": one.host, "node": one.facts.hostname,
                       "facts": msgspec.to_builtins(one.facts), "failures": 0, "created_at": now}
                      for one in enrolments if one.provider not in known])


def to_compare(kit: Kit, enrolments: Sequence[Enrolment]) -> list[Enrolment]:
    """Those that have guests, or shall have some; what was left on the others is removed."""
    names = [one.host for one in enrolments]
    with kit.db.read() as tx:
        busy = set(tx.values(_BUSY, {"names": names}))
    found = [one for one in enrolments if one.guests or one.host in busy]
    idle = [one.host for one in enrolments if not one.guests and one.host not in busy]
    if idle:
        with kit.db.write() as tx:
            cleaned(kit, tx, *idle)
    return found
