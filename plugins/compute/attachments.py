"""Volumes and interfaces of servers that exist."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import BackendBusy, BadRequest, Conflict, Forbidden, NotFound, WrongState
from ...core.process.slice import Kit
from ...core.services.network import NetworkService, Nic, NicRequest
from ...core.services.volume import VolumeService
from . import disks, records, states
from .event import emit
from .tables import block_devices
from .workflows.devices import note_volumes

ANSWER_S = 0.5
"""How long an operation leaves its first act, which the answer depends on, to the request."""


def volumes(kit: Kit, context: Context, server_id: str) -> list[Row]:
    """The rows of a server's attached volumes."""
    with kit.db.read() as tx:
        records.find(tx, context, server_id)
        return [row for row in records.devices(tx, server_id) if row.destination_type == "volume"]


def volume(kit: Kit, context: Context, server_id: str, volume_id: str) -> Row:
    """The row of one attached volume. :raises NotFound: it is not attached to this server."""
    with kit.db.read() as tx:
        records.find(tx, context, server_id)
        return records.device(tx, server_id, volume_id)


def attach_volume(kit: Kit, context: Context, server_id: str, wish: Mapping[str, Any], shelved: bool = True,
                  multiattach: bool = True) -> Row:
    """Begin to attach a volume, to a server on the shelf, too, if ``shelved``, one for many if ``multiattach``.

    :raises BadRequest: the volume or the device name is not free, or cannot be had by this server.
    """
    volume_id = wish["volumeId"]
    service = kit.peers.of(VolumeService)
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
    _check(row, "attach_volume", context, shelved)
    found = service.volume(context, volume_id)
    if found.multiattach and not multiattach:
        raise BadRequest("Multiattach volumes are only supported starting with compute API version 2.60.")
    if row.vm_state == states.OFFLOADED and (found.multiattach or wish.get("tag")):
        raise BadRequest("Attaching multiattach or tagged volumes is not supported for shelved-offloaded instances.")
    if found.status != "available" and not (found.multiattach and found.status == "in-use"):
        raise BadRequest(f"Invalid volume: volume {volume_id} status must be 'available'. "
                         f"Currently in '{found.status}'")
    attachment_id = kit.clock.uuid()
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "attach_volume", context)
        present = records.devices(tx, server_id)
        if any(one.volume_id == volume_id for one in present):
            raise BadRequest(f"Invalid volume: Volume {volume_id} is already attached to the server")
        tx.insert(block_devices, {
            "id": kit.clock.uuid(), "server_id": server_id, "boot_index": None,
            "position": max((one.position for one in present), default=-1) + 1, "source_type": "volume",
            "destination_type": "volume", "volume_id": volume_id, "attachment_id": attachment_id,
            "size_gib": found.size, "device": disks.free_name(present, str(wish.get("device") or "")),
            "delete_on_termination": disks.truth(wish.get("delete_on_termination", False)), "state": "attaching",
            "tag": str(wish.get("tag") or ""), "created_at": kit.clock.now()})
        note_volumes(tx, server_id)
        kit.engine.start(tx, "compute.attach_volume", server_id, context, {"volume_id": volume_id})
        emit(kit, tx, context, "instance.volume_attach.start", row)
        device = records.device(tx, server_id, volume_id)
    _reserve(service, context, server_id, volume_id, attachment_id)
    return device


def _check(row: Row, action: str, context: Context, shelved: bool) -> None:
    """See that the server's states allow ``action``; on the shelf only if ``shelved``."""
    if not shelved and row.vm_state in (states.SHELVED, states.OFFLOADED):
        raise WrongState(f"Cannot '{action}' instance {row.id} while it is in vm_state {row.vm_state}")
    states.check(row, action, context)


def _reserve(service: VolumeService, context: Context, server_id: str, volume_id: str, attachment_id: str) -> None:
    """Reserve now what the operation reserves again, so that a refusal reaches the caller."""
    try:
        service.reserve(context, volume_id, server_id, attachment_id)
    except WrongState as exc:
        raise BadRequest(f"Invalid volume: {exc.message}") from exc


