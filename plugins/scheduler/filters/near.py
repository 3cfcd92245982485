"""Keeps hosts near an address."""

from __future__ import annotations

import ipaddress

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request

Net = ipaddress.IPv4Network | ipaddress.IPv6Network


class SimpleCidrAffinity(HostFilter):
    """The host's address is in the network that the hints ``build_near_host_ip`` and ``cidr`` (``/24``) span."""

    def facts(self) -> FilterFacts:
        """It reads two hints."""
        return FilterFacts("Hosts in the network that the hints build_near_host_ip and cidr span.",
                           hints=("build_near_host_ip", "cidr"))

    def relevant(self, request: Request) -> bool:
        """Only when an address is given."""
        return bool(request.hints.get("build_near_host_ip"))

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether the host is there; one whose address is not known is nowhere."""
        network = self._network(request)
        try:
            return network is not None and ipaddress.ip_address(host.address) in network
        except ValueError:
            return False

    def _network(self, request: Request) -> Net | None:
        """The network asked for; none when the hints span nothing."""
        near = request.hints["build_near_host_ip"][0]
        bits = (request.hints.get("cidr") or ["/24"])[0].lstrip("/")
        try:
            return ipaddress.ip_network(f"{near}/{bits}", strict=False)
        except ValueError:
            return None

    def complaint(self, host: Host, request: Request) -> str:
        """The network it is not in."""
        network = self._network(request)
        return "the hints span no network" if network is None else f"its address is not in {network}"
