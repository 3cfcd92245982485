"""The version documents, and the JSON home beside them."""

from __future__ import annotations

from typing import Any

import msgspec

from ....core.http.call import Call, Reply
from ....core.http.table import Operation
from . import json_home

encode = msgspec.json.Encoder().encode

ID = "v3.14"
UPDATED = "2020-04-07T00:00:00Z"


def _version(call: Call) -> dict[str, Any]:
    return {"id": ID, "status": "stable", "updated": UPDATED,
            "links": [{"rel": "self", "href": call.address("/v3/")}],
            "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}]}


def index(service: Any, call: Call) -> Reply:
    """All versions; 300 as the API has it."""
    if _home_wanted(call):
        return _home("/v3")
    return Reply({"versions": {"values": [_version(call)]}}, 300, {"Location": call.address("/v3/"), "Vary": "Accept"})


def show(service: Any, call: Call) -> Reply:
    """The one version there is."""
    if _home_wanted(call):
        return _home("")
    return Reply({"version": _version(call)}, headers={"Vary": "Accept"})


def _home_wanted(call: Call) -> bool:
    """Whether the client would rather have the JSON home than JSON."""
    preferred = call.request.client_prefers(("application/json", json_home.MEDIA_TYPE))
    return bool(preferred == json_home.MEDIA_TYPE)


def _home(prefix: str) -> Reply:
    from . import API
    return Reply(encode(json_home.document(API.operations, prefix)), 200, {"Vary": "Accept"},
                 content_type=json_home.MEDIA_TYPE)


OPERATIONS = (
    Operation("GET", "/", index, public=True, status=300, summary="List versions"),
    Operation("GET", "/v3", show, public=True, summary="Show version 3"),
)
