"""The version documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.http.call import Call, Reply
from ....core.http.table import Operation

ID = "v3.14"
UPDATED = "2020-04-07T00:00:00Z"


def _version(call: Call) -> dict[str, Any]:
    return {"id": ID, "status": "stable", "updated": UPDATED,
            "links": [{"rel": "self", "href": call.address("/v3/")}],
            "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}]}


def index(service: Any, call: Call) -> Reply:
    """All versions; 300 as the API has it."""
    return Reply({"versions": {"values": [_version(call)]}}, 300, {"Location": call.address("/v3/")})


def show(service: Any, call: Call) -> Mapping[str, Any]:
    """The one version there is."""
    return {"version": _version(call)}


OPERATIONS = (
    Operation("GET", "/", index, public=True, status=300, summary="List versions"),
    Operation("GET", "/v3", show, public=True, summary="Show version 3"),
)
