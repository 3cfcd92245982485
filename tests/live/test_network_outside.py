"""A machine of one's own as the outside: the host answers guests behind routers, and they answer it."""

import dataclasses
import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stratolith.core.conformance.cases import until
from stratolith.core.conformance.guest import Guest, Guests
from stratolith.core.conformance.network import Makes
from stratolith.core.conformance.packet import OPEN
from stratolith.core.drivers.network import NetworkSpec, RouterSpec, Subnet
from stratolith.network.bridge.driver import Bridge

from .network_host import again, assert_clean, bridge_host, ip, needs_root

pytestmark = [pytest.mark.live, needs_root]
PUBLIC = Subnet("public", "172.24.4.0/24", 4, gateway_ip="172.24.4.1", dhcp=False)


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Bridge]:
    """A driver whose host is a namespace; it must leave nothing there."""
    with bridge_host(tmp_path) as made:
        yield made
        assert_clean(made)
        assert nft(made) == []


@pytest.fixture
def host(driver: Bridge, tmp_path: Path) -> Guest:
    """The host itself."""
    return Guest(driver.options.host_namespace, "", tmp_path)


def nft(driver: Bridge) -> list[str]:
    """Tables of the host."""
    listed = subprocess.run(["ip", "netns", "exec", driver.options.host_namespace, "nft", "-j", "list", "tables"],
                            capture_output=True, text=True, check=True).stdout
    return [one["table"]["family"] + " " + one["table"]["name"] for one in json.loads(listed)["nftables"]
            if "table" in one]


def public(make: Makes, **changes: Any) -> NetworkSpec:
    """An external network as a cloud on one machine has it."""
    return make.network(**{"network_type": "local", "external": True, "subnets": (PUBLIC,), "mtu": 1500, **changes})


class Scene:
    """A guest at 10.20.0.33 behind a router at 172.24.4.10, with or without a floating address."""

    def __init__(self, driver: Bridge, folder: Path) -> None:
        self.driver, self.make = driver, Makes(driver)
        self.outside, self.inside = public(self.make), self.make.network()
        for network in (self.outside, self.inside):
            driver.apply_network(network)
        self.guests = Guests(driver.options.prefix, driver.options.host_namespace, folder)
        self.guest = self.guests.start(driver.apply_port(self.make.port(self.inside, 33, rules=OPEN)))
        self.guest.address("10.20.0.33/24")
        self.guest.ip("route", "add", "default", "via", "10.20.0.1")
        self.router = self.make.router(self.make.leg(self.inside), gateway_ip=PUBLIC.gateway_ip,
                                       gateway=self.make.leg(self.outside, "172.24.4.10/24"))
        self.apply(self.router)

    def apply(self, router: RouterSpec) -> None:
        """Change the router."""
        self.driver.apply_router(router)

    def remove(self) -> None:
        """Remove all of it."""
        self.guests.stop()
        self.driver.remove_router(self.router.id)
        for network in (self.inside, self.outside):
            self.driver.remove_network(network.id)


@pytest.fixture
def scene(driver: Bridge, tmp_path: Path) -> Iterator[Scene]:
    """A guest behind a router."""
    made = Scene(driver, tmp_path)
    yield made
    made.remove()


def test_the_host_and_guests_reach_each_other(scene: Scene, host: Guest) -> None:
    assert scene.guest.pings("172.24.4.1")
    assert not host.pings("172.24.4.20", tries=1)
    scene.apply(dataclasses.replace(scene.router, floating=(("172.24.4.20", "10.20.0.33"),)))
    assert host.pings("172.24.4.20") and host.pings("172.24.4.10")
    with scene.guest.listening("tcp-listen", "80", "1") as listener:
        assert host.probe("tcp-call", "172.24.4.20", "80") == "172.24.4.1"
        assert listener.lines() == ["172.24.4.1"]
    with host.listening("tcp-listen", "80", "1") as listener:
        assert scene.guest.probe("tcp-call", "172.24.4.1", "80")
        assert listener.lines() == ["172.24.4.20"]
    scene.driver.apply_network(scene.outside)
    assert host.pings("172.24.4.20", tries=1)


