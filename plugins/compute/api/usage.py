"""Usage of projects over HTTP (simple tenant usage)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....core.db.engine import Row
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation, Query
from .. import usages
from ..usages import ProjectUsage, ServerUsage, Span
from .links import next_links

if TYPE_CHECKING:
    from ..service import Service

FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f")
SPAN = {"start": "*text", "end": "*text"}
PAGE = {"limit": "*natural", "marker": "*text"}
LIST = {"2.1": Query({**SPAN, "detailed": "*text"}), "2.40": Query({**SPAN, **PAGE, "detailed": "*text"}),
        "2.75": Query({**SPAN, **PAGE, "detailed": "*text"}, strict=True)}
ONE_QUERY = {"2.1": Query(SPAN), "2.40": Query({**SPAN, **PAGE}), "2.75": Query({**SPAN, **PAGE}, strict=True)}


def _moment(text: str, otherwise: datetime.datetime) -> datetime.datetime:
    if not text:
        return otherwise
    for form in FORMS:
        try:
            return datetime.datetime.strptime(text, form)
        except ValueError:
            continue
    raise BadRequest(f"Datetime is in invalid format: {text[:100]}")


def _span(service: Service, call: Call) -> Span:
    now = service.kit.clock.now()
    span = Span(_moment(call.one("start"), now), _moment(call.one("end"), now), now)
    if span.start > span.stop:
        raise BadRequest("Invalid start time. The start time cannot occur after the end time.")
    return span


def _server(one: ServerUsage) -> dict[str, Any]:
    row = one.row
    return {"instance_id": row.id, "name": row.name, "hours": one.hours, "tenant_id": row.project_id,
            "flavor": row.flavor.get("name", ""), "vcpus": row.vcpus, "memory_mb": row.memory_mib,
            "local_gb": one.disk_gib, "started_at": to_microsecond(row.launched_at),
            "ended_at": to_microsecond(row.terminated_at),
            "state": "terminated" if row.terminated_at else row.vm_state.lower(), "uptime": one.uptime_s}


def _project(one: ProjectUsage, span: Span, detailed: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "tenant_id": one.project_id, "start": to_microsecond(span.start), "stop": to_microsecond(span.stop),
        "total_hours": one.sum("hours"), "total_vcpus_usage": one.sum("vcpus"),
        "total_memory_mb_usage": one.sum("memory_mib"), "total_local_gb_usage": one.sum("disk_gib")}
    if detailed:
        shown["server_usages"] = [_server(server) for server in one.servers]
    return shown


def _rows(service: Service, call: Call, span: Span, project_id: str) -> tuple[Sequence[Row], int]:
    """The servers that count, and the length of a page: 0 before there were pages, but no more than fill one."""
    most = service.kit.options.max_limit
    if call.version < (2, 40):
        return usages.page(service.kit, span, project_id, most, ""), 0
    asked = call.number("limit")
    limit = most if asked is None else min(asked, most)
    return usages.page(service.kit, span, project_id, limit, call.one("marker")), limit


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """What each project has used; with ``detailed=1`` server by server."""
    if call.request.env["PATH_INFO"].endswith("/"):
        # A slash with nothing behind it names a project with an empty id, not the list.
        raise NotFound()
    span = _span(service, call)
    rows, limit = _rows(service, call, span, "")
    detailed = call.one("detailed", "0") == "1"
    body: dict[str, Any] = {"tenant_usages": [_project(one, span, detailed)
                                              for one in usages.by_project(rows, span)]}
    if more := next_links(call, rows, limit, "/os-simple-tenant-usage", rows[-1].id if rows else ""):
        body["tenant_usages_links"] = more
    return body


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """What one project has used, server by server; nothing when it had no servers."""
    span, project_id = _span(service, call), call.path["project_id"]
    rows, limit = _rows(service, call, span, project_id)
    found = usages.by_project(rows, span)
    body: dict[str, Any] = {"tenant_usage": _project(found[0], span, detailed=True) if found else {}}
    path = f"/os-simple-tenant-usage/{project_id}"
    if more := next_links(call, rows, limit, path, rows[-1].id if rows else ""):
        body["tenant_usage_links"] = more
    return body


def _target(service: Service, call: Call) -> Mapping[str, Any]:
    return {"project_id": call.path["project_id"]}


RULE = "os_compute_api:os-simple-tenant-usage:"
OPERATIONS = (
    Operation("GET", "/os-simple-tenant-usage", index, RULE + "list", query=LIST, summary="List usage of projects"),
    Operation("GET", "/os-simple-tenant-usage/{project_id}", show, RULE + "show", query=ONE_QUERY, target=_target,
              summary="Show a project's usage"),
)
