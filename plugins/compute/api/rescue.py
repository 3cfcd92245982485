"""Rescue over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Action
from .. import creation, rescues
from ..service import Service
from .actions import PATH, PREFIX
from .parameters import Piece, closed
from .server_schema import PASSWORD, UUID

RESCUE: Piece = {"oneOf": [{"type": "null"}, closed({"adminPass": PASSWORD, "rescue_image_ref": UUID})]}


def rescue(service: Service, call: Call) -> Any:
    """Begin to rescue a server."""
    asked = call.body["rescue"] or {}
    password = asked.get("adminPass") or creation.password(service.kit)
    rescues.rescue(service.kit, call.context, call.path["server_id"], asked.get("rescue_image_ref", ""),
                   volume_backed=call.since("2.87"), sealed=service.seal.password(password))
    return {"adminPass": password}


def unrescue(service: Service, call: Call) -> None:
    """Begin to let a rescued server run from its own disks again."""
    rescues.unrescue(service.kit, call.context, call.path["server_id"])


OPERATIONS = (
    Action(PATH, "rescue", rescue, PREFIX + "os-rescue", RESCUE, status=200),
    Action(PATH, "unrescue", unrescue, PREFIX + "os-unrescue"),
)
