"""News from other services over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call, Reply
from ....core.http.table import Operation
from .. import external_events
from ..service import Service
from .parameters import Piece, closed
from .server_schema import UUID

FIRST = ("network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-deleted")
LATER = (("2.51", "volume-extended"), ("2.76", "power-update"), ("2.82", "accelerator-request-bound"),
         ("2.93", "volume-reimaged"))


def _body(names: tuple[str, ...]) -> Piece:
    event = closed({"server_uuid": UUID, "name": {"enum": list(names)}, "tag": {"type": "string", "maxLength": 255},
                    "status": {"enum": ["failed", "completed", "in-progress"]}}, ("server_uuid", "name"))
    return closed({"events": {"type": "array", "minItems": 1, "items": event}}, ("events",))


def _bodies() -> dict[str, Piece]:
    names: tuple[str, ...] = FIRST
    found = {"2.1": _body(names)}
    for since, name in LATER:
        names = (*names, name)
        found[since] = _body(names)
    return found


def create(service: Service, call: Call) -> Any:
    """Hear what other services tell."""
    told = external_events.tell(service, call.context, call.body["events"])
    shown = [{"status": "completed", **one.event, "code": one.code,
              **({} if one.code == 200 else {"status": "failed"})} for one in told]
    return Reply({"events": shown}, status=200 if all(one.code == 200 for one in told) else 207)


OPERATIONS = (
    Operation("POST", "/os-server-external-events", create, "os_compute_api:os-server-external-events:create",
              body=_bodies(), summary="Tell of what happened to servers"),
)