def test_guests_leave_by_the_hosts_own_address(scene: Scene, host: Guest, driver: Bridge, tmp_path: Path) -> None:
    far = Guest(f"{driver.options.prefix}-far", "", tmp_path)
    ip("netns", "add", far.space)
    try:
        host.ip("link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", far.space)
        for guest, device, address in ((host, "up0", "192.0.2.1/24"), (far, "eth0", "192.0.2.9/24")):
            guest.ip("addr", "add", address, "dev", device)
            guest.ip("link", "set", device, "up")
        host.ip("route", "add", "default", "via", "192.0.2.9")
        for floating in ((), (("172.24.4.20", "10.20.0.33"),)):
            scene.apply(dataclasses.replace(scene.router, floating=floating))
            with far.listening("tcp-listen", "80", "1") as listener:
                assert scene.guest.probe("tcp-call", "192.0.2.9", "80")
                assert listener.lines() == ["192.0.2.1"]
        # The host's own way out must not take hold of what it sends to a floating address.
        with scene.guest.listening("tcp-listen", "80", "1") as listener:
            assert host.probe("tcp-call", "172.24.4.20", "80") == "172.24.4.1"
            assert listener.lines() == ["172.24.4.1"]
        plain = again(tmp_path, dataclasses.replace(driver.options, masquerade=False))
        plain.apply_network(scene.outside)
        assert not scene.guest.pings("192.0.2.9", tries=1)
        assert host.pings("172.24.4.20")
    finally:
        ip("netns", "del", far.space)
        until(lambda: "up0" not in ip("-n", host.space, "-br", "link"), 30, "the pair is gone")


def test_without_masquerade_nothing_is_translated_or_forwarded(tmp_path: Path) -> None:
    with bridge_host(tmp_path, masquerade=False) as driver:
        # A new namespace has what the machine's own has.
        ip("netns", "exec", driver.options.host_namespace, "sysctl", "-qw", "net.ipv4.ip_forward=0")
        make = Makes(driver)
        spec = public(make)
        driver.apply_network(spec)
        assert "172.24.4.1/24" in ip("-n", driver.options.host_namespace, "addr")
        assert not [table for table in nft(driver) if table.startswith("ip ")]
        forwards = ["cat", "/proc/sys/net/ipv4/ip_forward"]
        assert ip("netns", "exec", driver.options.host_namespace, *forwards).strip() == "0"


def test_the_hosts_end_follows_the_network(driver: Bridge, host: Guest) -> None:
    make = Makes(driver)
    spec = public(make)

    def addresses() -> list[str]:
        shown = json.loads(ip("-n", host.space, "-j", "-4", "addr"))
        return [f"{one['local']}/{one['prefixlen']}" for link in shown for one in link["addr_info"]
                if link["ifname"] != "lo"]

    for changes, expected in (({}, ["172.24.4.1/24"]), ({"external": False}, []), ({}, ["172.24.4.1/24"]),
                              ({"subnets": (dataclasses.replace(PUBLIC, gateway_ip=""),)}, []),
                              ({"subnets": (dataclasses.replace(PUBLIC, gateway_ip="172.24.4.254"),)},
                               ["172.24.4.254/24"])):
        driver.apply_network(dataclasses.replace(spec, **changes))
        assert addresses() == expected
        assert bool([table for table in nft(driver) if table.startswith("ip ")]) == bool(expected)
    tunnelled = public(make, network_type="vxlan")
    driver.apply_network(tunnelled)
    assert addresses() == ["172.24.4.254/24"]
    for network in (spec, tunnelled):
        driver.remove_network(network.id)


def test_two_clouds_on_one_host_with_one_range(driver: Bridge, host: Guest, tmp_path: Path,
                                               caplog: pytest.LogCaptureFixture) -> None:
    first = public(Makes(driver))
    driver.apply_network(first)
    options = dataclasses.replace(driver.options, prefix=f"w{driver.options.prefix[1:]}")
    second = again(tmp_path / "second", options)
    with caplog.at_level(logging.WARNING):
        scene = Scene(second, tmp_path)
        second.apply_network(scene.outside)
    refused = [record.getMessage() for record in caplog.records if "without access" in record.getMessage()]
    assert len(refused) == 1 and "172.24.4.0/24" in refused[0]
    assert not scene.guest.pings("172.24.4.1", tries=1)
    assert scene.guest.pings("172.24.4.10")
    driver.remove_network(first.id)
    second.apply_network(scene.outside)
    assert scene.guest.pings("172.24.4.1")
    scene.remove()
    second.close()
