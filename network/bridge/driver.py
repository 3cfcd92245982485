"""The driver's verbs: networks as Linux bridges, with DHCP, metadata, filters and routers."""

from __future__ import annotations

import dataclasses
import threading
from ipaddress import ip_network
from typing import ClassVar

from ...core.drivers.base import Surroundings
from ...core.drivers.names import check
from ...core.drivers.network import (
    METADATA_SOCKET,
    Network,
    NetworkFacts,
    NetworkSpec,
    ObservedNetworks,
    PortSpec,
    RouterSpec,
    Vif,
)
from ...core.errors import NotFound
from . import flow, namespace
from .dhcp import DEVICE, METADATA, Dhcp
from .error import translated
from .filter import Filter
from .link import Links, checksum_in_software, mute
from .metadata import Metadata
from .names import Names, prefix_of
from .options import Options as BridgeOptions
from .outside import Outside
from .record import Lease, Records, lease_of
from .router import Router
from .tunnel import FLAT, LOCAL, VLAN, VXLAN, Uplink

ALIAS = "network:"


class Bridge(Network):
    """One host whose networks are Linux bridges. Needs root, iproute2, nftables and dnsmasq.

    A network's bridge stands in the host's namespace, where the hypervisor makes guests'
    devices; its DHCP and metadata stand in a namespace of the network's own; each router is
    a namespace. What exists is read from the kernel. Applying again mends what died.
    """

    Options: ClassVar[type] = BridgeOptions

    def __init__(self, options: BridgeOptions, surroundings: Surroundings) -> None:
        if not options.prefix:
            options = dataclasses.replace(options, prefix=prefix_of(surroundings.state_dir))
        if not (options.metadata_socket or options.metadata_url):
            own = surroundings.run_dir.parent / METADATA_SOCKET
            options = dataclasses.replace(options, metadata_socket=str(own))
        super().__init__(options, surroundings)
        self._options = options
        self._names = Names(options.prefix)
        self._records = Records(surroundings.run_dir)
        self._filter = Filter(options, self._names)
        self._uplink = Uplink(options, self._names)
        self._outside = Outside(options, self._names, surroundings.log)
        self._floor = threading.Lock()
        """Held while the first network comes or the last one goes, with all networks' tables."""

    def open(self) -> None:
        """Prepare the kernel.

        :raises BackendFailed: the kernel or a program lacks something.
        """
        with translated("preparing the host's network"), namespace.entered(self._options.host_namespace):
            self._filter.open()

    def facts(self) -> NetworkFacts:
        """vxlan and local always; flat and vlan when a physical network is configured."""
        physical = (FLAT, VLAN) if self._options.physical_networks else ()
        return NetworkFacts(network_types=(VXLAN, LOCAL, *physical), vif_type="bridge", agent_type="Linux bridge agent",
                            mtu=self._options.mtu)

    def observe(self) -> ObservedNetworks:
        """Networks that have a bridge or a namespace, ports that have a filter, routers that have a namespace."""
        with translated("looking at the host's network"):
            with namespace.entered(self._options.host_namespace), Links() as links:
                bridges = self._bridges(links)
                ports = self._filter.ports()
            spaces = namespace.names()
            networks = bridges | {self._names.id_of(name, "net") for name in spaces}
            routers = {self._names.id_of(name, "rtr") for name in spaces}
            return ObservedNetworks(tuple(sorted(networks - {""})), tuple(ports), tuple(sorted(routers - {""})))

    def _bridges(self, links: Links) -> set[str]:
        """Networks that have a bridge."""
        return {alias.removeprefix(ALIAS) for name, alias in links.aliases().items()
                if alias.startswith(ALIAS) and name == self._names.bridge(alias.removeprefix(ALIAS))}

    def apply_network(self, network: NetworkSpec) -> None:
        """Make the bridge, its uplink, the namespace with DHCP and metadata.

        :raises NotSupported: the host cannot wire its type.
        """
        check(network.id)
        with translated("wiring the network"):
            space = self._names.network_namespace(network.id)
            namespace.create(space, self._options.timeout_s)
            with namespace.entered(space):
                namespace.set_kernel(namespace.PROMPT)
            with namespace.entered(self._options.host_namespace), Links() as links:
                with self._floor:
                    self._bridge(links, network)
                    self._outside.apply(links, network)
                    self._filter.apply_network(network.id, self._zone(links, network.id))
                self._uplink.apply(links, network)
                self._serve(links, network, space)
            self._records.save_network(network)
            self._dhcp(network.id).apply(network, self._records.leases(network.id))
            self._metadata(network.id).apply(network.id, bool(_served(network)))

    def _bridge(self, links: Links, network: NetworkSpec) -> None:
        name = self._names.bridge(network.id)
        links.ensure(name, "bridge", br_forward_delay=0, br_stp_state=0, br_mcast_snooping=0)
        mute(name)
        links.set(name, mtu=network.mtu, ifalias=ALIAS + network.id)
        links.set(name, state="up")

    def _zone(self, links: Links, network_id: str) -> int:
        """Where the network's connections are tracked: with the host's own when the host is part of it."""
        bridge = self._names.bridge(network_id)
        return flow.HOST_ZONE if links.ipv4(bridge) else flow.zone_of(links.index(bridge))

    def _tidy(self, links: Links) -> None:
        """Remove the filter's tables with the last network."""
        with self._floor:
            if not self._bridges(links):
                self._filter.clear()

    def _serve(self, links: Links, network: NetworkSpec, space: str) -> None:
        """Lead the network into its namespace, where its DHCP and metadata addresses are.

        Every host has the same addresses for its own guests: the uplink is kept apart from them.
        """
        near = self._names.dhcp(network.id)
        links.ensure_pair(near, DEVICE, space)
        mute(near)
        links.set(near, mtu=network.mtu)
        links.join(near, self._names.bridge(network.id))
        links.isolate(near)
        with namespace.entered(space), Links() as inside:
            if network.dhcp_mac:
                inside.set(DEVICE, address=network.dhcp_mac)
            inside.set(DEVICE, mtu=network.mtu, state="up")
            checksum_in_software(DEVICE)
            served = _served(network)
            inside.set_addresses(DEVICE, [*served, f"{METADATA}/32"] if served else [])

    def remove_network(self, network_id: str) -> None:
        """Remove the bridge, its devices, its namespace, the programs there and their files."""
        check(network_id)
        with translated("removing the network"):
            self._dhcp(network_id).stop()
            self._metadata(network_id).stop()
            namespace.remove(self._names.network_namespace(network_id), self._options.timeout_s)
            with namespace.entered(self._options.host_namespace), Links() as links:
                for lease in self._records.leases(network_id):
                    self._unplug(links, lease.port_id)
                links.remove(self._names.dhcp(network_id))
                self._uplink.remove(links, network_id)
                self._outside.remove(links, network_id)
                links.remove(self._names.bridge(network_id))
                self._filter.remove_network(network_id)
                self._tidy(links)
            self._records.forget_network(network_id)

    def apply_port(self, port: PortSpec) -> Vif:
        """Write the port's filter and lease; the hypervisor then makes the device and joins it.

        :raises NotFound: its network was never applied here.
        """
        check(port.id, port.network_id)
        network = self._records.network(port.network_id)
        bridge = self._names.bridge(port.network_id)
        with translated("wiring the port"):
            with namespace.entered(self._options.host_namespace), Links() as links:
                if network is None or not links.index(bridge):
                    raise NotFound(f"network {port.network_id} is not on this host")
                self._filter.apply_port(port)
                before = self._records.lease(network.id, port.id)
                if before is not None and before.security != lease_of(port).security:
                    flow.forget(self._zone(links, network.id), _addresses(before, lease_of(port)))
            self._records.save_port(port)
            self._dhcp(network.id).apply(network, self._records.leases(network.id))
        return Vif(port_id=port.id, kind="bridge", mac=port.mac, device=self._names.tap(port.id), bridge=bridge,
                   mtu=network.mtu)

    def remove_port(self, port_id: str) -> None:
        """Remove the port's device, filter and lease."""
        check(port_id)
        with translated("removing the port"):
            network = self._records.network(self._records.network_of(port_id) or "-")
            with namespace.entered(self._options.host_namespace), Links() as links:
                self._unplug(links, port_id)
                lease = self._records.lease(network.id, port_id) if network is not None else None
                if network is not None and lease is not None:
                    # The address may soon be another's, who must not inherit what this port was allowed.
                    flow.forget(self._zone(links, network.id), _addresses(lease))
                self._tidy(links)
            if network is not None:
                self._records.forget_port(network.id, port_id)
                self._dhcp(network.id).apply(network, self._records.leases(network.id))

    def _unplug(self, links: Links, port_id: str) -> None:
        links.remove(self._names.tap(port_id))
        self._filter.remove_port(port_id)

    def apply_router(self, router: RouterSpec) -> None:
        """Make the router's namespace, legs, routes and translations.

        :raises NotFound: a network is not here.
        """
        networks = _networks(router)
        check(router.id, *networks)
        with translated("wiring the router"):
            with namespace.entered(self._options.host_namespace), Links() as links:
                for network_id in networks:
                    if not links.index(self._names.bridge(network_id)):
                        raise NotFound(f"network {network_id} is not on this host")
            self._router(router.id).apply(router)

    def remove_router(self, router_id: str) -> None:
        """Remove the router's namespace and with it all its legs."""
        check(router_id)
        with translated("removing the router"):
            self._router(router_id).remove()

    def _router(self, router_id: str) -> Router:
        return Router(self._options, self._names, router_id, self.surroundings.run_dir / "routers" / router_id)

    def _dhcp(self, network_id: str) -> Dhcp:
        return Dhcp(self._options, self._records.folder(network_id), self._names.network_namespace(network_id))

    def _metadata(self, network_id: str) -> Metadata:
        return Metadata(self._options, self._records.folder(network_id), self._names.network_namespace(network_id))


def _networks(router: RouterSpec) -> list[str]:
    return [network_id for network_id, _, _ in (*router.interfaces, *((router.gateway,) if router.gateway else ()))]


def _addresses(*leases: Lease) -> set[str]:
    return {address for lease in leases for _, address in lease.addresses}


def _served(network: NetworkSpec) -> list[str]:
    """Addresses of the DHCP and metadata port, with prefix length."""
    return [f"{subnet.dhcp_address}/{ip_network(subnet.cidr).prefixlen}" for subnet in network.subnets
            if subnet.dhcp and subnet.dhcp_address]
