"""The version documents of the Block Storage API."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation

OLDEST = "3.0"
NEWEST = "3.71"
UPDATED = "2023-08-31T00:00:00Z"


def document(service: Any, call: Call) -> dict[str, Any]:
    """The only version there is."""
    return {"versions": [{
        "id": "v3.0", "status": "CURRENT", "version": NEWEST, "min_version": OLDEST, "updated": UPDATED,
        "links": [{"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
                  {"rel": "self", "href": call.address("/v3/")}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}]}]}


OPERATIONS = (
    Operation("GET", "", document, public=True, status=300, summary="List API versions."),
    Operation("GET", "/v3", document, public=True, summary="Show API v3."),
)
