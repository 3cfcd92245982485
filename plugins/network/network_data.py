"""The document ``network_data.json`` that guests read: links, networks and services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .addresses import AUTOMATIC, network_of
from .noun import Document


def describe(ports: Sequence[Document], networks: Mapping[str, Document],
             subnets: Mapping[str, Document]) -> dict[str, Any]:
    """Links of ``ports``, their addresses with routes, and name servers."""
    links: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    services: list[dict[str, str]] = []
    for port in ports:
        link = f"tap{port['id'][:11]}"
        links.append({"id": link, "vif_id": port["id"], "type": _link_type(port["binding:vif_type"]),
                      "mtu": networks[port["network_id"]]["mtu"], "ethernet_mac_address": port["mac_address"]})
        for fixed in port["fixed_ips"]:
            subnet = subnets[fixed["subnet_id"]]
            found.append(_network(len(found), link, port, fixed["ip_address"], subnet))
            for address in subnet["dns_nameservers"]:
                service = {"type": "dns", "address": address}
                if service not in services:
                    services.append(service)
    return {"links": links, "networks": found, "services": services}


def _link_type(vif_type: str) -> str:
    return vif_type if vif_type in ("bridge", "ovs", "phy", "tap", "vhostuser") else "phy"


def _network(place: int, link: str, port: Document, address: str, subnet: Document) -> dict[str, Any]:
    version = subnet["ip_version"]
    kind = f"ipv{version}"
    if version == 6 and subnet.get("ipv6_address_mode") in AUTOMATIC:
        kind = f"ipv6_{subnet['ipv6_address_mode']}"
    elif subnet["enable_dhcp"]:
        kind = f"ipv{version}_dhcp" if version == 4 else "ipv6_dhcpv6-stateful"
    found: dict[str, Any] = {"id": f"network{place}", "type": kind, "link": link, "network_id": port["network_id"]}
    if kind == "ipv4_dhcp":
        return found
    net = network_of(subnet["cidr"])
    found.update(ip_address=address, netmask=str(net.netmask), routes=_routes(subnet),
                 services=[{"type": "dns", "address": one} for one in subnet["dns_nameservers"]])
    return found


def _routes(subnet: Document) -> list[dict[str, str]]:
    routes = []
    if subnet["gateway_ip"]:
        anywhere = "0.0.0.0" if subnet["ip_version"] == 4 else "::"
        routes.append({"network": anywhere, "netmask": anywhere, "gateway": subnet["gateway_ip"]})
    for route in subnet["host_routes"]:
        net = network_of(route["destination"])
        routes.append({"network": str(net.network_address), "netmask": str(net.netmask), "gateway": route["nexthop"]})
    return routes
