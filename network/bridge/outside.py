"""The host's end of an external network that leads nowhere else: on one machine, outside is the machine itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from ipaddress import IPv4Interface, ip_network

from ...core.drivers.network import NetworkSpec
from . import namespace, nft
from .link import Links
from .names import Names
from .nft import Command, Table, field, match, meta
from .options import Options
from .tunnel import LOCAL, VXLAN

SRCNAT = 100
FORWARD = "ipv4/ip_forward"


class Outside:
    """Makes the host the gateway of such networks. Used in the host's namespace.

    The host answers at the subnets' gateway addresses, so floating addresses are reached from it,
    and with ``masquerade`` their packets leave by its own address. Where the host knows the range
    already, as another cloud's, the network stays without.
    """

    def __init__(self, options: Options, names: Names, log: logging.Logger) -> None:
        self._options = options
        self._names = names
        self._log = log
        self._refused: set[tuple[str, str]] = set()

    def apply(self, links: Links, network: NetworkSpec) -> None:
        """Give the host's end its addresses, or take them away where the network leads elsewhere."""
        bridge = self._names.bridge(network.id)
        ends = [end for end in self._ends(network) if self._free(links, network.id, bridge, end)]
        if ends and self._options.masquerade:
            self._forward()
            nft.commit(self._options, self._translation(bridge, ends))
        elif ends or links.ipv4(bridge):
            self._plain(bridge)
        links.set_addresses(bridge, [str(end) for end in ends])

    def remove(self, links: Links, network_id: str) -> None:
        """Remove the translation; nothing if there is none. The addresses go with the bridge."""
        bridge = self._names.bridge(network_id)
        if links.ipv4(bridge):
            self._plain(bridge)
        self._refused = {known for known in self._refused if known[0] != network_id}

    def _ends(self, network: NetworkSpec) -> Iterator[IPv4Interface]:
        """The host's addresses, none in a network that other hosts or devices are part of."""
        alone = network.network_type == LOCAL or (network.network_type == VXLAN and not self._options.local_address)
        for subnet in network.subnets:
            if network.external and alone and subnet.gateway_ip and subnet.ip_version == 4:
                yield IPv4Interface(f"{subnet.gateway_ip}/{ip_network(subnet.cidr).prefixlen}")

    def _free(self, links: Links, network_id: str, bridge: str, end: IPv4Interface) -> bool:
        """Whether the range is nobody else's here. What is refused is logged once."""
        rival = links.rival(bridge, end.network)
        known = (network_id, str(end))
        if not rival:
            self._refused.discard(known)
        elif known not in self._refused:
            self._refused.add(known)
            self._log.warning("network %s is without access from this host: %s is reached by device %s already, maybe "
                              "another cloud's; give one of the two another range", network_id, end.network, rival)
        return not rival

    def _forward(self) -> None:
        """Let the host forward packets. That stays: others may have come to rely on it."""
        if (namespace.SYSCTL / FORWARD).read_text().strip() == "0":
            self._log.warning("this host forwards packets from now on: networks leave by its own address (masquerade)")
            namespace.set_kernel({FORWARD: 1})

    def _translation(self, bridge: str, ends: list[IPv4Interface]) -> list[Command]:
        table = Table("ip", bridge)
        ours = nft.networks(str(end.network) for end in ends)
        return [
            table.table(), table.table("delete"), table.table(),
            table.base("postrouting", "postrouting", SRCNAT, "nat"),
            # Only what the host routes from here: with br_netfilter, frames inside other bridges pass this, too.
            table.rule("postrouting", match(field("ip", "saddr"), ours), match(meta("iifname"), bridge),
                       match(meta("oifname"), bridge, "!="), {"masquerade": None}),
        ]

    def _plain(self, bridge: str) -> None:
        table = Table("ip", bridge)
        nft.commit(self._options, [table.table(), table.table("delete")])
