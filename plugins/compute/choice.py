"""What a create request names of others: its flavor, image, key, group, zone and host, each looked up and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, Forbidden, NotFound, QuotaExceeded
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord, ImageService
from . import plans
from .fleet import Fleet
from .tables import flavor_access, flavors, keypairs, server_group_members, server_groups

GIB = 1 << 30
FLAVOR = sa.select(flavors).where(flavors.c.id == sa.bindparam("id"))
ACCESS = sa.select(flavor_access.c.flavor_id).where(flavor_access.c.flavor_id == sa.bindparam("id"),
                                                    flavor_access.c.project_id == sa.bindparam("project"))
KEY = sa.select(keypairs).where(keypairs.c.user_id == sa.bindparam("user"), keypairs.c.name == sa.bindparam("name"))
GROUP = sa.select(server_groups).where(server_groups.c.id == sa.bindparam("id"))
MEMBERS = sa.select(sa.func.count()).where(server_group_members.c.group_id == sa.bindparam("id"))
FORCED = "os_compute_api:servers:create:forced_host"
EXCLUSIVE_HOST = "os_compute_api:servers:create:exclusive_host"
DESTINATION = "compute:servers:create:requested_destination"
ZERO_DISK = "os_compute_api:servers:create:zero_disk_flavor"


def flavor(tx: Transaction, context: Context, flavor_id: str) -> dict[str, Any]:
    """A flavor the caller may use, as servers keep it.

    :raises BadRequest: there is no such flavor for the caller.
    """
    row = tx.row(FLAVOR, {"id": flavor_id})
    if row is None or row.disabled or not (row.public or context.is_admin or tx.row(
            ACCESS, {"id": flavor_id, "project": context.project_id})):
        raise BadRequest(f"Flavor {flavor_id} could not be found.")
    return flavor_kept(row)


def flavor_kept(row: Row) -> dict[str, Any]:
    """What a server remembers of its flavor."""
    return {"id": row.id, "name": row.name, "vcpus": row.vcpus, "memory_mib": row.memory_mib,
            "root_gib": row.root_gib, "ephemeral_gib": row.ephemeral_gib, "swap_mib": row.swap_mib,
            "rxtx_factor": row.rxtx_factor, "extra_specs": row.extra_specs}


def image(kit: Kit, context: Context, image_id: str) -> ImageRecord:
    """An image that a server can be made from. :raises BadRequest: there is none, or it is not active."""
    try:
        found = kit.peers.of(ImageService).image(context, image_id)
    except NotFound as exc:
        raise BadRequest(f"Image {image_id} could not be found.") from exc
    if found.status != "active":
        raise BadRequest(f"Image {image_id} is not active.")
    return found


def fits(kit: Kit, context: Context, record: ImageRecord, kept: Mapping[str, Any], local_root: bool) -> None:
    """See that a flavor is large enough for an image.

    :raises BadRequest: it is not.
    :raises Forbidden: a local root disk is asked for with a flavor that has none.
    """
    if record.min_ram > kept["memory_mib"]:
        raise BadRequest("Flavor's memory is too small for requested image.")
    if not local_root:
        return
    if kept["root_gib"] == 0:
        if not kit.policy.allows(context, ZERO_DISK, {"project_id": context.project_id}):
            raise Forbidden("Only volume-backed servers are allowed for flavors with zero disk.")
        return
    size = max(record.size, record.virtual_size)
    if size > kept["root_gib"] * GIB:
        raise BadRequest("Flavor's disk is too small for requested image. "
                         f"Flavor disk is {kept['root_gib'] * GIB} bytes, image is {size} bytes.")
    if record.min_disk > kept["root_gib"]:
        raise BadRequest("The size of the flavor's root disk is smaller than the minimum that the image asks for: "
                         f"{kept['root_gib']} GiB, {record.min_disk} GiB.")


def fits_volume(record: ImageRecord, size_gib: int) -> None:
    """See that a volume is large enough for an image. :raises BadRequest: it is not."""
    least = max(-(-max(record.size, record.virtual_size) // GIB), record.min_disk)
    if size_gib < least:
        raise BadRequest(f"The volume of {size_gib} GiB is too small for the image, which needs {least} GiB.")


def key(tx: Transaction, context: Context, name: str | None) -> dict[str, Any] | None:
    """A key of the caller's, as servers keep it. :raises BadRequest: there is none of this name."""
    if name is None:
        return None
    row = tx.row(KEY, {"user": context.user_id, "name": name})
    if row is None:
        raise BadRequest("Invalid key_name provided.")
    return {"name": row.name, "type": row.type, "public_key": row.public_key}


def group(tx: Transaction, context: Context, group_id: str, count: int, limit: int) -> str:
    """The server group of a hint. :raises BadRequest: there is none. :raises QuotaExceeded: it is full."""
    if not group_id:
        return ""
    row = tx.row(GROUP, {"id": group_id})
    if row is None or (row.project_id != context.project_id and not context.is_admin):
        raise BadRequest(f"Instance group {group_id} could not be found.")
    if 0 <= limit < int(tx.value(MEMBERS, {"id": group_id})) + count:
        raise QuotaExceeded("Quota exceeded, too many servers in group")
    return str(row.id)


def hints(kit: Kit, context: Context, asked: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The scheduler hints of a request. :raises Forbidden: the caller may not ask for a host of the project's own."""
    if plans.exclusive({}, asked):
        kit.policy.enforce(context, EXCLUSIVE_HOST, {"project_id": context.project_id, "user_id": context.user_id})
    return dict(asked)


@dataclasses.dataclass(frozen=True)
class Where:
    """The zone, host and node a request asks for; each may be empty."""

    zone: str = ""
    host: str = ""
    node: str = ""


def where(kit: Kit, fleet: Fleet, context: Context, server: Mapping[str, Any]) -> Where:
    """Where a server shall go, from its zone (perhaps ``zone:host:node``), host and hypervisor_hostname.

    :raises BadRequest: there is no such zone or host.
    :raises Forbidden: the caller may not choose the host.
    """
    zone, _, rest = str(server.get("availability_zone") or "").partition(":")
    host, _, node = rest.partition(":")
    if ":" in node:
        raise BadRequest(f"Unable to parse availability_zone: {zone}:{rest[:255]}")
    target = {"project_id": context.project_id, "user_id": context.user_id}
    if rest:
        kit.policy.enforce(context, FORCED, target)
    asked_host, asked_node = str(server.get("host") or ""), str(server.get("hypervisor_hostname") or "")
    if asked_host or asked_node:
        kit.policy.enforce(context, DESTINATION, target)
        if host or node:
            raise BadRequest("host and hypervisor_hostname cannot be given with an availability zone that names a host")
        host, node = asked_host, asked_node
        known = [one for one in fleet.all() if host in ("", one.host) and node in ("", one.node)]
        if not known:
            raise BadRequest(f"Compute host {host or node} could not be found.")
    zone = zone or ("" if host or node else str(kit.options.default_zone))
    if zone and zone not in fleet.zones():
        raise BadRequest("The requested availability zone is not available")
    return Where(zone, host, node)
