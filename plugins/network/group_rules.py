"""Security group rules: protocols, port ranges, the other side, and duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_interface
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import AlreadyExists
from ...core.http.validation import as_integer
from . import faults, tables
from .addresses import network_of
from .desk import RuleNoun
from .noun import Document

rules = tables.rules
PROTOCOLS = {"ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "icmp": 1, "icmpv6": 58, "igmp": 2, "ipip": 4,
             "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43,
             "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112}
IPV6_ONLY = frozenset(("icmpv6", "ipv6-encap", "ipv6-icmp", "ipv6-frag", "ipv6-nonxt", "ipv6-opts", "ipv6-route",
                       "41", "58", "44", "59", "60", "43"))
PORTED = frozenset((6, 17, 33, 132, 136))
ICMP = frozenset((1, 58))
_SAME = sa.select(rules.c.id).where(rules.c.security_group_id == sa.bindparam("security_group_id"),
                                    rules.c.likeness == sa.bindparam("likeness"))


class GroupRules(RuleNoun):
    """The rules of security groups."""

    name, plural, table = "security_group_rule", "security_group_rules", rules
    internal = frozenset(("likeness",))
    flags = ()
    target_columns = ("security_group_id",)

    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """A rule that its group does not have yet."""
        group = self.service.groups.seen_or_none(tx, context, body["security_group_id"])
        if group is None:
            raise faults.missing("security_group", body["security_group_id"])
        if group["project_id"] != project_id and not self.is_admin(context):
            raise faults.missing("security_group", body["security_group_id"])
        remote = body.get("remote_group_id")
        if remote and body.get("remote_ip_prefix"):
            raise faults.invalid("Only remote_ip_prefix or remote_group_id may be provided.",
                                 "SecurityGroupMultipleRemoteEntites")
        if remote and self.service.groups.seen_or_none(tx, context, remote) is None:
            raise faults.missing("security_group", remote)
        document = self.write(tx, checked(body), project_id)
        self.service.wiring.group_changed(tx, context, [group["id"]])
        return document

    def write(self, tx: Transaction, body: Document, project_id: str) -> Document:
        """Write a checked rule. :raises AlreadyExists: the group has it."""
        document = {
            **self.begin(body, project_id), "security_group_id": body["security_group_id"],
            "direction": body["direction"], "ethertype": body.get("ethertype") or "IPv4",
            "protocol": body.get("protocol"), "port_range_min": body.get("port_range_min"),
            "port_range_max": body.get("port_range_max"), "remote_ip_prefix": body.get("remote_ip_prefix"),
            "remote_group_id": body.get("remote_group_id"), "remote_address_group_id": None,
            "normalized_cidr": body.get("remote_ip_prefix") and str(network_of(body["remote_ip_prefix"]))}
        del document["name"]
        likeness = likeness_of(document)
        same = tx.value(_SAME, {"security_group_id": document["security_group_id"], "likeness": likeness})
        if same:
            raise AlreadyExists(f"Security group rule already exists. Rule id is {same}.",
                                type="SecurityGroupRuleExists")
        self.insert(tx, document, likeness=likeness)
        return document

    def _values(self, document: Document) -> dict[str, Any]:
        return {**super()._values(document), "name": ""}

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete the rule."""
        self.remove(tx, old["id"])
        self.service.wiring.group_changed(tx, context, [old["security_group_id"]])

    def visible(self, context: Context) -> sa.ColumnElement[bool]:
        """Own ones, and all of own groups."""
        groups = tables.security_groups
        return sa.or_(rules.c.project_id == sa.bindparam("scope"), rules.c.security_group_id.in_(
            sa.select(groups.c.id).where(groups.c.project_id == sa.bindparam("scope"))))

    def target(self, tx: Transaction, row: Any) -> dict[str, Any]:
        """With the owner of its group."""
        groups = tables.security_groups
        group_id = row["security_group_id"] if isinstance(row, dict) else row.security_group_id
        owner = tx.value(sa.select(groups.c.project_id).where(groups.c.id == group_id))
        return {**super().target(tx, row), "security_group:project_id": owner or "",
                "security_group:tenant_id": owner or ""}

    def filter(self, name: str, values: Sequence[str]) -> sa.ColumnElement[bool] | None:
        """Protocols compare as clients wrote them."""
        if name == "protocol":
            return rules.c.protocol.in_([value.lower() for value in values])
        return None


