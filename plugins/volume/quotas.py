"""Quotas: what a project may have and what it has, counted in the transaction that adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Transaction
from ...core.errors import BadRequest, QuotaExceeded
from ...core.process.slice import Kit
from .tables import backups, groups, quotas, snapshots, types, volumes

RESOURCES = ("volumes", "per_volume_gigabytes", "snapshots", "gigabytes", "backups", "backup_gigabytes", "groups")
CLASS = "class:default"
"""Stands in for a project id where the limits of all projects without their own are kept."""
OF_PROJECT = sa.select(quotas.c.project_id, quotas.c.resource, quotas.c.limit).where(
    sa.or_(quotas.c.project_id == sa.bindparam("project_id"), quotas.c.project_id == CLASS))
USED_VOLUMES = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(volumes.c.size + volumes.c.growing), 0)).where(
    volumes.c.project_id == sa.bindparam("project_id"))
USED_SNAPSHOTS = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(snapshots.c.size), 0)).where(
    snapshots.c.project_id == sa.bindparam("project_id"))
USED_BACKUPS = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(backups.c.size), 0)).where(
    backups.c.project_id == sa.bindparam("project_id"))
USED_GROUPS = sa.select(sa.func.count()).where(groups.c.project_id == sa.bindparam("project_id"))
OF_TYPE = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(volumes.c.size + volumes.c.growing), 0)).where(
    volumes.c.project_id == sa.bindparam("project_id"), volumes.c.type_id == sa.bindparam("type_id"))
BY_TYPE = sa.select(volumes.c.type_id, sa.func.count(), sa.func.sum(volumes.c.size + volumes.c.growing)).where(
    volumes.c.project_id == sa.bindparam("project_id")).group_by(volumes.c.type_id)
TYPE_NAMES = sa.select(types.c.id, types.c.name)


def defaults(kit: Kit) -> dict[str, int]:
    """The configured limits; -1 is no limit."""
    options = kit.options
    return {"volumes": options.quota_volumes, "per_volume_gigabytes": options.quota_per_volume_gigabytes,
            "snapshots": options.quota_snapshots, "gigabytes": options.quota_gigabytes,
            "backups": options.quota_backups, "backup_gigabytes": options.quota_backup_gigabytes,
            "groups": options.quota_groups}


def limits(kit: Kit, tx: Transaction, project_id: str) -> dict[str, int]:
    """The limits of a project: its own over those of the default class over the configured ones."""
    found = defaults(kit)
    rows = tx.rows(OF_PROJECT, {"project_id": project_id})
    found.update((row.resource, row.limit) for row in rows if row.project_id == CLASS)
    found.update((row.resource, row.limit) for row in rows if row.project_id == project_id)
    return found


def all_limits(kit: Kit, tx: Transaction, project_id: str) -> dict[str, int]:
    """As :func:`limits`, with the limits of each volume type, as the API lists them."""
    found: dict[str, int] = {}
    for row in tx.rows(TYPE_NAMES):
        found.update({f"volumes_{row.name}": -1, f"gigabytes_{row.name}": -1, f"snapshots_{row.name}": -1})
    found.update(limits(kit, tx, project_id))
    return found


def _sum(tx: Transaction, statement: sa.Select[Any], project_id: str) -> tuple[int, int]:
    """How many there are, and how many GiB."""
    row: Any = tx.row(statement, {"project_id": project_id})
    return row[0], int(row[1])


def usage(tx: Transaction, project_id: str) -> Mapping[str, int]:
    """What a project has now, also by volume type."""
    made, room = _sum(tx, USED_VOLUMES, project_id)
    frozen, frozen_room = _sum(tx, USED_SNAPSHOTS, project_id)
    kept, kept_room = _sum(tx, USED_BACKUPS, project_id)
    found = {"volumes": made, "gigabytes": room + frozen_room, "snapshots": frozen, "backups": kept,
             "backup_gigabytes": kept_room, "groups": int(tx.value(USED_GROUPS, {"project_id": project_id}))}
    names = {row.id: row.name for row in tx.rows(TYPE_NAMES)}
    of_types: Any = tx.rows(BY_TYPE, {"project_id": project_id})
    for type_id, count, size in of_types:
        name = names.get(type_id, "")
        found[f"volumes_{name}"], found[f"gigabytes_{name}"] = count, int(size)
    return found


def check(kit: Kit, tx: Transaction, project_id: str, *, volumes: int = 0, gigabytes: int = 0, snapshots: int = 0,
          size: int = 0, type_id: str = "", type_name: str = "") -> None:
    """See that a project may have so much more. ``size`` is that of the whole volume.

    :raises QuotaExceeded: it may not.
    """
    limit = limits(kit, tx, project_id)
    if 0 <= limit["per_volume_gigabytes"] < size:
        raise QuotaExceeded(f"Requested volume size {size}G is larger than maximum allowed limit "
                            f"{limit['per_volume_gigabytes']}G.")
    made, room = _sum(tx, USED_VOLUMES, project_id)
    frozen, frozen_room = _sum(tx, USED_SNAPSHOTS, project_id)
    room = room + frozen_room
    if volumes and 0 <= limit["volumes"] < made + volumes:
        raise QuotaExceeded(f"VolumeLimitExceeded: Maximum number of volumes allowed ({limit['volumes']}) exceeded "
                            "for quota 'volumes'.")
    if snapshots and 0 <= limit["snapshots"] < frozen + snapshots:
        raise QuotaExceeded(f"SnapshotLimitExceeded: Maximum number of snapshots allowed ({limit['snapshots']}) "
                            "exceeded")
    if gigabytes and 0 <= limit["gigabytes"] < room + gigabytes:
        raise QuotaExceeded(f"VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed "
                            f"gigabytes quota. Requested {gigabytes}G, quota is {limit['gigabytes']}G and {room}G "
                            "has been consumed.")
    _check_type(tx, limit, project_id, type_id, type_name, volumes, gigabytes)


def _check_type(tx: Transaction, limit: Mapping[str, int], project_id: str, type_id: str, name: str,
                volumes: int, gigabytes: int) -> None:
    most, room = limit.get(f"volumes_{name}", -1), limit.get(f"gigabytes_{name}", -1)
    if not name or (most < 0 and room < 0):
        return
    found: Any = tx.row(OF_TYPE, {"project_id": project_id, "type_id": type_id})
    if 0 <= most < found[0] + volumes or 0 <= room < int(found[1]) + gigabytes:
        raise QuotaExceeded(f"VolumeLimitExceeded: quota of volume type {name} exceeded")


def check_backup(kit: Kit, tx: Transaction, project_id: str, size: int) -> None:
    """See that a project may have one more backup, of a volume of ``size`` GiB. :raises QuotaExceeded: it may not."""
    limit = limits(kit, tx, project_id)
    made, room = _sum(tx, USED_BACKUPS, project_id)
    if 0 <= limit["backups"] < made + 1:
        raise QuotaExceeded(f"BackupLimitExceeded: Maximum number of backups allowed ({limit['backups']}) exceeded")
    if 0 <= limit["backup_gigabytes"] < room + size:
        raise QuotaExceeded(f"VolumeBackupSizeExceedsAvailableQuota: Requested backup exceeds allowed Backup gigabytes "
                            f"quota. Requested {size}G, quota is {limit['backup_gigabytes']}G and {room}G has been "
                            "consumed.")


def check_group(kit: Kit, tx: Transaction, project_id: str) -> None:
    """See that a project may have one more group. :raises QuotaExceeded: it may not."""
    limit = limits(kit, tx, project_id)["groups"]
    if 0 <= limit < int(tx.value(USED_GROUPS, {"project_id": project_id})) + 1:
        raise QuotaExceeded(f"GroupLimitExceeded: Maximum number of groups allowed ({limit}) exceeded")


def change(kit: Kit, tx: Transaction, project_id: str, wanted: Mapping[str, int]) -> None:
    """Set limits of a project. :raises BadRequest: there is no such resource."""
    known = all_limits(kit, tx, project_id)
    for resource, limit in wanted.items():
        if resource not in known:
            raise BadRequest(f"Bad key in quota set: {resource}")
        tx.execute(quotas.delete().where(quotas.c.project_id == project_id, quotas.c.resource == resource))
        tx.insert(quotas, {"project_id": project_id, "resource": resource, "limit": limit})


def reset(tx: Transaction, project_id: str) -> None:
    """Give a project the default limits again."""
    tx.execute(quotas.delete().where(quotas.c.project_id == project_id))
