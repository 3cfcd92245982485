"""Services over HTTP: enabling, freezing, failing over, and the levels of their logs."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from .. import logs
from ..service import BlockStorage

TEXT = {"type": ["string", "null"], "maxLength": 255}
WHICH = {"type": "object", "required": ["host"], "properties": {
    "host": {"type": "string", "minLength": 1, "maxLength": 255}, "binary": {"type": "string", "maxLength": 255},
    "service": {"type": "string", "maxLength": 255}}}
REASON = {**WHICH, "required": ["host", "disabled_reason"], "properties": {
    **WHICH["properties"],  # type: ignore[dict-item]
    "disabled_reason": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "\\S"}}}
ONE = {"type": "object", "properties": {"host": TEXT, "cluster": TEXT}}
AWAY = {"type": "object",
        "properties": {"host": TEXT, "cluster": TEXT, "backend_id": TEXT}}
PREFIX = {"binary": {"enum": ["", "*", None, "cinder-api", "cinder-volume", "cinder-scheduler", "cinder-backup"]},
          "server": TEXT, "prefix": TEXT}
GET_LOG = {"type": "object", "additionalProperties": False, "properties": PREFIX}
SET_LOG = {"type": "object", "additionalProperties": False, "required": ["level"], "properties": {
    **PREFIX, "level": {"type": "string", "pattern": "^(?i:critical|error|warning|info|debug)$"}}}


def service_view(service: BlockStorage, row: Row, call: Call) -> dict[str, Any]:
    """A service as the API shows it."""
    body: dict[str, Any] = {
        "binary": row.binary, "host": row.host, "zone": row.zone, "status": "disabled" if row.disabled else "enabled",
        "state": "up" if service.hosts.up(row) else "down", "disabled_reason": row.disabled_reason,
        "updated_at": to_microsecond(row.beat_at)}
    if row.binary == "cinder-volume":
        body.update(frozen=bool(row.frozen), replication_status="disabled", active_backend_id=None)
        if call.since("3.49"):
            body["backend_state"] = body["state"]
    if call.since("3.7"):
        body["cluster"] = None
    return body


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The services."""
    rows = service.hosts.listed(call.one("host"), call.one("binary") or call.one("service"))
    return {"services": [service_view(service, row, call) for row in rows]}


def _change(service: BlockStorage, call: Call, disabled: bool, reason: str | None) -> dict[str, Any]:
    binary = call.body.get("binary") or call.body.get("service") or ""
    row = service.hosts.change(call.context, call.body["host"], binary, disabled=disabled, disabled_reason=reason)
    return {"host": row.host, "service": row.binary, "binary": row.binary, "disabled": disabled,
            "status": "disabled" if disabled else "enabled"}


def enable(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Let new volumes go to a service."""
    return {**_change(service, call, False, None), "disabled_reason": None}


def disable(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Let no new volumes go to a service."""
    return _change(service, call, True, None)


def disable_log(service: BlockStorage, call: Call) -> dict[str, Any]:
    """Let no new volumes go to a service, and say why."""
    reason = call.body["disabled_reason"]
    return {**_change(service, call, True, reason), "disabled_reason": reason}


def _host(call: Call) -> str:
    """The host that was named. :raises BadRequest: none was, or a cluster, of which there is none."""
    host, cluster = call.body.get("host") or "", (call.body.get("cluster") or "") if call.since("3.26") else ""
    if bool(host) == bool(cluster):
        raise BadRequest("Exactly one of host and cluster must be given")
    if cluster:
        raise BadRequest(f"Service cinder-volume could not be found on cluster {cluster}.")
    return str(host)


def freeze(service: BlockStorage, call: Call) -> None:
    """Freeze a back end."""
    service.hosts.freeze(call.context, _host(call), True)


def thaw(service: BlockStorage, call: Call) -> None:
    """Thaw a back end."""
    service.hosts.freeze(call.context, _host(call), False)


def failover(service: BlockStorage, call: Call) -> None:
    """Refuse to fail a back end over: none is replicated."""
    service.hosts.failover(call.context, _host(call))


def _rows(service: BlockStorage, call: Call) -> list[tuple[str, str]]:
    """(binary, host) of the services of this process that are asked for: their logs are one."""
    binary, server = call.body.get("binary") or "", call.body.get("server") or ""
    mine = [("cinder-api", service.kit.host), *((row.binary, row.host) for row in service.hosts.listed())]
    return [(name, host) for name, host in mine if binary in ("", "*", name)
            and host.partition("@")[0] == service.kit.host
            and server in ("", host, host.partition("@")[0])]


def get_log(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The levels of loggers."""
    levels = logs.levels(call.body.get("prefix") or "")
    return {"log_levels": [{"binary": binary, "host": host, "levels": levels}
                           for binary, host in _rows(service, call)]}


def set_log(service: BlockStorage, call: Call) -> None:
    """Set the levels of loggers."""
    if _rows(service, call):
        logs.set_level(call.body.get("prefix") or "", call.body["level"].upper())


UPDATE = "volume_extension:services:update"
OPERATIONS = (
    Operation("GET", "/os-services", listed, "volume_extension:services:index", summary="List services."),
    Operation("PUT", "/os-services/enable", enable, UPDATE, body=WHICH, summary="Enable a service."),
    Operation("PUT", "/os-services/disable", disable, UPDATE, body=WHICH, summary="Disable a service."),
    Operation("PUT", "/os-services/disable-log-reason", disable_log, UPDATE, body=REASON,
              summary="Disable a service and say why."),
    Operation("PUT", "/os-services/freeze", freeze, "volume:freeze_host", body=ONE, summary="Freeze a back end."),
    Operation("PUT", "/os-services/thaw", thaw, "volume:thaw_host", body=ONE, summary="Thaw a back end."),
    Operation("PUT", "/os-services/failover_host", failover, "volume:failover_host", body=AWAY, status=202,
              summary="Fail a back end over."),
    Operation("PUT", "/os-services/failover", failover, "volume:failover_host", body=AWAY, status=202, since="3.26",
              summary="Fail a back end or a cluster over."),
    Operation("PUT", "/os-services/get-log", get_log, UPDATE, body=GET_LOG, since="3.32",
              summary="Show levels of logs."),
    Operation("PUT", "/os-services/set-log", set_log, UPDATE, body=SET_LOG, since="3.32", status=202,
              summary="Set levels of logs."),
)
