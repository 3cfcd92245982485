"""Hosts over HTTP: the older form of services and hypervisors, until 2.42."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import NotSupported
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from .. import daemons, hypervisors
from ..daemons import Change
from ..picture import BINARY
from .parameters import closed

if TYPE_CHECKING:
    from ..service import Service

SWITCH = {"type": "string", "pattern": "^\\s*([eE][nN][aA][bB][lL][eE]|[dD][iI][sS][aA][bB][lL][eE])\\s*$"}
UPDATE = {**closed({"status": SWITCH, "maintenance_mode": SWITCH}), "minProperties": 1}


class NotOffered(NotSupported):
    """The hypervisors of this cloud do not offer that."""

    status = 501


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """All hosts that are enabled with what runs there, or those of a zone."""
    zone = call.one("zone")
    found = [one for one in daemons.listed(service.kit, service.fleet) if zone in ("", one.zone)
             and not one.row.disabled]
    return {"hosts": [{"host_name": one.row.host, "service": one.row.binary.removeprefix("nova-"), "zone": one.zone}
                      for one in found]}


def _resource(host: str, project: str, cpu: int, memory_mib: int, disk_gib: int) -> dict[str, Any]:
    return {"resource": {"host": host, "project": project, "cpu": int(cpu), "memory_mb": int(memory_mib),
                         "disk_gb": int(disk_gib)}}


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """What a compute host has, what is used, and by which project."""
    host = call.path["host_name"]
    found = hypervisors.of_host(service.kit, service.fleet, host)
    facts, used = found.facts, found.used
    rows = hypervisors.by_project(service.kit, host)
    return {"host": [
        _resource(host, "(total)", facts["vcpus"], facts["memory_mib"], facts["disk_gib"]),
        _resource(host, "(used_now)", used.vcpus, used.memory_mib, used.disk_gib),
        _resource(host, "(used_max)", used.vcpus, used.memory_mib, used.disk_gib),
        *(_resource(host, row.project_id, row.vcpus, row.memory_mib, row.disk_gib) for row in rows)]}


def update(service: Service, call: Call) -> Mapping[str, Any]:
    """Enable or disable a host. There is no mode of maintenance beyond that."""
    host, asked = call.path["host_name"], call.body
    row = daemons.by_name(service.kit, host, BINARY)
    if "maintenance_mode" in asked:
        raise NotOffered()
    enabled = asked["status"].strip().lower() == "enable"
    daemons.change(service.kit, service.fleet, call.context, row, Change(enabled=enabled))
    return {"host": host, "status": "enabled" if enabled else "disabled"}


def switch(service: Service, call: Call) -> None:
    """Hosts cannot be switched on, off or over from here."""
    daemons.by_name(service.kit, call.path["host_name"], BINARY)
    raise NotOffered()


RULE = "os_compute_api:os-hosts:"
ONE = "/os-hosts/{host_name}"
OPERATIONS = (
    Operation("GET", "/os-hosts", index, RULE + "list", query=Query({"zone": "*text", "service": "*text"}),
              until="2.42", summary="List hosts"),
    Operation("GET", ONE, show, RULE + "show", until="2.42", summary="Show a host"),
    Operation("PUT", ONE, update, RULE + "update", body=UPDATE, until="2.42", summary="Enable or disable a host"),
    *(Operation("GET", f"{ONE}/{word}", switch, RULE + rule, until="2.42", summary=f"Refuse to {word} a host")
      for word, rule in (("startup", "start"), ("shutdown", "shutdown"), ("reboot", "reboot"))),
)
