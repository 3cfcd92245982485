"""Hypervisors over HTTP: numbered at first, paged since 2.33, named by UUID since 2.53."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ....core.errors import BadRequest, CloudError, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from ....core.http.validation import is_uuid
from .. import hypervisors
from ..hypervisors import Hypervisor
from .links import next_links

if TYPE_CHECKING:
    from ..service import Service

HOSTNAME = re.compile(r"[a-zA-Z0-9._-]{1,255}")
NUMBER = re.compile(r"[0-9]{1,18}")
PAGE = {"limit": "*natural", "marker": "*text"}
FULL = {**PAGE, "hypervisor_hostname_pattern": "text", "with_servers": "boolean"}
LIST = {"2.1": Query(), "2.33": Query(PAGE), "2.53": Query(FULL, strict=True)}
ONE_QUERY = {"2.1": Query(), "2.53": Query({"with_servers": "boolean"}, strict=True)}


def _id(call: Call, one: Hypervisor) -> str | int:
    found: str | int = one.row.id if call.version >= (2, 53) else one.row.number
    return found


def _brief(call: Call, one: Hypervisor, with_servers: bool = False) -> dict[str, Any]:
    shown = {"id": _id(call, one), "hypervisor_hostname": one.row.node, "state": "up" if one.up else "down",
             "status": "disabled" if one.disabled else "enabled"}
    if with_servers and (one.servers or call.version >= (2, 75)):
        shown["servers"] = [{"name": server.name, "uuid": server.id} for server in one.servers]
    return shown


def _full(service: Service, call: Call, one: Hypervisor, with_servers: bool = False) -> dict[str, Any]:
    facts, daemon = one.facts, one.daemon
    cpu = {"arch": facts["architecture"], "model": facts["cpu_model"], "features": list(facts["cpu_features"])}
    named = {} if daemon is None else {"id": daemon.id if call.version >= (2, 53) else daemon.number,
                                       "disabled_reason": daemon.disabled_reason}
    shown = {**_brief(call, one, with_servers), "service": {"host": one.row.host, **named},
             "hypervisor_type": facts["kind"], "hypervisor_version": facts["version"],
             "host_ip": facts.get("address") or None}
    if call.version >= (2, 88):
        return {**shown, "uptime": _uptime(service, call, one)}
    return {**shown, **_amounts(service, [one]),
            "cpu_info": cpu if call.version >= (2, 28) else msgspec.json.encode(cpu).decode()}


def _uptime(service: Service, call: Call, one: Hypervisor) -> str | None:
    """How long the hypervisor's host has been up; none when it cannot say so now."""
    try:
        return hypervisors.uptime(service.kit, call.context, one)
    except CloudError:
        return None


def _amounts(service: Service, found: Sequence[Hypervisor]) -> dict[str, int]:
    """The sums of what hypervisors have and what is used; memory kept for the hosts counts as used."""
    kept = service.kit.options.reserved_memory_mib
    memory, disk = sum(one.facts["memory_mib"] for one in found), sum(one.facts["disk_gib"] for one in found)
    memory_used = sum(one.used.memory_mib + min(kept, one.facts["memory_mib"]) for one in found)
    disk_used = sum(one.used.disk_gib for one in found)
    return {"vcpus": sum(one.facts["vcpus"] for one in found), "vcpus_used": sum(one.used.vcpus for one in found),
            "memory_mb": memory, "memory_mb_used": memory_used, "free_ram_mb": memory - memory_used,
            "local_gb": disk, "local_gb_used": disk_used, "free_disk_gb": disk - disk_used,
            "disk_available_least": disk - disk_used, "current_workload": sum(one.used.busy for one in found),
            "running_vms": sum(one.used.servers for one in found)}


def _listed(service: Service, call: Call, path: str, show: Callable[[Hypervisor, bool], dict[str, Any]]
            ) -> Mapping[str, Any]:
    with_servers = call.version >= (2, 53) and call.flag("with_servers")
    pattern = call.one("hypervisor_hostname_pattern") if call.version >= (2, 53) else ""
    if call.version >= (2, 53) and "hypervisor_hostname_pattern" in call.query and not HOSTNAME.fullmatch(pattern):
        raise BadRequest("Invalid input for query parameters hypervisor_hostname_pattern. "
                         f"Value: {pattern[:100]}. It is no part of a host's name")
    if pattern:
        if "limit" in call.query or "marker" in call.query:
            raise BadRequest("Paging over hypervisors with the hypervisor_hostname_pattern query parameter "
                             "is not supported.")
        found = hypervisors.matching(service.kit, service.fleet, pattern, with_servers)
        return {"hypervisors": [show(one, with_servers) for one in found]}
    if call.version < (2, 33):
        found = hypervisors.page(service.kit, service.fleet, None, "", with_servers, by_number=True)
        return {"hypervisors": [show(one, with_servers) for one in found]}
    return _paged(service, call, path, lambda one: show(one, with_servers), with_servers)


