"""Host aggregates: named sets of hosts with metadata; one with ``availability_zone`` makes a zone."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, BadRequest, Conflict, NotFound
from ...core.process.slice import Kit
from ...core.services.placement import PlacementService
from . import choice
from .fleet import Fleet
from .picture import BINARY, ZONE_KEY
from .tables import aggregate_hosts, aggregates, hosts, servers, services

PAYLOAD = "AggregatePayload"
_ONE = sa.select(aggregates).where(aggregates.c.id == sa.bindparam("aggregate_id"))
_LOCKED = _ONE.with_for_update()
_ALL = sa.select(aggregates).order_by(aggregates.c.id)
_MEMBERS = sa.select(aggregate_hosts).order_by(aggregate_hosts.c.host)
_OTHERS = (sa.select(aggregates.c.metadata, aggregate_hosts.c.host)
           .join(aggregates, aggregates.c.id == aggregate_hosts.c.aggregate_id)
           .where(aggregates.c.id != sa.bindparam("aggregate_id")))
_NAMED = sa.select(aggregates.c.id).where(aggregates.c.name == sa.bindparam("name"))
_KNOWN = sa.select(services.c.id).where(services.c.host == sa.bindparam("host"), services.c.binary == BINARY)
_PROVIDERS = sa.select(hosts.c.id).where(hosts.c.host == sa.bindparam("host"))
_BUSY = sa.select(servers.c.host).where(servers.c.deleted.is_(False)).limit(1)


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """An aggregate's row and its hosts."""

    row: Row
    hosts: Sequence[str]

    @property
    def metadata(self) -> Mapping[str, str]:
        """Its metadata, with the zone among them."""
        metadata: Mapping[str, str] = self.row.metadata
        return metadata

    @property
    def zone(self) -> str | None:
        """The availability zone it makes, or none."""
        return self.metadata.get(ZONE_KEY)


def _read(tx: Transaction, aggregate_id: int, statement: sa.Select[Any] = _ONE) -> Aggregate:
    row = tx.row(statement, {"aggregate_id": aggregate_id})
    if row is None:
        raise NotFound(f"Aggregate {aggregate_id} could not be found.")
    members = tx.rows(_MEMBERS.where(aggregate_hosts.c.aggregate_id == aggregate_id))
    return Aggregate(row, [one.host for one in members])


def find(kit: Kit, aggregate_id: int) -> Aggregate:
    """An aggregate. :raises NotFound: there is none."""
    with kit.db.read() as tx:
        return _read(tx, aggregate_id)


def listed(kit: Kit) -> list[Aggregate]:
    """All aggregates."""
    inside: dict[int, list[str]] = {}
    with kit.db.read() as tx:
        rows = tx.rows(_ALL)
        for one in tx.rows(_MEMBERS):
            inside.setdefault(one.aggregate_id, []).append(one.host)
    return [Aggregate(row, inside.get(row.id, ())) for row in rows]


def create(kit: Kit, fleet: Fleet, context: Context, name: str, zone: str | None) -> Aggregate:
    """Make an empty aggregate. :raises AlreadyExists: the name is taken."""
    with kit.db.write() as tx:
        _see_name(tx, name)
        metadata = {} if zone is None else {ZONE_KEY: zone}
        tx.insert(aggregates, {"uuid": kit.clock.uuid(), "name": name, "metadata": metadata,
                               "created_at": kit.clock.now()})
        made = _read(tx, int(tx.value(_NAMED, {"name": name})))
        _changed(kit, fleet, tx, context, "create", made)
    return made


def _see_name(tx: Transaction, name: str) -> None:
    if tx.value(_NAMED, {"name": name}) is not None:
        raise AlreadyExists(f"Aggregate {name} already exists.")


def rename(kit: Kit, fleet: Fleet, context: Context, aggregate_id: int, name: str | None,
           zone: Mapping[str, str | None]) -> Aggregate:
    """Change an aggregate's name, and its zone where ``zone`` holds one (none takes it away).

    :raises AlreadyExists: the name is taken. :raises BadRequest: a host would be in two zones, or change its zone
        with servers on it.
    """
    with kit.db.write() as tx:
        old = _read(tx, aggregate_id, _LOCKED)
        if name is not None and name != old.row.name:
            _see_name(tx, name)
        metadata = _merged(old.metadata, zone)
        if metadata.get(ZONE_KEY) != old.zone:
            _see_zone(tx, old, metadata.get(ZONE_KEY), old.hosts, "update aggregate")
        return _write(kit, fleet, tx, context, old, "update_prop", name=name or old.row.name, metadata=metadata)


def set_metadata(kit: Kit, fleet: Fleet, context: Context, aggregate_id: int, items: Mapping[str, str | None]
                 ) -> Aggregate:
    """Set items of the metadata; those that are none go.

    :raises BadRequest: as :func:`rename`. :raises NotFound: there is no such aggregate.
    """
    with kit.db.write() as tx:
        old = _read(tx, aggregate_id, _LOCKED)
        metadata = _merged(old.metadata, items)
        if metadata.get(ZONE_KEY) != old.zone:
            _see_zone(tx, old, metadata.get(ZONE_KEY), old.hosts, "update aggregate metadata")
        return _write(kit, fleet, tx, context, old, "update_metadata", metadata=metadata)


def _merged(old: Mapping[str, str], items: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in {**old, **items}.items() if value is not None}


