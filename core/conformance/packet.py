"""Cases with real packets for network drivers whose Vif is a device on a Linux bridge.

Subclass :class:`PacketSuite` and give it the fixtures ``driver`` (an opened driver), ``guests``
(a :class:`~stratolith.core.conformance.guest.Guests` on the driver's host), and ``metadata``
(the requests that the driver's metadata service got, as dictionaries of small-letter headers).
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..drivers.network import Network, NetworkSpec, PortSpec, RouterSpec, Rule
from .cases import until
from .guest import Guest, Guests
from .network import SECOND, SIXTH, SUBNET, Makes

LEAVE = (Rule("egress", "IPv4"), Rule("egress", "IPv6"))
OPEN = (*LEAVE, Rule("ingress", "IPv4"), Rule("ingress", "IPv6"))
METADATA_URL = "http://169.254.169.254/latest/meta-data/?a=1"
Starts = Callable[..., tuple[PortSpec, Guest]]


class PacketSuite:
    """What guests see on the wire."""

    @pytest.fixture
    def make(self, driver: Network, guests: Guests) -> Iterator[Makes]:
        """Makes specifications; all of it is removed after the case."""
        maker = Makes(driver)
        yield maker
        guests.stop()
        maker.remove(driver)

    @pytest.fixture
    def network(self, driver: Network, make: Makes) -> NetworkSpec:
        """A network that is applied."""
        spec = make.network()
        driver.apply_network(spec)
        return spec

    @pytest.fixture
    def start(self, driver: Network, make: Makes, guests: Guests, network: NetworkSpec) -> Starts:
        """Starts a guest with the address 10.20.0.<last>, given by hand unless ``bare``."""

        def factory(last: int, on: NetworkSpec = network, bare: bool = False, **changes: Any) -> tuple[PortSpec, Guest]:
            port = make.port(on, last, **{"rules": LEAVE, **changes})
            guest = guests.start(driver.apply_port(port))
            if not bare:
                guest.address(f"10.20.0.{last}/24")
            return port, guest

        return factory

    # DHCP

    def test_dhcp_gives_what_the_port_has(self, start: Starts, network: NetworkSpec) -> None:
        _, guest = start(33, bare=True, hostname="thirty-three")
        lease = guest.lease()
        assert lease["ip"] == "10.20.0.33" and lease["mask"] == "24"
        assert lease["serverid"] == SUBNET.dhcp_address
        assert lease["router"] == SUBNET.gateway_ip
        assert lease["dns"] == "10.20.0.53"
        assert lease["mtu"] == str(network.mtu)
        assert lease["hostname"] == "thirty-three"
        routes = lease["staticroutes"].split()
        assert set(zip(routes[::2], routes[1::2], strict=True)) == {
            ("169.254.169.254/32", "10.20.0.2"), ("10.99.0.0/16", "10.20.0.9"), ("0.0.0.0/0", "10.20.0.1")}

    @pytest.mark.parametrize("name", ["45", "ignore", "infinite"])
    def test_dhcp_names_are_only_names(self, start: Starts, name: str) -> None:
        _, guest = start(33, bare=True, hostname=name)
        lease = guest.lease()
        assert lease["ip"] == "10.20.0.33" and lease["hostname"].endswith(name)

    def test_dhcp_is_silent_to_strangers(self, driver: Network, start: Starts) -> None:
        port, guest = start(33, bare=True)
        driver.apply_port(dataclasses.replace(port, addresses=()))
        assert guest.lease(tries=1) == {}

    def test_dhcp_follows_a_changed_address(self, driver: Network, start: Starts) -> None:
        port, guest = start(33, bare=True)
        assert guest.lease()["ip"] == "10.20.0.33"
        driver.apply_port(dataclasses.replace(port, addresses=((SUBNET.id, "10.20.0.44"),)))
        assert guest.lease()["ip"] == "10.20.0.44"

    def test_dhcp_address_can_be_given_anew(self, driver: Network, start: Starts) -> None:
        port, guest = start(33, bare=True)
        assert guest.lease()["ip"] == "10.20.0.33"
        driver.remove_port(port.id)
        _, heir = start(33, bare=True)
        assert heir.lease()["ip"] == "10.20.0.33"

    def test_dhcp_follows_a_changed_subnet(self, driver: Network, network: NetworkSpec, start: Starts) -> None:
        _, guest = start(33, bare=True, addresses=((SECOND.id, "10.21.0.33"),))
        assert guest.lease(tries=1) == {}
        driver.apply_network(dataclasses.replace(network, subnets=(SUBNET, SECOND)))
        lease = guest.lease()
        assert lease["ip"] == "10.21.0.33" and lease["router"] == SECOND.gateway_ip

    def test_dhcp_serves_what_is_filtered_and_what_is_not(self, start: Starts) -> None:
        _, closed = start(33, bare=True, rules=())
        _, open_ = start(34, bare=True, filtered=False)
        assert closed.lease()["ip"] == "10.20.0.33"
        assert open_.lease()["ip"] == "10.20.0.34"

    # rules

    def test_ping_needs_a_rule(self, driver: Network, start: Starts) -> None:
        port, target = start(11)
        _, sender = start(12)
        assert not sender.pings("10.20.0.11", tries=1)
        driver.apply_port(dataclasses.replace(port, rules=(*LEAVE, Rule("ingress", "IPv4", "icmp", 8, 0))))
        assert sender.pings("10.20.0.11")
        assert not target.pings("10.20.0.12", tries=1)

    def test_rules_are_taken_back(self, driver: Network, start: Starts) -> None:
        port, _ = start(11, rules=OPEN)
        _, sender = start(12)
        assert sender.pings("10.20.0.11")
        driver.apply_port(dataclasses.replace(port, rules=LEAVE))
        assert not sender.pings("10.20.0.11", tries=1)

    def test_known_connections_end_with_their_rule(self, driver: Network, start: Starts) -> None:
        port, target = start(11, rules=(*LEAVE, Rule("ingress", "IPv4", "udp", 500, 500)))
        _, sender = start(12)
        with target.listening("udp-echo", "500"):
            assert sender.probe("udp-call", "4000", "10.20.0.11", "500") == "hello"
            driver.apply_port(port)
            assert sender.probe("udp-call", "4000", "10.20.0.11", "500") == "hello"
            driver.apply_port(dataclasses.replace(port, rules=LEAVE))
            assert sender.probe("--timeout-s=1", "udp-call", "4000", "10.20.0.11", "500") == "nothing"

    def test_heir_of_an_address_inherits_no_connection(self, driver: Network, start: Starts) -> None:
        port, first = start(11, rules=OPEN)
        _, sender = start(12)
        with first.listening("udp-echo", "500"):
            assert sender.probe("udp-call", "4000", "10.20.0.11", "500") == "hello"
        driver.remove_port(port.id)
        _, heir = start(11)
        sender.ip("neigh", "flush", "all")
        with heir.listening("udp-echo", "500"):
            assert sender.probe("--timeout-s=1", "udp-call", "4000", "10.20.0.11", "500") == "nothing"

    def test_egress_needs_a_rule(self, driver: Network, start: Starts) -> None:
        start(11, rules=OPEN)
        port, sender = start(12, rules=())
        assert not sender.pings("10.20.0.11", tries=1)
        driver.apply_port(dataclasses.replace(port, rules=LEAVE))
        assert sender.pings("10.20.0.11")

    def test_ports_of_tcp(self, start: Starts) -> None:
        _, target = start(11, rules=(*LEAVE, Rule("ingress", "IPv4", "tcp", 80, 90)))
        _, sender = start(12)
        with target.listening("tcp-listen", "85", "1"), target.listening("tcp-listen", "91", "1"):
            assert sender.probe("tcp-call", "10.20.0.11", "85") == "10.20.0.12"
            assert sender.probe("--timeout-s=1", "tcp-call", "10.20.0.11", "91") == "nothing"

    def test_rules_name_the_other_side(self, start: Starts) -> None:
        start(11, rules=(*LEAVE, Rule("ingress", "IPv4", remote=("10.20.0.12/32",), remote_group="friends")))
        _, friend = start(12)
        _, stranger = start(13)
        assert friend.pings("10.20.0.11")
        assert not stranger.pings("10.20.0.11", tries=1)

    def test_empty_group_is_nobody(self, start: Starts) -> None:
        start(11, rules=(*LEAVE, Rule("ingress", "IPv4", remote_group="nobody")))
        _, sender = start(12)
        assert not sender.pings("10.20.0.11", tries=1)

    def test_ports_that_are_down(self, driver: Network, start: Starts) -> None:
        port, guest = start(11, rules=OPEN)
        _, sender = start(12, rules=OPEN)
        driver.apply_port(dataclasses.replace(port, admin_up=False))
        assert not sender.pings("10.20.0.11", tries=1)
        assert not guest.pings("10.20.0.12", tries=1)
        driver.apply_port(port)
        assert sender.pings("10.20.0.11")

    def test_ipv6_rules(self, driver: Network, make: Makes, start: Starts) -> None:
        spec = make.network(subnets=(SUBNET, SIXTH))
        driver.apply_network(spec)
        addresses = {last: ((SUBNET.id, f"10.20.0.{last}"), (SIXTH.id, f"2001:db8:20::{last}")) for last in (11, 12)}
        port, target = start(11, on=spec, addresses=addresses[11])
        _, sender = start(12, on=spec, addresses=addresses[12])
        target.address("2001:db8:20::11/64")
        sender.address("2001:db8:20::12/64")
        assert not sender.pings("2001:db8:20::11", tries=1)
        driver.apply_port(dataclasses.replace(port, rules=(*LEAVE, Rule("ingress", "IPv6", "ipv6-icmp", 128))))
        assert sender.pings("2001:db8:20::11")

    def test_same_addresses_in_two_networks(self, driver: Network, make: Makes, start: Starts) -> None:
        other = make.network()
        driver.apply_network(other)
        _, here = start(11, rules=OPEN)
        _, there = start(11, on=other, rules=OPEN)
        _, sender = start(12)
        _, far_sender = start(12, on=other)
        with here.listening("tcp-listen", "80", "1") as near, there.listening("tcp-listen", "80", "1") as far:
            assert sender.probe("tcp-call", "10.20.0.11", "80") == "10.20.0.12"
            assert near.lines() == ["10.20.0.12"]
            assert far_sender.probe("tcp-call", "10.20.0.11", "80") == "10.20.0.12"
            assert far.lines() == ["10.20.0.12"]

    def test_connections_of_two_networks_are_apart(self, driver: Network, make: Makes, start: Starts) -> None:
        other = make.network()
        driver.apply_network(other)
        _, here = start(11, rules=OPEN)
        _, there = start(11, on=other)
        _, sender = start(12)
        _, far_sender = start(12, on=other)
        with here.listening("udp-echo", "500"), there.listening("udp-echo", "500"):
            assert sender.probe("udp-call", "4000", "10.20.0.11", "500") == "hello"
            assert far_sender.probe("--timeout-s=1", "udp-call", "4000", "10.20.0.11", "500") == "nothing"

    # forgery

    def heard(self, target: Guest, sender: Guest, forge: Callable[[], None]) -> list[str]:
        """What the target hears of a true datagram, of one sent after ``forge``, and no more."""
        with target.listening("udp-listen", "500") as listener:
            sender.probe("udp-send", "10.20.0.12", "10.20.0.11", "500", "true")
            forge()
            return self.ended(listener, target)

    def ended(self, listener: Any, target: Guest) -> list[str]:
        """The listener's lines after the target told itself to end."""
        target.probe("udp-send", "127.0.0.1", "127.0.0.1", "500", "end")
        lines: list[str] = listener.lines()
        return lines

    def test_forged_address(self, start: Starts) -> None:
        _, target = start(11, rules=OPEN)
        _, sender = start(12)
        sender.address("10.20.0.66/24")

        def forge() -> None:
            sender.probe("udp-send", "10.20.0.66", "10.20.0.11", "500", "forged")

        assert self.heard(target, sender, forge) == ["10.20.0.12 true"]

    def test_forged_mac(self, start: Starts) -> None:
        _, target = start(11, rules=OPEN)
        _, sender = start(12)
        target_mac = target.mac

        def forge() -> None:
            sender.ip("link", "set", "eth0", "address", "fa:16:3e:99:99:99")
            sender.ip("neigh", "replace", "10.20.0.11", "lladdr", target_mac, "dev", "eth0")
            sender.probe("udp-send", "10.20.0.12", "10.20.0.11", "500", "forged")

        assert self.heard(target, sender, forge) == ["10.20.0.12 true"]

    def test_forged_neighbour(self, start: Starts) -> None:
        _, target = start(11, rules=OPEN)
        _, sender = start(12)
        assert sender.pings("10.20.0.11")
        sender.address("10.20.0.13/24")
        assert not target.pings("10.20.0.13", tries=1)
        assert sender.mac not in target.ip("neigh", "show", "10.20.0.13")

    def test_security_off_lets_all_pass(self, start: Starts) -> None:
        _, target = start(11, filtered=False)
        _, sender = start(12, filtered=False)
        sender.address("10.20.0.66/24")
        assert sender.pings("10.20.0.11", source="10.20.0.66")
        assert target.pings("10.20.0.66")

    def test_allowed_pair(self, driver: Network, start: Starts) -> None:
        _, target = start(11, rules=OPEN)
        port, sender = start(12)
        sender.address("10.20.0.66/24")
        assert not sender.pings("10.20.0.11", source="10.20.0.66", tries=1)
        driver.apply_port(dataclasses.replace(port, allowed_pairs=(("", "10.20.0.64/29"),)))
        target.ip("neigh", "flush", "all")
        assert sender.pings("10.20.0.11", source="10.20.0.66")

    def test_guest_is_no_dhcp_server(self, start: Starts) -> None:
        _, target = start(11, filtered=False)
        _, sender = start(12, rules=OPEN)
        assert sender.pings("10.20.0.11")
        with target.listening("udp-listen", "68") as listener:
            sender.probe("udp-claim-server", "10.20.0.11")
            target.probe("udp-send", "127.0.0.1", "127.0.0.1", "68", "end")
            assert listener.lines() == []

    # metadata

    def test_metadata_knows_who_asks(self, start: Starts, network: NetworkSpec, metadata: list[dict[str, str]]) -> None:
        _, guest = start(33, bare=True)
        guest.boot()
        body = guest.probe("http", METADATA_URL, "X-Forwarded-For:10.20.0.99", "X-Neutron-Network-Id:forged",
                           "X-Instance-ID:forged", "X-Kept:kept")
        seen = metadata[-1]
        assert json.loads(body) == seen
        assert seen["path"] == "/latest/meta-data/?a=1"
        assert seen["x-forwarded-for"] == "10.20.0.33"
        assert seen["x-neutron-network-id"] == network.id
        assert seen["x-kept"] == "kept" and "x-instance-id" not in seen

    # routers

    @pytest.fixture
    def outside(self, driver: Network, make: Makes) -> NetworkSpec:
        """The external network, 172.24.4.0/24."""
        spec = make.network(subnets=(), external=True, mtu=1500)
        driver.apply_network(spec)
        return spec

    @pytest.fixture
    def world(self, driver: Network, make: Makes, guests: Guests, outside: NetworkSpec) -> Guest:
        """A machine outside, 172.24.4.1, that knows no way to any inside network."""
        port = make.port(outside, addresses=(), filtered=False)
        guest = guests.start(driver.apply_port(port))
        guest.address("172.24.4.1/24")
        return guest

    @pytest.fixture
    def router(self, driver: Network, make: Makes, network: NetworkSpec, outside: NetworkSpec) -> RouterSpec:
        """A router from the network to the outside."""
        spec = make.router(make.leg(network), gateway=make.leg(outside, "172.24.4.10/24"), gateway_ip="172.24.4.1")
        driver.apply_router(spec)
        return spec

    def test_router_hides_the_inside(self, start: Starts, world: Guest, router: RouterSpec) -> None:
        _, guest = start(33, bare=True)
        guest.boot()
        with world.listening("tcp-listen", "80", "1") as listener:
            assert guest.probe("tcp-call", "172.24.4.1", "80") == "172.24.4.10"
            assert listener.lines() == ["172.24.4.10"]

    def test_floating_address(self, driver: Network, start: Starts, world: Guest, router: RouterSpec) -> None:
        _, guest = start(33, bare=True, rules=OPEN)
        guest.boot()
        assert not world.pings("172.24.4.20", tries=1)
        driver.apply_router(dataclasses.replace(router, floating=(("172.24.4.20", "10.20.0.33"),)))
        assert world.pings("172.24.4.20")
        with guest.listening("tcp-listen", "80", "1") as listener:
            assert world.probe("tcp-call", "172.24.4.20", "80") == "172.24.4.1"
            assert listener.lines() == ["172.24.4.1"]
        with world.listening("tcp-listen", "80", "1"):
            assert guest.probe("tcp-call", "172.24.4.1", "80") == "172.24.4.20"
        driver.apply_router(router)
        assert not world.pings("172.24.4.20", tries=1)

    def test_floating_address_moves(self, driver: Network, start: Starts, world: Guest, router: RouterSpec) -> None:
        ends = [start(last, bare=True, rules=OPEN)[1] for last in (33, 34)]
        for guest, last in zip(ends, (33, 34), strict=True):
            guest.boot()
            driver.apply_router(dataclasses.replace(router, floating=(("172.24.4.20", f"10.20.0.{last}"),)))
            with guest.listening("tcp-listen", "80", "1") as listener:
                assert world.probe("tcp-call", "172.24.4.20", "80") == "172.24.4.1"
                assert listener.lines() == ["172.24.4.1"]

    def test_connections_end_with_the_floating_address(self, driver: Network, start: Starts, world: Guest,
                                                       router: RouterSpec) -> None:
        _, guest = start(33, bare=True, rules=OPEN)
        guest.boot()
        floating = dataclasses.replace(router, floating=(("172.24.4.20", "10.20.0.33"),))
        driver.apply_router(floating)
        with guest.listening("udp-echo", "500"):
            for _ in range(2):
                assert world.probe("udp-call", "4000", "172.24.4.20", "500") == "hello"
                driver.apply_router(floating)
            driver.apply_router(router)
            assert world.probe("--timeout-s=1", "udp-call", "4000", "172.24.4.20", "500") == "nothing"
        with world.listening("udp-echo", "500"):
            driver.apply_router(floating)
            assert guest.probe("udp-call", "4000", "172.24.4.1", "500") == "hello"
            driver.apply_router(router)
            assert guest.probe("udp-call", "4000", "172.24.4.1", "500") == "hello"

    def test_floating_address_seen_from_inside(self, driver: Network, start: Starts, world: Guest,
                                               router: RouterSpec) -> None:
        _, called = start(33, bare=True, rules=OPEN)
        _, caller = start(34, bare=True)
        called.boot()
        caller.boot()
        driver.apply_router(dataclasses.replace(router, floating=(("172.24.4.20", "10.20.0.33"),)))
        with called.listening("tcp-listen", "80", "1"):
            assert caller.probe("tcp-call", "172.24.4.20", "80") == "172.24.4.10"

    def test_router_between_networks(self, driver: Network, make: Makes, guests: Guests, start: Starts,
                                     network: NetworkSpec) -> None:
        other = make.network(subnets=(SECOND,))
        driver.apply_network(other)
        driver.apply_router(make.router(make.leg(network), make.leg(other, "10.21.0.1/24")))
        _, here = start(33, bare=True)
        port = make.port(other, addresses=((SECOND.id, "10.21.0.44"),), rules=OPEN)
        there = guests.start(driver.apply_port(port))
        here.boot()
        there.boot()
        with there.listening("tcp-listen", "80", "1"):
            assert here.probe("tcp-call", "10.21.0.44", "80") == "10.20.0.33"

    def default_router(self, guest: Guest) -> bool:
        """Whether the guest has been told of an IPv6 router."""
        return "default via fe80:" in guest.ip("-6", "route")

    def test_ipv6_between_networks(self, driver: Network, make: Makes, guests: Guests) -> None:
        cidrs = ("2001:db8:20::/64", "2001:db8:21::/64")
        specs = [make.network(subnets=(dataclasses.replace(SIXTH, cidr=cidr, gateway_ip=cidr.replace("/64", "1"),
                                                           dhcp_address=cidr.replace("/64", "2")),)) for cidr in cidrs]
        ends = []
        for spec, cidr in zip(specs, cidrs, strict=True):
            driver.apply_network(spec)
            address = cidr.replace("/64", "11")
            guest = guests.start(driver.apply_port(make.port(spec, addresses=((SIXTH.id, address),), rules=OPEN)))
            guest.address(f"{address}/64")
            ends.append(guest)
        driver.apply_router(make.router(*(make.leg(spec, cidr.replace("/", "1/"))
                                          for spec, cidr in zip(specs, cidrs, strict=True))))
        for guest in ends:
            until(functools.partial(self.default_router, guest), 30, "a router is announced")
            assert "/64 dev eth0 proto kernel" in guest.ip("-6", "route")
            assert guest.ip("-6", "addr", "show", "scope", "global").count("inet6") == 1
        assert ends[0].pings("2001:db8:21::11") and ends[1].pings("2001:db8:20::11")

    def test_static_route(self, driver: Network, start: Starts, router: RouterSpec) -> None:
        _, guest = start(33, bare=True)
        _, relay = start(50, rules=OPEN, filtered=False)
        guest.boot()
        relay.address("10.50.0.1/32")
        relay.route("10.20.0.1")
        assert not guest.pings("10.50.0.1", tries=1)
        driver.apply_router(dataclasses.replace(router, routes=(("10.50.0.0/16", "10.20.0.50"),)))
        assert guest.pings("10.50.0.1")
