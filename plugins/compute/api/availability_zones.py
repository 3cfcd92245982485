"""Availability zones over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from .. import daemons

if TYPE_CHECKING:
    from ..service import Service


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """The zones that have hosts; one is available when a host in it is enabled."""
    zones: dict[str, bool] = {}
    for host in service.fleet.all():
        zones[host.zone] = zones.get(host.zone, False) or host.enabled
    return {"availabilityZoneInfo": [{"zoneName": name, "zoneState": {"available": zones[name]}, "hosts": None}
                                     for name in sorted(zones)]}


def detail(service: Service, call: Call) -> Mapping[str, Any]:
    """The zones with their hosts and processes, that of compute's inner processes too."""
    zones: dict[str, dict[str, dict[str, Any]]] = {}
    for one in daemons.listed(service.kit, service.fleet):
        zones.setdefault(one.zone, {}).setdefault(one.row.host, {})[one.row.binary] = {
            "active": not one.row.disabled, "available": one.up, "updated_at": to_microsecond(one.beat_at)}
    return {"availabilityZoneInfo": [_zone(name, zones[name]) for name in sorted(zones)]}


def _zone(name: str, hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    available = any(process["active"] for processes in hosts.values() for process in processes.values())
    return {"zoneName": name, "zoneState": {"available": available}, "hosts": hosts if available else None}


RULE = "os_compute_api:os-availability-zone:"
OPERATIONS = (
    Operation("GET", "/os-availability-zone", index, RULE + "list", summary="List availability zones"),
    Operation("GET", "/os-availability-zone/detail", detail, RULE + "detail",
              summary="List availability zones with their hosts"),
)
