"""The suite that proves a network driver.

Subclass :class:`NetworkSuite`, give it a fixture ``driver`` that yields an opened driver, and
let pytest collect the subclass. What needs real packets is in
:mod:`~stratolith.core.conformance.packet`.
"""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..drivers.network import (
    Network,
    NetworkFacts,
    NetworkSpec,
    ObservedNetworks,
    PortSpec,
    RouterSpec,
    Rule,
    Subnet,
    Vif,
)
from ..errors import BadRequest, NotFound
from .cases import HOSTILE_NAMES, in_parallel

NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that nothing bears."""

SUBNET = Subnet("subnet-a", "10.20.0.0/24", 4, "10.20.0.1", True, "10.20.0.2", ("10.20.0.53",),
                (("10.99.0.0/16", "10.20.0.9"),))
SECOND = Subnet("subnet-b", "10.21.0.0/24", 4, "10.21.0.1", True, "10.21.0.2")
SIXTH = Subnet("subnet-c", "2001:db8:20::/64", 6, "2001:db8:20::1", True, "2001:db8:20::2")
EVERY_RULE = (
    Rule("egress", "IPv4"), Rule("egress", "IPv6"),
    Rule("ingress", "IPv4", "tcp", 22, 22), Rule("ingress", "IPv4", "udp", 1, 65535),
    Rule("ingress", "IPv4", "6", 80, 90, ("10.0.0.0/8", "10.20.0.0/16", "10.20.0.7/32")),
    Rule("ingress", "IPv4", "icmp", 8, 0), Rule("ingress", "IPv4", "icmp", 3), Rule("ingress", "IPv4", "icmp"),
    Rule("ingress", "IPv6", "ipv6-icmp", 128), Rule("ingress", "IPv6", "icmpv6"), Rule("ingress", "IPv6", "icmp"),
    Rule("ingress", "IPv4", "gre"), Rule("ingress", "IPv4", "47"), Rule("ingress", "IPv4", "112"),
    Rule("ingress", "IPv4", "sctp", 5, 6), Rule("ingress", "IPv4", "tcp"), Rule("ingress", "IPv4", "254"),
    Rule("ingress", "IPv4", remote=("10.20.0.3/32", "10.20.0.4/32"), remote_group="friends"),
    Rule("ingress", "IPv4", remote=(), remote_group="nobody"),
    Rule("ingress", "IPv6", "tcp", 443, 443, ("2001:db8::/32", "2001:db8:20::/64")),
    Rule("ingress", "IPv4", remote=("0.0.0.0/0",)), Rule("ingress", "IPv6", remote=("::/0",)),
)


class Makes:
    """Makes specifications with ids, MACs and segments of their own, and remembers what was made."""

    _numbers = itertools.count(1)

    def __init__(self, driver: Network) -> None:
        self._type = driver.facts().network_types[0]
        self.made_networks: list[str] = []
        self.made_ports: list[str] = []
        self.made_routers: list[str] = []

    @classmethod
    def mac(cls) -> str:
        """A MAC that nothing else in this run has."""
        number = next(cls._numbers)
        return f"fa:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"

    def network(self, **changes: Any) -> NetworkSpec:
        """A network with one IPv4 subnet."""
        spec = NetworkSpec(str(uuid.uuid4()), self._type, 1000 + next(self._numbers), 1450, (SUBNET,), self.mac())
        spec = dataclasses.replace(spec, **changes)
        self.made_networks.append(spec.id)
        return spec

    def port(self, network: str | NetworkSpec, last: int = 11, **changes: Any) -> PortSpec:
        """A port with the address 10.20.0.<last> and no rules."""
        network_id = network if isinstance(network, str) else network.id
        spec = PortSpec(str(uuid.uuid4()), network_id, self.mac(), ((SUBNET.id, f"10.20.0.{last}"),),
                        hostname=f"host-{last}")
        spec = dataclasses.replace(spec, **changes)
        self.made_ports.append(spec.id)
        return spec

    def leg(self, network: str | NetworkSpec, address: str = "10.20.0.1/24") -> tuple[str, str, str]:
        """An interface of a router."""
        return (network if isinstance(network, str) else network.id), self.mac(), address

    def router(self, *legs: tuple[str, str, str], **changes: Any) -> RouterSpec:
        """A router with these inside interfaces."""
        spec = dataclasses.replace(RouterSpec(str(uuid.uuid4()), legs), **changes)
        self.made_routers.append(spec.id)
        return spec

    def remove(self, driver: Network) -> None:
        """Remove all that was made."""
        for router in self.made_routers:
            driver.remove_router(router)
        for port in self.made_ports:
            driver.remove_port(port)
        for network in self.made_networks:
            driver.remove_network(network)


def sorted_view(seen: ObservedNetworks) -> tuple[list[str], list[str], list[str]]:
    """What was observed, in an order that can be compared."""
    return sorted(seen.networks), sorted(seen.ports), sorted(seen.routers)


class NetworkSuite:
    """Cases for every verb of :class:`~stratolith.core.drivers.network.Network`."""

    parallel = 6
    """Networks made at once in the parallel cases."""

    @pytest.fixture
    def make(self, driver: Network) -> Iterator[Makes]:
        """Makes specifications; all of it is removed after the case, and the world is as before."""
        before = sorted_view(driver.observe())
        maker = Makes(driver)
        yield maker
        maker.remove(driver)
        assert sorted_view(driver.observe()) == before, "a removed thing is still observed"

    @pytest.fixture
    def network(self, driver: Network, make: Makes) -> NetworkSpec:
        """A network that is applied."""
        spec = make.network()
        driver.apply_network(spec)
        return spec

    @pytest.fixture
    def port(self, driver: Network, make: Makes, network: NetworkSpec) -> PortSpec:
        """A port that is applied."""
        spec = make.port(network)
        driver.apply_port(spec)
        return spec

    def check_vif(self, vif: Vif, port: PortSpec, network: NetworkSpec) -> None:
        """Assert what holds for every Vif."""
        assert (vif.port_id, vif.mac.lower(), vif.mtu) == (port.id, port.mac, network.mtu)
        assert vif.kind in ("bridge", "tap", "none")
        assert bool(vif.bridge) == (vif.kind == "bridge")
        assert bool(vif.device) == (vif.kind != "none")
        assert len(vif.device) <= 15 and len(vif.bridge) <= 15

    # facts and observation

    def test_facts(self, driver: Network) -> None:
        facts = driver.facts()
        assert isinstance(facts, NetworkFacts)
        assert facts.network_types and len(set(facts.network_types)) == len(facts.network_types)
        assert facts.vif_type and facts.agent_type
        assert 576 <= facts.mtu <= 65535 and facts.max_segment > 0

    def test_facts_do_not_change(self, driver: Network, network: NetworkSpec) -> None:
        assert driver.facts() == driver.facts()

    def test_open_twice(self, driver: Network, port: PortSpec) -> None:
        driver.open()
        assert port.id in driver.observe().ports

    def test_observe_changes_nothing(self, driver: Network, port: PortSpec) -> None:
        assert sorted_view(driver.observe()) == sorted_view(driver.observe())

    # networks

    def test_network_is_observed(self, driver: Network, network: NetworkSpec) -> None:
        assert list(driver.observe().networks).count(network.id) == 1

    def test_network_twice(self, driver: Network, network: NetworkSpec) -> None:
        before = sorted_view(driver.observe())
        driver.apply_network(network)
        assert sorted_view(driver.observe()) == before

    def test_network_removed(self, driver: Network, network: NetworkSpec) -> None:
        driver.remove_network(network.id)
        assert network.id not in driver.observe().networks

    def test_network_removed_twice(self, driver: Network, network: NetworkSpec) -> None:
        driver.remove_network(network.id)
        driver.remove_network(network.id)

    def test_unknown_network_removed(self, driver: Network, network: NetworkSpec) -> None:
        before = sorted_view(driver.observe())
        driver.remove_network(NOBODY)
        assert sorted_view(driver.observe()) == before

    def test_network_applied_after_removal(self, driver: Network, network: NetworkSpec) -> None:
        driver.remove_network(network.id)
        driver.apply_network(network)
        assert network.id in driver.observe().networks

    @pytest.mark.parametrize("subnets", [
        (), (SECOND, SUBNET), (SIXTH,), (SUBNET, SIXTH), (dataclasses.replace(SUBNET, dhcp=False, dhcp_address=""),),
        (dataclasses.replace(SUBNET, gateway_ip=""),), (dataclasses.replace(SUBNET, host_routes=()),),
    ], ids=["none", "two", "ipv6", "both", "no-dhcp", "no-gateway", "no-routes"])
    def test_network_with_subnets(self, driver: Network, make: Makes, subnets: tuple[Subnet, ...]) -> None:
        spec = make.network(subnets=subnets)
        driver.apply_network(spec)
        driver.apply_network(spec)
        port = make.port(spec, addresses=tuple((net.id, net.cidr.replace("0/", "11/").replace("::/", "::11/")
                                                .partition("/")[0]) for net in subnets))
        self.check_vif(driver.apply_port(port), port, spec)

    def test_subnet_comes_and_goes(self, driver: Network, network: NetworkSpec, port: PortSpec) -> None:
        for subnets in ((SUBNET, SECOND), (SECOND,), (), (SUBNET, SIXTH), (SUBNET,)):
            driver.apply_network(dataclasses.replace(network, subnets=subnets))
            seen = driver.observe()
            assert network.id in seen.networks and port.id in seen.ports

    def test_subnet_is_changed(self, driver: Network, network: NetworkSpec) -> None:
        changed = dataclasses.replace(SUBNET, gateway_ip="10.20.0.254", dns_nameservers=(), dhcp_address="10.20.0.3")
        driver.apply_network(dataclasses.replace(network, subnets=(changed,)))
        assert network.id in driver.observe().networks

    def test_mtu_is_changed(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        smaller = dataclasses.replace(network, mtu=1280)
        driver.apply_network(smaller)
        port = make.port(network)
        assert driver.apply_port(port).mtu == 1280

    def test_peers_come_and_go(self, driver: Network, network: NetworkSpec) -> None:
        for peers in (("192.0.2.1", "192.0.2.2"), ("192.0.2.2",), ()):
            driver.apply_network(dataclasses.replace(network, peers=peers))
            assert network.id in driver.observe().networks

    def test_networks_may_share_addresses(self, driver: Network, make: Makes) -> None:
        networks = [make.network(), make.network()]
        for spec in networks:
            driver.apply_network(spec)
        vifs = [driver.apply_port(make.port(spec)) for spec in networks]
        assert vifs[0].kind == "none" or vifs[0].device != vifs[1].device
        assert {spec.id for spec in networks} <= set(driver.observe().networks)

    # ports

    def test_port_is_observed(self, driver: Network, port: PortSpec) -> None:
        assert list(driver.observe().ports).count(port.id) == 1

    def test_port_twice_gives_the_same_vif(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        port = make.port(network)
        first = driver.apply_port(port)
        self.check_vif(first, port, network)
        assert driver.apply_port(port) == first

    def test_port_of_unknown_network(self, driver: Network, make: Makes) -> None:
        port = make.port(NOBODY)
        with pytest.raises(NotFound):
            driver.apply_port(port)
        assert port.id not in driver.observe().ports

    def test_port_of_removed_network(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        driver.remove_network(network.id)
        with pytest.raises(NotFound):
            driver.apply_port(make.port(network))

    def test_port_removed_twice(self, driver: Network, port: PortSpec) -> None:
        driver.remove_port(port.id)
        assert port.id not in driver.observe().ports
        driver.remove_port(port.id)

    def test_unknown_port_removed(self, driver: Network, port: PortSpec) -> None:
        driver.remove_port(NOBODY)
        assert port.id in driver.observe().ports

    def test_removed_network_takes_its_ports(self, driver: Network, make: Makes, network: NetworkSpec,
                                             port: PortSpec) -> None:
        other = make.network()
        driver.apply_network(other)
        stays = make.port(other)
        driver.apply_port(stays)
        driver.remove_network(network.id)
        seen = driver.observe()
        assert port.id not in seen.ports and stays.id in seen.ports
        driver.remove_port(port.id)

    def test_port_addresses_change(self, driver: Network, network: NetworkSpec, port: PortSpec) -> None:
        first = driver.apply_port(port)
        for addresses in (((SUBNET.id, "10.20.0.99"),), ((SUBNET.id, "10.20.0.98"), (SUBNET.id, "10.20.0.97")), ()):
            assert driver.apply_port(dataclasses.replace(port, addresses=addresses)) == first

    def test_address_moves_to_another_port(self, driver: Network, make: Makes, network: NetworkSpec,
                                           port: PortSpec) -> None:
        driver.remove_port(port.id)
        heir = make.port(network, addresses=port.addresses)
        driver.apply_port(heir)
        seen = driver.observe().ports
        assert heir.id in seen and port.id not in seen

    def test_rules_change(self, driver: Network, port: PortSpec) -> None:
        for rules in (EVERY_RULE, (), EVERY_RULE[:2], EVERY_RULE):
            driver.apply_port(dataclasses.replace(port, rules=rules))
            assert port.id in driver.observe().ports

    def test_every_rule_alone(self, driver: Network, port: PortSpec) -> None:
        for rule in EVERY_RULE:
            for direction in ("ingress", "egress"):
                driver.apply_port(dataclasses.replace(port, rules=(dataclasses.replace(rule, direction=direction),)))

    def test_security_off_and_on(self, driver: Network, port: PortSpec) -> None:
        first = driver.apply_port(port)
        for filtered in (False, True):
            assert driver.apply_port(dataclasses.replace(port, filtered=filtered)) == first
            assert port.id in driver.observe().ports

    def test_down_and_up(self, driver: Network, port: PortSpec) -> None:
        for up in (False, True):
            driver.apply_port(dataclasses.replace(port, admin_up=up))
            assert port.id in driver.observe().ports

    @pytest.mark.parametrize("pairs", [
        (("", "10.20.0.200"),), (("fa:16:3e:ff:00:01", "10.20.0.0/25"), ("fa:16:3e:ff:00:01", "10.20.0.64/26")),
        (("", "2001:db8:20::/96"), ("fa:16:3e:ff:00:02", "2001:db8:20::7")), (("", "10.20.0.11"),),
        (("", "0.0.0.0/0"),),
    ], ids=["address", "overlap", "ipv6", "own", "all"])
    def test_allowed_pairs(self, driver: Network, port: PortSpec, pairs: tuple[tuple[str, str], ...]) -> None:
        driver.apply_port(dataclasses.replace(port, allowed_pairs=pairs))
        driver.apply_port(port)

    def test_any_hostname(self, driver: Network, make: Makes, port: PortSpec) -> None:
        for name in (*HOSTILE_NAMES, "", "ignore", "45", "infinite", "a.b.c"):
            driver.apply_port(dataclasses.replace(port, hostname=name))
        other = make.port(port.network_id, 12)
        driver.apply_port(other)
        assert {port.id, other.id} <= set(driver.observe().ports)

    def test_many_ports(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        ports = [make.port(network, last) for last in range(20, 30)]
        devices = {driver.apply_port(port).device for port in ports}
        assert len(devices) in (1, len(ports))
        assert {port.id for port in ports} <= set(driver.observe().ports)

    # routers

    def test_router_is_observed(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        router = make.router(make.leg(network))
        driver.apply_router(router)
        driver.apply_router(router)
        assert list(driver.observe().routers).count(router.id) == 1

    def test_router_alone(self, driver: Network, make: Makes) -> None:
        router = make.router()
        driver.apply_router(router)
        assert router.id in driver.observe().routers

    def test_router_removed_twice(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        router = make.router(make.leg(network))
        driver.apply_router(router)
        driver.remove_router(router.id)
        assert router.id not in driver.observe().routers
        assert network.id in driver.observe().networks
        driver.remove_router(router.id)

    def test_unknown_router_removed(self, driver: Network) -> None:
        driver.remove_router(NOBODY)

    def test_router_of_unknown_network(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        inside, gateway = make.router(make.leg(network), make.leg(NOBODY)), make.router(gateway=make.leg(NOBODY))
        for router in (inside, gateway):
            with pytest.raises(NotFound):
                driver.apply_router(router)
            assert router.id not in driver.observe().routers

    def test_failed_change_leaves_the_router(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        router = make.router(make.leg(network))
        driver.apply_router(router)
        with pytest.raises(NotFound):
            driver.apply_router(dataclasses.replace(router, gateway=make.leg(NOBODY)))
        assert router.id in driver.observe().routers

    def test_router_changes(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        outside = make.network(subnets=(), external=True)
        driver.apply_network(outside)
        first, second = make.leg(network), make.leg(network, "10.21.0.1/24")
        gateway = make.leg(outside, "172.24.4.10/24")
        router = make.router(first)
        for changes in (
            {"interfaces": (first, second)}, {"interfaces": (second,)}, {"gateway": gateway},
            {"gateway": gateway, "gateway_ip": "172.24.4.1"}, {"gateway": gateway, "snat": False},
            {"gateway": gateway, "floating": (("172.24.4.20", "10.20.0.11"), ("172.24.4.21", "10.20.0.12"))},
            {"gateway": gateway, "floating": (("172.24.4.20", "10.20.0.12"),)}, {"interfaces": ()},
            {"routes": (("10.50.0.0/16", "10.20.0.50"), ("10.51.0.0/16", "10.20.0.51"))},
            {"routes": (("10.50.0.0/16", "10.20.0.51"),)}, {},
        ):
            driver.apply_router(dataclasses.replace(router, **changes))
            assert router.id in driver.observe().routers

    def test_ipv6_router(self, driver: Network, make: Makes) -> None:
        network = make.network(subnets=(SUBNET, SIXTH))
        driver.apply_network(network)
        first, (_, mac, _) = make.leg(network), make.leg(network)
        router = make.router(first, (network.id, mac, "2001:db8:20::1/64"), (network.id, mac, "2001:db8:21::1/64"))
        driver.apply_router(router)
        driver.apply_router(router)
        assert router.id in driver.observe().routers

    def test_network_goes_before_its_router(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        router = make.router(make.leg(network))
        driver.apply_router(router)
        driver.remove_network(network.id)
        assert network.id not in driver.observe().networks
        driver.apply_network(network)
        driver.apply_router(router)
        driver.remove_router(router.id)
        assert router.id not in driver.observe().routers

    # order and company

    def test_failure_leaves_the_rest(self, driver: Network, make: Makes, port: PortSpec) -> None:
        before = sorted_view(driver.observe())
        with pytest.raises(NotFound):
            driver.apply_port(make.port(NOBODY))
        assert sorted_view(driver.observe()) == before

    def test_ids_need_not_be_uuids(self, driver: Network, make: Makes) -> None:
        network = make.network(id="n" * 36)
        driver.apply_network(network)
        port, router = make.port(network, id="p" * 36), make.router(make.leg(network), id="r-1_x.y")
        driver.apply_port(port)
        driver.apply_router(router)
        seen = driver.observe()
        assert network.id in seen.networks and port.id in seen.ports and router.id in seen.routers

    def test_hostile_ids(self, driver: Network, make: Makes, network: NetworkSpec) -> None:
        for id in ("", "..", "../escaped", "a/b", "-rf", "x" * 65, "new\nline", "Zürich", "$(reboot)"):
            self.refuses(driver, make, network, id)

    def refuses(self, driver: Network, make: Makes, network: NetworkSpec, id: str) -> None:
        """Assert that no verb takes the id."""
        port, router = make.port(network), make.router()
        calls: list[Callable[[], object]] = [
            lambda: driver.apply_network(dataclasses.replace(network, id=id)), lambda: driver.remove_network(id),
            lambda: driver.apply_port(dataclasses.replace(port, id=id)), lambda: driver.remove_port(id),
            lambda: driver.apply_port(dataclasses.replace(port, network_id=id)),
            lambda: driver.apply_router(dataclasses.replace(router, id=id)), lambda: driver.remove_router(id),
            lambda: driver.apply_router(dataclasses.replace(router, interfaces=(make.leg(id),))),
        ]
        for call in calls:
            with pytest.raises(BadRequest):
                call()

    def test_parallel_networks(self, driver: Network, make: Makes) -> None:
        specs = [make.network() for _ in range(self.parallel)]
        ports = {spec.id: make.port(spec) for spec in specs}
        routers = {spec.id: make.router(make.leg(spec)) for spec in specs}

        def wire(spec: NetworkSpec) -> None:
            driver.apply_network(spec)
            driver.apply_port(ports[spec.id])
            driver.apply_router(routers[spec.id])

        def cut(spec: NetworkSpec) -> None:
            driver.remove_router(routers[spec.id].id)
            driver.remove_port(ports[spec.id].id)
            driver.remove_network(spec.id)

        in_parallel(wire, specs)
        seen = driver.observe()
        assert {spec.id for spec in specs} <= set(seen.networks)
        assert {port.id for port in ports.values()} <= set(seen.ports)
        assert {router.id for router in routers.values()} <= set(seen.routers)
        in_parallel(cut, specs)
        assert not {spec.id for spec in specs} & set(driver.observe().networks)
