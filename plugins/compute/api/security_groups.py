"""Security groups over HTTP as compute showed them until microversion 2.35: views of the network service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ....core.context import Context
from ....core.errors import BadRequest, Conflict
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from ....core.http.validation import is_uuid
from ....core.services.network import NetworkService
from .. import servers
from .parameters import closed, wrapped

if TYPE_CHECKING:
    from ..service import Service

TEXT = {"type": ["string", "null"], "maxLength": 255}
PORT = {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]{1,5}$", "minimum": -1, "maximum": 65535}
CIDR = {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 0}, {"type": "string", "format": "cidr"}]}
GROUP = wrapped("security_group", closed({"name": {"type": "string", "minLength": 1, "maxLength": 255},
                                          "description": TEXT}, ("name",)))
RULE_BODY = wrapped("security_group_rule", closed({
    "parent_group_id": {"type": ["string", "integer"]}, "ip_protocol": TEXT, "from_port": PORT, "to_port": PORT,
    "cidr": CIDR, "group_id": TEXT}, ("parent_group_id",)))
LIST = Query({"limit": "*natural", "offset": "*natural", "all_tenants": "*text"})
ANYONE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}


def _network(service: Service) -> NetworkService:
    return service.kit.peers.of(NetworkService)


def _id(text: Any) -> str:
    """An id in a path or a body. :raises BadRequest: it is none."""
    if not isinstance(text, str) or not is_uuid(text):
        raise BadRequest("Security group id should be uuid")
    return text


def _ports(rule: Mapping[str, Any]) -> tuple[int | None, int | None]:
    first, last, protocol = rule["port_range_min"], rule["port_range_max"], rule["protocol"]
    if protocol and first is None and last is None:
        return (1, 65535) if str(protocol).lower() in ("tcp", "udp") else (-1, -1)
    return first, last


def _rule(rule: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One rule; ``names`` are the groups that rules may name as the other side, by id."""
    first, last = _ports(rule)
    other = names.get(rule["remote_group_id"] or "")
    side = {} if rule["remote_group_id"] else {"cidr": rule["remote_ip_prefix"] or ANYONE[rule["ethertype"]]}
    return {"id": rule["id"], "parent_group_id": rule["security_group_id"], "ip_protocol": rule["protocol"],
            "from_port": first, "to_port": last, "ip_range": side,
            "group": {"name": other["name"], "tenant_id": other["tenant_id"]} if other is not None else {}}


