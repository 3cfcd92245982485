"""Servers' addresses and password over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import servers
from ..service import Service
from .server_view import addresses

RULE = "os_compute_api:"
SERVER = "/servers/{server_id}"


def _of(service: Service, call: Call) -> dict[str, list[dict[str, Any]]]:
    row = servers.show(service.kit, call.context, call.path["server_id"])
    return addresses(row.nics, extended=False)


def index(service: Service, call: Call) -> Any:
    """All addresses, by network."""
    return {"addresses": _of(service, call)}


def show(service: Service, call: Call) -> Any:
    """The addresses in one network."""
    label = call.path["label"]
    found = _of(service, call)
    if label not in found:
        raise NotFound("Instance is not a member of specified network")
    return {label: found[label]}


OPERATIONS = (
    Operation("GET", SERVER + "/ips", index, RULE + "ips:index"),
    Operation("GET", SERVER + "/ips/{label}", show, RULE + "ips:show"),
)
