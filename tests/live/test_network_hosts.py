"""What the bridge driver does beyond the suite: several hosts, uplinks, restarts, and dead programs."""

import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.conformance.cases import until
from stratolith.core.conformance.guest import Guest, Guests
from stratolith.core.conformance.network import SUBNET, Makes
from stratolith.core.conformance.packet import LEAVE, OPEN
from stratolith.core.drivers.network import NetworkSpec
from stratolith.core.errors import BackendFailed, BadConfiguration, NotSupported
from stratolith.network.bridge.driver import Bridge

from .network_host import MetadataService, again, assert_clean, bridge_host, ip, needs_root

pytestmark = [pytest.mark.live, needs_root]


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Bridge]:
    """A driver whose host is a namespace, with an interface ``up0`` and a bridge ``brx`` to the world."""
    with bridge_host(tmp_path, metadata_socket=str(tmp_path / "metadata.sock"),
                     physical_networks=("plain:up0", "bridged:brx", "absent:none0")) as made:
        yield made


@pytest.fixture
def guests(driver: Bridge, tmp_path: Path) -> Iterator[Guests]:
    """Guests on the driver's host."""
    made = Guests(driver.options.prefix, driver.options.host_namespace, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def network(driver: Bridge) -> NetworkSpec:
    """A network that is applied."""
    spec = Makes(driver).network()
    driver.apply_network(spec)
    return spec


def pids(driver: Bridge, network: NetworkSpec) -> list[int]:
    """Processes in the network's namespace."""
    return [int(pid) for pid in ip("netns", "pids", f"{driver.options.prefix}-net-{network.id}").split()]


def test_dead_programs_are_started_again(driver: Bridge, network: NetworkSpec, guests: Guests,
                                         tmp_path: Path) -> None:
    before = pids(driver, network)
    assert len(before) == 2
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not pids(driver, network), 30, "the programs end")
    driver.apply_network(network)
    assert len(pids(driver, network)) == 2
    guest = guests.start(driver.apply_port(Makes(driver).port(network, 33, rules=LEAVE)))
    assert guest.boot()["ip"] == "10.20.0.33"
    service = MetadataService(driver.options.metadata_socket)
    try:
        guest.probe("http", "http://169.254.169.254/openstack")
        assert service.requests[-1]["x-forwarded-for"] == "10.20.0.33"
    finally:
        service.stop()


def test_ports_restart_nothing(driver: Bridge, network: NetworkSpec) -> None:
    before = pids(driver, network)
    make = Makes(driver)
    for last in range(20, 25):
        driver.apply_port(make.port(network, last))
    driver.apply_network(network)
    assert pids(driver, network) == before


def test_restarted_agent_goes_on(driver: Bridge, network: NetworkSpec, tmp_path: Path) -> None:
    make = Makes(driver)
    port, router = make.port(network), make.router(make.leg(network))
    driver.apply_port(port)
    driver.apply_router(router)
    before = pids(driver, network)
    driver.close()
    fresh = again(tmp_path, driver.options)
    assert fresh.observe() == driver.observe()
    fresh.apply_network(network)
    fresh.apply_port(port)
    assert pids(fresh, network) == before
    fresh.remove_router(router.id)
    fresh.remove_network(network.id)
    assert fresh.observe().ports == () and fresh.observe().networks == ()
    assert_clean(fresh)


def test_lost_records_can_still_be_removed(driver: Bridge, network: NetworkSpec, tmp_path: Path) -> None:
    port = Makes(driver).port(network)
    driver.apply_port(port)
    for path in sorted((tmp_path / "run").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert driver.observe().ports == (port.id,)
    driver.remove_port(port.id)
    driver.remove_network(network.id)
    assert_clean(driver)


def test_killed_half_way(driver: Bridge, network: NetworkSpec, guests: Guests) -> None:
    prefix = driver.options.prefix
    port = Makes(driver).port(network, 33, rules=LEAVE)
    ip("netns", "pids", f"{prefix}-net-{network.id}")
    for pid in pids(driver, network):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not pids(driver, network), 30, "the programs end")
    ip("netns", "del", f"{prefix}-net-{network.id}")
    driver.apply_network(network)
    guest = guests.start(driver.apply_port(port))
    assert guest.lease()["ip"] == "10.20.0.33"


