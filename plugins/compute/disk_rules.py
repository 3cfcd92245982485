"""What a flavor and the cloud allow of a server's local disks, and how its disks may be put in.

Source: the developer's page on block device mapping, and the compute API reference's errors of ``POST /servers``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import BadRequest

BUSES = ("fdc", "ide", "lxc", "sata", "scsi", "uml", "usb", "virtio", "xen")
TYPES = ("disk", "cdrom", "floppy", "lun")
INVALID = "Block Device Mapping is Invalid: "


def check_bus(bus: str) -> str:
    """The bus that a mapping asks for, or nothing. :raises BadRequest: there is none such."""
    if bus and bus not in BUSES:
        raise BadRequest(f"{INVALID}The provided disk bus {bus[:30]} is not valid.")
    return bus


def check_type(kind: str) -> str:
    """The type of device that a mapping asks for, or nothing. :raises BadRequest: there is none such."""
    if kind and kind not in TYPES:
        raise BadRequest(f"{INVALID}The provided device type {kind[:30]} is not valid.")
    return kind


def fit(rows: Sequence[dict[str, Any]], flavor: Mapping[str, Any], most_local: int) -> None:
    """Give ephemeral disks and swap without a size the flavor's, and see that they are no larger.

    At most ``most_local`` disks may be on the host, the root disk among them; -1 is any number.
    :raises BadRequest: they are larger, or too many.
    """
    blanks = [row for row in rows if row["destination_type"] == "local" and row["source_type"] == "blank"]
    swaps = [row for row in blanks if row["guest_format"] == "swap"]
    ephemerals = [row for row in blanks if row["guest_format"] != "swap"]
    if len(swaps) > 1:
        raise BadRequest(f"{INVALID}More than one swap drive requested.")
    for row in swaps:
        row["size_mib"] = row["size_mib"] or flavor["swap_mib"]
        if row["size_mib"] > flavor["swap_mib"]:
            raise BadRequest("Swap drive requested is larger than instance type allows.")
    for row in ephemerals:
        row["size_gib"] = row["size_gib"] or flavor["ephemeral_gib"]
    if sum(row["size_gib"] for row in ephemerals) > flavor["ephemeral_gib"]:
        raise BadRequest("Ephemeral disks requested are larger than the instance type allows. If no size is given in "
                         "one block device mapping, flavor ephemeral size will be used.")
    if 0 <= most_local < _local(rows, flavor, len(ephemerals), len(swaps)):
        raise BadRequest("You specified more local devices than the limit allows")


def _local(rows: Sequence[Mapping[str, Any]], flavor: Mapping[str, Any], ephemerals: int, swaps: int) -> int:
    """How many disks are on the host: those of the mappings, else the flavor's own."""
    backed = any(row["boot_index"] == 0 and row["destination_type"] == "volume" for row in rows)
    return (not backed) + (ephemerals or bool(flavor["ephemeral_gib"])) + (swaps or bool(flavor["swap_mib"]))
