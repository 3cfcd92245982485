"""What is asked of the scheduler and of agents for a server: built from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers.filter import EXCLUSIVE, truth
from ...core.drivers.network import Vif
from ...core.drivers.volume import Connection
from ...core.http.validation import as_integer
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord
from ...core.services.network import NetworkService
from ...core.services.scheduler import Request, ServerGroup
from . import disk_keys, disks, metadata, seats, wants
from .agency import DiskPlan, GuestPlan
from .tables import server_group_members, server_groups, servers
from .wants import Wants

GROUP = sa.select(server_groups).where(server_groups.c.id == sa.bindparam("id"))
GROUP_HOSTS = (sa.select(servers.c.host, sa.func.count())
               .join(server_group_members, server_group_members.c.server_id == servers.c.id)
               .where(server_group_members.c.group_id == sa.bindparam("id"), servers.c.deleted.is_(False),
                      servers.c.host != "", servers.c.id != sa.bindparam("server")).group_by(servers.c.host))
HOSTS_OF = sa.select(servers.c.id, servers.c.host).where(servers.c.id.in_(sa.bindparam("ids", expanding=True)),
                                                         servers.c.deleted.is_(False))
NO_IMAGE = ImageRecord(id="")
EXCLUSIVE_SPEC = "scheduler:exclusive"
GROUPED = tuple(f"resources{letter}" for letter in "123456789_")
RESERVED = ("root_device_name", "mappings", "block_device_mapping", "bdm_v2")
"""Properties of an image that do not pass to images of its servers."""


def image_of(details: Row) -> ImageRecord:
    """The image record a server was made from, empty when there is none."""
    return msgspec.convert(details.image, ImageRecord) if details.image else NO_IMAGE


def snapshot_properties(row: Row, base: ImageRecord, metadata: Mapping[str, str]) -> dict[str, str]:
    """The properties of an image that is made of a server: those of its own image, and where it came from."""
    kept = {name: value for name, value in base.properties.items() if name not in RESERVED}
    return {**kept, "instance_uuid": row.id, "user_id": row.user_id, "image_type": "snapshot",
            "base_image_ref": row.image_id, "boot_roles": "", **metadata}


def wanted(kit: Kit, flavor: Mapping[str, Any], details: Row) -> Wants:
    """What a server of ``flavor`` wants of processors, cells and devices."""
    return wants.read(kit, flavor, image_of(details).properties)


def resources(flavor: Mapping[str, Any], volume_backed: bool, dedicated: int = 0, emulator: int = 0) -> dict[str, int]:
    """Amounts a server of ``flavor`` claims, so many of its processors as its own, and more for its emulator.

    Extra specs ``resources:CLASS`` win over the flavor's own.
    """
    disk = (0 if volume_backed else flavor["root_gib"]) + flavor["ephemeral_gib"] + -(-flavor["swap_mib"] // 1024)
    found = {"VCPU": flavor["vcpus"] - dedicated, "PCPU": dedicated, "MEMORY_MB": flavor["memory_mib"], "DISK_GB": disk}
    for name, value in flavor["extra_specs"].items():
        amount = as_integer(str(value)) if name.startswith("resources:") else None
        if amount is not None and amount >= 0:
            found[name.partition(":")[2]] = amount
    found["PCPU"] += emulator
    return {name: amount for name, amount in found.items() if amount > 0}


def grouped(extra_specs: Mapping[str, str]) -> bool:
    """Tell whether a flavor asks for resources in groups: ``resources1:CLASS``, ``resources_NAME:CLASS``."""
    return any(name.startswith(GROUPED) for name in extra_specs)


def request(kit: Kit, tx: Transaction, row: Row, details: Row, devices: Sequence[Row], flavor: Mapping[str, Any],
            ignored: Sequence[str] = (), forced_host: str = "") -> Request:
    """What the scheduler is asked for a server."""
    image, asked = image_of(details), details.placement
    hints: Mapping[str, list[str]] = details.hints
    backed, particular = disks.is_volume_backed(devices), wanted(kit, flavor, details)
    return Request(
        server_id=row.id, project_id=row.project_id, user_id=row.user_id,
        resources=resources(flavor, backed, particular.dedicated, particular.emulator),
        flavor_name=flavor["name"], extra_specs=flavor["extra_specs"], image_id=image.id,
        image_properties=image.properties, zone=asked["zone"],
        forced_host=forced_host or asked["host"], forced_node=asked["node"],
        ignored_hosts=list(ignored), hints=hints, hint_hosts=hint_hosts(tx, hints), group=_group(tx, row),
        exclusive=exclusive(flavor["extra_specs"], hints), image_format="" if backed else image.disk_format,
        topology=particular.topology, pci_devices=list(particular.devices))


def exclusive(extra_specs: Mapping[str, str], hints: Mapping[str, list[str]]) -> bool:
    """Tell whether flavor or hints want a host that is the project's alone."""
    words = (extra_specs.get(EXCLUSIVE_SPEC, ""), *hints.get(EXCLUSIVE, ()))
    return any(truth(word) for word in words)


