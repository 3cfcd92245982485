"""What can be asked of servers that shall go elsewhere or have another size: checks, rows, and the move's operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, Conflict
from ...core.process.slice import Kit
from . import accounting, choice, disk_keys, disks, journeys, live_disks, plans, records, seats, states
from .event import emit
from .fleet import Fleet
from .moving import live_key
from .tables import server_details, servers


def resize(kit: Kit, fleet: Fleet, context: Context, server_id: str, flavor_id: str, disk_config: str = "") -> None:
    """Begin to give a server another flavor, and another ``disk_config`` if there is one.

    :raises BadRequest: the flavor is the same, disabled, or its disk smaller.
    """
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "resize", context)
        flavor, old = choice.flavor(tx, context, flavor_id), row.flavor
        if flavor["id"] == old["id"]:
            raise BadRequest("When resizing, instances must change flavor!")
        backed = disks.is_volume_backed(records.devices(tx, server_id))
        if flavor["root_gib"] == 0 and old["root_gib"] != 0 and not backed:
            raise BadRequest("Resize to zero disk flavor is not allowed.")
        if not backed and flavor["root_gib"] < old["root_gib"]:
            raise BadRequest("Flavor's disk is smaller than the server's: a disk cannot shrink.")
        details = records.details(tx, server_id)
        choice.fits(kit, context, plans.image_of(details), flavor, not backed)
        plans.wanted(kit, flavor, details)
        disk_keys.see_same(old, flavor, plans.image_of(details).properties)
        _see_up(fleet, row)
        accounting.grow(kit, tx, row.project_id, flavor["vcpus"] - old["vcpus"],
                        flavor["memory_mib"] - old["memory_mib"], row.user_id)
        move = _move(kit, row, journeys.RESIZE, flavor)
        _begin(kit, tx, context, row, "resize", move, "pre-migrating")
        if disk_config:
            tx.update(servers, server_id, disk_config=disk_config)
        kit.engine.start(tx, "compute.resize", server_id, context)
        emit(kit, tx, context, "instance.resize.start", row)


def migrate(kit: Kit, fleet: Fleet, context: Context, server_id: str, host: str) -> None:
    """Begin to move a server, which is stopped meanwhile, to ``host`` or any other.

    :raises BadRequest: the host is unknown, or the server's own. :raises Conflict: the server's host is down.
    """
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "migrate", context)
        if host:
            _see_host(fleet, host)
            if host == row.host:
                raise BadRequest("Cannot migrate to the host where the server exists.")
        _see_up(fleet, row)
        move = _move(kit, row, journeys.COLD, row.flavor, wanted=host)
        _begin(kit, tx, context, row, "migrate", move, "pre-migrating")
        kit.engine.start(tx, "compute.migrate", server_id, context)
        emit(kit, tx, context, "instance.resize_prep.start", row)


def finish(kit: Kit, context: Context, server_id: str, action: str, kind: str) -> None:
    """Begin to keep a resize or a cold migration, or to take it back."""
    confirms = action == "confirmResize"
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.begin(tx, row, action, context, kit.clock.now())
        kit.engine.start(tx, kind, server_id, context)
        if row.move is not None:
            journeys.note(kit, tx, row.move["consumer"], "confirming" if confirms else "reverting")
        emit(kit, tx, context, f"instance.{'resize_confirm' if confirms else 'resize_revert'}.start", row)


def live_migrate(kit: Kit, fleet: Fleet, context: Context, server_id: str, host: str, block: bool | None,
                 force: bool, check: bool) -> None:
    """Begin to move a server while it runs; ``block`` says whether local disks come along, none: when there are any.

    Without ``check`` what can be known at once is looked at by the migration, which fails then (since 2.34).
    :raises BadRequest: the host is unknown; with ``check``: see :func:`see_live`.
    """
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "os-migrateLive", context)
        if host:
            _see_host(fleet, host)
        if check:
            local = live_disks.has_local(row.flavor, records.devices(tx, server_id))
            see_live(fleet, row.id, row.host, host, block, local)
            seats.see_movable(tx, row.id)
        move = _move(kit, row, journeys.LIVE, row.flavor, wanted=host, block=block, force=force and bool(host))
        _begin(kit, tx, context, row, "os-migrateLive", move, journeys.QUEUED)
        kit.engine.start(tx, "compute.live_migrate", server_id, context)


def see_live(fleet: Fleet, server_id: str, source: str, target: str, block: bool | None, local: bool) -> None:
    """See that a live migration may begin.

    :raises BadRequest: the target is the server's own host, one of both is down, or see :func:`live_disks.check`.
    """
    if source == target:
        raise BadRequest(f"Unable to migrate instance ({server_id}) to current host ({target}).")
    for one in filter(None, (source, target)):
        if not fleet.up(one):
            raise BadRequest(f"Compute service of {one} is unavailable at this time.")
    live_disks.check(fleet, server_id, source, target, block, local)


def evacuate(kit: Kit, fleet: Fleet, context: Context, server_id: str, host: str, force: bool, stop: bool,
             sealed: str = "") -> None:
    """Begin to make a server, whose host is down, anew on another; ``stop`` leaves it stopped there.

    ``sealed`` is the password that the new guest finds on its config drive.

    :raises BadRequest: its host is up, or ``host`` is unknown or its own.
    """
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "evacuate", context)
        if host and fleet.host(host) is None:
            raise BadRequest(f"Compute host {host} not found.")
        if host and host == row.host:
            raise BadRequest("The target host can't be the same one.")
        if not row.host:
            raise Conflict(f"Instance {server_id} is not ready")
        if fleet.up(row.host):
            raise BadRequest(f"Compute service of {row.host} is still in use.")
        move = _move(kit, row, journeys.EVACUATION, row.flavor, wanted=host, force=force and bool(host),
                     stop=stop or row.vm_state == states.STOPPED)
        _begin(kit, tx, context, row, "evacuate", move, "accepted")
        if row.config_drive and sealed:
            tx.execute(server_details.update().where(server_details.c.server_id == server_id)
                       .values(sealed_password=sealed))
        kit.engine.start(tx, "compute.evacuate", server_id, context)
        emit(kit, tx, context, "instance.evacuate", row)


def wish(kit: Kit, context: Context, server_id: str, number: int, word: str, statuses: tuple[str, ...]) -> None:
    """Have a live migration ``abort``, or ``force`` it to end soon. :raises BadRequest: its status forbids it."""
    action = "abort live migration" if word == "abort" else "force_complete"
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, action, context)
        move = journeys.one(tx, server_id, number)
        if move.type != journeys.LIVE or move.status not in statuses:
            raise BadRequest(f"Migration {number} state of instance {server_id} is {move.status}. "
                             f"Cannot {action.replace('_', ' ')} while the migration is in this state.")
        journeys.wish(tx, move, word)
        told = "live_migration_abort" if word == "abort" else "live_migration_force_complete"
        kit.engine.record(tx, "compute.live_migration_cancel" if word == "abort" else
                          "compute.live_migration_force_complete", server_id, context)
        emit(kit, tx, context, f"instance.{told}.start", row)
        tx.after_commit(lambda: kit.wake(live_key(move.uuid)))


def _see_host(fleet: Fleet, host: str) -> None:
    if fleet.host(host) is None:
        raise BadRequest(f"Compute host {host} could not be found.")


def _see_up(fleet: Fleet, row: Row) -> None:
    if not fleet.up(row.host):
        raise Conflict("The server's host is not available at this time.")


def _move(kit: Kit, row: Row, kind: str, flavor: Mapping[str, Any], *, wanted: str = "", block: bool | None = None,
          force: bool = False, stop: bool = False) -> dict[str, Any]:
    """What a server's row says of its move: its kind, both flavors, both sides, and what was asked for."""
    old = {"host": row.host, "node": row.node, "provider": row.provider, "zone": row.zone}
    return {"kind": kind, "consumer": kit.clock.uuid(), "old_flavor": row.flavor, "new_flavor": flavor,
            "before": row.vm_state, "old_host": row.host, "old": old, "new": None, "wanted": wanted, "block": block,
            "force": force, "stop": stop}


def _begin(kit: Kit, tx: Transaction, context: Context, row: Row, action: str, move: dict[str, Any],
           status: str) -> None:
    states.begin(tx, row, action, context, kit.clock.now(), move=move)
    if row.move is not None:
        # An administrator reset the state of a server that had not confirmed its last move.
        journeys.note(kit, tx, row.move["consumer"], "error")
        kit.engine.start(tx, "compute.clean_up", row.id, context, {
            "host": row.move["old_host"], "consumer": row.move["consumer"], "again": True})
    journeys.begin(kit, tx, row, move["kind"], status, move["new_flavor"], move["consumer"], move["wanted"])
