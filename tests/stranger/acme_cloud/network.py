"""A network of string: everything is tied in memory."""

from stratolith.core.drivers.names import check
from stratolith.core.drivers.network import Network, NetworkFacts, ObservedNetworks, Vif
from stratolith.core.errors import NotFound


class String(Network):
    """One table with knots on it."""

    def __init__(self, options, surroundings):
        super().__init__(options, surroundings)
        self.networks, self.ports, self.routers = {}, {}, {}

    def facts(self):
        return NetworkFacts(network_types=("vxlan", "flat"), vif_type="other", agent_type="String agent")

    def observe(self):
        return ObservedNetworks(tuple(self.networks), tuple(self.ports), tuple(self.routers))

    def apply_network(self, network):
        check(network.id)
        self.networks[network.id] = network

    def remove_network(self, network_id):
        check(network_id)
        self.networks.pop(network_id, None)
        self.ports = {key: port for key, port in self.ports.items() if port.network_id != network_id}

    def apply_port(self, port):
        check(port.id, port.network_id)
        network = self._network(port.network_id)
        self.ports[port.id] = port
        return Vif(port_id=port.id, kind="none", mac=port.mac, mtu=network.mtu)

    def remove_port(self, port_id):
        check(port_id)
        self.ports.pop(port_id, None)

    def apply_router(self, router):
        check(router.id)
        for network_id, _, _ in (*router.interfaces, *([router.gateway] if router.gateway else [])):
            check(network_id)
            self._network(network_id)
        self.routers[router.id] = router

    def remove_router(self, router_id):
        check(router_id)
        self.routers.pop(router_id, None)

    def _network(self, network_id):
        if network_id not in self.networks:
            raise NotFound(f"no network {network_id} here")
        return self.networks[network_id]
