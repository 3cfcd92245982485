"""All hosts as the database has them, read piece by piece: what did not change is not read again.

A few queries, whatever the number of hosts, tell what is new: each time the hosts that are disabled or silent and a
stamp for each aggregate; every few seconds a stamp for each block of hosts, and at another reading the servers changed
of late, so that no reading is long. Only blocks with another stamp are read anew, and some of the others in turn, so
that what no stamp shows does not stay hidden.
"""

from __future__ import annotations

import collections
import datetime
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.clock import Clock
from ...core.db.engine import Transaction
from ...core.services.scheduler import Aggregate, Host
from .tables import aggregate_hosts, aggregates, hosts, servers, services

BINARY = "nova-compute"
ZONE_KEY = "availability_zone"
UP_S = 60.0
RECOUNT_S = 5.0
SKEW_S = 10.0
"""How far the clocks of two processes may be apart."""
BLOCK = 128
TURNS = 64
"""Within at most twice so many readings each block is read once, whether it shows a change or not."""
RANGES = 8
"""Up to so many blocks are read by their numbers' ranges; more by a walk through all."""
MANY = 5000
NOWHERE = -1, -1

State = tuple[bool, bool, str]
"""Whether a host is enabled, whether it is up, and why it is disabled."""
WELL: State = True, True, ""
Counts = dict[str, tuple[int, int]]
"""The servers of each host, and how many of them something is being done to."""

_BLOCK_OF = hosts.c.number // sa.literal_column(str(BLOCK), sa.Integer)
STAMPS = sa.select(_BLOCK_OF, sa.func.count(), sa.func.max(hosts.c.number), sa.func.sum(hosts.c.failures),
                   sa.func.max(hosts.c.updated_at)).group_by(_BLOCK_OF)
HOSTS = sa.select(hosts.c.number, hosts.c.id, hosts.c.host, hosts.c.node, hosts.c.facts, hosts.c.failures,
                  hosts.c.metrics).order_by(hosts.c.number)
IN_RANGES = HOSTS.where(sa.or_(*(hosts.c.number.between(sa.bindparam(f"from{n}"), sa.bindparam(f"to{n}"))
                                 for n in range(RANGES))))
IN_BLOCKS = HOSTS.where(_BLOCK_OF.in_(sa.bindparam("blocks", expanding=True)))
ODD = sa.select(services.c.host, services.c.disabled, services.c.disabled_reason, services.c.forced_down,
                services.c.beat_at).where(services.c.binary == BINARY, sa.or_(
                    services.c.disabled, services.c.forced_down, services.c.beat_at < sa.bindparam("since")))
GROUP_STAMPS = (sa.select(aggregates.c.id, aggregates.c.updated_at, sa.func.count(aggregate_hosts.c.host))
                .join(aggregate_hosts, aggregate_hosts.c.aggregate_id == aggregates.c.id, isouter=True)
                .group_by(aggregates.c.id, aggregates.c.updated_at).order_by(aggregates.c.id))
AGGREGATES = sa.select(aggregates)
MEMBERS = sa.select(aggregate_hosts.c.host, aggregate_hosts.c.aggregate_id)
COUNTS = (sa.select(servers.c.host, sa.func.count(), sa.func.sum(sa.case((servers.c.task_state.is_(None), 0), else_=1)))
          .where(servers.c.deleted.is_(False), servers.c.host != "").group_by(servers.c.host))
COUNTS_OF = COUNTS.where(servers.c.host.in_(sa.bindparam("names", expanding=True)))
TOUCHED = sa.select(servers.c.host, servers.c.left_host).where(servers.c.updated_at >= sa.bindparam("since"))