def update_volume(kit: Kit, context: Context, server_id: str, volume_id: str, wish: Mapping[str, Any]) -> None:
    """Change whether a volume goes with its server; what else ``wish`` says must be as it is.

    :raises BadRequest: it says that something else is to be changed.
    """
    with kit.db.write() as tx:
        records.find(tx, context, server_id)
        row = records.device(tx, server_id, volume_id)
        present = {"device": row.device, "tag": row.tag, "serverId": server_id, "id": volume_id,
                   "attachment_id": row.attachment_id, "bdm_uuid": row.id}
        for name, value in present.items():
            if name in wish and wish[name] != value and (name != "id" or wish["volumeId"] == volume_id):
                raise BadRequest(f"The attribute {name} of an attachment cannot be changed.")
        if "delete_on_termination" in wish:
            tx.update(block_devices, row.id, delete_on_termination=disks.truth(wish["delete_on_termination"]))
            note_volumes(tx, server_id)


def detach_volume(kit: Kit, context: Context, server_id: str, volume_id: str, shelved: bool = True) -> None:
    """Begin to detach a volume, from a server on the shelf, too, if ``shelved``.

    :raises Forbidden: it is the root disk. :raises NotFound: it is not attached.
    """
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        _check(row, "detach_volume", context, shelved)
        device = records.device(tx, server_id, volume_id)
    status_wanted = ("in-use", "reserved") if row.vm_state == states.OFFLOADED else ("in-use",)
    if device.boot_index == 0:
        raise Forbidden("Cannot detach a root device volume")
    if device.state != "attached":
        raise BadRequest(f"Invalid volume: the attachment of volume {volume_id} is {device.state}")
    status = kit.peers.of(VolumeService).volume(context, volume_id).status
    if status not in status_wanted:
        raise BadRequest(f"Invalid volume: volume {volume_id} status must be 'in-use'. Currently in '{status}'")
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        if not tx.change(block_devices, device.id, {"state": "attached"}, state="detaching"):
            raise BadRequest(f"Invalid volume: volume {volume_id} is being detached already")
        kit.engine.start(tx, "compute.detach_volume", server_id, context, {"volume_id": volume_id}, delay_s=ANSWER_S)
        emit(kit, tx, context, "instance.volume_detach.start", row)
    # The operation says so again, whoever is away now; here it is said so that who looks after the answer sees it.
    with contextlib.suppress(WrongState, NotFound, BackendBusy):
        kit.peers.of(VolumeService).begin_detach(context, volume_id, server_id)


def interfaces(kit: Kit, context: Context, server_id: str) -> list[Nic]:
    """A server's interfaces, as network knows them now."""
    with kit.db.read() as tx:
        records.find(tx, context, server_id)
    return kit.peers.of(NetworkService).nics(context, [server_id]).get(server_id, [])


def interface(kit: Kit, context: Context, server_id: str, port_id: str) -> Nic:
    """One interface of a server. :raises NotFound: the server does not have it."""
    for nic in interfaces(kit, context, server_id):
        if nic.port_id == port_id:
            return nic
    raise NotFound(f"Port id {port_id} could not be found.")


def attach_interface(kit: Kit, context: Context, server_id: str, wish: NicRequest | None) -> Nic:
    """Give a server one more interface: an operation, whose first step is also done at once for the answer.

    :raises BadRequest: what is asked for cannot be had.
    """
    network = kit.peers.of(NetworkService)
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
    states.check(row, "attach_interface", context)
    try:
        requests = network.resolve(context, None if wish is None else [wish], 1)
    except Conflict as exc:
        if wish is None:
            # Several networks are possible.
            raise BadRequest(exc.message) from exc
        raise
    if not requests:
        raise BadRequest("No network is available to attach an interface to")
    request, port_id = requests[0], requests[0].port_id or kit.clock.uuid()
    with kit.db.write() as tx:
        kit.engine.start(tx, "compute.attach_interface", server_id, context, delay_s=ANSWER_S,
                         data={"request": msgspec.to_builtins(request), "port_id": port_id})
        emit(kit, tx, context, "instance.interface_attach.start", row)
    return network.attach(context, server_id, row.project_id, row.host, row.zone, row.hostname, request, port_id)


def detach_interface(kit: Kit, context: Context, server_id: str, port_id: str) -> None:
    """Begin to take an interface out of a server. :raises NotFound: the server does not have it."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "detach_interface", context)
        if all(nic["port_id"] != port_id for nic in row.nics):
            raise NotFound(f"Port id {port_id} could not be found.")
        kit.engine.start(tx, "compute.detach_interface", server_id, context, {"port_id": port_id})
        emit(kit, tx, context, "instance.interface_detach.start", row)


