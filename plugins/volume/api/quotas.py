"""Quota sets and limits over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import quotas
from ..service import BlockStorage

CHANGE = {
    "type": "object", "required": ["quota_set"],
    "properties": {"quota_set": {
        "type": "object",
        "properties": {"tenant_id": {"type": "string"}, "force": {"type": ["boolean", "string"]},
                       "skip_validation": {"type": ["boolean", "string"]}},
        "additionalProperties": {"type": ["integer", "string"], "minimum": -1, "maximum": 2147483647,
                                 "pattern": "^-?[0-9]{1,10}$"}}},
}
CHANGE_CLASS = {
    "type": "object", "required": ["quota_class_set"],
    "properties": {"quota_class_set": CHANGE["properties"]["quota_set"]},  # type: ignore[index]
}
CONTROL = ("tenant_id", "force", "skip_validation")


def _target(service: Any, call: Call) -> Mapping[str, Any]:
    return {"project_id": call.path["project_id"], "tenant_id": call.path["project_id"]}


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The limits of a project, with ``usage`` what it has."""
    project_id = call.path["project_id"]
    with service.kit.db.read() as tx:
        limits = quotas.all_limits(service.kit, tx, project_id)
        used = quotas.usage(tx, project_id) if call.flag("usage") else None
    if used is None:
        return {"quota_set": {"id": project_id, **limits}}
    return {"quota_set": {"id": project_id, **{
        name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in limits.items()}}}


def defaults(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The limits of a project that has none of its own."""
    with service.kit.db.read() as tx:
        found = quotas.all_limits(service.kit, tx, "")
    return {"quota_set": {"id": call.path["project_id"], **found}}


def update(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change the limits of a project."""
    project_id = call.path["project_id"]
    wanted = {name: int(value) for name, value in call.body["quota_set"].items() if name not in CONTROL}
    with service.kit.db.write() as tx:
        quotas.change(service.kit, tx, project_id, wanted)
        return {"quota_set": quotas.all_limits(service.kit, tx, project_id)}


def reset(service: BlockStorage, call: Call) -> None:
    """Give a project the default limits again."""
    with service.kit.db.write() as tx:
        quotas.reset(tx, call.path["project_id"])


def _default_class(call: Call) -> None:
    if call.path["name"] != "default":
        raise NotFound(f"Quota class {call.path['name']} could not be found.")


def show_class(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The limits of all projects that have none of their own."""
    _default_class(call)
    with service.kit.db.read() as tx:
        return {"quota_class_set": {"id": "default", **quotas.all_limits(service.kit, tx, quotas.CLASS)}}


def update_class(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Change the limits of all projects that have none of their own."""
    _default_class(call)
    wanted = {name: int(value) for name, value in call.body["quota_class_set"].items() if name not in CONTROL}
    with service.kit.db.write() as tx:
        quotas.change(service.kit, tx, quotas.CLASS, wanted)
        return {"quota_class_set": quotas.all_limits(service.kit, tx, quotas.CLASS)}


def limits(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The limits of the caller's project and what it has."""
    project_id = call.context.project_id
    if call.since("3.39") and call.context.is_admin:
        project_id = call.one("project_id") or call.one("tenant_id") or project_id
    with service.kit.db.read() as tx:
        limit, used = quotas.limits(service.kit, tx, project_id), quotas.usage(tx, project_id)
    return {"limits": {"rate": [], "absolute": {
        "maxTotalVolumes": limit["volumes"], "maxTotalSnapshots": limit["snapshots"],
        "maxTotalVolumeGigabytes": limit["gigabytes"], "maxTotalBackups": limit["backups"],
        "maxTotalBackupGigabytes": limit["backup_gigabytes"], "totalVolumesUsed": used["volumes"],
        "totalSnapshotsUsed": used["snapshots"], "totalGigabytesUsed": used["gigabytes"],
        "totalBackupsUsed": used["backups"],
        "totalBackupGigabytesUsed": used["backup_gigabytes"]}}}


ONE = "/os-quota-sets/{project_id}"
RULE = "volume_extension:quotas:"
OPERATIONS = (
    Operation("GET", "/limits", limits, "limits_extension:used_limits", summary="Show limits."),
    Operation("GET", ONE, show, RULE + "show", target=_target, summary="Show quotas."),
    Operation("GET", ONE + "/defaults", defaults, RULE + "show", target=_target, summary="Show default quotas."),
    Operation("PUT", ONE, update, RULE + "update", body=CHANGE, target=_target, summary="Update quotas."),
    Operation("GET", "/os-quota-class-sets/{name}", show_class, "volume_extension:quota_classes:get",
              summary="Show a quota class."),
    Operation("PUT", "/os-quota-class-sets/{name}", update_class, "volume_extension:quota_classes:update",
              body=CHANGE_CLASS, summary="Update a quota class."),
    Operation("DELETE", ONE, reset, RULE + "delete", target=_target, summary="Reset quotas."),
)
