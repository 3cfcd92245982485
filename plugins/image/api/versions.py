"""The version documents of the Image API."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call, Reply
from ....core.http.table import Operation

NEWEST = 13
"""2.13: the usage of quotas."""


def document(call: Call) -> dict[str, Any]:
    """All versions, the newest first."""
    links = [{"rel": "self", "href": call.address("/v2/")}]
    return {"versions": [{"id": f"v2.{minor}", "status": "CURRENT" if minor == NEWEST else "SUPPORTED",
                          "links": links} for minor in range(NEWEST, -1, -1)]}


def choices(service: Any, call: Call) -> Reply:
    """The versions as the choices that they are."""
    return Reply(document(call), headers={"Location": call.address("/v2/")})


def listed(service: Any, call: Call) -> dict[str, Any]:
    """The versions as a plain list."""
    return document(call)


OPERATIONS = (
    Operation("GET", "", choices, public=True, status=300, summary="List API versions."),
    Operation("GET", "/versions", listed, public=True, summary="List API versions."),
    Operation("GET", "/v2", choices, public=True, status=300, summary="List API versions."),
)
