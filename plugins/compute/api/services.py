"""The processes of compute over HTTP, named by host and binary at first and by id since 2.53."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation, Query
from ....core.http.validation import as_integer, is_uuid
from .. import daemons
from ..daemons import Change, Daemon
from .parameters import BOOLEAN, HOST, boolean, closed

if TYPE_CHECKING:
    from ..service import Service

BINARY = {"type": "string", "minLength": 1, "maxLength": 255}
REASON = {"type": "string", "minLength": 1, "maxLength": 255}
NAMED = {"host": HOST, "binary": BINARY}
FIRST = {**NAMED, "disabled_reason": REASON}
LATER = {**FIRST, "forced_down": BOOLEAN}
SWITCH = {"2.1": closed(FIRST, ("host", "binary")), "2.11": closed(LATER, ("host", "binary"))}
SWITCH_WITH_REASON = {"2.1": closed(FIRST, ("host", "binary", "disabled_reason")),
                      "2.11": closed(LATER, ("host", "binary", "disabled_reason"))}
FORCE = closed(LATER, ("host", "binary", "forced_down"))
UPDATE = closed({"status": {"enum": ["enabled", "disabled"]}, "disabled_reason": REASON, "forced_down": BOOLEAN})
KNOWN = {"host": "*text", "binary": "*text"}


def _view(call: Call, one: Daemon) -> dict[str, Any]:
    row = one.row
    shown = {"id": row.id if call.version >= (2, 53) else row.number, "binary": row.binary, "host": row.host,
             "zone": one.zone, "status": "disabled" if row.disabled else "enabled", "state": "up" if one.up else "down",
             "updated_at": to_microsecond(one.beat_at), "disabled_reason": row.disabled_reason}
    if call.version >= (2, 11):
        shown["forced_down"] = row.forced_down
    return shown


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """All processes, or those of a host or binary."""
    found = daemons.listed(service.kit, service.fleet, call.one("host"), call.one("binary"))
    return {"services": [_view(call, one) for one in found]}


def _change(service: Service, call: Call, wanted: Change) -> dict[str, Any]:
    row = daemons.by_name(service.kit, call.body["host"], call.body["binary"])
    daemons.change(service.kit, service.fleet, call.context, row, wanted)
    return {"host": row.host, "binary": row.binary}


def enable(service: Service, call: Call) -> Mapping[str, Any]:
    """Let a host take servers again."""
    return {"service": {**_change(service, call, Change(enabled=True)), "status": "enabled"}}


def disable(service: Service, call: Call) -> Mapping[str, Any]:
    """Let a host take no more servers."""
    return {"service": {**_change(service, call, Change(enabled=False)), "status": "disabled"}}


def disable_with_reason(service: Service, call: Call) -> Mapping[str, Any]:
    """Let a host take no more servers, and say why."""
    reason = call.body["disabled_reason"]
    named = _change(service, call, Change(enabled=False, reason=reason))
    return {"service": {**named, "status": "disabled", "disabled_reason": reason}}


def force_down(service: Service, call: Call) -> Mapping[str, Any]:
    """Call a host down whatever it says itself."""
    forced = boolean(call.body["forced_down"])
    return {"service": {**_change(service, call, Change(forced_down=forced)), "forced_down": forced}}


def _id(call: Call) -> str | int:
    text = call.path["service_id"]
    if call.version >= (2, 53):
        if not is_uuid(text):
            raise BadRequest(f"Invalid uuid {text[:100]}")
        return text
    found = as_integer(text)
    if found is None:
        raise BadRequest(f"Invalid input for service id: {text[:100]}")
    return found


def update(service: Service, call: Call) -> Mapping[str, Any]:
    """Enable, disable or force down a process."""
    asked = call.body
    id = _id(call)
    if "disabled_reason" in asked and asked.get("status") != "disabled":
        raise BadRequest("Specifying disabled_reason requires that status is 'disabled'.")
    if not {"status", "forced_down"} & set(asked):
        raise BadRequest("No updates were requested. Fields 'status' or 'forced_down' should be specified.")
    wanted = Change(enabled=asked["status"] == "enabled" if "status" in asked else None,
                    reason=asked.get("disabled_reason"),
                    forced_down=boolean(asked["forced_down"]) if "forced_down" in asked else None)
    row = daemons.by_id(service.kit, id)
    return {"service": _view(call, daemons.change(service.kit, service.fleet, call.context, row, wanted))}


def delete(service: Service, call: Call) -> None:
    """Forget a process that is gone for good."""
    daemons.delete(service.kit, service.fleet, call.context, daemons.by_id(service.kit, _id(call)))


RULE = "os_compute_api:os-services:"
ALL, ONE = "/os-services", "/os-services/{service_id}"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "list", query={"2.1": Query(KNOWN), "2.75": Query(KNOWN, strict=True)},
              summary="List compute's processes"),
    Operation("PUT", ALL + "/enable", enable, RULE + "update", body=SWITCH, until="2.52", summary="Enable a host"),
    Operation("PUT", ALL + "/disable", disable, RULE + "update", body=SWITCH, until="2.52", summary="Disable a host"),
    Operation("PUT", ALL + "/disable-log-reason", disable_with_reason, RULE + "update", body=SWITCH_WITH_REASON,
              until="2.52", summary="Disable a host with a reason"),
    Operation("PUT", ALL + "/force-down", force_down, RULE + "update", body=FORCE, since="2.11", until="2.52",
              summary="Call a host down"),
    Operation("PUT", ONE, update, RULE + "update", body=UPDATE, since="2.53", summary="Change a process"),
    Operation("DELETE", ONE, delete, RULE + "delete", status=204, summary="Forget a process"),
)
