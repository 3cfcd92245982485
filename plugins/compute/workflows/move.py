"""What every move of a server to another host shares: a destination and its claim, ports, volumes, plans.

A step calls these with the same arguments as often as it likes. While a move is under way the old claim is held by
the move's own consumer, which is its migration's uuid; ``move`` in the server's row names it and both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ....core.db.engine import Row
from ....core.drivers.volume import Connector
from ....core.errors import BackendBusy, NoValidHost, Unreachable
from ....core.operations.workflow import Job
from ....core.services.network import NetworkService
from ....core.services.scheduler import Host, Selection
from ....core.services.volume import VolumeService
from .. import claims, disks, plans, recovery
from ..agency import GuestPlan
from .step import Rows, agent_of, connections, fleet_of, kit_of

MOVE_S = 1800.0
"""How long an agent may take to move a guest's disks before it is asked again."""
LEAVE_S = 60.0


# The destination and its claim.

def choose(job: Job, rows: Rows, flavor: Mapping[str, Any], ignored: Sequence[str] = (), host: str = "",
           force: bool = False) -> Selection:
    """Hand the server's claim to the move's consumer, choose a host for ``flavor`` and claim there for the server.

    ``host`` is the only one that may be chosen, where it is given; with ``force`` nobody asks whether it fits.
    :raises NoValidHost: none fits.
    """
    kit, move = kit_of(job), rows.server.move
    claims.hand(kit, job.context, job.subject, move["consumer"])
    if force:
        return _claim_on(job, rows, flavor, host)
    left_out = list(ignored)
    if host:
        left_out += [one.host for one in fleet_of(job).all() if one.host != host]
    with kit.db.read() as tx:
        request = plans.request(kit, tx, rows.server, rows.details, rows.devices, flavor, ignored=left_out)
    request = msgspec.structs.replace(request, forced_host="", forced_node="")
    particular = plans.wanted(kit, flavor, rows.details)
    return claims.select(kit, job.context, request, particular, move["consumer"])


def _claim_on(job: Job, rows: Rows, flavor: Mapping[str, Any], host: str) -> Selection:
    """Claim on ``host`` what the flavor needs, whatever the scheduler would say."""
    found: Host | None = fleet_of(job).host(host)
    if found is None:
        raise NoValidHost("No valid host was found. The host that was asked for is not there.")
    kit, particular = kit_of(job), plans.wanted(kit_of(job), flavor, rows.details)
    amounts = plans.resources(flavor, disks.is_volume_backed(rows.devices), particular.dedicated,
                              particular.emulator)
    alone = found.exclusive or plans.exclusive(flavor["extra_specs"], rows.details.hints)
    claims.take_on(kit, job.context, found, rows.server, amounts, particular, rows.server.move["consumer"],
                   found.provider if alone else "")
    return Selection(provider=found.provider, host=found.host, node=found.node, zone=found.zone)


def restore_claim(job: Job, consumer: str) -> None:
    """Give the server's new claim back, and the old one, which ``consumer`` holds, to the server."""
    claims.restore(kit_of(job), job.context, job.subject, consumer)


def drop_claim(job: Job, consumer: str) -> None:
    """Give the old claim back."""
    claims.release(kit_of(job), job.context, consumer)


def side(row: Row) -> dict[str, str]:
    """Where a server is, as moves keep it."""
    return {"host": row.host, "node": row.node, "provider": row.provider, "zone": row.zone}


def chosen_side(chosen: Selection, row: Row) -> dict[str, str]:
    """A destination, as moves keep it."""
    return {"host": chosen.host, "node": chosen.node, "provider": chosen.provider, "zone": chosen.zone or row.zone}


# Ports and volumes.

def wire(job: Job, rows: Rows, where: Mapping[str, str]) -> list[Any]:
    """Bind the server's ports to a host and wire them there; how its guest joins them."""
    if not rows.server.nics:
        return []
    network = kit_of(job).peers.of(NetworkService)
    network.bind(job.context, job.subject, where["host"], where["zone"])
    return network.plug(job.context, job.subject, where["host"])


def unwire(job: Job, rows: Rows, host: str) -> None:
    """Unwire the server's ports on a host; on one that is down once it answers."""
    if rows.server.nics and host:
        kit_of(job).peers.of(NetworkService).unplug(job.context, job.subject, host, not fleet_of(job).up(host))


def close_volumes(job: Job, rows: Rows, host: str) -> None:
    """Close the server's volumes to a host that it has left."""
    for one in rows.devices:
        if one.destination_type == "volume" and one.attachment_id:
            kit_of(job).peers.of(VolumeService).close(job.context, one.attachment_id, Connector(host=host))


def plan_at(job: Job, rows: Rows, flavor: Mapping[str, Any], where: Mapping[str, str], password: str = "",
            consumer: str = "") -> GuestPlan:
    """Wire the ports on a host, open the volumes to it, and say what its agent needs to have the guest.

    Its seat is the one that ``consumer`` holds, where it is given.
    """
    vifs = wire(job, rows, where)
    return plans.guest(kit_of(job), job.context, rows.server, rows.details, rows.devices, flavor, vifs,
                       connections(job, rows, where["host"]), password, consumer)


def leave(job: Job, rows: Rows, host: str) -> None:
    """Remove all of the server from a host that it has left.

    A host that is down keeps the guest, which does not run, until its agent is back and is told.
    """
    destroy_at(job, host)
    unwire(job, rows, host)
    close_volumes(job, rows, host)


def destroy_for_good(job: Job, host: str) -> None:
    """Remove the server's guest from a host before it may run elsewhere.

    A host that cannot be reached is waited for, unless it is certain that nothing runs there.
    """
    if not recovery.stopped(kit_of(job), host):
        agent_of(job, host).destroy(job.context, job.subject)


def unwire_for_good(job: Job, rows: Rows, host: str) -> None:
    """Unwire the server's ports on a host, unless it is certain that nothing runs there."""
    if rows.server.nics and not recovery.stopped(kit_of(job), host):
        kit_of(job).peers.of(NetworkService).unplug(job.context, job.subject, host)


def destroy_at(job: Job, host: str) -> None:
    """Remove the server's guest from a host, unless that is down."""
    fleet = fleet_of(job)
    if not fleet.up(host):
        return
    try:
        agent_of(job, host, LEAVE_S).destroy(job.context, job.subject)
    except Unreachable:
        raise
    except BackendBusy:
        if fleet.up(host):
            raise
