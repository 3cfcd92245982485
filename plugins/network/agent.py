"""The agent of one host: it does with the driver what the service asks, and restores it after a restart."""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Iterable, Iterator, Sequence

from ...core.drivers.network import Network, NetworkSpec, PortSpec, RouterSpec, Vif
from ...core.errors import BackendBusy, NotFound
from ...core.plugins import Registry
from ...core.process.slice import Agent, Belonging, Kit
from .control import Beat, NetworkAgent, NetworkControl, queue
from .crew import RETRY_S, TOGETHER, Crew

DRIVERS: Registry[Network] = Registry("networks", Network)
BEAT_S = 30.0


def agents(kit: Kit) -> Agent:
    """The agent of this process's own host, or those of all hosts that the options name."""
    hosts = kit.options.hosts
    return HostAgents([on_host(kit, host) for host in hosts]) if hosts else HostAgent(kit)


def on_host(kit: Kit, host: str) -> Kit:
    """The kit as the agent of ``host`` sees it: with folders of its own when the process plays several hosts."""
    if host == kit.host:
        return kit
    return dataclasses.replace(kit, host=host, state_dir=kit.state_dir / "hosts" / host,
                               run_dir=kit.run_dir / "hosts" / host)


class HostAgents(Agent):
    """The agents of several hosts that one process plays."""

    def __init__(self, kits: Sequence[Kit]) -> None:
        self.hosts = [HostAgent(kit) for kit in kits]
        self._kit = kits[0]

    def start(self) -> None:
        """Start them all."""
        if len(self.hosts) >= TOGETHER:
            crew = Crew(self._kit, self.hosts)
            crew.begin()
            self._kit.executor.every(BEAT_S, crew.beat)
            return
        for one in self.hosts:
            one.start()

    def stop(self) -> None:
        """Stop them all."""
        for one in self.hosts:
            one.stop()


class HostAgent(Agent, NetworkAgent):
    """One host's agent. Verbs of one network wait for one another."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.driver: Network = kit.driver(DRIVERS, kit.options.driver)
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._networks_of: dict[str, str] = {}
        self._started_at = kit.clock.now().isoformat(sep=" ", timespec="seconds")
        self.stopped = False
        self.lost = True
        """Whether what should be here may not be: it is restored, then."""

    def start(self) -> None:
        """Serve the host's queue, tell that the host is there, restore what should be on it."""
        self.serve()
        self._begin()
        self.kit.executor.every(BEAT_S, self.beat)

    def serve(self) -> None:
        """Take calls from now on."""
        self.kit.mesh.serve(queue(self.kit.host), NetworkAgent, self)

    def stop(self) -> None:
        """Serve no more and beat no more."""
        self.stopped = True
        self.kit.mesh.withdraw(queue(self.kit.host))
        self.driver.close()

    def _begin(self) -> None:
        if self.stopped:
            return
        self.lost = True
        try:
            self.beat()
        except (BackendBusy, NotFound) as error:
            # NotFound: an operation took a network away between the look at what should be here and the wiring of it.
            self.kit.log.info("what should be on this host cannot be wired yet: %s", error)
            self.kit.executor.later(RETRY_S, self._begin)

    def beat(self) -> None:
        """Tell the service that this host lives; at the start, and after a time without contact, restore it."""
        if self.stopped:
            return
        try:
            self._control().beat(self.kit.context(), self.sign())
        except BackendBusy:
            self.lost = True
            raise
        if self.lost:
            # What was moved away meanwhile was not unwired here.
            self.restore()
            self.lost = False

    def sign(self) -> Beat:
        """The host's sign of life."""
        facts = self.driver.facts()
        return Beat(
            host=self.kit.host, agent_type=facts.agent_type, vif_type=facts.vif_type,
            network_types=list(facts.network_types), mtu=facts.mtu, port_filter=facts.port_filter,
            started_at=self._started_at, tunnel_address=self.kit.options.tunnel_address,
            availability_zone=self.kit.options.availability_zone)

    def restore(self) -> None:
        """Wire what should be on this host and remove what should not.

        The look at the host comes first: what is plugged meanwhile is in neither list of strangers.
        """
        there = self.driver.observe()
        wanted = self._control().expected(self.kit.context(), self.kit.host)
        self.apply(wanted.networks, wanted.ports, wanted.routers)
        self.remove([one for one in there.routers if one not in {spec.id for spec in wanted.routers}], [])
        self.unplug([one for one in there.ports if one not in {spec.id for spec in wanted.ports}],
                    [one for one in there.networks if one not in {spec.id for spec in wanted.networks}])

    def _control(self) -> NetworkControl:
        return self.kit.mesh.reach(NetworkControl.service, NetworkControl)

    def _lock(self, network_id: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(network_id, threading.Lock())

    def plug(self, networks: Sequence[NetworkSpec], ports: Sequence[PortSpec]) -> list[Vif]:
        """Wire networks and ports through the driver; nobody takes a network away before its ports are there."""
        inside: dict[str, list[PortSpec]] = {}
        for port in ports:
            inside.setdefault(port.network_id, []).append(port)
        vifs: dict[str, Vif] = {}
        for network in networks:
            with self._lock(network.id):
                self.driver.apply_network(network)
                vifs.update(self._wired(inside.pop(network.id, ())))
        for id, others in inside.items():
            with self._lock(id):
                vifs.update(self._wired(others))
        return [vifs[port.id] for port in ports]

    def _wired(self, ports: Iterable[PortSpec]) -> Iterator[tuple[str, Vif]]:
        for port in ports:
            self._networks_of[port.id] = port.network_id
            yield port.id, self.driver.apply_port(port)

    def unplug(self, ports: Sequence[str], networks: Sequence[str]) -> None:
        """Unwire ports and networks through the driver.

        A network stays when a port of it has come since it was found to be of no use here.
        """
        for port in ports:
            with self._lock(self._networks_of.get(port, "")):
                self.driver.remove_port(port)
                self._networks_of.pop(port, None)
        for network in networks:
            with self._lock(network):
                if network not in tuple(self._networks_of.values()):
                    self.driver.remove_network(network)

    def apply(self, networks: Sequence[NetworkSpec], ports: Sequence[PortSpec], routers: Sequence[RouterSpec]) -> None:
        """Wire networks, ports and routers through the driver."""
        self.plug(networks, ports)
        for router in routers:
            with self._lock(router.id):
                self.driver.apply_router(router)

    def remove(self, routers: Sequence[str], networks: Sequence[str]) -> None:
        """Unwire routers and networks through the driver."""
        for router in routers:
            with self._lock(router):
                self.driver.remove_router(router)
        self.unplug([], networks)


def wires(kit: Kit) -> Iterator[Belonging]:
    """What the drivers of this process's hosts have of a cloud that ends, whatever the records say of it."""
    for host in kit.options.hosts or (kit.host,):
        yield from _wires(on_host(kit, host).driver(DRIVERS, kit.options.driver))


def _wires(driver: Network) -> Iterator[Belonging]:
    there = driver.observe()
    for kind, ids, remove in (("router", there.routers, driver.remove_router),
                              ("port", there.ports, driver.remove_port),
                              ("network", there.networks, driver.remove_network)):
        for id in ids:
            yield Belonging(kind, id, functools.partial(remove, id))
