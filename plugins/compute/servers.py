"""What can be done to servers: each verb checks the states, writes its rows and starts its operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, Conflict
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord
from ...core.services.network import NetworkService
from ...core.services.volume import VolumeService
from . import accounting, choice, creation, deferral, disk_keys, disks, plans, records, states, wants
from .event import emit
from .pins import PINNED, pin
from .tables import server_details, server_metadata, servers
from .workflows.image import make_image

OVERRIDE = "os_compute_api:os-lock-server:unlock:unlock_override"


def show(kit: Kit, context: Context, server_id: str, statement: sa.Select[Any] = records.BY_ID) -> Row:
    """A server's row, by a ``statement`` of :mod:`records`. :raises NotFound: there is none that the caller may see."""
    with kit.db.read() as tx:
        return records.find(tx, context, server_id, statement)


def update(kit: Kit, context: Context, server_id: str, changes: Mapping[str, Any]) -> None:
    """Change a server's name, description, access addresses, disk_config, host name or the zone it is pinned to.

    :raises Conflict: it cannot be pinned to that zone.
    """
    columns = {"name": "name", "description": "description", "accessIPv4": "access_ip_v4",
               "accessIPv6": "access_ip_v6", "OS-DCF:diskConfig": "disk_config", "hostname": "hostname"}
    values = {columns[name]: value for name, value in changes.items() if name in columns}
    if "access_ip_v6" in values:
        values["access_ip_v6"] = creation.address6(values["access_ip_v6"])
    if "access_ip_v4" in values:
        values["access_ip_v4"] = values["access_ip_v4"] or ""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        if PINNED in changes:
            values.update(pin(tx, row, changes[PINNED] or ""))
        tx.update(servers, server_id, updated_at=kit.clock.now(), **values)
        emit(kit, tx, context, "instance.update", records.find(tx, context, server_id))


def delete(kit: Kit, context: Context, server_id: str, force: bool = False) -> None:
    """Begin to delete a server, whatever is being done to it; a second time changes nothing.

    Without ``force`` it can be restored for a while, where the options say so.
    """
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        if row.task_state == "deleting":
            return
        if not force and deferral.deferred(kit, row):
            deferral.begin(kit, tx, context, row)
            return
        states.begin(tx, row, "delete", context, kit.clock.now())
        kit.engine.start(tx, "compute.delete", server_id, context, interrupt=True)
        emit(kit, tx, context, "instance.delete.start", row)


def power(kit: Kit, context: Context, server_id: str, verb: str, event: str) -> None:
    """Begin one of the power verbs.

    :raises WrongState: the server's states forbid it. :raises Conflict: it is on no host.
    """
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        if not row.host:
            states.check(row, verb, context)
            raise Conflict(f"Instance {server_id} is not ready")
        states.begin(tx, row, verb, context, kit.clock.now())
        kit.engine.start(tx, f"compute.{verb}", server_id, context)
        emit(kit, tx, context, event + ".start", row)


def lock(kit: Kit, context: Context, server_id: str, reason: str | None) -> None:
    """Lock a server against all but administrators and its unlocker."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        owner = row.project_id == context.project_id
        by = "owner" if owner else "admin"
        tx.update(servers, server_id, locked=True, locked_by=row.locked_by or by, locked_reason=reason)
        kit.engine.record(tx, "compute.lock", server_id, context)
        emit(kit, tx, context, "instance.lock", row)


def unlock(kit: Kit, context: Context, server_id: str) -> None:
    """Unlock a server. :raises Forbidden: an administrator locked it and the caller is none."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        if row.locked_by == "admin" and row.locked:
            kit.policy.enforce(context, OVERRIDE, {"project_id": row.project_id})
        tx.update(servers, server_id, locked=False, locked_by="", locked_reason=None)
        kit.engine.record(tx, "compute.unlock", server_id, context)
        emit(kit, tx, context, "instance.unlock", row)


