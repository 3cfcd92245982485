"""Seats: the cells, processors and PCI devices of a host that a server has for itself.

A seat is taken in one transaction, which counts the host's ``seated`` up from what it was when its seats were read: of
two that want the same one comes too late. As in placement a move holds the old seat while the server takes the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from ...core.db.columns import BigText
from ...core.db.engine import Row, Transaction
from ...core.drivers.fitting import fit, left
from ...core.drivers.topology import PciDevice, Room, Seat
from ...core.errors import BadRequest, ConcurrentUpdate
from ...core.process.slice import Kit
from . import offer
from .options import Options
from .tables import hosts, seats
from .wants import Wants

MANY = 500
FACTS = sa.type_coerce(hosts.c.facts, BigText).label("facts")
HOST = sa.select(hosts.c.id, FACTS, hosts.c.seated).where(hosts.c.id == sa.bindparam("provider"))
HOSTS = sa.select(hosts.c.id, FACTS).where(hosts.c.id.in_(sa.bindparam("providers", expanding=True)))
ON = sa.select(seats.c.provider, seats.c.consumer, seats.c.seat).where(
    seats.c.provider.in_(sa.bindparam("providers", expanding=True)))
ONE = sa.select(seats).where(seats.c.consumer == sa.bindparam("consumer"))
OF_SERVER = sa.select(seats).where(seats.c.server_id == sa.bindparam("server")).order_by(seats.c.created_at)
COUNT_UP = (hosts.update().where(hosts.c.id == sa.bindparam("provider"), hosts.c.seated == sa.bindparam("seen"))
            .values(seated=hosts.c.seated + 1))
RELEASE = seats.delete().where(seats.c.consumer == sa.bindparam("holder"))
FORGET = seats.delete().where(seats.c.server_id == sa.bindparam("server"))
Held = Mapping[str, Mapping[str, int]]
"""What placement has given: amounts by provider and class."""


def rooms(kit: Kit, providers: Sequence[str]) -> dict[str, Room]:
    """What hosts have left for particular guests, by provider."""
    found: dict[str, Room] = {}
    options = cast(Options, kit.options)
    for start in range(0, len(providers), MANY):
        some = {"providers": list(providers[start:start + MANY])}
        with kit.db.read() as tx:
            rows, taken = tx.rows(HOSTS, some), tx.rows(ON, some)
        by_provider: dict[str, list[Seat]] = {}
        for one in taken:
            by_provider.setdefault(one.provider, []).append(read(one.seat))
        for row in rows:
            found[row.id] = left(empty(options, row), by_provider.get(row.id, []))
    return found


def empty(options: Options, row: Row) -> Room:
    """The room of a host if nobody were there."""
    return offer.room(row.id, row.facts, options.cpu_ratio, options.memory_ratio)


def read(kept: Any) -> Seat:
    """A seat as its row has it."""
    return msgspec.convert(kept, Seat)


def take(kit: Kit, tx: Transaction, server_id: str, provider: str, wants: Wants, held: Held, move: str = "") -> bool:
    """Give a server a seat on a host, of the devices it ``held`` in placement; the same again changes nothing.

    Tell whether there was one. :raises ConcurrentUpdate: another server took one meanwhile.
    """
    present = tx.row(ONE, {"consumer": server_id})
    if present is not None and present.provider == provider and present.move == move:
        return True
    host = tx.row(HOST, {"provider": provider})
    if host is None:
        return False
    others = [read(one.seat) for one in tx.rows(ON, {"providers": [provider]}) if one.consumer != server_id]
    room = left(empty(cast(Options, kit.options), host), others)
    seat = fit(msgspec.structs.replace(room, devices=tuple(_given(room.devices, held))), wants.topology, wants.devices)
    if seat is None:
        return False
    if tx.execute(COUNT_UP, {"provider": provider, "seen": host.seated}) != 1:
        raise ConcurrentUpdate("Another server was seated on the host meanwhile.")
    tx.execute(RELEASE, {"holder": server_id})
    tx.insert(seats, {"consumer": server_id, "server_id": server_id, "provider": provider, "move": move,
                      "seat": msgspec.to_builtins(seat), "created_at": kit.clock.now()})
    return True


def _given(devices: Sequence[PciDevice], held: Held) -> Iterator[PciDevice]:
    """As many of the devices of each provider as are claimed there."""
    amounts = {(provider, class_): amount for provider, of in held.items() for class_, amount in of.items()}
    for device in devices:
        key = device.provider, device.resource_class
        if amounts.get(key, 0) > 0:
            amounts[key] -= 1
            yield device


def of(tx: Transaction, server_id: str, consumer: str = "") -> Seat | None:
    """The seat that ``consumer`` holds for a server, or the server itself; none when it has none."""
    rows = {row.consumer: row for row in tx.rows(OF_SERVER, {"server": server_id})}
    row = rows.get(consumer) or rows.get(server_id)
    return None if row is None else read(row.seat)


def is_held(tx: Transaction, consumer: str) -> bool:
    """Tell whether a server, or a move, has a seat."""
    return tx.row(ONE, {"consumer": consumer}) is not None


def see_movable(tx: Transaction, server_id: str, consumer: str = "") -> None:
    """See that a guest can move while it runs. :raises BadRequest: it has devices of its host."""
    seat = of(tx, server_id, consumer)
    if seat is not None and seat.devices:
        raise BadRequest(f"Unable to migrate instance {server_id}: it has PCI devices of its host, which stay there.")


def hand(tx: Transaction, server_id: str, move: str) -> None:
    """Have a move hold the server's seat; nothing when it does so already, or the server has none."""
    row = tx.row(ONE, {"consumer": server_id})
    if row is not None and row.move != move:
        tx.execute(seats.update().where(seats.c.consumer == server_id).values(consumer=move))


def restore(tx: Transaction, server_id: str, move: str) -> None:
    """Take back the seat that a server got by a move, and give it that which the move holds."""
    tx.execute(seats.delete().where(seats.c.consumer == server_id, seats.c.move == move))
    tx.execute(seats.update().where(seats.c.consumer == move).values(consumer=server_id))


def release(tx: Transaction, consumer: str) -> None:
    """Take back the seat of a server, or of a move; nothing when it has none."""
    tx.execute(RELEASE, {"holder": consumer})


def forget(tx: Transaction, server_id: str) -> None:
    """Take back all seats that are a server's; it is gone."""
    tx.execute(FORGET, {"server": server_id})


def amounts(seat: Seat) -> dict[str, dict[str, int]]:
    """What the devices of a seat are in placement: amounts by provider and class."""
    found: dict[str, dict[str, int]] = {}
    for device in seat.devices:
        of_provider = found.setdefault(device.provider, {})
        of_provider[device.resource_class] = of_provider.get(device.resource_class, 0) + 1
    return found
