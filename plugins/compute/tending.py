"""What is done to single servers besides: backups, crash dumps, passwords, what they use, volumes swapped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.context import Context
from ...core.db.engine import Row
from ...core.drivers.hypervisor import GuestUse
from ...core.errors import BadRequest, Conflict, NotFound, NotSupported, WrongState
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord
from ...core.services.volume import VolumeService
from . import accounting, creation, disk_keys, disks, plans, records, states
from .agency import ComputeAgent, agent_queue
from .event import emit
from .tables import block_devices
from .workflows.image import BACKING_UP, make_image

ADMINISTRATOR = "root"
PASSWORD_S = 20.0
"""How long an agent inside a guest gets to set a password."""


def back_up(kit: Kit, context: Context, server_id: str, wish: Mapping[str, Any], limited: bool) -> str:
    """Begin to make a backup of a server and to delete older ones of its kind; returns the image's id.

    ``limited``: the quota of metadata holds for the image. :raises BadRequest: the root disk is a volume.
    """
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        details, devices = records.details(tx, server_id), records.devices(tx, server_id)
        limits = accounting.limits(kit, tx, row.project_id)
    metadata = wish.get("metadata") or {}
    if limited:
        creation.within_metadata(len(metadata), limits)
    states.check(row, "createBackup", context)
    disk_keys.see_copyable(kit, row, details, devices)
    if disks.is_volume_backed(devices):
        raise BadRequest("Backup is not supported for volume-backed instances.")
    base = plans.image_of(details)
    properties = {**plans.snapshot_properties(row, base, metadata), "image_type": "backup",
                  "backup_type": wish["backup_type"]}
    record = ImageRecord(id=kit.clock.uuid(), name=wish["name"], disk_format="", container_format="bare",
                         properties=properties, min_disk=row.root_gib, min_ram=base.min_ram)
    data = {"image": msgspec.to_builtins(record), "task": BACKING_UP, "backup_type": wish["backup_type"],
            "rotation": int(wish["rotation"])}
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.begin(tx, row, "createBackup", context, kit.clock.now())
        kit.engine.start(tx, "compute.create_backup", server_id, context, data)
        emit(kit, tx, context, "instance.snapshot.start", row)
    make_image(kit, context, record)
    return record.id


def crash_dump(kit: Kit, context: Context, server_id: str) -> None:
    """Begin to make a guest's kernel dump its memory."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "trigger_crash_dump", context)
        kit.engine.start(tx, "compute.trigger_crash_dump", server_id, context)
        emit(kit, tx, context, "instance.trigger_crash_dump.start", row)


def inject_network(kit: Kit, context: Context, server_id: str) -> None:
    """Begin to wire a server's ports anew on its host. :raises Conflict: it is on none."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "injectNetworkInfo", context)
        if not row.host:
            raise Conflict(f"Instance {server_id} is not ready")
        kit.engine.start(tx, "compute.inject_network_info", server_id, context)


def _agent(kit: Kit, row: Row, timeout_s: float) -> ComputeAgent:
    return kit.mesh.reach(agent_queue(row.host), ComputeAgent, timeout_s)


def change_password(kit: Kit, context: Context, server_id: str, password: str) -> None:
    """Give a server's administrator a password. :raises Conflict: there is no agent inside to do it."""
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        image = plans.image_of(records.details(tx, server_id))
    states.check(row, "changePassword", context)
    user = image.properties.get("os_admin_user") or ADMINISTRATOR
    try:
        _agent(kit, row, PASSWORD_S).set_password(context, server_id, user, password)
    except (NotSupported, WrongState) as refused:
        raise Conflict(f"Failed to set admin password on {server_id} because error setting admin passwd: "
                       f"{refused.message}", type="InstancePasswordSetFailed") from refused
    with kit.db.write() as tx:
        kit.engine.record(tx, "compute.change_password", server_id, context)


def use(kit: Kit, context: Context, server_id: str) -> tuple[Row, GuestUse]:
    """A server's row and what its guest used. :raises WrongState: it does not run."""
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
    if not row.host:
        raise Conflict(f"Instance {server_id} is not ready")
    try:
        return row, _agent(kit, row, PASSWORD_S).use(context, server_id)
    except NotFound as exc:
        words = {number: power.value for power, number in states.POWER.items()}
        raise WrongState(f"Cannot 'get_diagnostics' instance {server_id} while it is in power state "
                         f"{words.get(row.power_state, 'pending')}") from exc


def swap_volume(kit: Kit, context: Context, server_id: str, old_id: str, new_id: str) -> None:
    """Begin to put volume ``new_id`` in the place of ``old_id``, with the same contents.

    :raises BadRequest: the new volume is not free or too small. :raises NotFound: the old one is not attached.
    """
    service = kit.peers.of(VolumeService)
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "swap_volume", context)
        device = records.device(tx, server_id, old_id)
    _see_swappable(service, context, device, old_id, new_id)
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "swap_volume", context)
        if not tx.change(block_devices, device.id, {"state": "attached"}, state="detaching"):
            raise BadRequest(f"Invalid volume: volume {old_id} is being detached already")
        kit.engine.start(tx, "compute.swap_volume", server_id, context,
                         {"old": old_id, "new": new_id, "attachment": kit.clock.uuid()})
        emit(kit, tx, context, "instance.volume_swap.start", row)


def _see_swappable(service: VolumeService, context: Context, device: Row, old_id: str, new_id: str) -> None:
    if device.state != "attached":
        raise BadRequest(f"Invalid volume: the attachment of volume {old_id} is {device.state}")
    old, new = service.volume(context, old_id), service.volume(context, new_id)
    if new.status != "available":
        raise BadRequest("Invalid volume: New volume must be detached in order to swap.")
    if new.size < old.size:
        raise BadRequest("Invalid volume: New volume must be the same size or larger.")
    if len(service.volume_details(context, old_id)[0].attachments) > 1:
        raise BadRequest("Swapping multi-attach volumes with more than one read/write attachment is not supported.")
