"""A network driver that wires nothing: it remembers, and fails or waits on demand."""

from __future__ import annotations

import dataclasses
import threading
from typing import ClassVar

from ...core.config import option
from ...core.drivers.base import Surroundings
from ...core.drivers.faults import Faults, Unreliable
from ...core.drivers.names import check
from ...core.drivers.network import (
    Network,
    NetworkFacts,
    NetworkSpec,
    ObservedNetworks,
    PortSpec,
    RouterSpec,
    Vif,
)
from ...core.errors import NotFound


@dataclasses.dataclass(frozen=True)
class SimulatedOptions:
    """Section of the simulated network driver."""

    delay_s: float = option(0.0, "seconds that each verb takes")
    delays: tuple[str, ...] = option((), "seconds that single verbs take, as verb=seconds")


class Simulated(Network, Unreliable):
    """One pretended host. It holds every specification last applied, for tests to look at.

    It keeps the order that the real drivers demand (a port needs its network, a router all of
    its networks), so that what works here in the wrong order does not fail there. Nothing is
    kept over a restart: as after a reboot, the control side applies everything again.
    """

    Options: ClassVar[type] = SimulatedOptions

    def __init__(self, options: SimulatedOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._lock = threading.Lock()
        self.networks: dict[str, NetworkSpec] = {}
        self.ports: dict[str, PortSpec] = {}
        self.routers: dict[str, RouterSpec] = {}
        self._faults = Faults("network", self.clock, options.delay_s, options.delays)

    def facts(self) -> NetworkFacts:
        """Every network type, none of them wired."""
        return NetworkFacts(network_types=("vxlan", "vlan", "flat", "local", "gre", "geneve"),
                            vif_type="other", agent_type="Simulated agent")

    def observe(self) -> ObservedNetworks:
        """Ids of all that was applied and not removed."""
        with self._faults.around("observe"), self._lock:
            return ObservedNetworks(tuple(self.networks), tuple(self.ports), tuple(self.routers))

    def apply_network(self, network: NetworkSpec) -> None:
        """Remember the network."""
        check(network.id)
        with self._faults.around("apply_network"), self._lock:
            self.networks[network.id] = network

    def remove_network(self, network_id: str) -> None:
        """Forget the network and the ports on it."""
        check(network_id)
        with self._faults.around("remove_network"), self._lock:
            self.networks.pop(network_id, None)
            self.ports = {key: port for key, port in self.ports.items() if port.network_id != network_id}

    def apply_port(self, port: PortSpec) -> Vif:
        """Remember the port.

        :raises NotFound: its network was never applied here.
        """
        check(port.id, port.network_id)
        with self._faults.around("apply_port"), self._lock:
            network = self._network(port.network_id)
            self.ports[port.id] = port
            return Vif(port_id=port.id, kind="none", mac=port.mac, mtu=network.mtu)

    def remove_port(self, port_id: str) -> None:
        """Forget the port."""
        check(port_id)
        with self._faults.around("remove_port"), self._lock:
            self.ports.pop(port_id, None)

    def apply_router(self, router: RouterSpec) -> None:
        """Remember the router.

        :raises NotFound: a network of it was never applied here.
        """
        check(router.id)
        with self._faults.around("apply_router"), self._lock:
            for network_id, _, _ in (*router.interfaces, *((router.gateway,) if router.gateway else ())):
                check(network_id)
                self._network(network_id)
            self.routers[router.id] = router

    def remove_router(self, router_id: str) -> None:
        """Forget the router."""
        check(router_id)
        with self._faults.around("remove_router"), self._lock:
            self.routers.pop(router_id, None)

    def _network(self, network_id: str) -> NetworkSpec:
        if network_id not in self.networks:
            raise NotFound(f"network {network_id} is not on this host")
        return self.networks[network_id]
