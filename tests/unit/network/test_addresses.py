"""Addresses: gateways, pools, automatic addresses."""

import pytest
from stratolith.plugins.network.addresses import default_gateway, default_pools, eui64, network_of, number_of
from stratolith.plugins.network.group_rules import checked, likeness_of


@pytest.mark.parametrize(("cidr", "gateway", "pools"), [
    ("10.0.0.0/24", "10.0.0.1", [("10.0.0.2", "10.0.0.254")]),
    ("10.0.0.0/30", "10.0.0.1", [("10.0.0.2", "10.0.0.2")]),
    ("10.0.0.0/31", "10.0.0.0", [("10.0.0.1", "10.0.0.1")]),
    ("10.0.0.0/32", None, [("10.0.0.0", "10.0.0.0")]),
    ("fd00::/64", "fd00::1", [("fd00::2", "fd00::ffff:ffff:ffff:ffff")]),
])
def test_gateways_and_pools_by_default(cidr, gateway, pools):
    net = network_of(cidr)
    assert default_gateway(net) == gateway
    assert [(one["start"], one["end"]) for one in default_pools(net, gateway)] == pools


def test_eui64_flips_the_local_bit():
    assert eui64("fd00:0:0:1::/64", "fa:16:3e:12:34:56") == "fd00::1:f816:3eff:fe12:3456"


def test_numbers_sort_like_addresses():
    texts = ["10.0.0.9", "10.0.0.10", "10.0.1.0", "192.168.0.1"]
    assert sorted(texts, key=number_of) == texts


def test_rules_that_mean_the_same_are_alike():
    def likeness(**more):
        body = checked({"direction": "ingress", **more})
        return likeness_of({"remote_group_id": None, **body})
    assert likeness(protocol="tcp") == likeness(protocol="6") == likeness(protocol="TCP", remote_ip_prefix="0.0.0.0/0")
    assert likeness(protocol="tcp") != likeness(protocol="udp")
