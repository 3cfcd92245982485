"""What administrators see over HTTP: hosts, pools and capabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.drivers.volume import GroupSnapshots, VolumeFacts
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from .. import types
from ..service import BlockStorage

CAPABILITIES = ("volume_backend_name", "storage_protocol", "vendor_name", "driver_version", "multiattach",
                "thin_provisioning_support")
"""Capabilities by which pools can be asked for."""


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
    allocated = service.hosts.allocated() if call.flag("detail") else {}
    wanted, specs = call.one("name") if call.since("3.28") else "", _wanted(service, call)
    for name, facts in service.backends.facts().items():
        if wanted not in ("", service.backends.host(name)) or not service.backends.fits(name, specs):
            continue
        one: dict[str, Any] = {"name": service.backends.host(name)}
        if call.flag("detail"):
            one["capabilities"] = _capabilities(service, name, facts, allocated.get(name, 0))
        found.append(one)
    return {"pools": found}


def _wanted(service: BlockStorage, call: Call) -> Mapping[str, str]:
    """What a pool must be: what the volume type that was named asks for (3.35), and single capabilities (3.28)."""
    specs: dict[str, str] = {}
    if call.since("3.28"):
        specs = {name: call.one(name) for name in CAPABILITIES if name in call.query}
    name = (call.one("volume-type") or call.one("volume_type")) if call.since("3.35") else ""
    if name:
        with service.kit.db.read() as tx:
            specs.update(types.named(tx, call.context, name).extra_specs)
    return specs


def _capabilities(service: BlockStorage, name: str, facts: VolumeFacts, allocated: int) -> dict[str, Any]:
    return {"volume_backend_name": name, "storage_protocol": facts.protocol, "vendor_name": facts.vendor,
            "driver_version": facts.driver_version, "total_capacity_gb": _gib(facts.total_gib),
            "free_capacity_gb": _gib(facts.free_gib), "reserved_percentage": 0, "QoS_support": False,
            "replication_enabled": False, "backend_state": "up", "allocated_capacity_gb": allocated,
            "consistent_group_snapshot_enabled": isinstance(service.backends.driver(name), GroupSnapshots),
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


OPERATIONS = (
    Operation("GET", "/os-hosts", hosts, "volume_extension:hosts", summary="List hosts."),
    Operation("GET", "/os-hosts/{host}", host, "volume_extension:hosts", summary="Show a host."),
    Operation("GET", "/scheduler-stats/get_pools", pools, "scheduler_extension:scheduler_stats:get_pools",
              summary="List pools."),
    Operation("GET", "/capabilities/{host}", capabilities, "volume_extension:capabilities",
              summary="Show what a back end can do."),
)
