"""The processes of compute as administrators see them: up or down, enabled or disabled, forced down."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Sequence

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers.ability import DISABLED
from ...core.errors import BadRequest, Conflict, NotFound
from ...core.process.slice import Kit
from ...core.services.placement import PlacementService
from .fleet import Fleet
from .journeys import ENDED
from .picture import BINARY, UP_S
from .tables import aggregate_hosts, hosts, moves, servers, services

INTERNAL = "internal"
"""The zone of processes that run no servers."""
CONDUCTOR = "nova-conductor"
SCHEDULER = "nova-scheduler"
BEAT_S = 25.0

_ALL = sa.select(services).order_by(services.c.number)
_BEAT = services.update().where(services.c.host == sa.bindparam("of"), services.c.binary == sa.bindparam("kind"))
_BY_ID = sa.select(services).where(services.c.id == sa.bindparam("id"))
_BY_NUMBER = sa.select(services).where(services.c.number == sa.bindparam("id"))
_BY_NAME = sa.select(services).where(services.c.host == sa.bindparam("host"),
                                     services.c.binary == sa.bindparam("binary"))
_SERVERS = sa.select(sa.func.count()).select_from(servers).where(servers.c.host == sa.bindparam("host"),
                                                                 servers.c.deleted.is_(False))
_MOVES = sa.select(sa.func.count()).select_from(moves).where(
    sa.or_(moves.c.source_compute == sa.bindparam("host"), moves.c.dest_compute == sa.bindparam("host")),
    moves.c.status.not_in(ENDED))
_PROVIDERS = sa.select(hosts.c.id).where(hosts.c.host == sa.bindparam("host"))


@dataclasses.dataclass(frozen=True)
class Daemon:
    """One process of compute: its row, and what follows from its last beat."""

    row: Row
    up: bool
    zone: str
    beat_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """What to change of a process; none leaves it. A reason without ``enabled`` false means nothing."""

    enabled: bool | None = None
    reason: str | None = None
    forced_down: bool | None = None


def _seen(kit: Kit, fleet: Fleet, row: Row) -> Daemon:
    compute = row.binary == BINARY
    beat = max(row.beat_at, fleet.beat_at(row.host) if compute else 0.0)
    up = not row.forced_down and kit.clock.time() - beat <= UP_S
    moment = datetime.datetime.fromtimestamp(beat, datetime.UTC).replace(tzinfo=None) if beat else None
    return Daemon(row, up, (fleet.zone(row.host) or str(kit.options.zone)) if compute else INTERNAL, moment)


def listed(kit: Kit, fleet: Fleet, host: str = "", binary: str = "") -> list[Daemon]:
    """All processes, or those of a host, or of a binary."""
    statement = _ALL
    if host:
        statement = statement.where(services.c.host == host)
    if binary:
        statement = statement.where(services.c.binary == binary)
    with kit.db.read() as tx:
        rows = tx.rows(statement)
    return [_seen(kit, fleet, row) for row in rows]


def by_name(kit: Kit, host: str, binary: str) -> Row:
    """The process of a host. :raises NotFound: there is none."""
    with kit.db.read() as tx:
        row = tx.row(_BY_NAME, {"host": host, "binary": binary})
    if row is None:
        raise NotFound(f"Could not find binary {binary} on host {host}.")
    return row


def by_id(kit: Kit, id: str | int) -> Row:
    """The process of an id, or of a number. :raises NotFound: there is none."""
    with kit.db.read() as tx:
        row = tx.row(_BY_NUMBER if isinstance(id, int) else _BY_ID, {"id": id})
    if row is None:
        raise NotFound(f"Compute service {id} could not be found.")
    return row


def change(kit: Kit, fleet: Fleet, context: Context, row: Row, wanted: Change) -> Daemon:
    """Enable, disable or force down a process, and return how it is then.

    :raises BadRequest: it is no ``nova-compute``.
    """
    if row.binary != BINARY:
        raise BadRequest(f"Updating a {row.binary} service is not supported. "
                         "Only nova-compute services can be updated.")
    values: dict[str, object] = {"updated_at": kit.clock.now()}
    if wanted.enabled is not None:
        values |= {"disabled": not wanted.enabled, "disabled_reason": None if wanted.enabled else wanted.reason}
    if wanted.forced_down is not None:
        values["forced_down"] = wanted.forced_down
    with kit.db.write() as tx:
        tx.update(services, row.id, **values)
        tx.after_commit(fleet.changed)
        _tell(kit, tx, context, "update", row.id)
    if wanted.enabled is not None:
        with kit.db.read() as tx:
            providers = tx.values(_PROVIDERS, {"host": row.host})
        for provider in providers:
            kit.peers.of(PlacementService).change_provider(context, provider, {DISABLED: not wanted.enabled}, {})
    return _seen(kit, fleet, by_id(kit, row.id))


def delete(kit: Kit, fleet: Fleet, context: Context, row: Row) -> None:
    """Forget a process; of a ``nova-compute`` also its hypervisors and its places in aggregates.

    :raises Conflict: there are servers on its host, or moves to or from it that have not ended.
    """
    providers: Sequence[str] = ()
    if row.binary == BINARY:
        with kit.db.read() as tx:
            if tx.value(_SERVERS, {"host": row.host}):
                raise Conflict("Unable to delete compute service that is hosting instances. Migrate or delete the "
                               "instances first.")
            if tx.value(_MOVES, {"host": row.host}):
                raise Conflict("Unable to delete compute service that has in-progress migrations. Complete the "
                               "migrations first.")
            providers = tx.values(_PROVIDERS, {"host": row.host})
    for provider in providers:
        kit.peers.of(PlacementService).delete_provider(context, provider)
    with kit.db.write() as tx:
        _tell(kit, tx, context, "delete", row.id)
        tx.execute(services.delete().where(services.c.id == row.id))
        if row.binary == BINARY:
            tx.execute(hosts.delete().where(hosts.c.host == row.host))
            tx.execute(aggregate_hosts.delete().where(aggregate_hosts.c.host == row.host))
        tx.after_commit(fleet.changed)


def beat(kit: Kit, binary: str) -> None:
    """Say that this process does the work of ``binary``; call it every :data:`BEAT_S` seconds."""
    now = kit.clock.now()
    with kit.db.write() as tx:
        if not tx.execute(_BEAT, {"of": kit.host, "kind": binary, "beat_at": kit.clock.time(), "updated_at": now}):
            tx.insert(services, {"id": kit.clock.uuid(), "binary": binary, "host": kit.host, "disabled": False,
                                 "forced_down": False, "beat_at": kit.clock.time(), "created_at": now})


def announce(kit: Kit) -> None:
    """Begin to list this process: it carries out operations, and decides places where the scheduler is here."""
    for binary in (CONDUCTOR, SCHEDULER) if "scheduler" in kit.peers.local() else (CONDUCTOR,):
        beat(kit, binary)
        kit.executor.every(BEAT_S, functools.partial(beat, kit, binary))


def _tell(kit: Kit, tx: Transaction, context: Context, verb: str, id: str) -> None:
    row = tx.row(_BY_ID, {"id": id})
    if row is not None:
        kit.events.emit(tx, context, f"service.{verb}", "ServiceStatusPayload", {
            "uuid": row.id, "host": row.host, "binary": row.binary, "topic": "compute", "report_count": 0,
            "disabled": row.disabled, "disabled_reason": row.disabled_reason, "forced_down": row.forced_down,
            "last_seen_up": None, "version": 1, "availability_zone": None}, version="1.1")
