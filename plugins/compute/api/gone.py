"""What the API had once and OpenStack has taken out again, answered as OpenStack does: with 410."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ....core.errors import Gone
from ....core.http.call import Call
from ....core.http.table import Operation

if TYPE_CHECKING:
    from ..service import Service

FORMER: Mapping[str, str] = {
    "/os-agents": "GET POST", "/os-agents/{name}": "PUT DELETE",
    "/os-cells": "GET POST", "/os-cells/{name}": "GET PUT DELETE",
    "/os-certificates": "POST", "/os-certificates/{name}": "GET",
    "/os-cloudpipe": "GET POST", "/os-cloudpipe/{name}": "PUT",
    "/os-fixed-ips/{name}": "GET", "/os-fixed-ips/{name}/action": "POST",
    "/os-floating-ip-dns": "GET", "/os-floating-ip-dns/{name}": "PUT DELETE",
    "/os-floating-ip-dns/{name}/entries/{id}": "GET PUT DELETE",
    "/os-floating-ips-bulk": "GET", "/os-floating-ips-bulk/{name}": "GET PUT",
    "/os-fping": "GET", "/os-fping/{name}": "GET",
    "/os-networks": "POST", "/os-networks/add": "POST", "/os-networks/{network_id}": "DELETE",
    "/os-networks/{network_id}/action": "POST",
    "/os-tenant-networks": "POST", "/os-tenant-networks/{network_id}": "DELETE",
    "/os-security-group-default-rules": "GET POST", "/os-security-group-default-rules/{name}": "GET DELETE",
    "/servers/{server_id}/os-virtual-interfaces": "GET",
    "/servers/{server_id}/consoles": "GET POST", "/servers/{server_id}/consoles/{name}": "GET DELETE",
}
"""Paths, and the methods they had."""


def gone(service: Service, call: Call) -> None:
    """Say that the resource no longer exists."""
    raise Gone("This resource is no longer available. No forwarding address is given.")


OPERATIONS = tuple(Operation(method, path, gone, public=True, gone=True, raw=method in ("POST", "PUT"),
                             summary="No longer there (410)")
                   for path, methods in FORMER.items() for method in methods.split())