def hint_hosts(tx: Transaction, hints: Mapping[str, list[str]]) -> dict[str, str]:
    """The hosts of the servers that hints name, by server id."""
    ids = [one for name in ("same_host", "different_host") for one in hints.get(name, ())]
    return pairs(tx.rows(HOSTS_OF, {"ids": ids})) if ids else {}


def pairs(rows: Sequence[Any]) -> dict[Any, Any]:
    """Rows of two columns as a mapping."""
    return {row[0]: row[1] for row in rows}


def _group(tx: Transaction, row: Row) -> ServerGroup | None:
    if not row.group_id:
        return None
    found = tx.row(GROUP, {"id": row.group_id})
    if found is None:
        return None
    hosts = pairs(tx.rows(GROUP_HOSTS, {"id": row.group_id, "server": row.id}))
    return ServerGroup(id=found.id, policy=found.policy, hosts=hosts,
                       max_server_per_host=int((found.rules or {}).get("max_server_per_host", 1)))


def crowded(tx: Transaction, row: Row, host: str) -> bool:
    """Whether ``host`` no longer fits the server's group, as another member came there, or elsewhere, meanwhile.

    The group's row is locked to the transaction's end, so that of two members one sees the other.
    """
    if not row.group_id:
        return False
    tx.execute(server_groups.update().where(server_groups.c.id == row.group_id).values(id=row.group_id))
    group = _group(tx, row)
    if group is None:
        return False
    if group.policy == "anti-affinity":
        return group.hosts.get(host, 0) >= group.max_server_per_host
    return group.policy == "affinity" and bool(group.hosts) and host not in group.hosts


def guest(kit: Kit, context: Context, row: Row, details: Row, devices: Sequence[Row], flavor: Mapping[str, Any],
          vifs: Sequence[Vif], connections: Mapping[str, Connection], password: str = "",
          consumer: str = "") -> GuestPlan:
    """What the agent needs to make the server's guest. ``connections`` are by volume id.

    The ``password`` is written on the config drive. The seat is the one that ``consumer`` holds, where it is given.
    """
    seat = None
    if wants.possible(flavor, image_of(details).properties):
        with kit.db.read() as tx:
            seat = seats.of(tx, row.id, consumer)
    return GuestPlan(
        guest=row.id, name=row.name, vcpus=flavor["vcpus"], memory_mib=flavor["memory_mib"],
        disks=_disks(details, devices, flavor, connections), vifs=list(vifs),
        config_drive=_config_drive(kit, context, row, details, devices, password) if row.config_drive else None,
        metadata=row.metadata, extra_specs=flavor["extra_specs"], project_id=row.project_id, seat=seat,
        encryption=disk_keys.of(kit, flavor, details))


def _disks(details: Row, devices: Sequence[Row], flavor: Mapping[str, Any],
           connections: Mapping[str, Connection]) -> list[DiskPlan]:
    ordered = sorted(devices, key=lambda one: (one.boot_index is None, one.boot_index or 0, one.position))
    found = [disk(one, connections.get(one.volume_id)) for one in ordered if one.destination_type == "volume"]
    if found and details.image and ordered[0].boot_index == 0 and ordered[0].destination_type == "volume":
        # A root volume made from an image has that image's word about the machine.
        found[0] = msgspec.structs.replace(found[0], image=image_of(details))
    if not any(one.boot_index == 0 and one.destination_type == "volume" for one in devices):
        found.insert(0, DiskPlan(device="vda", size_gib=flavor["root_gib"], image=image_of(details)))
    local = [one for one in devices if one.destination_type == "local" and one.source_type == "blank"]
    taken = {one.device for one in found}
    names = iter(f"vd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz" if f"vd{letter}" not in taken)
    found += [DiskPlan(device=next(names), size_gib=one.size_gib, size_mib=one.size_mib,
                       kind="swap" if one.guest_format == "swap" else "ephemeral", bus=one.disk_bus,
                       type=one.device_type) for one in local]
    if flavor["ephemeral_gib"] and not any(one.guest_format != "swap" for one in local):
        found.append(DiskPlan(device=next(names), size_gib=flavor["ephemeral_gib"], kind="ephemeral"))
    if flavor["swap_mib"] and not any(one.guest_format == "swap" for one in local):
        found.append(DiskPlan(device=next(names), size_mib=flavor["swap_mib"], kind="swap"))
    return found


def disk(device: Row, connection: Connection | None, volume_id: str = "") -> DiskPlan:
    """The plan of one volume of a server, or of another, ``volume_id``, in its place."""
    return DiskPlan(device=device.device.rpartition("/")[2], size_gib=device.size_gib, kind="volume",
                    connection=connection or Connection("simulated"), volume_id=volume_id or device.volume_id,
                    bus=device.disk_bus, type=device.device_type)


def _config_drive(kit: Kit, context: Context, row: Row, details: Row, devices: Sequence[Row], password: str
                  ) -> dict[str, bytes]:
    network = kit.peers.of(NetworkService).network_data(context, row.id)
    return metadata.files(row, details, network, password, devices)
