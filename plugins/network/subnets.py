"""Subnets: address ranges, gateways, pools and the modes of IPv6."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from . import faults, listing, tables
from .addresses import Net, default_gateway, default_pools, host_range, inside, is_automatic, network_of, number_of
from .desk import SubnetNoun
from .noun import Document, decode

subnets = tables.subnets
ports = tables.ports
_OF_NETWORK = sa.select(subnets.c.document, subnets.c.cursor).where(
    subnets.c.network_id == sa.bindparam("network_id")).order_by(subnets.c.created_at, subnets.c.id)
_LOCKED = _OF_NETWORK.with_for_update()
_HOLDERS = sa.select(ports.c.id, ports.c.device_owner).join(
    tables.addresses, tables.addresses.c.port_id == ports.c.id).where(
        tables.addresses.c.subnet_id == sa.bindparam("subnet_id"))
_SHARED = sa.select(tables.networks.c.shared, tables.networks.c.project_id).where(
    tables.networks.c.id == sa.bindparam("network_id"))
FREED_WITH_SUBNET = ("network:dhcp",)
MOST_DNS, MOST_ROUTES = 5, 20
LEAST_MTU = {4: 68, 6: 1280}


class Subnets(SubnetNoun):
    """The subnets."""

    name, plural, table = "subnet", "subnets", subnets
    internal = frozenset(("cursor",))
    target_columns = ("network_id",)
    flags = ("enable_dhcp",)

    def target(self, tx: Transaction, row: Any) -> dict[str, Any]:
        """With ``shared`` and the owner of its network."""
        network_id = row["network_id"] if isinstance(row, dict) else row.network_id
        network = tx.row(_SHARED, {"network_id": network_id})
        return {**super().target(tx, row), "shared": bool(network and network.shared),
                "network:project_id": network.project_id if network else "",
                "network:tenant_id": network.project_id if network else ""}

    def visible(self, context: Context) -> sa.ColumnElement[bool]:
        """Own ones and those of shared networks."""
        return sa.or_(subnets.c.project_id == sa.bindparam("scope"), subnets.c.network_id.in_(
            sa.select(tables.networks.c.id).where(tables.networks.c.shared)))

    def of_network(self, tx: Transaction, network_id: str) -> list[tuple[Document, str]]:
        """The subnets of a network with their cursors, the oldest first."""
        return [(decode(row.document), row.cursor) for row in tx.rows(_OF_NETWORK, {"network_id": network_id})]

    def locked(self, tx: Transaction, network_id: str) -> list[tuple[Document, str]]:
        """The same, with their rows locked: whoever gives addresses away does so alone."""
        return [(decode(row.document), row.cursor) for row in tx.rows(_LOCKED, {"network_id": network_id})]

    def creation_target(self, tx: Transaction, body: Document, project_id: str) -> dict[str, Any]:
        """With the owner of the network, who decides."""
        network = tx.row(_SHARED, {"network_id": body["network_id"]})
        if network is None:
            raise faults.missing("network", body["network_id"])
        return {"project_id": project_id, "tenant_id": project_id, "network:project_id": network.project_id,
                "network:tenant_id": network.project_id}

    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """A subnet whose range overlaps no other on its network."""
        network = self.service.networks.find(tx, context, body["network_id"])
        check_mtu(network["id"], network["mtu"], [int(body["ip_version"])])
        net, pool_id = self._range(tx, context, body, project_id)
        self._no_overlap(tx, network["id"], net)
        gateway = self._gateway(body, net)
        document = {
            **self.begin(body, project_id), "network_id": network["id"], "ip_version": net.version, "cidr": str(net),
            "gateway_ip": gateway, "enable_dhcp": body.get("enable_dhcp", True),
            "allocation_pools": _pools(body.get("allocation_pools"), net, gateway),
            "dns_nameservers": body.get("dns_nameservers") or [], "host_routes": body.get("host_routes") or [],
            "ipv6_address_mode": body.get("ipv6_address_mode"), "ipv6_ra_mode": body.get("ipv6_ra_mode"),
            "subnetpool_id": pool_id, "service_types": body.get("service_types") or []}
        _check_modes(document, net)
        _check_lists(document)
        self.insert(tx, document, cursor="")
        fresh = self.service.networks.load(tx, network["id"], lock=True)
        self.service.networks.save(tx, fresh, {**fresh, "subnets": [*fresh["subnets"], document["id"]]})
        if is_automatic(document):
            self.service.ports.address_all(tx, context, document)
        self.service.wiring.network_changed(tx, context, network["id"])
        return document

    def filter(self, name: str, values: Sequence[str]) -> sa.ColumnElement[bool] | None:
        """By whether the network is shared."""
        if name != "shared":
            return None
        return subnets.c.network_id.in_(sa.select(tables.networks.c.id).where(
            listing.condition(tables.networks.c.shared, values, name)))

    def _range(self, tx: Transaction, context: Context, body: Document,
               project_id: str) -> tuple[Net, str | None]:
        version = int(body.get("ip_version") or 0)
        pool_id = body.get("subnetpool_id")
        if body.get("use_default_subnetpool"):
            pool_id = self.service.subnetpools.default_id(tx, version)
        if body.get("cidr") and not pool_id:
            net = network_of(body["cidr"])
            if version != net.version:
                raise faults.invalid(f"cidr '{body['cidr']}' does not match the ip_version '{version}'")
            if net.prefixlen == 0:
                raise faults.invalid("0 is not allowed as CIDR prefix length")
            if "prefixlen" in body and body["prefixlen"]:
                raise faults.invalid("cidr and prefixlen must not be supplied together")
            return net, None
        if not pool_id:
            raise faults.invalid("Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
                                 "BadRequest")
        return self.service.subnetpools.carve(tx, context, pool_id, body, project_id), pool_id

    def _no_overlap(self, tx: Transaction, network_id: str, net: Net) -> None:
        for other, _ in self.of_network(tx, network_id):
            if net.version == other["ip_version"] and net.overlaps(network_of(other["cidr"])):
                raise faults.invalid(f"Requested subnet with cidr: {net} for network: {network_id} overlaps with "
                                     "another subnet")

    def _gateway(self, body: Document, net: Net) -> str | None:
        if "gateway_ip" not in body or body["gateway_ip"] == "":
            automatic = body.get("ipv6_ra_mode") or body.get("ipv6_address_mode") in ("slaac", "dhcpv6-stateless")
            if net.version == 6 and automatic and net.prefixlen < 127:
                return str(net.network_address + 1)
            return default_gateway(net)
        return _checked_gateway(body["gateway_ip"], net)

    def change(self, tx: Transaction, context: Context, old: Document, changes: Document) -> Document:
        """Attributes; gateway and pools must fit each other and the range."""
        net = network_of(old["cidr"])
        new = {**old, **changes}
        if "gateway_ip" in changes:
            new["gateway_ip"] = _checked_gateway(changes["gateway_ip"], net)
            if new["gateway_ip"] != old["gateway_ip"]:
                self._gateway_free(tx, old)
        for name in ("dns_nameservers", "host_routes"):
            new[name] = new[name] or []
        if "allocation_pools" in changes or "gateway_ip" in changes:
            new["allocation_pools"] = _pools(new["allocation_pools"], net, new["gateway_ip"])
        if "enable_dhcp" in changes and new["enable_dhcp"] is False and (new["ipv6_address_mode"]
                                                                          or new["ipv6_ra_mode"]):
            raise faults.invalid("Cannot disable enable_dhcp with ipv6 attributes set")
        _check_lists(new)
        new = self.save(tx, old, new)
        if any(new[name] != old[name] for name in ("gateway_ip", "enable_dhcp", "dns_nameservers", "host_routes")):
            self.service.wiring.network_changed(tx, context, old["network_id"])
        return new

    def _gateway_free(self, tx: Transaction, old: Document) -> None:
        if old["gateway_ip"] is None:
            return
        held = sa.select(tables.addresses.c.port_id).join(ports, ports.c.id == tables.addresses.c.port_id).where(
            tables.addresses.c.subnet_id == old["id"], tables.addresses.c.number == number_of(old["gateway_ip"]),
            ports.c.device_owner == "network:router_interface")
        port_id = tx.value(held)
        if port_id:
            raise faults.in_use("GatewayIpInUse", f"Current gateway ip {old['gateway_ip']} already in use by port "
                                f"{port_id}. Unable to update.")

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete the subnet, unless ports have addresses of it that they cannot lose."""
        automatic = is_automatic(old)
        holders: list[Row] = list(tx.rows(_HOLDERS, {"subnet_id": old["id"]}))
        for row in holders:
            kept = row.device_owner.startswith("network:router") or not automatic
            if kept and row.device_owner not in FREED_WITH_SUBNET:
                raise faults.in_use("SubnetInUse", f"Unable to complete operation on subnet {old['id']}: One or more "
                                    "ports have an IP allocation from this subnet.")
        for row in holders:
            self.service.ports.lose_subnet(tx, context, row.id, old["id"])
        network = self.service.networks.load(tx, old["network_id"], lock=True)
        self.service.networks.save(tx, network, {**network, "subnets": [one for one in network["subnets"]
                                                                        if one != old["id"]]})
        self.remove(tx, old["id"])
        self.service.wiring.network_changed(tx, context, old["network_id"])