def reset_state(kit: Kit, context: Context, server_id: str, state: str) -> None:
    """Set a server's state by hand; no task is left."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        if row.vm_state == states.SOFT_DELETED:
            accounting.charge(tx, row.project_id, 1, row.vcpus, row.memory_mib)
        tx.update(servers, server_id, vm_state=state, task_state=None, due_at=None, updated_at=kit.clock.now())
        kit.engine.record(tx, "compute.reset_state", server_id, context)
        emit(kit, tx, context, "instance.update", row)


def rebuild(kit: Kit, context: Context, server_id: str, wish: Mapping[str, Any], reimage: bool = False,
            sealed: Callable[[], str] = lambda: "") -> None:
    """Begin to rebuild a server from an image; its root volume, too, if ``reimage``, which else stays as it is.

    ``sealed`` is the password as it may be kept until it is on the new guest's config drive.

    :raises BadRequest: the image does not fit.
    """
    image = choice.image(kit, context, wish["imageRef"])
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        limits = accounting.limits(kit, tx, row.project_id)
        devices = records.devices(tx, server_id)
        original = plans.image_of(records.details(tx, server_id))
    states.check(row, "rebuild", context)
    backed = disks.is_volume_backed(devices)
    if backed and image.id != original.id and not reimage:
        raise BadRequest("Unable to rebuild with a different image for a volume-backed server.")
    root = next((one for one in devices if one.boot_index == 0 and one.volume_id), None) if reimage else None
    if root is not None:
        choice.fits_volume(image, kit.peers.of(VolumeService).volume(context, root.volume_id).size)
    choice.fits(kit, context, image, row.flavor, not backed)
    if wants.read(kit, row.flavor, image.properties) != wants.read(kit, row.flavor, original.properties):
        raise BadRequest("An instance's NUMA topology cannot be changed as part of a rebuild. The image provided is "
                         "invalid for this instance.")
    disk_keys.wanted(row.flavor, image.properties)
    creation.within_metadata(len(wish.get("metadata") or ()), limits)
    creation.within_files(wish, limits)
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        key = _rebuilt_key(tx, context, wish)
        states.begin(tx, row, "rebuild", context, kit.clock.now(), **_rebuilt_row(wish, "" if backed else image.id))
        details = {**key, "image": msgspec.to_builtins(image), "sealed_password": sealed() if row.config_drive else ""}
        details.update({name: wish[name] for name in ("user_data", "personality") if name in wish})
        if not records.details(tx, server_id).sealed_disk_key:
            details["sealed_disk_key"] = disk_keys.made(kit, row.flavor, image.properties)
        tx.execute(server_details.update().where(server_details.c.server_id == server_id).values(details))
        if "metadata" in wish:
            set_metadata_rows(tx, server_id, wish["metadata"])
        kit.engine.start(tx, "compute.rebuild", server_id, context,
                         {"before": row.vm_state, "volume": root.volume_id if root is not None else ""})
        emit(kit, tx, context, "instance.rebuild.start", row)


def _rebuilt_key(tx: Transaction, context: Context, wish: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": choice.key(tx, context, wish["key_name"])} if "key_name" in wish else {}


def _rebuilt_row(wish: Mapping[str, Any], image_id: str) -> dict[str, Any]:
    columns = {"name": "name", "description": "description", "metadata": "metadata", "accessIPv4": "access_ip_v4",
               "OS-DCF:diskConfig": "disk_config", "key_name": "key_name", "hostname": "hostname"}
    values = {column: wish[name] for name, column in columns.items() if name in wish}
    if "accessIPv6" in wish:
        values["access_ip_v6"] = creation.address6(wish["accessIPv6"])
    return {**values, "image_id": image_id}


def set_metadata_rows(tx: Transaction, server_id: str, metadata: Mapping[str, str]) -> None:
    """Repeat a server's metadata as rows, for the list filter."""
    tx.execute(server_metadata.delete().where(server_metadata.c.server_id == server_id))
    tx.insert(server_metadata, [{"server_id": server_id, "key": key, "value": value}
                                for key, value in metadata.items()])


