"""Shelving servers and taking them off the shelf again: what is checked before the operations begin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, Conflict
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord
from . import disk_keys, disks, plans, records, states
from .event import emit
from .fleet import Fleet
from .tables import server_details
from .workflows.image import make_image
from .workflows.shelve import owner

TO_HOST = "os_compute_api:os-shelve:unshelve_to_host"


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where a server shall go from the shelf. A ``zone`` of none leaves it where it is pinned, an empty one unpins."""

    zone: str | None = None
    host: str = ""


def shelve(kit: Kit, context: Context, server_id: str) -> None:
    """Begin to shelve a server; one with a root volume needs no image."""
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        details, devices = records.details(tx, server_id), records.devices(tx, server_id)
    states.check(row, "shelve", context)
    disk_keys.see_copyable(kit, row, details, devices)
    record = None if disks.is_volume_backed(devices) else _image(kit, row, details)
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.begin(tx, row, "shelve", context, kit.clock.now())
        kit.engine.start(tx, "compute.shelve", server_id, context,
                         {"image": msgspec.to_builtins(record)} if record is not None else {})
        emit(kit, tx, context, "instance.shelve.start", row)
    if record is not None:
        make_image(kit, owner(context, row), record)


def _image(kit: Kit, row: Row, details: Row) -> ImageRecord:
    base = plans.image_of(details)
    return ImageRecord(id=kit.clock.uuid(), name=f"{row.name}-shelved", disk_format="", container_format="bare",
                       properties=plans.snapshot_properties(row, base, {}), min_disk=row.root_gib, min_ram=base.min_ram)


def offload(kit: Kit, context: Context, server_id: str) -> None:
    """Begin to take a shelved server from its host."""
    with kit.db.write() as tx:
        begin_offload(kit, tx, context, records.find(tx, context, server_id))


def begin_offload(kit: Kit, tx: Transaction, context: Context, row: Row) -> None:
    """Begin to take the shelved server ``row`` from its host. :raises WrongState: it is not shelved."""
    states.begin(tx, row, "shelveOffload", context, kit.clock.now(), due_at=None)
    kit.engine.start(tx, "compute.shelve_offload", row.id, context)
    emit(kit, tx, context, "instance.shelve_offload.start", row)


def unshelve(kit: Kit, fleet: Fleet, context: Context, server_id: str, wanted: Destination | None) -> None:
    """Begin to take a server off the shelf; ``wanted`` may name a zone and a host, if it has left its own.

    :raises BadRequest: there is no such zone or host.
    :raises Conflict: the server is still on its host, or the host is in another zone.
    """
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
    states.check(row, "unshelve", context)
    if wanted is not None:
        _check(kit, fleet, context, row, wanted)
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        values = _pinned(tx, row, wanted) if wanted is not None else {}
        states.begin(tx, row, "unshelve", context, kit.clock.now(), **values)
        kit.engine.start(tx, "compute.unshelve", server_id, context, {"host": wanted.host if wanted else ""})
        emit(kit, tx, context, "instance.unshelve.start", row)


def _check(kit: Kit, fleet: Fleet, context: Context, row: Row, wanted: Destination) -> None:
    if row.vm_state != states.OFFLOADED:
        raise Conflict("Specifying an availability zone or a host when unshelving "
                       f'server "{row.id}" with status "{states.status(row.vm_state, None)}" is not supported. '
                       "The server status must be SHELVED_OFFLOADED.")
    if wanted.host:
        kit.policy.enforce(context, TO_HOST, {"project_id": row.project_id})
    if wanted.zone and wanted.zone not in fleet.zones():
        raise BadRequest("The requested availability zone is not available")
    if not wanted.host:
        return
    host = fleet.host(wanted.host)
    if host is None:
        raise BadRequest(f"Compute host {wanted.host} could not be found.")
    zone = row.pinned_zone if wanted.zone is None else wanted.zone
    if zone and host.zone != zone:
        raise Conflict(f'Host "{wanted.host}" is not in the availability zone "{zone}".')


def _pinned(tx: Transaction, row: Row, wanted: Destination) -> Mapping[str, Any]:
    """Pin the server to the zone that is wanted, or to none; a host it was made on by name has had its turn."""
    zone = row.pinned_zone if wanted.zone is None else wanted.zone
    tx.execute(server_details.update().where(server_details.c.server_id == row.id)
               .values(placement={"zone": zone, "host": "", "node": ""}))
    return {"pinned_zone": zone, "zone": zone}
