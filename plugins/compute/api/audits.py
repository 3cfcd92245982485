"""Usage audits over HTTP (os-instance_usage_audit_log)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation
from ..audits import Audit, audit

if TYPE_CHECKING:
    from ..service import Service

FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


def _moment(text: str) -> datetime.datetime:
    for form in FORMS:
        try:
            return datetime.datetime.strptime(text, form)
        except ValueError:
            continue
    raise BadRequest(f"Invalid timestamp for date {text[:100]}")


def _host(name: str, number: int) -> dict[str, Any]:
    return {"state": "DONE", "instances": number, "errors": 0,
            "message": f"Instance usage audit ran for host {name}, {number} instances."}


def _view(found: Audit) -> dict[str, Any]:
    number = len(found.servers)
    return {"period_beginning": str(found.begin), "period_ending": str(found.end), "num_hosts": number,
            "num_hosts_done": number, "num_hosts_running": 0, "num_hosts_not_run": 0, "hosts_not_run": [],
            "total_instances": sum(found.servers.values()), "total_errors": 0,
            "overall_status": "ALL hosts done. 0 errors.",
            "log": {name: _host(name, count) for name, count in found.servers.items()}}


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """The audit of the last month that is over."""
    return {"instance_usage_audit_logs": _view(audit(service.kit, service.kit.clock.now()))}


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """The audit of the last month that was over at a moment. :raises BadRequest: it is no moment."""
    # Clients quote the moment twice: it is a segment of the path that has been a parameter.
    return {"instance_usage_audit_log": _view(audit(service.kit, _moment(unquote(call.path["before"]))))}


RULE = "os_compute_api:os-instance-usage-audit-log:"
ROOT = "/os-instance_usage_audit_log"
OPERATIONS = (
    Operation("GET", ROOT, index, RULE + "list", summary="Show the usage audit of the last month"),
    Operation("GET", ROOT + "/{before}", show, RULE + "show", summary="Show the usage audit of a month"),
)