def _views(service: Service, context: Context, groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Groups with the rules that let traffic in, as compute knew no others."""
    shown = list(groups)
    known = {group["id"]: group for group in shown}
    others = {rule["remote_group_id"] for group in shown for rule in group["security_group_rules"]} - {None, *known}
    if others:
        found = _network(service).documents(context, "security_group", {"id": sorted(others)})
        known.update((group["id"], group) for group in found)
    return [{"id": group["id"], "name": group["name"], "description": group["description"],
             "tenant_id": group["tenant_id"],
             "rules": [_rule(rule, known) for rule in group["security_group_rules"]
                       if rule["direction"] == "ingress"]} for group in shown]


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """The project's security groups; those of all projects for an administrator who asks."""
    everyone = call.one("all_tenants").lower() in ("1", "true") and call.context.is_admin
    filters = {} if everyone else {"project_id": [call.context.project_id]}
    found = _views(service, call.context, _network(service).documents(call.context, "security_group", filters))
    start = call.number("offset") or 0
    limit = call.number("limit")
    return {"security_groups": found[start:] if limit is None else found[start:start + limit]}


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One security group."""
    group = _network(service).document(call.context, "security_group", _id(call.path["group_id"]))
    return {"security_group": _views(service, call.context, [group])[0]}


def create(service: Service, call: Call) -> Mapping[str, Any]:
    """Make a security group."""
    asked = call.body["security_group"]
    body = {"name": asked["name"], "description": asked.get("description") or ""}
    try:
        group = _network(service).make(call.context, "security_group", body)
    except Conflict as exc:
        raise BadRequest(exc.message) from exc
    return {"security_group": _views(service, call.context, [group])[0]}


def update(service: Service, call: Call) -> Mapping[str, Any]:
    """Change a security group's name and description."""
    asked = call.body["security_group"]
    changes = {"name": asked["name"], "description": asked.get("description") or ""}
    try:
        group = _network(service).change(call.context, "security_group", _id(call.path["group_id"]), changes)
    except Conflict as exc:
        raise BadRequest(exc.message) from exc
    return {"security_group": _views(service, call.context, [group])[0]}


def delete(service: Service, call: Call) -> None:
    """Delete a security group."""
    try:
        _network(service).remove(call.context, "security_group", _id(call.path["group_id"]))
    except Conflict as exc:
        raise BadRequest(exc.message) from exc


def _port(value: int | str | None) -> int | None:
    """A port or an ICMP type; -1 stands for all of them."""
    return None if value is None or int(value) == -1 else int(value)


def create_rule(service: Service, call: Call) -> Mapping[str, Any]:
    """Let something in."""
    asked, network = call.body["security_group_rule"], _network(service)
    protocol, cidr, other = asked.get("ip_protocol"), asked.get("cidr") or None, asked.get("group_id")
    if protocol is None and other is None:
        raise BadRequest("Ip protocol, from port and to port are needed when no group is named")
    body = {"security_group_id": _id(asked["parent_group_id"]), "direction": "ingress",
            "ethertype": "IPv6" if cidr and ":" in cidr else "IPv4", "protocol": protocol and protocol.lower(),
            "port_range_min": _port(asked.get("from_port")), "port_range_max": _port(asked.get("to_port")),
            "remote_ip_prefix": None if other else cidr, "remote_group_id": other and _id(other)}
    try:
        rule = network.make(call.context, "security_group_rule", body)
    except Conflict as exc:
        raise BadRequest(exc.message) from exc
    names = {other: network.document(call.context, "security_group", other)} if other else {}
    return {"security_group_rule": _rule(rule, names)}


def delete_rule(service: Service, call: Call) -> None:
    """Let something in no more."""
    _network(service).remove(call.context, "security_group_rule", _id(call.path["rule_id"]))


def of_server(service: Service, call: Call) -> Mapping[str, Any]:
    """The security groups of a server's ports."""
    row = servers.show(service.kit, call.context, call.path["server_id"])
    network = _network(service)
    ports = network.documents(call.context, "port", {"device_id": [row.id]})
    ids = sorted({group for port in ports for group in port["security_groups"]})
    groups = network.documents(call.context, "security_group", {"id": ids}) if ids else []
    return {"security_groups": _views(service, call.context, groups)}


RULE = "os_compute_api:os-security-groups:"
LAST = "2.35"
ALL, ONE = "/os-security-groups", "/os-security-groups/{group_id}"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "get", query=LIST, until=LAST, summary="List security groups"),
    Operation("POST", ALL, create, RULE + "create", body=GROUP, until=LAST, summary="Create a security group"),
    Operation("GET", ONE, show, RULE + "show", until=LAST, summary="Show a security group"),
    Operation("PUT", ONE, update, RULE + "update", body=GROUP, until=LAST, summary="Change a security group"),
    Operation("DELETE", ONE, delete, RULE + "delete", until=LAST, status=202, summary="Delete a security group"),
    Operation("POST", "/os-security-group-rules", create_rule, RULE + "rule:create", body=RULE_BODY, until=LAST,
              summary="Create a security group rule"),
    Operation("DELETE", "/os-security-group-rules/{rule_id}", delete_rule, RULE + "rule:delete", until=LAST,
              status=202, summary="Delete a security group rule"),
    Operation("GET", "/servers/{server_id}/os-security-groups", of_server, RULE + "list",
              summary="List a server's security groups"),
)