def check_mtu(network_id: str, mtu: int, versions: Sequence[int]) -> None:
    """See that a network's MTU carries these IP versions. :raises Conflict: it is too small."""
    for version in versions:
        if mtu < LEAST_MTU[version]:
            raise faults.conflict("NetworkMTUSubnetConflict", f"The MTU of network {network_id} must be at least "
                                  f"{LEAST_MTU[version]} bytes for IPv{version} subnets")


def _checked_gateway(gateway: str | None, net: Net) -> str | None:
    if gateway is None:
        return None
    address = ip_address(gateway)
    if address.version != net.version:
        raise faults.invalid(f"gateway_ip '{gateway}' does not match the ip_version '{net.version}'")
    if net.num_addresses > 2 and address in net:
        first, last = host_range(net)
        if not first <= int(address) <= last:
            raise faults.invalid("Gateway is not valid on subnet")
    elif net.version == 4 and address not in net:
        raise faults.invalid("Gateway is not valid on subnet")
    return str(address)


def _pools(asked: list[dict[str, str]] | None, net: Net, gateway: str | None) -> list[dict[str, str]]:
    if asked is None:
        return default_pools(net, gateway)
    first, last = host_range(net)
    spans = []
    for pool in asked:
        start, end = ip_address(pool["start"]), ip_address(pool["end"])
        if start.version != net.version or end.version != net.version or int(start) > int(end):
            raise faults.invalid(f"The allocation pool {start}-{end} is not valid.", "InvalidAllocationPool")
        if int(start) < first or int(end) > last:
            raise faults.invalid(f"The allocation pool {start}-{end} spans beyond the subnet cidr {net}.",
                                 "OutOfBoundsAllocationPool")
        spans.append((int(start), int(end), {"start": str(start), "end": str(end)}))
    spans.sort(key=lambda span: span[:2])
    for (_, before, _), (after, _, _) in zip(spans, spans[1:], strict=False):
        if after <= before:
            raise faults.conflict("OverlappingAllocationPools", f"Found overlapping allocation pools for subnet {net}.")
    pools = [pool for _, _, pool in spans]
    if gateway and inside(gateway, pools):
        raise faults.conflict("GatewayConflictWithAllocationPools",
                              f"Gateway ip {gateway} conflicts with allocation pool.")
    return pools


