"""How a network's bridge reaches other hosts: a vxlan tunnel, a tagged or a plain physical device."""

from __future__ import annotations

from ...core.drivers.network import NetworkSpec
from ...core.errors import NotSupported
from .link import Links, mute
from .names import Names
from .options import Options

LOCAL, VXLAN, FLAT, VLAN = "local", "vxlan", "flat", "vlan"


class Uplink:
    """The devices that join bridges to the world outside the host. Used in the host's namespace.

    They are isolated from the network's DHCP, which answers the guests of its own host only.
    """

    def __init__(self, options: Options, names: Names) -> None:
        self._options = options
        self._names = names

    def apply(self, links: Links, network: NetworkSpec) -> None:
        """Join the network's bridge as its type says.

        :raises NotSupported: the type is not one of local, vxlan, flat and vlan.
        :raises BadConfiguration: the host has no device for the physical network.
        """
        if network.network_type == VXLAN:
            if self._options.local_address:
                self._tunnel(links, network)
        elif network.network_type == FLAT:
            self._physical(links, network, self._options.physical(network.physical_network))
        elif network.network_type == VLAN:
            self._physical(links, network, self._tagged(links, network))
        elif network.network_type != LOCAL:
            raise NotSupported(f"this host cannot wire networks of type {network.network_type}")

    def remove(self, links: Links, network_id: str) -> None:
        """Remove what :meth:`apply` made; the operator's own devices stay."""
        for device in (self._names.tunnel(network_id), self._names.patch(network_id), self._names.vlan(network_id)):
            links.remove(device)

    def _tunnel(self, links: Links, network: NetworkSpec) -> None:
        device = self._names.tunnel(network.id)
        if links.index(device) and links.detail(device, "vxlan_id") != network.segment:
            links.remove(device)
        links.ensure(device, "vxlan", vxlan_id=network.segment, vxlan_local=self._options.local_address,
                     vxlan_port=self._options.vxlan_port, vxlan_learning=1)
        links.set(device, mtu=network.mtu)
        mute(device)
        links.join(device, self._names.bridge(network.id))
        links.isolate(device)
        links.set_flood(device, (peer for peer in network.peers if peer != self._options.local_address))

    def _tagged(self, links: Links, network: NetworkSpec) -> str:
        device = self._names.vlan(network.id)
        if links.index(device) and links.detail(device, "vlan_id") != network.segment:
            links.remove(device)
        links.ensure(device, "vlan", vlan_id=network.segment,
                     link=links.index(self._options.physical(network.physical_network)))
        return device

    def _physical(self, links: Links, network: NetworkSpec, device: str) -> None:
        """Make ``device`` a member; a bridge cannot be one, so that is reached by a pair."""
        bridge = self._names.bridge(network.id)
        if not links.index(device):
            raise NotSupported(f"this host has no device for physical network {network.physical_network}")
        if links.kind(device) != "bridge":
            links.join(device, bridge)
            links.isolate(device)
            return
        near, far = self._names.patch(network.id), self._names.patch_peer(network.id)
        links.ensure_pair(near, far)
        for name, master in ((near, bridge), (far, device)):
            mute(name)
            links.join(name, master)
        links.isolate(near)
