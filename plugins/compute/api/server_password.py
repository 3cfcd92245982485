"""The password that a guest told of itself, encrypted for its owner's key, over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from .. import passwords
from ..service import Service

PATH = "/servers/{server_id}/os-server-password"
RULE = "os_compute_api:os-server-password:"


def show(service: Service, call: Call) -> Any:
    """The encrypted password; empty when the guest told none."""
    return {"password": passwords.show(service.kit, call.context, call.path["server_id"])}


def clear(service: Service, call: Call) -> None:
    """Forget the encrypted password; the guest's own stays as it is."""
    passwords.clear(service.kit, call.context, call.path["server_id"])


OPERATIONS = (
    Operation("GET", PATH, show, RULE + "show", summary="Show a server's encrypted password"),
    Operation("DELETE", PATH, clear, RULE + "clear", status=204, summary="Forget a server's encrypted password"),
)
