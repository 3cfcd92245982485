"""Topologies made by themselves, over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Service

PATH = "/auto-allocated-topology/{project_id}"
OWN = ("None", "null")
"""What clients write for their own project."""
DRY = "dry-run"


def _project(call: Call) -> str:
    asked = call.path["project_id"]
    return call.context.project_id if asked in OWN else asked


def _target(service: Any, call: Call) -> dict[str, Any]:
    return {"project_id": _project(call), "tenant_id": _project(call)}


def show(service: Service, call: Call) -> dict[str, Any]:
    """A project's topology, made at need; with the field ``dry-run`` whether it could be made."""
    project_id = _project(call)
    if DRY in call.many("fields"):
        service.topologies.check(call.context)
        found = DRY + "=pass"
    else:
        found = service.topologies.network(call.context, project_id)
    return {"auto_allocated_topology": {"id": found, "project_id": project_id, "tenant_id": project_id}}


def delete(service: Service, call: Call) -> None:
    """Remove a project's topology."""
    service.topologies.delete(call.context, _project(call))


OPERATIONS = (
    Operation("GET", PATH, show, "get_auto_allocated_topology", target=_target, summary="Show or make a topology"),
    Operation("DELETE", PATH, delete, "delete_auto_allocated_topology", target=_target, status=204,
              summary="Delete a topology"),
)
