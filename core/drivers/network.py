"""The network interface: how networks, ports and routers are wired on one host."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence

from .base import Driver

METADATA_SOCKET = "metadata.sock"
"""Unix socket on which the process answers for the metadata service, in the folder above a driver's run_dir."""


@dataclasses.dataclass(frozen=True)
class NetworkFacts:
    """What a driver can wire."""

    network_types: tuple[str, ...]
    """Types of provider networks it knows, first the default of tenant networks: ``vxlan``, ``flat``, ..."""
    vif_type: str
    """binding:vif_type of its ports: ``bridge``, ``ovs``, ``other``."""
    agent_type: str
    """agent_type shown in the agents' list."""
    mtu: int = 1450
    """MTU of tenant networks in bytes."""
    max_segment: int = 16_777_215
    port_filter: bool = True
    """It enforces security groups."""


@dataclasses.dataclass(frozen=True)
class Subnet:
    """One subnet of a network, as DHCP and routers need it. Addresses are text without spaces."""

    id: str
    cidr: str
    ip_version: int
    gateway_ip: str = ""
    dhcp: bool = True
    dhcp_address: str = ""
    """The address of the DHCP and metadata port in this subnet, set when ``dhcp``."""
    dns_nameservers: Sequence[str] = ()
    host_routes: Sequence[tuple[str, str]] = ()
    """(destination, next hop) pairs."""


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """A network as it should be on this host."""

    id: str
    network_type: str
    segment: int
    mtu: int
    subnets: Sequence[Subnet] = ()
    dhcp_mac: str = ""
    """MAC of the DHCP and metadata port."""
    external: bool = False
    physical_network: str = ""
    peers: Sequence[str] = ()
    """Underlay addresses of the other hosts that carry this network, for tunnels."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """One security group rule with remote groups already turned into addresses."""

    direction: str
    """``ingress`` or ``egress``, seen from the guest."""
    ethertype: str
    """``IPv4`` or ``IPv6``."""
    protocol: str = ""
    """Name or number as text; empty for any."""
    port_min: int | None = None
    port_max: int | None = None
    remote: Sequence[str] = ()
    """CIDRs of the other side; empty for anyone."""
    remote_group: str = ""
    """Set when ``remote`` came from a group: then an empty ``remote`` matches nobody."""


@dataclasses.dataclass(frozen=True)
class PortSpec:
    """A port as it should be on this host."""

    id: str
    network_id: str
    mac: str
    addresses: Sequence[tuple[str, str]] = ()
    """(subnet id, address) pairs."""
    allowed_pairs: Sequence[tuple[str, str]] = ()
    """(mac, address or CIDR) pairs that may be used besides the port's own."""
    rules: Sequence[Rule] = ()
    filtered: bool = True
    """False when port security is off: no rule and no anti-spoofing apply."""
    admin_up: bool = True
    server_id: str = ""
    project_id: str = ""
    hostname: str = ""
    """Name that DHCP tells the guest."""


@dataclasses.dataclass(frozen=True)
class Vif:
    """How a hypervisor joins a guest's interface to a port."""

    port_id: str
    kind: str
    """``bridge`` (join ``device`` to ``bridge``), ``tap`` (use ``device``), ``none`` (nothing to wire)."""
    mac: str
    device: str = ""
    bridge: str = ""
    mtu: int = 1500
    model: str = "virtio"


@dataclasses.dataclass(frozen=True)
class RouterSpec:
    """A router as it should be on this host."""

    id: str
    interfaces: Sequence[tuple[str, str, str]] = ()
    """(network id, mac, address/prefix length) of each inside interface."""
    gateway: tuple[str, str, str] | None = None
    """(network id, mac, address/prefix length) on the external network."""
    gateway_ip: str = ""
    """Next hop outside."""
    snat: bool = True
    routes: Sequence[tuple[str, str]] = ()
    floating: Sequence[tuple[str, str]] = ()
    """(floating address, fixed address) pairs."""


@dataclasses.dataclass(frozen=True)
class ObservedNetworks:
    """Ids of what really exists on this host."""

    networks: Sequence[str] = ()
    ports: Sequence[str] = ()
    routers: Sequence[str] = ()


class Network(Driver):
    """The wiring of one host.

    Calls block. Any thread may call, but never two for one network at a time. Every ``apply``
    makes the world equal to its specification, whatever was there before, and may be called
    twice. After a failure what stood before still stands, or is gone as ``observe`` shows.
    """

    @abc.abstractmethod
    def facts(self) -> NetworkFacts:
        """What this driver can wire."""

    @abc.abstractmethod
    def observe(self) -> ObservedNetworks:
        """What of ours really exists on this host."""

    @abc.abstractmethod
    def apply_network(self, network: NetworkSpec) -> None:
        """Make the network, its DHCP and its metadata on this host as specified."""

    @abc.abstractmethod
    def remove_network(self, network_id: str) -> None:
        """Remove all of the network from this host; nothing if it is not there."""

    @abc.abstractmethod
    def apply_port(self, port: PortSpec) -> Vif:
        """Make the port ready for its guest, with address, lease, filter; return how to join it.

        :raises NotFound: its network was never applied here.
        """

    @abc.abstractmethod
    def remove_port(self, port_id: str) -> None:
        """Remove all of the port from this host; nothing if it is not there."""

    @abc.abstractmethod
    def apply_router(self, router: RouterSpec) -> None:
        """Make the router on this host as specified. :raises NotFound: a network is not here."""

    @abc.abstractmethod
    def remove_router(self, router_id: str) -> None:
        """Remove the router from this host; nothing if it is not there."""
