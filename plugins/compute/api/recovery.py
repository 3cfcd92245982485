"""Recovery of dead hosts: ``/os-hosts/{host}/recovery``. No API of OpenStack's has this; the path is our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ....core.http.call import Call
from ....core.http.table import Operation
from .. import recovery
from ..service import Service

PATH = "/os-hosts/{host_name}/recovery"
RULE = "os_compute_api:os-hosts:recover"
BODY = {"type": "object", "required": ["recovery"], "additionalProperties": False, "properties": {"recovery": {
    "type": "object", "additionalProperties": False, "properties": {
        "confirmed_off": {"type": "boolean"}, "volume_backed_only": {"type": "boolean"},
        "flagged_only": {"type": "boolean"}}}}}


def begin(service: Service, call: Call) -> Mapping[str, Any]:
    """Begin to recover a host that is down."""
    host, asked = call.path["host_name"], call.body["recovery"]
    recovery.begin(service.kit, service.fleet, call.context, host, confirmed_off=asked.get("confirmed_off", False),
                   volume_backed_only=asked.get("volume_backed_only", False),
                   flagged_only=asked.get("flagged_only", False))
    return show(service, call)


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """How far the recovery of a host has come."""
    host = call.path["host_name"]
    return {"recovery": msgspec.to_builtins(recovery.show(service.kit, host, service.vigil.held(host)))}


def release(service: Service, call: Call) -> None:
    """Let a recovered host run servers again."""
    recovery.release(service.kit, service.fleet, service.fence, call.path["host_name"])


OPERATIONS = (
    Operation("POST", PATH, begin, RULE, body=BODY, status=202, summary="Recover a dead host"),
    Operation("GET", PATH, show, RULE, summary="Show the recovery of a host"),
    Operation("DELETE", PATH, release, RULE, status=204, summary="Let a recovered host run servers again"),
)
