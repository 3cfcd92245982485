"""Rescuing servers: which image, how its disk is put in, and what is checked before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import BadRequest, Conflict
from ...core.process.slice import Kit
from ...core.services.volume import VolumeService
from . import choice, disks, records, states
from .event import emit
from .facets import RESCUE_BFV
from .passwords import takes_passwords
from .tables import hosts, server_details

PREFIXES = {"virtio": "vd", "scsi": "sd", "usb": "sd", "sata": "sd", "ide": "hd"}
DEVICES = ("disk", "cdrom", "floppy")
FACTS = sa.select(hosts.c.facts).where(hosts.c.host == sa.bindparam("host"), hosts.c.node == sa.bindparam("node"))
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def rescue(kit: Kit, context: Context, server_id: str, image_id: str, volume_backed: bool,
           sealed: str = "") -> None:
    """Begin to rescue a server, from its own image when ``image_id`` is empty.

    ``sealed`` is the password that the rescued guest finds on its config drive, or is told by an agent inside of it.

    :raises BadRequest: the image cannot be used, or the root disk is a volume and may not be (``volume_backed``).
    """
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        devices = records.devices(tx, server_id)
    states.check(row, "rescue", context)
    wish = _wish(kit, context, row, devices, image_id, volume_backed)
    agent = takes_passwords(wish["image"]["properties"])
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.begin(tx, row, "rescue", context, kit.clock.now())
        tx.execute(server_details.update().where(server_details.c.server_id == server_id).values(
            rescue={**wish, "password": sealed if row.config_drive or agent else ""}))
        kit.engine.start(tx, "compute.rescue", server_id, context)
        emit(kit, tx, context, "instance.rescue.start", row)


def _wish(kit: Kit, context: Context, row: Row, devices: Sequence[Row], image_id: str, volume_backed: bool
          ) -> dict[str, Any]:
    backed = disks.is_volume_backed(devices)
    if backed and not volume_backed:
        raise _unable(row, "Cannot rescue a volume-backed instance")
    if backed:
        _see_host(kit, row)
    _see_volumes(kit, context, devices)
    if not (image_id or row.image_id):
        raise _unable(row, "an image to rescue it from must be given")
    image = choice.image(kit, context, image_id or row.image_id)
    if image.properties.get("block_device_mapping"):
        raise BadRequest(f"Requested rescue image '{image.id}' is not supported")
    device = _device(row, image.properties, devices)
    if backed and not device:
        raise _unable(row, "the image of a rescue that keeps all disks must have the property hw_rescue_device or "
                           "hw_rescue_bus")
    return {"image": msgspec.to_builtins(image), "device": device}


def _see_host(kit: Kit, row: Row) -> None:
    """See that the server's host can rescue servers whose root disk is a volume. :raises BadRequest: it cannot."""
    with kit.db.read() as tx:
        facts = tx.value(FACTS, {"host": row.host, "node": row.node}) or {}
    if RESCUE_BFV not in facts.get("traits", ()):
        raise _unable(row, "Host unable to rescue a volume-backed instance")


def _see_volumes(kit: Kit, context: Context, devices: Sequence[Row]) -> None:
    """See that the server has all its volumes. :raises Conflict: one is not attached."""
    for one in devices:
        if one.volume_id:
            status = kit.peers.of(VolumeService).volume(context, one.volume_id).status
            if status != "in-use":
                raise Conflict(f"Invalid volume: volume '{one.volume_id}' status must be 'in-use'. "
                               f"Currently in '{status}' status")


def _unable(row: Row, reason: str) -> BadRequest:
    return BadRequest(f"Instance {row.id} cannot be rescued: {reason}")


def _device(row: Row, properties: Mapping[str, str], devices: Sequence[Row]) -> str:
    """The name of a rescue disk behind all others, where the image asks for one; else empty."""
    kind, bus = properties.get("hw_rescue_device", ""), properties.get("hw_rescue_bus", "")
    if not (kind or bus):
        return ""
    if kind not in ("", *DEVICES):
        raise _unable(row, f"the image's hw_rescue_device {kind[:30]} is none of {', '.join(DEVICES)}")
    bus = bus or ("sata" if kind == "cdrom" else "virtio")
    if bus not in PREFIXES:
        raise _unable(row, f"the image's hw_rescue_bus {bus[:30]} is none of {', '.join(sorted(PREFIXES))}")
    taken = {one.device.rpartition("/")[2] for one in devices}
    # Local disks besides the root's take the first names, the config drive the last.
    local = 1 + (row.ephemeral_gib > 0) + (row.flavor["swap_mib"] > 0) + len(taken)
    return next(name for letter in LETTERS[local:] if (name := PREFIXES[bus] + letter) not in taken)


def unrescue(kit: Kit, context: Context, server_id: str) -> None:
    """Begin to let a rescued server run from its own disks again."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.begin(tx, row, "unrescue", context, kit.clock.now())
        kit.engine.start(tx, "compute.unrescue", server_id, context)
        emit(kit, tx, context, "instance.unrescue.start", row)
