"""Version documents and the list of extensions over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from .extensions import EXTENSIONS

COLLECTIONS = ("networks", "subnets", "subnetpools", "ports", "routers", "floatingips", "security-groups",
               "security-group-rules", "quotas", "agents", "availability_zones", "extensions")


def versions(service: Any, call: Call) -> dict[str, Any]:
    """The one version there is."""
    return {"versions": [{"id": "v2.0", "status": "CURRENT",
                          "links": [{"rel": "self", "href": call.address("/v2.0/")}]}]}


def resources(service: Any, call: Call) -> dict[str, Any]:
    """The collections of version 2.0."""
    return {"resources": [{"name": one.rstrip("s"), "collection": one,
                           "links": [{"rel": "self", "href": call.address(f"/v2.0/{one}")}]} for one in COLLECTIONS]}


def index(service: Any, call: Call) -> dict[str, Any]:
    """All extensions."""
    return {"extensions": list(EXTENSIONS.values())}


def show(service: Any, call: Call) -> dict[str, Any]:
    """One extension by alias."""
    found = EXTENSIONS.get(call.path["alias"])
    if found is None:
        raise NotFound(f"Extension with alias {call.path['alias']} does not exist", type="HTTPNotFound")
    return {"extension": found}


ROOT = (Operation("GET", "", versions, public=True, summary="List versions"),)
OPERATIONS = (
    Operation("GET", "", resources, public=True, summary="Show version 2.0"),
    Operation("GET", "/extensions", index, "get_extension", summary="List extensions"),
    Operation("GET", "/extensions/{alias}", show, "get_extension", summary="Show an extension"),
)
