"""Clusters of volume services and the taking up of unfinished work, over HTTP. Services here form no clusters."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ..hosts import service_number
from ..service import BlockStorage
from .actions import FLAG, truth

UPDATE = {
    "type": "object", "required": ["name"], "additionalProperties": False,
    "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 255},
                   "binary": {"type": "string", "maxLength": 255},
                   "disabled_reason": {"type": ["string", "null"], "maxLength": 255}},
}
CLEANUP = {
    "type": ["object", "null"], "additionalProperties": False,
    "properties": {"cluster_name": {"type": ["string", "null"], "maxLength": 255},
                   "service_id": {"type": ["string", "integer", "null"], "pattern": "^[0-9]{1,10}$"},
                   "host": {"type": ["string", "null"], "maxLength": 255},
                   "binary": {"enum": ["cinder-volume", "cinder-scheduler"]}, "is_up": FLAG, "disabled": FLAG,
                   "resource_id": {"type": ["string", "null"], "format": "uuid"},
                   "resource_type": {"type": ["string", "null"], "pattern": "^(Volume|Snapshot|volume|snapshot)?$"}},
}


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The clusters: none."""
    return {"clusters": []}


def _none(name: str) -> NotFound:
    return NotFound(f"Cluster {name[:100]} could not be found.")


def show(service: BlockStorage, call: Call) -> None:
    """One cluster. :raises NotFound: there is none."""
    raise _none(call.path["name"])


def update(service: BlockStorage, call: Call) -> None:
    """Enable or disable a cluster. :raises NotFound: there is none."""
    raise _none(call.body["name"])


def _service(row: Row) -> dict[str, Any]:
    return {"id": service_number(row), "host": row.host, "binary": row.binary, "cluster_name": None}


def cleanup(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Take up unfinished work at once."""
    asked = {key: value for key, value in (call.body or {}).items() if value is not None}
    if asked.get("cluster_name"):
        return {"cleaning": [], "unavailable": []}
    for key in ("is_up", "disabled"):
        if key in asked:
            asked[key] = truth(asked[key])
    if "service_id" in asked:
        asked["service_id"] = int(asked["service_id"])
    cleaning, unavailable = service.hosts.cleanup(asked)
    return {"cleaning": [_service(row) for row in cleaning], "unavailable": [_service(row) for row in unavailable]}


OPERATIONS = (
    Operation("GET", "/clusters", listed, "clusters:get_all", since="3.7", summary="List clusters."),
    Operation("GET", "/clusters/detail", listed, "clusters:get_all", since="3.7",
              summary="List clusters with details."),
    Operation("GET", "/clusters/{name}", show, "clusters:get", since="3.7", summary="Show a cluster."),
    Operation("PUT", "/clusters/enable", update, "clusters:update", body=UPDATE, since="3.7",
              summary="Enable a cluster."),
    Operation("PUT", "/clusters/disable", update, "clusters:update", body=UPDATE, since="3.7",
              summary="Disable a cluster."),
    Operation("POST", "/workers/cleanup", cleanup, "workers:cleanup", body=CLEANUP, since="3.24", status=202,
              summary="Take up unfinished work."),
)
