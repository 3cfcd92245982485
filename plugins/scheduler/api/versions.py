"""The version document, which needs no token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation


def index(service: Any, call: Call) -> Mapping[str, Any]:
    """The one version there is."""
    return {"versions": [{"id": "v1", "status": "CURRENT", "links": [{"rel": "self", "href": call.address("/v1")}]}]}


OPERATIONS = (Operation("GET", "", index, public=True, summary="Show the versions"),)
