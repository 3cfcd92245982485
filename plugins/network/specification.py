"""From rows to what drivers are told: networks, ports with their rules, and routers, as on one host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from ...core.db.engine import Transaction
from ...core.drivers.network import NetworkSpec, PortSpec, RouterSpec, Rule, Subnet
from . import tables
from .addresses import network_of
from .desk import Desk
from .noun import Document, decode
from .tables import addresses, agents, floating_ips, memberships, ports, routers, rules, wirings

_PEERS = (sa.select(wirings.c.network_id, agents.c.host, agents.c.configurations)
          .join(agents, agents.c.host == wirings.c.host)
          .where(wirings.c.network_id.in_(sa.bindparam("networks", expanding=True))).order_by(agents.c.host))
_SUBNETS = sa.select(tables.subnets.c.network_id, tables.subnets.c.document).where(
    tables.subnets.c.network_id.in_(sa.bindparam("networks", expanding=True))).order_by(tables.subnets.c.created_at,
                                                                                       tables.subnets.c.id)
_NETWORKS = sa.select(tables.networks.c.document, tables.networks.c.hidden).where(
    tables.networks.c.id.in_(sa.bindparam("networks", expanding=True)))
_DHCP = sa.select(ports.c.network_id, ports.c.document).where(
    ports.c.network_id.in_(sa.bindparam("networks", expanding=True)), ports.c.device_owner == "network:dhcp",
    ports.c.binding_host_id == sa.bindparam("host"))
_RULES = sa.select(rules.c.document).where(rules.c.security_group_id.in_(sa.bindparam("groups", expanding=True)))
_MEMBERS = sa.select(memberships.c.group_id, addresses.c.address).join(
    addresses, addresses.c.port_id == memberships.c.port_id).where(
        memberships.c.group_id.in_(sa.bindparam("groups", expanding=True))).order_by(addresses.c.address)
_HOSTNAMES = sa.select(ports.c.id, ports.c.hostname).where(ports.c.id.in_(sa.bindparam("ports", expanding=True)))
_LEGS = sa.select(ports.c.device_id, ports.c.device_owner, ports.c.document).where(
    ports.c.device_id.in_(sa.bindparam("routers", expanding=True)),
    ports.c.device_owner.in_(("network:router_interface", "network:router_gateway"))).order_by(ports.c.created_at,
                                                                                               ports.c.id)
_FLOATING = sa.select(floating_ips.c.router_id, floating_ips.c.floating_ip_address,
                      floating_ips.c.fixed_ip_address).where(
    floating_ips.c.router_id.in_(sa.bindparam("routers", expanding=True)), floating_ips.c.port_id.is_not(None))


class Specifications:
    """Reads what a host needs to know, a constant number of queries whatever is asked for."""

    def __init__(self, service: Desk) -> None:
        self.service = service

    def networks(self, tx: Transaction, ids: Iterable[str], host: str) -> list[NetworkSpec]:
        """Networks as they should be on ``host``."""
        wanted = {"networks": sorted(set(ids))}
        if not wanted["networks"]:
            return []
        subnets: dict[str, list[Document]] = defaultdict(list)
        for row in tx.rows(_SUBNETS, wanted):
            subnets[row.network_id].append(decode(row.document))
        dhcp = {row.network_id: decode(row.document) for row in tx.rows(_DHCP, {**wanted, "host": host})}
        peers: dict[str, list[str]] = defaultdict(list)
        for row in tx.rows(_PEERS, wanted):
            address = row.configurations.get("tunneling_ip")
            if address and row.host != host:
                peers[row.network_id].append(address)
        return [self._network(self.service.networks.full(row), subnets, dhcp, peers)
                for row in tx.rows(_NETWORKS, wanted)]

    def _network(self, network: Document, subnets: dict[str, list[Document]], dhcp: dict[str, Document],
                 peers: dict[str, list[str]]) -> NetworkSpec:
        port = dhcp.get(network["id"])
        own = {one["subnet_id"]: one["ip_address"] for one in port["fixed_ips"]} if port else {}
        return NetworkSpec(
            id=network["id"], network_type=network["provider:network_type"],
            segment=network["provider:segmentation_id"] or 0, mtu=network["mtu"],
            subnets=tuple(Subnet(
                id=one["id"], cidr=one["cidr"], ip_version=one["ip_version"], gateway_ip=one["gateway_ip"] or "",
                dhcp=one["enable_dhcp"] and one["id"] in own, dhcp_address=own.get(one["id"], ""),
                dns_nameservers=tuple(one["dns_nameservers"]),
                host_routes=tuple((route["destination"], route["nexthop"]) for route in one["host_routes"]))
                for one in subnets[network["id"]]),
            dhcp_mac=port["mac_address"] if port else "", external=network["router:external"],
            physical_network=network["provider:physical_network"] or "", peers=tuple(peers[network["id"]]))

    def ports(self, tx: Transaction, documents: Sequence[Document]) -> list[PortSpec]:
        """Ports with their rules, remote groups turned into addresses."""
        if not documents:
            return []
        names = {row.id: row.hostname for row in tx.rows(_HOSTNAMES, {"ports": [one["id"] for one in documents]})}
        by_group = self._rules(tx, {id for one in documents for id in one["security_groups"]})
        return [PortSpec(
            id=one["id"], network_id=one["network_id"], mac=one["mac_address"],
            addresses=tuple((fixed["subnet_id"], fixed["ip_address"]) for fixed in one["fixed_ips"]),
            allowed_pairs=tuple((pair["mac_address"], pair["ip_address"]) for pair in one["allowed_address_pairs"]),
            rules=tuple(rule for id in one["security_groups"] for rule in by_group.get(id, ())),
            filtered=one["port_security_enabled"], admin_up=one["admin_state_up"], server_id=one["device_id"],
            project_id=one["project_id"], hostname=names.get(one["id"], "")) for one in documents]

    def _rules(self, tx: Transaction, groups: set[str]) -> dict[str, list[Rule]]:
        if not groups:
            return {}
        found = [decode(row.document) for row in tx.rows(_RULES, {"groups": sorted(groups)})]
        remote = sorted({one["remote_group_id"] for one in found if one["remote_group_id"]})
        members: dict[str, list[str]] = defaultdict(list)
        for row in tx.rows(_MEMBERS, {"groups": remote}) if remote else ():
            members[row.group_id].append(row.address)
        by_group: dict[str, list[Rule]] = defaultdict(list)
        for one in found:
            by_group[one["security_group_id"]].append(_rule(one, members))
        return by_group

    def routers(self, tx: Transaction, documents: Sequence[Document]) -> list[RouterSpec]:
        """Routers with their legs, routes and floating addresses."""
        wanted = {"routers": [one["id"] for one in documents]}
        if not documents:
            return []
        legs: dict[str, list[tuple[str, Document]]] = defaultdict(list)
        for row in tx.rows(_LEGS, wanted):
            legs[row.device_id].append((row.device_owner, decode(row.document)))
        floating: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in tx.rows(_FLOATING, wanted):
            floating[row.router_id].append((row.floating_ip_address, row.fixed_ip_address))
        used = sorted({one["subnet_id"] for found in legs.values() for _, leg in found for one in leg["fixed_ips"]})
        subnets = {one["id"]: one for one in self.service.subnets.select(tx, tables.subnets.c.id.in_(used))}
        return [_router(one, legs[one["id"]], floating[one["id"]], subnets) for one in documents]

    def routers_on(self, tx: Transaction, host: str) -> list[Document]:
        """The routers of a host."""
        return self.service.routers.select(tx, routers.c.host == host)


def _rule(one: Document, members: dict[str, list[str]]) -> Rule:
    bits = 32 if one["ethertype"] == "IPv4" else 128
    remote: tuple[str, ...] = ()
    if one["remote_group_id"]:
        remote = tuple(f"{address}/{bits}" for address in members[one["remote_group_id"]]
                       if (":" in address) == (bits == 128))
    elif one["remote_ip_prefix"]:
        remote = (one["normalized_cidr"],)
    return Rule(direction=one["direction"], ethertype=one["ethertype"], protocol=one["protocol"] or "",
                port_min=one["port_range_min"], port_max=one["port_range_max"], remote=remote,
                remote_group=one["remote_group_id"] or "")


def _router(router: Document, legs: Sequence[tuple[str, Document]], floating: Sequence[tuple[str, str]],
            subnets: dict[str, Document]) -> RouterSpec:
    inside: list[tuple[str, str, str]] = []
    gateway: tuple[str, str, str] | None = None
    gateway_ip = ""
    for owner, leg in legs:
        for fixed in leg["fixed_ips"]:
            subnet = subnets[fixed["subnet_id"]]
            place = (leg["network_id"], leg["mac_address"],
                     f"{fixed['ip_address']}/{network_of(subnet['cidr']).prefixlen}")
            if owner == "network:router_interface":
                inside.append(place)
            elif gateway is None:
                gateway, gateway_ip = place, subnet["gateway_ip"] or ""
    info = router["external_gateway_info"] or {}
    return RouterSpec(id=router["id"], interfaces=tuple(inside), gateway=gateway, gateway_ip=gateway_ip,
                      snat=bool(info.get("enable_snat", True)),
                      routes=tuple((one["destination"], one["nexthop"]) for one in router["routes"]),
                      floating=tuple(floating))