def _check_modes(document: Document, net: Net) -> None:
    ra, mode = document["ipv6_ra_mode"], document["ipv6_address_mode"]
    if not ra and not mode:
        return
    if net.version == 4:
        raise faults.invalid("ipv6_ra_mode and ipv6_address_mode are not valid when ip_version is 4")
    if not document["enable_dhcp"]:
        raise faults.invalid("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False")
    if ra and mode and ra != mode:
        raise faults.invalid(f"ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{mode}' is not valid. If both "
                             "attributes are set, they must be the same value")
    if "slaac" in (ra, mode) or "dhcpv6-stateless" in (ra, mode):
        if net.prefixlen != 64:
            raise faults.invalid(f"Invalid CIDR {net} for IPv6 address mode. OpenStack uses the EUI-64 address format, "
                                 "which requires the prefix to be /64")


def _check_lists(document: Document) -> None:
    if len(document["dns_nameservers"]) > MOST_DNS:
        raise faults.invalid("DNS nameservers exhausted: too many", "DNSNameServersExhausted")
    if len(document["host_routes"]) > MOST_ROUTES:
        raise faults.invalid("Host routes exhausted: too many", "HostRoutesExhausted")
    for address in document["dns_nameservers"]:
        if ip_address(address).version != document["ip_version"]:
            raise faults.invalid(f"dns_nameserver {address} does not match the ip_version {document['ip_version']}")
    for route in document["host_routes"]:
        versions = {network_of(route["destination"]).version, ip_address(route["nexthop"]).version}
        if versions != {document["ip_version"]}:
            raise faults.invalid(f"host_routes {route} does not match the ip_version {document['ip_version']}")
