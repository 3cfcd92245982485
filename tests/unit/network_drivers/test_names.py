"""Names of the bridge driver: short, stable, apart, and safe."""

import uuid

import pytest
from stratolith.core.errors import BadConfiguration
from stratolith.network.bridge.names import Names, prefix_of
from stratolith.network.bridge.options import Options


def test_devices_fit_the_kernel_and_differ() -> None:
    names, network, port = Names("long"), str(uuid.uuid4()), str(uuid.uuid4())
    devices = [names.bridge(network), names.dhcp(network), names.tunnel(network), names.patch(network),
               names.patch_peer(network), names.vlan(network), names.tap(port), names.leg(port, network, "mac")]
    assert max(map(len, devices)) <= 15
    assert len(set(devices)) == len(devices)
    assert devices[0] == Names("long").bridge(network)


def test_a_namespace_tells_its_id() -> None:
    names = Names("st")
    assert names.id_of(names.network_namespace("n-1"), "net") == "n-1"
    assert names.id_of(names.router_namespace("r-1"), "rtr") == "r-1"
    assert names.id_of(names.router_namespace("r-1"), "net") == ""
    assert names.id_of(Names("st2").network_namespace("n-1"), "net") == ""


@pytest.mark.parametrize("prefix", ["", "toolong", "UP", "1st", "s-t", "a/b"])
def test_wrong_prefix(prefix: str) -> None:
    with pytest.raises(BadConfiguration):
        Names(prefix)


def test_physical_networks() -> None:
    options = Options(physical_networks=("one:eth1", "two:br-ex"))
    assert options.physical("two") == "br-ex"
    with pytest.raises(BadConfiguration, match="three"):
        options.physical("three")


def test_each_state_has_a_prefix_of_its_own(tmp_path):
    first, second = prefix_of(tmp_path / "one"), prefix_of(tmp_path / "two")
    assert first == prefix_of(tmp_path / "one") != second
    assert Names(first).tap("p").startswith(first)
