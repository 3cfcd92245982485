"""The version documents of compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.http.call import Call
from ....core.http.table import Microversions, Operation

MICROVERSIONS = Microversions("compute", "2.1", "2.79", legacy="X-OpenStack-Nova-API-Version")
ROOT = "/v2.1"
UPDATED = "2013-07-23T11:33:21Z"
GUIDE = "https://docs.openstack.org/api-ref/compute/"


def _summary(call: Call) -> dict[str, Any]:
    return {"id": "v2.1", "status": "CURRENT", "version": MICROVERSIONS.last, "min_version": MICROVERSIONS.first,
            "updated": UPDATED, "links": [{"rel": "self", "href": call.address(ROOT + "/")}]}


def index(service: object, call: Call) -> Mapping[str, Any]:
    """All versions of the API: there is one."""
    return {"versions": [_summary(call)]}


def show(service: object, call: Call) -> Mapping[str, Any]:
    """The version 2.1 with what it speaks."""
    version = _summary(call)
    version["links"].append({"rel": "describedby", "type": "text/html", "href": GUIDE})
    version["media-types"] = [{"base": "application/json",
                               "type": "application/vnd.openstack.compute+json;version=2.1"}]
    return {"version": version}


OPERATIONS = (
    Operation("GET", "", index, public=True, summary="List versions"),
    Operation("GET", ROOT, show, public=True, summary="Show version 2.1"),
)
