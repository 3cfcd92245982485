"""What administrators see over HTTP: services, hosts, pools and capabilities."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.drivers.volume import VolumeFacts
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from ..service import BlockStorage

WHICH = {"type": "object", "required": ["host"], "properties": {
    "host": {"type": "string", "minLength": 1, "maxLength": 255}, "binary": {"type": "string", "maxLength": 255},
    "service": {"type": "string", "maxLength": 255}}}
REASON = {**WHICH, "required": ["host", "disabled_reason"], "properties": {
    **WHICH["properties"],  # type: ignore[dict-item]
    "disabled_reason": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "\\S"}}}


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


def freeze(service: BlockStorage, call: Call) -> None:
    """Freeze a back end."""
    service.hosts.freeze(call.context, call.body["host"], True)


def thaw(service: BlockStorage, call: Call) -> None:
    """Thaw a back end."""
    service.hosts.freeze(call.context, call.body["host"], False)


def hosts(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The hosts of all services."""
    return {"hosts": [{
        "host_name": row.host, "service": row.binary, "zone": row.zone,
        "service-status": "available" if service.hosts.up(row) else "unavailable",
        "service-state": "disabled" if row.disabled else "enabled",
        "last-update": to_microsecond(row.beat_at)} for row in service.hosts.listed()]}


def host(service: BlockStorage, call: Call) -> dict[str, Any]:
    """What lies on one host, in all and by project."""
    name = call.path["host"]
    made, frozen = service.hosts.totals(name)
    total = (sum(one[0] for one in made.values()), sum(one[1] for one in made.values()))
    total_frozen = (sum(one[0] for one in frozen.values()), sum(one[1] for one in frozen.values()))
    found = [_resource(name, "(total)", total, total_frozen)]
    found += [_resource(name, project, made[project], frozen.get(project, (0, 0))) for project in sorted(made)]
    return {"host": found}


def _resource(name: str, project: str, made: tuple[int, int], frozen: tuple[int, int]) -> dict[str, Any]:
    return {"resource": {"host": name, "project": project, "volume_count": str(made[0]),
                         "total_volume_gb": str(made[1]), "snapshot_count": str(frozen[0]),
                         "total_snapshot_gb": str(frozen[1])}}


def _gib(value: float) -> float | str:
    return "unknown" if value < 0 else round(value, 2)


def pools(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The pools, with ``detail`` what each can do and has."""
    found = []
    for name, facts in service.backends.facts().items():
        one: dict[str, Any] = {"name": service.backends.host(name)}
        if call.flag("detail"):
            one["capabilities"] = _capabilities(service, name, facts)
        found.append(one)
    return {"pools": found}


def _capabilities(service: BlockStorage, name: str, facts: VolumeFacts) -> dict[str, Any]:
    return {"volume_backend_name": name, "storage_protocol": facts.protocol, "vendor_name": facts.vendor,
            "driver_version": facts.driver_version, "total_capacity_gb": _gib(facts.total_gib),
            "free_capacity_gb": _gib(facts.free_gib), "reserved_percentage": 0, "QoS_support": False,
            "multiattach": facts.multiattach, "thin_provisioning_support": facts.thin,
            "online_extend_support": facts.online_extend,
            "timestamp": to_microsecond(service.kit.clock.now())}


def capabilities(service: BlockStorage, call: Call) -> dict[str, Any]:
    """What one back end can do."""
    name = call.path["host"]
    backend = name.partition("@")[2].partition("#")[0]
    facts = service.backends.facts().get(backend)
    if facts is None or name.partition("@")[0] != service.kit.host:
        raise NotFound(f"Volume service host {name} could not be found.")
    return {"namespace": f"OS::Storage::Capabilities::{name}", "vendor_name": facts.vendor,
            "volume_backend_name": backend, "pool_name": name.partition("#")[2] or None,
            "driver_version": facts.driver_version, "storage_protocol": facts.protocol, "display_name": None,
            "description": None, "visibility": None, "replication_targets": [],
            "properties": {"thin_provisioning": _property("Thin provisioning", facts.thin),
                           "multiattach": _property("Multiattach", facts.multiattach),
                           "online_extend": _property("Extending of attached volumes", facts.online_extend)}}


def _property(title: str, value: bool) -> dict[str, str]:
    return {"title": title, "type": "boolean", "description": f"{title}: {'offered' if value else 'not offered'}."}


UPDATE = "volume_extension:services:update"
OPERATIONS = (
    Operation("GET", "/os-services", listed, "volume_extension:services:index", summary="List services."),
    Operation("PUT", "/os-services/enable", enable, UPDATE, body=WHICH, summary="Enable a service."),
    Operation("PUT", "/os-services/disable", disable, UPDATE, body=WHICH, summary="Disable a service."),
    Operation("PUT", "/os-services/disable-log-reason", disable_log, UPDATE, body=REASON,
              summary="Disable a service and say why."),
    Operation("PUT", "/os-services/freeze", freeze, UPDATE, body=WHICH, summary="Freeze a back end."),
    Operation("PUT", "/os-services/thaw", thaw, UPDATE, body=WHICH, summary="Thaw a back end."),
    Operation("GET", "/os-hosts", hosts, "volume_extension:hosts", summary="List hosts."),
    Operation("GET", "/os-hosts/{host}", host, "volume_extension:hosts", summary="Show a host."),
    Operation("GET", "/scheduler-stats/get_pools", pools, "scheduler_extension:scheduler_stats:get_pools",
              summary="List pools."),
    Operation("GET", "/capabilities/{host}", capabilities, "volume_extension:capabilities",
              summary="Show what a back end can do."),
)