def test_absent_program(tmp_path: Path) -> None:
    with pytest.raises(BackendFailed), bridge_host(tmp_path, nft="/nonexistent/nft"):
        pass


@pytest.fixture
def outside(driver: Bridge) -> Iterator[Guest]:
    """A machine behind the interface ``up0`` of the host: 10.20.0.200."""
    space, host = f"{driver.options.prefix}-outside", driver.options.host_namespace
    ip("netns", "add", space)
    ip("-n", host, "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", space)
    ip("-n", host, "link", "set", "up0", "up")
    ip("-n", space, "link", "set", "eth0", "up")
    ip("-n", space, "addr", "add", "10.20.0.200/24", "dev", "eth0")
    yield Guest(space, "", driver.surroundings.run_dir)


@pytest.mark.parametrize("physical", ["plain", "bridged"])
def test_flat_network_reaches_outside(driver: Bridge, guests: Guests, outside: Guest, physical: str) -> None:
    host = driver.options.host_namespace
    if physical == "bridged":
        ip("-n", host, "link", "add", "brx", "type", "bridge", "forward_delay", "0")
        ip("-n", host, "link", "set", "up0", "master", "brx")
        ip("-n", host, "link", "set", "brx", "up")
    make = Makes(driver)
    spec = make.network(network_type="flat", physical_network=physical, external=True, subnets=())
    driver.apply_network(spec)
    driver.apply_network(spec)
    guest = guests.start(driver.apply_port(make.port(spec, 33, rules=OPEN)))
    guest.address("10.20.0.33/24")
    assert guest.pings("10.20.0.200")
    assert outside.pings("10.20.0.33")
    guests.stop()
    driver.remove_network(spec.id)
    left = {line.split()[0].split("@")[0] for line in ip("-n", host, "-br", "link").splitlines()}
    assert left == {"lo", "up0"} | ({"brx"} if physical == "bridged" else set())


def test_vlan_network(driver: Bridge, guests: Guests, outside: Guest) -> None:
    make = Makes(driver)
    spec = make.network(network_type="vlan", segment=77, physical_network="plain", external=True, subnets=())
    made = subprocess.run(["ip", "-n", outside.space, "link", "add", "link", "eth0", "name", "eth0.77", "type", "vlan",
                           "id", "77"], capture_output=True, check=False)
    if made.returncode:
        # This kernel has no 802.1Q: that is said, and nothing stays.
        with pytest.raises(BackendFailed):
            driver.apply_network(spec)
    else:
        outside.ip("addr", "flush", "dev", "eth0")
        outside.ip("link", "set", "eth0.77", "up")
        outside.ip("addr", "add", "10.20.0.200/24", "dev", "eth0.77")
        driver.apply_network(spec)
        driver.apply_network(spec)
        guest = guests.start(driver.apply_port(make.port(spec, 33, rules=OPEN)))
        guest.address("10.20.0.33/24")
        assert guest.pings("10.20.0.200")
        guests.stop()
    driver.remove_network(spec.id)
    left = ip("-n", driver.options.host_namespace, "-br", "link").splitlines()
    assert {line.split()[0].split("@")[0] for line in left} == {"lo", "up0"}


def test_networks_that_cannot_be_wired(driver: Bridge) -> None:
    make = Makes(driver)
    for changes, error in (({"network_type": "flat", "physical_network": "unheard"}, BadConfiguration),
                           ({"network_type": "flat", "physical_network": "absent"}, NotSupported),
                           ({"network_type": "carrier-pigeon"}, NotSupported)):
        spec = make.network(**changes)
        with pytest.raises(error):
            driver.apply_network(spec)
        driver.remove_network(spec.id)
    assert_clean(driver)


