"""Availability zones and extensions over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import BlockStorage

EXTENSIONS = (
    ("AdminActions", "os-admin-actions", "Actions of administrators."),
    ("AvailabilityZones", "os-availability-zone", "Availability zones."),
    ("Backups", "backups", "Backups of volumes."),
    ("Capabilities", "capabilities", "What back ends can do."),
    ("Cgsnapshots", "cgsnapshots", "Snapshots of consistency groups."),
    ("Consistencygroups", "consistencygroups", "Volumes that are frozen at one moment."),
    ("ExtendedServices", "os-extended-services", "Details of services."),
    ("ExtendedSnapshotAttributes", "os-extended-snapshot-attributes", "Progress and project of snapshots."),
    ("Hosts", "os-hosts", "Hosts and what lies on them."),
    ("Qos_specs_manage", "qos-specs", "Specs of quality of service."),
    ("QuotaClasses", "os-quota-class-sets", "Quotas of all projects without their own."),
    ("Quotas", "os-quota-sets", "Quotas of projects."),
    ("SchedulerStats", "scheduler-stats", "Pools."),
    ("Services", "os-services", "Services."),
    ("SnapshotActions", "os-snapshot-actions", "Actions on snapshots."),
    ("SnapshotManage", "os-snapshot-manage", "Taking over snapshots that lie in a pool."),
    ("SnapshotUnmanage", "os-snapshot-unmanage", "Letting go of snapshots."),
    ("TypesExtraSpecs", "os-types-extra-specs", "Extra specs of volume types."),
    ("TypesManage", "os-types-manage", "Volume types."),
    ("UsedLimits", "os-used-limits", "Limits and what is used."),
    ("VolumeActions", "os-volume-actions", "Actions on volumes."),
    ("VolumeHostAttribute", "os-vol-host-attr", "The host of a volume."),
    ("VolumeImageMetadata", "os-vol-image-meta", "What volumes remember of their images."),
    ("VolumeManage", "os-volume-manage", "Taking over volumes that lie in a pool."),
    ("VolumeMigStatusAttribute", "os-vol-mig-status-attr", "Migration status of volumes."),
    ("VolumeTenantAttribute", "os-vol-tenant-attr", "The project of a volume."),
    ("VolumeTransfer", "os-volume-transfer", "Volumes handed to other projects."),
    ("VolumeTypeAccess", "os-volume-type-access", "Access to private volume types."),
    ("VolumeUnmanage", "os-volume-unmanage", "Letting go of volumes."),
    ("VolumeTypeEncryption", "encryption", "Encryption of volume types."),
)
UPDATED = "2016-06-29T00:00:00+00:00"


def _extension(one: tuple[str, str, str]) -> dict[str, Any]:
    return {"name": one[0], "alias": one[1], "description": one[2], "links": [], "updated": UPDATED, "namespace": ""}


def extensions(service: BlockStorage, call: Call) -> dict[str, Any]:
    """What is offered beyond the oldest API."""
    return {"extensions": [_extension(one) for one in EXTENSIONS]}


def extension(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One extension."""
    for one in EXTENSIONS:
        if one[1] == call.path["alias"]:
            return {"extension": _extension(one)}
    raise NotFound("The resource could not be found.")


def zones(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The availability zones; one is available while a volume service in it is up and enabled."""
    found: dict[str, bool] = {service.kit.options.zone: False}
    for row in service.hosts.listed(binary="cinder-volume"):
        found[row.zone] = found.get(row.zone, False) or (not row.disabled and service.hosts.up(row))
    return {"availabilityZoneInfo": [{"zoneName": name, "zoneState": {"available": up}}
                                     for name, up in sorted(found.items())]}


OPERATIONS = (
    Operation("GET", "/extensions", extensions, "volume:extensions_list", summary="List extensions."),
    Operation("GET", "/extensions/{alias}", extension, "volume:extensions_list", summary="Show an extension."),
    Operation("GET", "/os-availability-zone", zones, "volume:availability_zone_list", summary="List zones."),
)