def create_image(kit: Kit, context: Context, server_id: str, name: str, metadata: Mapping[str, str]) -> str:
    """Begin to make an image of a server; returns the image's id.

    The operation makes the image too, as this request may die before; made here, it is there for the answer.
    """
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        details, devices = records.details(tx, server_id), records.devices(tx, server_id)
    states.check(row, "createImage", context)
    disk_keys.see_copyable(kit, row, details, devices)
    base = plans.image_of(details)
    properties = plans.snapshot_properties(row, base, metadata)
    image_id = kit.clock.uuid()
    snapshots: dict[str, str] = {}
    if disks.is_volume_backed(devices):
        snapshots = {one.volume_id: kit.clock.uuid() for one in devices if one.destination_type == "volume"}
        properties.update(_mapping_properties(kit, context, row, devices, snapshots))
    record = ImageRecord(id=image_id, name=name, disk_format="raw" if snapshots else "", container_format="bare",
                         properties=properties, min_disk=0 if snapshots else row.root_gib, min_ram=base.min_ram)
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.begin(tx, row, "createImage", context, kit.clock.now())
        kit.engine.start(tx, "compute.snapshot", server_id, context,
                         {"image": msgspec.to_builtins(record), "snapshots": snapshots})
        emit(kit, tx, context, "instance.snapshot.start", row)
    make_image(kit, context, record)
    return image_id


def _mapping_properties(kit: Kit, context: Context, row: Row, devices: Sequence[Row],
                        snapshots: Mapping[str, str]) -> dict[str, str]:
    volumes = kit.peers.of(VolumeService)
    mappings = [{"source_type": "snapshot", "destination_type": "volume", "snapshot_id": snapshots[one.volume_id],
                 "boot_index": one.boot_index, "delete_on_termination": one.delete_on_termination,
                 "volume_size": volumes.volume(context, one.volume_id).size, "device_name": one.device,
                 "device_type": one.device_type, "disk_bus": one.disk_bus, "guest_format": one.guest_format,
                 "volume_type": one.volume_type}
                for one in devices if one.volume_id in snapshots]
    return {"bdm_v2": "True", "root_device_name": row.root_device,
            "block_device_mapping": msgspec.json.encode(mappings).decode()}


def metadata_changed(kit: Kit, context: Context, server_id: str, change: Any) -> dict[str, str]:
    """Replace a server's metadata by what ``change`` makes of it; returns it.

    :raises Forbidden: there are too many items.
    """
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "update server metadata", context)
        fresh: dict[str, str] = change(dict(row.metadata))
        creation.within_metadata(len(fresh), accounting.limits(kit, tx, row.project_id))
        tx.update(servers, server_id, metadata=fresh, updated_at=kit.clock.now())
        set_metadata_rows(tx, server_id, fresh)
        emit(kit, tx, context, "instance.update", row)
    return fresh


def add_security_group(kit: Kit, context: Context, server_id: str, group: str) -> None:
    """Give all of a server's ports a security group. :raises NotFound: there is no such group."""
    row = show(kit, context, server_id)
    states.check(row, "addSecurityGroup", context)
    kit.peers.of(NetworkService).add_security_group(context, server_id, row.project_id, group)
    _groups_changed(kit, context, row, "compute.add_security_group")


def remove_security_group(kit: Kit, context: Context, server_id: str, group: str) -> None:
    """Take a security group from all of a server's ports. :raises NotFound: the server does not have it."""
    row = show(kit, context, server_id)
    states.check(row, "removeSecurityGroup", context)
    kit.peers.of(NetworkService).remove_security_group(context, server_id, row.project_id, group)
    _groups_changed(kit, context, row, "compute.remove_security_group")


def _groups_changed(kit: Kit, context: Context, row: Row, kind: str) -> None:
    """Repeat the new groups in the server's row, and the deed in its history."""
    names = kit.peers.of(NetworkService).security_groups(context, row.id)
    with kit.db.write() as tx:
        tx.update(servers, row.id, security_groups=names, updated_at=kit.clock.now())
        kit.engine.record(tx, kind, row.id, context)
        emit(kit, tx, context, "instance.update", row)


def host_of(kit: Kit, context: Context, server_id: str) -> Row:
    """A server that is on a host. :raises Conflict: it is not yet. :raises NotFound: it is unknown."""
    row = show(kit, context, server_id)
    if not row.host:
        raise Conflict(f"Instance {server_id} is not ready")
    return row

