"""The disks a server asks for: block device mappings read, checked and named.

Source: the compute API reference's block_device_mapping_v2 and the developer's page on block device mapping.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...core.clock import Clock
from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import BadRequest, CloudError, NotFound
from ...core.services.image import ImageRecord
from ...core.services.volume import VolumeService
from . import disk_rules
from .disk_rules import INVALID

TRUE = (True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t")
BAD_SEQUENCE = ("Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping "
                "combination is not valid.")


def truth(value: object) -> bool:
    """A boolean as requests write it."""
    return any(value is one or value == one for one in TRUE if not isinstance(value, int) or value is True)


def _number(value: Any, name: str) -> int | None:
    if value is None or value == "":
        return None
    try:
        return int(value)
    except ValueError as exc:
        raise BadRequest(f"Block Device Mapping is Invalid: {name} is no number") from exc


def wanted(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The mappings of a create request, older ones in the newer form; those with ``no_device`` only take away."""
    newer, older = body.get("block_device_mapping_v2"), body.get("block_device_mapping")
    if newer and older:
        raise BadRequest("Using different block_device_mapping syntaxes is not allowed in the same request.")
    if newer is not None:
        if any("source_type" not in one and not truth(one.get("no_device", False)) for one in newer):
            raise BadRequest("Block Device Mapping is Invalid: Invalid source_type field.")
        return [dict(one) for one in newer]
    return [{**_from_older(one, body), "no_device": one.get("no_device", False)} for one in older or ()]


def with_image(mappings: list[dict[str, Any]], image: ImageRecord | None) -> list[dict[str, Any]]:
    """The request's mappings with those of an image that was made of a server with a root volume.

    What the request names, by ``device_name``, is not taken from the image; ``no_device`` leaves it out.
    """
    kept = image.properties.get("block_device_mapping") if image is not None else None
    named = {one.get("device_name") for one in mappings} - {None, ""}
    mappings = [one for one in mappings if not truth(one.get("no_device", False))]
    if not kept or any(_number(one.get("boot_index"), "boot_index") == 0 for one in mappings):
        return mappings
    try:
        inherited = msgspec.json.decode(kept.encode(), type=list[dict[str, Any]])
    except msgspec.DecodeError as exc:
        raise BadRequest("Block Device Mapping is Invalid: the image's own cannot be read") from exc
    fresh = [{**one, "uuid": one.get("snapshot_id") or one.get("volume_id") or ""} for one in inherited
             if one.get("device_name") not in named and one.get("source_type") in ("snapshot", "blank", "volume")]
    return [*fresh, *mappings]