class Picture:
    """The hosts in the order in which they came. ``beats`` and ``metrics`` are what this process heard by itself."""

    def __init__(self, clock: Clock, zone: str, beats: Mapping[str, float],
                 metrics: Mapping[str, Mapping[str, float]]) -> None:
        self._clock, self._zone = clock, zone
        self._beats, self._metrics = beats, metrics
        self.hosts: list[Host] = []
        """The same list until something in it has changed."""
        self.by_name: dict[str, Host] = {}
        self.sharing: set[str] = set()
        """Those whose drivers say that they share their guests' disks."""
        self._hosts: dict[str, Host] = {}
        self._ids: dict[str, list[str]] = {}
        self._blocks: dict[int, list[str]] = {}
        self._stamps: dict[int, tuple[Any, ...]] = {}
        self._turn: collections.deque[int] = collections.deque()
        self._odd: dict[str, State] = {}
        self._group_stamps: list[tuple[Any, ...]] = []
        self._groups: dict[str, list[Aggregate]] = {}
        self._counts: Counts = {}
        self._uncounted: set[str] = set()
        self._counted: datetime.datetime | None = None
        self._read_at = self._counted_at = self._looked_at = float("-inf")

    def recount(self) -> None:
        """Look at everything at the next reading, however short the time since the last."""
        self._read_at = self._counted_at = self._looked_at = float("-inf")

    def read(self, tx: Transaction, heard: Iterable[str] = ()) -> None:
        """Bring it up to date. ``heard`` are hosts that this process heard news of."""
        stale, changed = self._new_groups(tx) | self._new_states(tx) | set(heard), False
        now = self._clock.monotonic()
        # Who reads often finds the pieces of the work in different readings.
        seldom, self._read_at = now - self._read_at > RECOUNT_S / 2, now
        look, count = (now - at >= RECOUNT_S for at in (self._looked_at, self._counted_at))
        blocks = self._new_blocks(tx) if look else []
        if count and (seldom or not look):
            stale |= self._new_counts(tx)
        changed = self._read_blocks(tx, blocks)
        for id in [id for name in stale for id in self._ids.get(name, ())]:
            changed |= self._put(self._fresh(self._hosts[id]))
        if changed:
            self.hosts = [self._hosts[id] for block in sorted(self._blocks) for id in self._blocks[block]]

    def _put(self, host: Host) -> bool:
        """Keep ``host`` in the place of what was there; tell whether that said something else."""
        old = self._hosts.get(host.provider)
        if old is not None and old.host != host.host:
            self._forget([host.provider])
            old = None
        if old is None:
            self._ids.setdefault(host.host, []).append(host.provider)
        else:
            # Who weighs hosts writes these.
            host.capacity, host.used, host.images, host.room = old.capacity, old.used, old.images, old.room
            if host == old:
                return False
        self._hosts[host.provider] = self.by_name[host.host] = host
        return True

    def _forget(self, ids: Iterable[str]) -> None:
        for id in ids:
            name = self._hosts.pop(id).host
            left = self._ids[name] = [one for one in self._ids[name] if one != id]
            if left:
                self.by_name[name] = self._hosts[left[-1]]
            else:
                del self._ids[name]
                self.by_name.pop(name, None)
                self.sharing.discard(name)

    # What is new.

    def _new_blocks(self, tx: Transaction) -> list[int]:
        """The blocks to be read: those whose stamps have changed, and those whose turn it is."""
        rows: Sequence[Any] = tx.rows(STAMPS)
        stamps = {int(row[0]): tuple(row[1:]) for row in rows}
        gone = self._stamps.keys() - stamps.keys()
        found = [block for block, stamp in stamps.items() if self._stamps.get(block) != stamp]
        self._stamps, self._looked_at = stamps, self._clock.monotonic()
        if not self._turn:
            self._turn.extend(stamps)
        for _ in range(min(len(self._turn), max(1, len(stamps) // TURNS))):
            found.append(self._turn.popleft())
        blocks = sorted(set(found) & stamps.keys() | gone)
        self._uncounted.update(self._names(blocks))
        return blocks

    def _new_states(self, tx: Transaction) -> set[str]:
        """The hosts that became, or no longer are, disabled or silent."""
        now = self._clock.time()
        rows = tx.rows(ODD, {"since": now - UP_S})
        before, self._odd = self._odd, {row.host: self._state(row, now) for row in rows}
        names = self._odd.keys() | before.keys()
        return {name for name in names if self._odd.get(name, WELL) != before.get(name, WELL)}

    def _state(self, row: Any, now: float) -> State:
        beat = max(row.beat_at, self._beats.get(row.host, 0.0))
        return not row.disabled, not row.forced_down and now - beat <= UP_S, row.disabled_reason or ""

    def _new_groups(self, tx: Transaction) -> set[str]:
        """All hosts that are or were in aggregates, when one of these has changed."""
        stamps = [tuple(row) for row in tx.rows(GROUP_STAMPS)]
        if stamps == self._group_stamps:
            return set()
        before, self._group_stamps = self._groups, stamps
        by_id = {row.id: Aggregate(id=row.id, uuid=row.uuid, name=row.name, metadata=row.metadata)
                 for row in tx.rows(AGGREGATES)}
        self._groups = {}
        for host, id in tx.connection.execute(MEMBERS):
            if id in by_id:
                self._groups.setdefault(host, []).append(by_id[id])
        return set(before) | set(self._groups)

    def _new_counts(self, tx: Transaction) -> set[str]:
        """The hosts whose servers are counted anew: those with changed servers, and those of blocks read anew."""
        moment, now = self._clock.now(), self._clock.monotonic()
        names: set[str] | None = None
        if self._counted is not None:
            since = self._counted - datetime.timedelta(seconds=SKEW_S)
            touched: Sequence[Any] = tx.rows(TOUCHED, {"since": since})
            names = {*self._uncounted, *(name for row in touched for name in row)} - {""}
        counts = self._counted_of(tx, names)
        before = self._counts
        if names is None:
            self._counts = counts
        else:
            self._counts = {**before, **dict.fromkeys(names, (0, 0)), **counts}
        self._counted, self._counted_at = moment, now
        self._uncounted.clear()
        return {name for name in (self._counts if names is None else names)
                if before.get(name) != self._counts.get(name)} | (before.keys() - self._counts.keys())

    def _names(self, blocks: Iterable[int]) -> list[str]:
        return [self._hosts[id].host for block in blocks for id in self._blocks.get(block, ())]

    def _counted_of(self, tx: Transaction, names: Collection[str] | None) -> Counts:
        if names is not None and not names:
            return {}
        rows: Sequence[Any] = (tx.rows(COUNTS) if names is None or len(names) > MANY
                               else tx.rows(COUNTS_OF, {"names": sorted(names)}))
        return {row[0]: (row[1], int(row[2])) for row in rows}

    # Hosts.

    def _read_blocks(self, tx: Transaction, blocks: Sequence[int]) -> bool:
        """Read blocks anew, and tell whether anything in them has changed."""
        if not blocks:
            return False
        found: dict[int, list[str]] = {block: [] for block in blocks}
        changed = False
        for row in self._rows(tx, blocks):
            found[row.number // BLOCK].append(row.id)
            changed |= self._put(self._fresh(_base(row)))
            (self.sharing.add if row.facts.get("shared_disks") else self.sharing.discard)(row.host)
        gone = {id for block in blocks for id in self._blocks.get(block, ())} - {
            id for ids in found.values() for id in ids}
        self._forget(gone)
        self._blocks.update(found)
        return changed or bool(gone)

    def _rows(self, tx: Transaction, blocks: Sequence[int]) -> Sequence[Any]:
        if len(blocks) > RANGES:
            return tx.rows(IN_BLOCKS, {"blocks": list(blocks)})
        parameters: dict[str, int] = {}
        for n in range(RANGES):
            parameters[f"from{n}"], parameters[f"to{n}"] = (
                (blocks[n] * BLOCK, blocks[n] * BLOCK + BLOCK - 1) if n < len(blocks) else NOWHERE)
        return tx.rows(IN_RANGES, parameters)

    def _fresh(self, host: Host) -> Host:
        """``host`` with its state, aggregates, counts and metrics as they are now known."""
        groups, counts = self._groups.get(host.host, []), self._counts.get(host.host, (0, 0))
        enabled, up, reason = self._odd.get(host.host, WELL)
        zone = next((one.metadata[ZONE_KEY] for one in groups if ZONE_KEY in one.metadata), "")
        return msgspec.structs.replace(
            host, zone=zone or self._zone, enabled=enabled, up=up, disabled_reason=reason, aggregates=groups,
            servers=counts[0], building=counts[1], metrics=self._metrics.get(host.host) or host.metrics)


def _base(row: Any) -> Host:
    """What the row of a host says by itself. Words that many hosts share are kept once, and compared at once."""
    facts = row.facts
    return Host(provider=row.id, host=row.host, node=row.node, hypervisor_type=sys.intern(facts.get("kind", "")),
                hypervisor_version=facts.get("version", 0), architecture=sys.intern(facts.get("architecture", "")),
                failures=row.failures, metrics=row.metrics or {}, address=facts.get("address", ""),
                pci_devices=len(facts.get("devices", ())))