def _see_zone(tx: Transaction, old: Aggregate, zone: str | None, members: Sequence[str], action: str) -> None:
    """See that ``members`` may pass from the zone they get elsewhere, or from ``old``, to ``zone``.

    :raises BadRequest: another aggregate puts one into another zone, or one has servers and would change its zone.
    """
    if not members:
        return
    others = tx.rows(_OTHERS.where(aggregate_hosts.c.host.in_(members)), {"aggregate_id": old.row.id})
    elsewhere = {row.host: row.metadata[ZONE_KEY] for row in others if ZONE_KEY in row.metadata}
    if zone is not None and (zones := set(elsewhere.values()) - {zone}):
        raise _refused(action, old, f"One or more hosts already in availability zone(s) {sorted(zones)}")
    moved = [host for host in members if host not in elsewhere]
    if moved and tx.value(_BUSY.where(servers.c.host.in_(moved))) is not None:
        raise _refused(action, old, "One or more hosts contain instances in this zone")


def _refused(action: str, aggregate: Aggregate, reason: str) -> BadRequest:
    return BadRequest(f"Cannot perform action '{action}' on aggregate {aggregate.row.id}. Reason: {reason}.")


def delete(kit: Kit, fleet: Fleet, context: Context, aggregate_id: int) -> None:
    """Delete an aggregate. :raises BadRequest: it has hosts. :raises NotFound: there is none."""
    with kit.db.write() as tx:
        old = _read(tx, aggregate_id, _LOCKED)
        if old.hosts:
            raise _refused("delete", old, "Host aggregate is not empty")
        tx.execute(aggregates.delete().where(aggregates.c.id == aggregate_id))
        _changed(kit, fleet, tx, context, "delete", old)


def add_host(kit: Kit, fleet: Fleet, context: Context, aggregate_id: int, host: str) -> Aggregate:
    """Put a host into an aggregate.

    :raises NotFound: there is no such aggregate or host.
    :raises Conflict: it is in there already, or would be in two zones, or change its zone with servers on it.
    """
    with kit.db.write() as tx:
        old = _read(tx, aggregate_id, _LOCKED)
        if tx.value(_KNOWN, {"host": host}) is None:
            raise NotFound(f"Compute host {host} could not be found.")
        if host in old.hosts:
            raise AlreadyExists(f"Aggregate {aggregate_id} already has host {host}.")
        if old.zone is not None:
            with _conflicting():
                _see_zone(tx, old, old.zone, [host], "add host to aggregate")
        tx.insert(aggregate_hosts, {"aggregate_id": aggregate_id, "host": host})
        new = _write(kit, fleet, tx, context, old, "add_host")
    _mirror(kit, context, new, host, True)
    return new


def remove_host(kit: Kit, fleet: Fleet, context: Context, aggregate_id: int, host: str) -> Aggregate:
    """Take a host out of an aggregate.

    :raises NotFound: there is no such aggregate, or the host is not in it.
    :raises Conflict: the host would leave its zone with servers on it.
    """
    with kit.db.write() as tx:
        old = _read(tx, aggregate_id, _LOCKED)
        if host not in old.hosts:
            raise NotFound(f"Aggregate {aggregate_id} has no host {host}.")
        if old.zone is not None:
            with _conflicting():
                _see_zone(tx, old, None, [host], "remove host from aggregate")
        tx.execute(aggregate_hosts.delete().where(aggregate_hosts.c.aggregate_id == aggregate_id,
                                                  aggregate_hosts.c.host == host))
        new = _write(kit, fleet, tx, context, old, "remove_host")
    _mirror(kit, context, new, host, False)
    return new


def _mirror(kit: Kit, context: Context, one: Aggregate, host: str, member: bool) -> None:
    """Have placement know that a host is in an aggregate, or no longer is."""
    with kit.db.read() as tx:
        providers = tx.values(_PROVIDERS, {"host": host})
    for provider in providers:
        kit.peers.of(PlacementService).change_provider(context, provider, {}, {one.row.uuid: member})


def cache_images(kit: Kit, context: Context, aggregate_id: int, image_ids: Sequence[str]) -> None:
    """Begin to fetch images to the hosts of an aggregate.

    :raises BadRequest: an image is named twice, or cannot be used. :raises NotFound: there is no such aggregate.
    """
    if len(set(image_ids)) != len(image_ids):
        raise BadRequest("Duplicate images in request")
    found = find(kit, aggregate_id)
    for image_id in image_ids:
        choice.image(kit, context, image_id)
    with kit.db.write() as tx:
        kit.engine.start(tx, "compute.cache_images", found.row.uuid, context,
                         {"images": list(image_ids), "hosts": list(found.hosts), "aggregate": _payload(found)})
        kit.events.emit(tx, context, "aggregate.cache_images.start", PAYLOAD, _payload(found), version="1.1")


@contextlib.contextmanager
def _conflicting() -> Iterator[None]:
    """What is malformed in a change of metadata is a conflict in a change of hosts."""
    try:
        yield
    except BadRequest as exc:
        raise Conflict(exc.message) from exc


def _write(kit: Kit, fleet: Fleet, tx: Transaction, context: Context, old: Aggregate, verb: str, **values: Any
           ) -> Aggregate:
    tx.execute(aggregates.update().where(aggregates.c.id == old.row.id).values(updated_at=kit.clock.now(), **values))
    new = _read(tx, old.row.id)
    _changed(kit, fleet, tx, context, verb, new)
    return new


def _changed(kit: Kit, fleet: Fleet, tx: Transaction, context: Context, verb: str, one: Aggregate) -> None:
    tx.after_commit(fleet.changed)
    for phase in ("start", "end"):
        kit.events.emit(tx, context, f"aggregate.{verb}.{phase}", PAYLOAD, _payload(one), version="1.1")


def _payload(one: Aggregate) -> dict[str, Any]:
    """What events tell of an aggregate."""
    return {"id": one.row.id, "uuid": one.row.uuid, "name": one.row.name, "hosts": list(one.hosts),
            "metadata": dict(one.metadata)}