def _from_older(one: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    device = str(one.get("device_name") or "")
    found: dict[str, Any] = {"destination_type": "volume", "device_name": device,
                             "volume_size": one.get("volume_size"), "boot_index": -1,
                             "delete_on_termination": one.get("delete_on_termination", False)}
    if one.get("volume_id"):
        found.update(source_type="volume", uuid=one["volume_id"])
    elif one.get("snapshot_id"):
        found.update(source_type="snapshot", uuid=one["snapshot_id"])
    else:
        found.update(source_type="blank", destination_type="local")
    if device.rpartition("/")[2] in ("vda", "sda", "hda") and not body.get("imageRef"):
        found["boot_index"] = 0
    return found


def rows(mappings: Sequence[Mapping[str, Any]], clock: Clock, now: datetime.datetime) -> list[dict[str, Any]]:
    """Rows of block devices for the mappings, named and with ids of volumes that are still to be made."""
    taken = {_plain(str(one.get("device_name") or "")) for one in mappings} - {""}
    names = _Names(taken)
    return [_row(one, number, clock, now, names) for number, one in enumerate(mappings)]


def _row(one: Mapping[str, Any], number: int, clock: Clock, now: datetime.datetime, names: _Names) -> dict[str, Any]:
    source, uuid = one["source_type"], str(one.get("uuid") or one.get("volume_id") or "")
    destination = one.get("destination_type") or ("volume" if source in ("volume", "snapshot") else "local")
    index = _number(one.get("boot_index"), "boot_index")
    index = None if index is None or index < 0 else index
    size = _number(one.get("volume_size"), "volume_size") or 0
    _combination(source, destination, uuid, index, size)
    if one.get("volume_type") and (destination != "volume" or source == "volume"):
        raise BadRequest(f"{INVALID}a volume_type is given for a device for which no volume is made")
    made = destination == "volume" and source != "volume"
    swap = one.get("guest_format") == "swap" and destination == "local"
    return {"id": clock.uuid(), "boot_index": index, "position": number, "source_type": source,
            "destination_type": destination, "image_id": uuid if source == "image" else "",
            "snapshot_id": uuid if source == "snapshot" else "",
            "volume_id": uuid if source == "volume" else clock.uuid() if made else "",
            "attachment_id": clock.uuid() if destination == "volume" else "",
            "size_gib": 0 if swap else size, "size_mib": size if swap else 0,
            "device": _device(one, index, names), "guest_format": str(one.get("guest_format") or "")[:32],
            "device_type": disk_rules.check_type(str(one.get("device_type") or "")),
            "disk_bus": disk_rules.check_bus(str(one.get("disk_bus") or "")),
            "volume_type": str(one.get("volume_type") or ""),
            "delete_on_termination": truth(one.get("delete_on_termination", False)), "made": made,
            "state": "planned", "tag": str(one.get("tag") or ""), "created_at": now}


def _combination(source: str, destination: str, uuid: str, index: int | None, size: int) -> None:
    """See that there is a disk of such a source at such a place. :raises BadRequest: there is none."""
    if source != "blank" and not uuid:
        raise BadRequest(f"{INVALID}Missing device UUID.")
    if source == "blank" and uuid:
        raise BadRequest(f"{INVALID}Invalid device UUID.")
    if source in ("volume", "snapshot") and destination != "volume":
        raise BadRequest(f"{INVALID}a {source} has the destination_type volume")
    if source == "image" and destination == "local" and index != 0:
        raise BadRequest(f"{INVALID}Mapping image to local is not supported.")
    if source == "image" and destination == "volume" and size <= 0:
        raise BadRequest("Images with destination_type 'volume' need to have a non-zero size specified")
    if source == "blank" and destination == "volume" and size <= 0:
        raise BadRequest("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")


class _Names:
    """Device names not taken yet, from ``/dev/vda`` on."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = {*taken, "vda"}

    def next(self) -> str:
        """The next free name. :raises BadRequest: there is none left."""
        for letter in "bcdefghijklmnopqrstuvwxyz":
            if f"vd{letter}" not in self._taken:
                self._taken.add(f"vd{letter}")
                return f"/dev/vd{letter}"
        raise BadRequest("The server has no free device name left")


def _plain(name: str) -> str:
    return name.rpartition("/")[2]


def _device(one: Mapping[str, Any], index: int | None, names: _Names) -> str:
    given = _plain(str(one.get("device_name") or ""))
    if index == 0:
        return f"/dev/{given or 'vda'}"
    return f"/dev/{given}" if given else names.next()


def free_name(present: Sequence[Row], wanted_name: str) -> str:
    """A device name for one more volume of a server. :raises BadRequest: the wanted one is taken."""
    taken = {_plain(row.device) for row in present}
    if wanted_name:
        if _plain(wanted_name) in taken | {"vda"}:
            raise BadRequest(f"The supplied device path ({wanted_name}) is in use.")
        return f"/dev/{_plain(wanted_name)}"
    return _Names(taken).next()


def check(rows: Sequence[dict[str, Any]], image_id: str, count: int) -> None:
    """See that the rows and the image give exactly one way to boot. :raises BadRequest: they do not."""
    indexes = sorted(row["boot_index"] for row in rows if row["boot_index"] is not None)
    if len(set(indexes)) != len(indexes):
        raise BadRequest(BAD_SEQUENCE)
    root = next((row for row in rows if row["boot_index"] == 0), None)
    if root is None and not image_id:
        raise BadRequest(BAD_SEQUENCE if rows else "Invalid imageRef provided.")
    if indexes and indexes != list(range(0 if root else 1, len(indexes) + (0 if root else 1))):
        raise BadRequest(BAD_SEQUENCE)
    if root is not None and root["source_type"] == "image" and root["destination_type"] == "local" \
            and root["image_id"] != image_id:
        raise BadRequest(f"{INVALID}Mapping image to local is not supported.")
    if count > 1 and any(row["source_type"] == "volume" for row in rows):
        raise BadRequest("Cannot attach one or more volumes to multiple instances")
    named = [row["volume_id"] for row in rows if row["source_type"] == "volume"]
    if len(set(named)) != len(named):
        raise BadRequest("Invalid volume: a volume is given twice")
    tags = [row["tag"] for row in rows if row["tag"]]
    if len(set(tags)) != len(tags):
        raise BadRequest("Block Device Mapping is Invalid: a tag is given twice")


def is_volume_backed(rows: Sequence[Row]) -> bool:
    """Tell whether the root disk is a volume."""
    return any(row.boot_index == 0 and row.destination_type == "volume" for row in rows)


def check_volumes(volumes: VolumeService, context: Context, rows: Sequence[Mapping[str, Any]]) -> None:
    """See that the volumes that are named can be attached. :raises BadRequest: one cannot."""
    for row in rows:
        if row["volume_type"]:
            _see_type(volumes, context, row["volume_type"])
        if row["source_type"] == "snapshot":
            _see_snapshot(volumes, context, row["snapshot_id"])
        if row["source_type"] != "volume":
            continue
        try:
            found = volumes.volume(context, row["volume_id"])
        except NotFound as exc:
            raise BadRequest(f"Block Device Mapping is Invalid: failed to get volume {row['volume_id']}.") from exc
        if found.status != "available" and not (found.multiattach and found.status == "in-use"):
            raise BadRequest(f"Invalid volume: Volume {found.id} is not available: it is {found.status}")
        if row["boot_index"] == 0 and not found.bootable:
            raise BadRequest(f"Block Device {found.id} is not bootable.")


def refuse_multiattach(volumes: VolumeService, context: Context, rows: Sequence[Mapping[str, Any]]) -> None:
    """See that no volume that is named is one for many servers. :raises BadRequest: one is."""
    for row in rows:
        if row["source_type"] == "volume" and volumes.volume(context, row["volume_id"]).multiattach:
            raise BadRequest("Multiattach volumes are only supported starting with compute API version 2.60.")


def _see_type(volumes: VolumeService, context: Context, volume_type: str) -> None:
    """See that the caller may have a volume of a type. :raises BadRequest: there is none such for the caller."""
    try:
        volumes.see_type(context, volume_type)
    except NotFound as exc:
        raise BadRequest(f"{INVALID}{exc.message}") from exc


def _see_snapshot(volumes: VolumeService, context: Context, snapshot_id: str) -> None:
    """See that the caller may make a volume of a snapshot. :raises BadRequest: it is not there for the caller."""
    try:
        volumes.snapshots_of(context, snapshot_id)
    except NotFound as exc:
        raise BadRequest(f"Block Device Mapping is Invalid: failed to get snapshot {snapshot_id}.") from exc


def volume_image(volumes: VolumeService, context: Context, rows: Sequence[Mapping[str, Any]]) -> ImageRecord | None:
    """What a root volume says of the image it was made from, or none."""
    for row in rows:
        if row["boot_index"] == 0 and row["source_type"] == "volume":
            try:
                found = volumes.volume(context, row["volume_id"])
            except CloudError:
                return None
            return ImageRecord(id="", properties=dict(found.image_metadata)) if found.image_metadata else None
    return None
