"""The version documents of compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.http.call import Call
from ....core.http.table import Microversions, Operation

MICROVERSIONS = Microversions("compute", "2.1", "2.104", legacy="X-OpenStack-Nova-API-Version")
ROOT = "/v2.1"
COMPATIBLE = "/v2"
UPDATED = "2013-07-23T11:33:21Z"
GUIDE = "https://docs.openstack.org/api-ref/compute/"


def _summary(call: Call) -> dict[str, Any]:
    return {"id": "v2.1", "status": "CURRENT", "version": MICROVERSIONS.last, "min_version": MICROVERSIONS.first,
            "updated": UPDATED, "links": [{"rel": "self", "href": call.address(ROOT + "/")}]}


def index(service: object, call: Call) -> Mapping[str, Any]:
    """All versions of the API: 2.1, and 2.0, which is 2.1 without microversions."""
    return {"versions": [_compatible(call), _summary(call)]}


def _compatible(call: Call) -> dict[str, Any]:
    return {"id": "v2.0", "status": "SUPPORTED", "version": "", "min_version": "", "updated": "2011-01-21T11:33:21Z",
            "links": [{"rel": "self", "href": call.address(COMPATIBLE + "/")}]}


def show_compatible(service: object, call: Call) -> Mapping[str, Any]:
    """The version 2.0."""
    return {"version": _described(_compatible(call), "2")}


def _described(version: dict[str, Any], number: str) -> dict[str, Any]:
    version["links"].append({"rel": "describedby", "type": "text/html", "href": GUIDE})
    version["media-types"] = [{"base": "application/json",
                               "type": f"application/vnd.openstack.compute+json;version={number}"}]
    return version


def show(service: object, call: Call) -> Mapping[str, Any]:
    """The version 2.1 with what it speaks."""
    return {"version": _described(_summary(call), "2.1")}


OPERATIONS = (
    Operation("GET", "", index, public=True, summary="List versions"),
    Operation("GET", COMPATIBLE, show_compatible, public=True, summary="Show version 2.0"),
    Operation("GET", ROOT, show, public=True, summary="Show version 2.1"),
)