def likeness_of(document: Document) -> str:
    """A text that two rules of one group share when they are the same rule."""
    protocol = document["protocol"]
    prefix = document["remote_ip_prefix"]
    if prefix and network_of(prefix).prefixlen == 0:
        prefix = None
    parts = (document["direction"], document["ethertype"],
             PROTOCOLS.get(protocol, protocol) if protocol else None, document["port_range_min"],
             document["port_range_max"], prefix and str(network_of(prefix)), document["remote_group_id"])
    return "|".join("" if part is None else str(part) for part in parts)


def checked(body: Document) -> Document:
    """A rule's attributes in their usual form.

    :raises BadRequest: they contradict one another.
    """
    body = dict(body)
    body["ethertype"] = _ethertype(body.get("ethertype"))
    body["protocol"] = _protocol(body.get("protocol"), body["ethertype"])
    for name in ("port_range_min", "port_range_max"):
        body[name] = _port(body.get(name))
    _check_range(body)
    prefix = body.get("remote_ip_prefix")
    if prefix:
        version = network_of(prefix).version
        if (version == 4) != (body["ethertype"] == "IPv4"):
            raise faults.invalid(f"Conflicting value ethertype {body['ethertype']} for CIDR {prefix}",
                                 "SecurityGroupRuleParameterConflict")
        body["remote_ip_prefix"] = str(ip_interface(prefix))
    body["remote_ip_prefix"] = body.get("remote_ip_prefix") or None
    body["remote_group_id"] = body.get("remote_group_id") or None
    return body


def _ethertype(value: Any) -> str:
    for known in ("IPv4", "IPv6"):
        if str(value or "IPv4").lower() == known.lower():
            return known
    raise faults.invalid(f"Security group rule for ethertype '{value}' not supported. Allowed values are "
                         "['IPv4', 'IPv6'].", "SecurityGroupRuleInvalidEtherType")


def _protocol(value: Any, ethertype: str) -> str | None:
    if value is None or value == "" or value == "any":
        return None
    text = str(value).lower()
    number = as_integer(text)
    if number is not None:
        if not 0 <= number <= 255:
            raise _bad_protocol(value)
        if number == 0:
            return None
    elif text not in PROTOCOLS:
        raise _bad_protocol(value)
    if ethertype == "IPv4" and text in IPV6_ONLY:
        raise faults.invalid(f"Invalid ethertype {ethertype} for protocol {text}.",
                             "SecurityGroupEthertypeConflictWithProtocol")
    return text


def _bad_protocol(value: Any) -> Exception:
    return faults.invalid(f"Security group rule protocol {value} not supported. Only protocol values "
                          f"{sorted(PROTOCOLS)} and integer representations [0 to 255] are supported.",
                          "SecurityGroupRuleInvalidProtocol")


def _port(value: Any) -> int | None:
    if value is None or value == "":
        return None
    port = as_integer(str(value))
    if port is None or not 0 <= port <= 65535:
        raise faults.invalid(f"Invalid value for port {value}", "SecurityGroupInvalidPortValue")
    return port


def _check_range(body: Document) -> None:
    low, high, protocol = body["port_range_min"], body["port_range_max"], body["protocol"]
    if low is None and high is None:
        return
    if protocol is None:
        raise faults.invalid("Must also specify protocol if port range is given.",
                             "SecurityGroupProtocolRequiredWithPorts")
    found = PROTOCOLS.get(protocol)
    numeric = int(protocol) if found is None else found
    if numeric in ICMP:
        for name, value in (("port_range_min", low), ("port_range_max", high)):
            if value is not None and value > 255:
                field = "type" if name == "port_range_min" else "code"
                raise faults.invalid(f"Invalid value for ICMP {field} ({name}) {value}. It must be 0 to 255.",
                                     "SecurityGroupInvalidIcmpValue")
        if low is None:
            raise faults.invalid(f"ICMP code (port-range-max) {high} is provided but ICMP type (port-range-min) is "
                                 "missing.", "SecurityGroupMissingIcmpType")
    elif numeric in PORTED:
        if low is None or high is None or low > high or low == 0:
            raise faults.invalid("For TCP/UDP protocols, port_range_min must be <= port_range_max",
                                 "SecurityGroupInvalidPortRange")
    else:
        raise faults.invalid(f"Port range cannot be specified for protocol {protocol}.",
                             "SecurityGroupInvalidProtocolForPortRange")