def _paged(service: Service, call: Call, path: str, show: Callable[[Hypervisor], dict[str, Any]], with_servers: bool
           ) -> Mapping[str, Any]:
    asked, most, marker = call.number("limit"), service.kit.options.max_limit, call.one("marker")
    limit = most if asked is None else min(asked, most)
    by_number = call.version < (2, 53)
    if marker and not (NUMBER.fullmatch(marker) if by_number else is_uuid(marker)):
        raise BadRequest(f"marker [{marker[:100]}] not found")
    found = hypervisors.page(service.kit, service.fleet, limit, marker, with_servers, by_number)
    body: dict[str, Any] = {"hypervisors": [show(one) for one in found]}
    if more := next_links(call, found, limit, path, str(_id(call, found[-1])) if found else ""):
        body["hypervisors_links"] = more
    return body


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """Names and states of hypervisors."""
    return _listed(service, call, "/os-hypervisors", lambda one, inside: _brief(call, one, inside))


def detail(service: Service, call: Call) -> Mapping[str, Any]:
    """Hypervisors in full."""
    return _listed(service, call, "/os-hypervisors/detail", lambda one, inside: _full(service, call, one, inside))


def _found(service: Service, call: Call, with_servers: bool = False) -> Hypervisor:
    text = call.path["hypervisor_id"]
    if call.version >= (2, 53):
        if not is_uuid(text):
            raise BadRequest(f"Invalid uuid {text[:100]}")
        return hypervisors.find(service.kit, service.fleet, text, with_servers)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound(f"Hypervisor with ID '{text[:100]}' could not be found.")
    return hypervisors.find(service.kit, service.fleet, int(text), with_servers)


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One hypervisor."""
    with_servers = call.version >= (2, 53) and call.flag("with_servers")
    return {"hypervisor": _full(service, call, _found(service, call, with_servers), with_servers)}


def uptime(service: Service, call: Call) -> Mapping[str, Any]:
    """How long a hypervisor's host has been up."""
    with_servers = call.version >= (2, 53) and call.flag("with_servers")
    one = _found(service, call, with_servers)
    said = hypervisors.uptime(service.kit, call.context, one)
    return {"hypervisor": {**_brief(call, one, with_servers), "uptime": said}}


def statistics(service: Service, call: Call) -> Mapping[str, Any]:
    """The sums over all hypervisors that are not disabled."""
    found = hypervisors.enabled(service.kit, service.fleet)
    return {"hypervisor_statistics": {"count": len(found), **_amounts(service, found)}}


def search(service: Service, call: Call) -> Mapping[str, Any]:
    """Hypervisors by a part of their name."""
    found = hypervisors.matching(service.kit, service.fleet, call.path["hypervisor_id"], with_servers=False)
    return {"hypervisors": [_brief(call, one) for one in found]}


def servers(service: Service, call: Call) -> Mapping[str, Any]:
    """The servers of hypervisors, which are named by a part of their name."""
    found = hypervisors.matching(service.kit, service.fleet, call.path["hypervisor_id"], with_servers=True)
    return {"hypervisors": [_brief(call, one, with_servers=True) for one in found]}


RULE = "os_compute_api:os-hypervisors:"
ALL, ONE = "/os-hypervisors", "/os-hypervisors/{hypervisor_id}"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "list", query=LIST, summary="List hypervisors"),
    Operation("GET", ALL + "/detail", detail, RULE + "list-detail", query=LIST,
              summary="List hypervisors with details"),
    Operation("GET", ALL + "/statistics", statistics, RULE + "statistics", until="2.87",
              summary="Show sums of all hypervisors"),
    Operation("GET", ONE, show, RULE + "show", query=ONE_QUERY, summary="Show a hypervisor"),
    Operation("GET", ONE + "/uptime", uptime, RULE + "uptime", until="2.87",
              summary="Show how long a hypervisor has been up"),
    Operation("GET", ONE + "/search", search, RULE + "search", until="2.52", summary="Find hypervisors"),
    Operation("GET", ONE + "/servers", servers, RULE + "servers", until="2.52",
              summary="List servers of hypervisors"),
)
