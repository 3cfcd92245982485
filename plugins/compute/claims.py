"""A server's claim on a host: amounts in placement, and its seat. Each call may be made again.

A seat goes before the amounts when both are given back, and comes after them when both are taken.
"""

from __future__ import annotations

import contextlib

from ...core.context import Context
from ...core.db.engine import Row
from ...core.drivers.fitting import fit
from ...core.errors import ConcurrentUpdate, NoValidHost
from ...core.process.slice import Kit
from ...core.services.placement import Amounts, PlacementService
from ...core.services.scheduler import Host, Request, SchedulerService, Selection
from . import seats
from .wants import Wants

TRIES = 5
RACES = 50
"""Of those that race for seats of one host one has its own each time, so that few come this far."""
NO_SEAT = "No valid host was found. Its cells, processors or PCI devices were taken meanwhile."


def select(kit: Kit, context: Context, request: Request, wants: Wants, move: str = "") -> Selection:
    """Have the scheduler choose a host and claim there, and take a seat on it.

    A seat that somebody else was faster with costs another choice. ``move`` is the move by which the server goes there.
    :raises NoValidHost: there is none, or others were faster again and again.
    """
    scheduler, placement = kit.peers.of(SchedulerService), kit.peers.of(PlacementService)
    for _ in range(TRIES):
        chosen = scheduler.select(context, request)
        if not wants or _seated(kit, context, request.server_id, chosen.provider, wants, move):
            return chosen
        placement.release(context, request.server_id)
    raise NoValidHost(NO_SEAT)


def _seated(kit: Kit, context: Context, server_id: str, provider: str, wants: Wants, move: str) -> bool:
    """Take a seat on a host; tell whether there was one."""
    held = kit.peers.of(PlacementService).allocations(context, server_id)
    for _ in range(RACES):
        with contextlib.suppress(ConcurrentUpdate), kit.db.write() as tx:
            return seats.take(kit, tx, server_id, provider, wants, held, move)
    return False


def take_on(kit: Kit, context: Context, host: Host, server: Row, amounts: Amounts, wants: Wants, move: str,
            sole: str) -> None:
    """Claim on a host that nobody chose, whatever the scheduler would say of it.

    :raises Conflict: it has not enough left. :raises NoValidHost: it has no seat for the server.
    """
    placement = kit.peers.of(PlacementService)
    if not placement.allocations(context, server.id):
        placement.claim(context, server.id, {host.provider: amounts, **_devices(kit, host.provider, wants)},
                        server.project_id, server.user_id, "INSTANCE", sole)
    if wants and not _seated(kit, context, server.id, host.provider, wants, move):
        placement.release(context, server.id)
        raise NoValidHost(NO_SEAT)


def _devices(kit: Kit, provider: str, wants: Wants) -> dict[str, dict[str, int]]:
    """What devices on a host are to be claimed in placement. :raises NoValidHost: it has no seat."""
    if not wants:
        return {}
    room = seats.rooms(kit, [provider]).get(provider)
    seat = None if room is None else fit(room, wants.topology, wants.devices)
    if seat is None:
        raise NoValidHost("No valid host was found. The host that was asked for has no room for the server's cells, "
                          "processors or PCI devices.")
    return seats.amounts(seat)


def release(kit: Kit, context: Context, consumer: str) -> None:
    """Give back all that a server, or a move, has claimed."""
    with kit.db.write() as tx:
        seats.release(tx, consumer)
    kit.peers.of(PlacementService).release(context, consumer)


def hand(kit: Kit, context: Context, server_id: str, move: str) -> None:
    """Hand a server's claim to its move, unless that has it already."""
    placement = kit.peers.of(PlacementService)
    if not placement.allocations(context, move):
        with kit.db.write() as tx:
            seats.hand(tx, server_id, move)
        placement.move(context, server_id, move)


def restore(kit: Kit, context: Context, server_id: str, move: str) -> None:
    """Give the server's new claim back, and the old one, which its move holds, to the server."""
    placement = kit.peers.of(PlacementService)
    if placement.allocations(context, move):
        with kit.db.write() as tx:
            seats.restore(tx, server_id, move)
        placement.release(context, server_id)
        placement.move(context, move, server_id)
