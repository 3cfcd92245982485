"""The version document, which needs no token."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from .answer import dated

FIRST, LAST = "1.0", "1.39"


def show(service: Any, call: Call) -> Any:
    """The one version there is, with the microversions it has."""
    body = {"versions": [{"id": "v1.0", "status": "CURRENT", "min_version": FIRST, "max_version": LAST,
                          "links": [{"rel": "self", "href": ""}]}]}
    return dated(service, call, body, headers={"Vary": "openstack-api-version"})


OPERATIONS = (Operation("GET", "", show, public=True, summary="Show the versions."),)
