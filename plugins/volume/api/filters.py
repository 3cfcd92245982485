"""The filters that lists know, over HTTP (3.33 and later)."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import BlockStorage

FILTERS = {
    "volume": ("name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id", "size",
               "created_at", "updated_at", "glance_metadata", "multiattach", "consumes_quota", "description"),
    "backup": ("name", "status", "volume_id"),
    "snapshot": ("name", "status", "volume_id", "metadata", "consumes_quota"),
    "group": ("name", "status", "group_type", "group_snapshot_id", "source_group_id"),
    "group_snapshot": ("name", "status", "group_id"),
    "attachment": ("volume_id", "status", "instance_id", "attach_status"),
    "message": ("resource_uuid", "resource_type", "event_id", "request_id", "message_level"),
    "transfer": ("name", "volume_id"),
    "pool": ("name", "volume_type"),
    "volume_type": ("is_public", "extra_specs"),
}


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The filters of all resources, or of one."""
    wanted = call.one("resource")
    return {"resource_filters": [{"resource": name, "filters": list(filters)} for name, filters in FILTERS.items()
                                 if not wanted or wanted == name]}


OPERATIONS = (
    Operation("GET", "/resource_filters", listed, "volume:get_all", since="3.33", summary="List resource filters."),
)