def test_metadata_by_url(tmp_path: Path) -> None:
    with bridge_host(tmp_path, metadata_url="http://127.0.0.1:8775/prefix") as driver:
        make = Makes(driver)
        spec = make.network()
        driver.apply_network(spec)
        guests = Guests(driver.options.prefix, driver.options.host_namespace, tmp_path)
        guest = guests.start(driver.apply_port(make.port(spec, 33, rules=LEAVE)))
        guest.boot()
        host = Guest(driver.options.host_namespace, "", tmp_path)
        assert guest.run("busybox", "wget", "-q", "-O", "-", "http://169.254.169.254/").returncode != 0
        with host.listening("http-echo", "8775"):
            heard = guest.probe("http", "http://169.254.169.254/latest").splitlines()
        assert heard[0] == "GET /prefix/latest HTTP/1.1"
        assert "X-Forwarded-For: 10.20.0.33" in heard and f"X-Neutron-Network-ID: {spec.id}" in heard
        guests.stop()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Bridge, Bridge]]:
    """Two hosts, 192.0.2.1 and 192.0.2.2, on one underlay."""
    with (bridge_host(tmp_path / "a", local_address="192.0.2.1") as first,
          bridge_host(tmp_path / "b", local_address="192.0.2.2") as second):
        spaces = [driver.options.host_namespace for driver in (first, second)]
        ip("-n", spaces[0], "link", "add", "under0", "type", "veth", "peer", "name", "under0", "netns", spaces[1])
        for number, space in enumerate(spaces, 1):
            ip("-n", space, "addr", "add", f"192.0.2.{number}/24", "dev", "under0")
            ip("-n", space, "link", "set", "under0", "up")
        yield first, second


def test_tunnel_between_hosts(pair: tuple[Bridge, Bridge], tmp_path: Path) -> None:
    make = Makes(pair[0])
    spec = make.network(peers=("192.0.2.1", "192.0.2.2"))
    for driver in pair:
        driver.apply_network(spec)
    farms = [Guests(driver.options.prefix, driver.options.host_namespace, tmp_path) for driver in pair]
    ports = [make.port(spec, last, rules=OPEN) for last in (33, 34)]
    try:
        near, far = (farm.start(driver.apply_port(port))
                     for farm, driver, port in zip(farms, pair, ports, strict=True))
        assert near.boot()["ip"] == "10.20.0.33" and far.boot()["ip"] == "10.20.0.34"
        assert far.pings("10.20.0.33") and near.pings("10.20.0.34")
        pair[1].apply_port(dataclasses.replace(ports[1], rules=LEAVE))
        assert not near.pings("10.20.0.34", tries=1)
        with near.listening("tcp-listen", "80", "1") as listener:
            assert far.probe("tcp-call", "10.20.0.33", "80") == "10.20.0.34"
            assert listener.lines() == ["10.20.0.34"]
        for driver in pair:
            driver.apply_network(dataclasses.replace(spec, peers=()))
        far.ip("neigh", "flush", "all")
        assert not far.pings("10.20.0.33", tries=1)
    finally:
        for farm in farms:
            farm.stop()


def test_dhcp_stays_on_its_host(pair: tuple[Bridge, Bridge], tmp_path: Path) -> None:
    make = Makes(pair[0])
    spec = make.network(peers=("192.0.2.1", "192.0.2.2"))
    pair[0].apply_network(spec)
    pair[1].apply_network(dataclasses.replace(spec, subnets=()))
    port = make.port(spec, 34, rules=OPEN)
    pair[0].apply_port(port)
    guests = Guests(pair[1].options.prefix, pair[1].options.host_namespace, tmp_path)
    try:
        guest = guests.start(pair[1].apply_port(port))
        assert guest.lease(tries=2) == {}
        pair[1].apply_network(spec)
        assert guest.boot()["serverid"] == SUBNET.dhcp_address
        assert guest.pings(SUBNET.dhcp_address)
    finally:
        guests.stop()
