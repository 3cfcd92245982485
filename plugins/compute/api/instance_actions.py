"""What was done to servers, over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation, Query
from .. import history, listing
from ..service import Service
from .links import next_links
from .server_view import host_id

PATH = "/servers/{server_id}/os-instance-actions"
RULE = "os_compute_api:os-instance-actions:"
EVENTS = RULE + "events"
EVENT_DETAILS = EVENTS + ":details"
KNOWN = {"limit": "natural", "marker": "text", "changes-since": "text"}
QUERY = {"2.1": Query(), "2.58": Query(KNOWN, strict=True),
         "2.66": Query({**KNOWN, "changes-before": "text"}, strict=True)}


def _view(row: Row, call: Call) -> dict[str, Any]:
    found = {"action": history.action_name(row.kind), "instance_uuid": row.subject, "request_id": row.request_id,
             "user_id": row.user_id, "project_id": row.project_id, "start_time": to_microsecond(row.started_at),
             "message": "Error" if row.error and row.state == "failed" else None}
    if call.since("2.58"):
        found["updated_at"] = to_microsecond(row.updated_at)
    return found


def index(service: Service, call: Call) -> Any:
    """All that was done to a server, the newest first."""
    server_id = call.path["server_id"]
    _, rows = history.actions(service.kit, call.context, server_id, call.since("2.21"))
    if not call.since("2.58"):
        return {"instanceActions": [_view(row, call) for row in rows]}
    since, before = (listing.moment(call.one(name), name) if call.one(name) else None
                     for name in ("changes-since", "changes-before"))
    if since and before and since > before:
        raise BadRequest("The value of changes-since must be less than or equal to changes-before.")
    asked, most = call.number("limit"), int(service.kit.options.max_limit)
    limit = most if asked is None else min(asked, most)
    found = history.page(rows, limit, call.one("marker"), since, before)
    body: dict[str, Any] = {"instanceActions": [_view(row, call) for row in found]}
    path = f"/servers/{server_id}/os-instance-actions"
    if found and (links := next_links(call, found, limit, path, found[-1].request_id)):
        body["links"] = links
    return body


def show(service: Service, call: Call) -> Any:
    """One thing that was done, with its steps for those who may see them."""
    server, row = history.action(service.kit, call.context, call.path["server_id"], call.path["request_id"],
                                 call.since("2.21"))
    found = _view(row, call)
    full = call.allows(EVENTS)
    if full or call.since("2.51"):
        detailed = call.since("2.84") and call.allows(EVENT_DETAILS)
        found["events"] = [_event(one, server, call, full, detailed) for one in history.events(row)]
    return {"instanceAction": found}


def _event(one: dict[str, Any], server: Row, call: Call, full: bool, detailed: bool) -> dict[str, Any]:
    found = {"event": one["event"], "start_time": to_microsecond(one["begin"]),
             "finish_time": to_microsecond(one["end"]), "result": one["result"]}
    if full:
        found["traceback"] = one["message"] or None
    if detailed:
        found["details"] = one["message"] or None
    if call.since("2.62"):
        found["hostId"] = host_id(server.project_id, server.host)
        if full:
            found["host"] = server.host
    return found


OPERATIONS = (
    Operation("GET", PATH, index, RULE + "list", query=QUERY),
    Operation("GET", PATH + "/{request_id}", show, RULE + "show"),
)
