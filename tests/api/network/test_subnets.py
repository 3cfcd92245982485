"""Subnets and subnet pools: ranges, gateways, pools, IPv6 and what they refuse."""

from urllib.parse import quote

import pytest


def test_a_subnet_gets_its_defaults(net):
    network = net.network()
    subnet = net.subnet(network, "10.20.0.7/24")
    assert (subnet["cidr"], subnet["gateway_ip"], subnet["enable_dhcp"]) == ("10.20.0.0/24", "10.20.0.1", True)
    assert subnet["allocation_pools"] == [{"start": "10.20.0.2", "end": "10.20.0.254"}]
    assert net.get(f"/networks/{network['id']}")["network"]["subnets"] == [subnet["id"]]
    net.delete(f"/subnets/{subnet['id']}")
    assert net.get(f"/networks/{network['id']}")["network"]["subnets"] == []


def test_a_gateway_inside_splits_the_pool(net):
    subnet = net.subnet(net.network(), gateway_ip="10.9.0.100")
    assert subnet["allocation_pools"] == [{"start": "10.9.0.1", "end": "10.9.0.99"},
                                          {"start": "10.9.0.101", "end": "10.9.0.254"}]
    assert net.subnet(net.network(), gateway_ip=None)["allocation_pools"][0]["start"] == "10.9.0.1"


@pytest.mark.parametrize(("status", "kind", "attributes"), [
    (400, "InvalidInput", {"cidr": "10.9.0.0/24", "ip_version": 6}),
    (400, "InvalidInput", {"cidr": "10.9.0.0/24", "gateway_ip": "10.9.0.255"}),
    (400, "InvalidInput", {"cidr": "10.9.0.0/24", "gateway_ip": "fd00::1"}),
    (400, "HTTPBadRequest", {"cidr": "10.9.0.0/77"}),
    (400, "OutOfBoundsAllocationPool", {"cidr": "10.9.0.0/24",
                                        "allocation_pools": [{"start": "10.9.0.9", "end": "10.9.1.9"}]}),
    (400, "InvalidAllocationPool", {"cidr": "10.9.0.0/24",
                                    "allocation_pools": [{"start": "10.9.0.9", "end": "10.9.0.2"}]}),
    (409, "OverlappingAllocationPools", {"cidr": "10.9.0.0/24", "allocation_pools": [
        {"start": "10.9.0.9", "end": "10.9.0.20"}, {"start": "10.9.0.20", "end": "10.9.0.30"}]}),
    (409, "GatewayConflictWithAllocationPools", {"cidr": "10.9.0.0/24", "gateway_ip": "10.9.0.9", "allocation_pools": [
        {"start": "10.9.0.9", "end": "10.9.0.20"}]}),
    (400, "InvalidInput", {"cidr": "10.9.0.0/24", "ipv6_ra_mode": "slaac"}),
    (400, "InvalidInput", {"cidr": "fd00::/48", "ip_version": 6, "ipv6_address_mode": "slaac"}),
    (400, "InvalidInput", {"cidr": "fd00::/64", "ip_version": 6, "ipv6_address_mode": "slaac",
                           "ipv6_ra_mode": "dhcpv6-stateful"}),
    (400, "InvalidInput", {"cidr": "10.9.0.0/24", "dns_nameservers": ["fd00::1"]}),
    (400, "HTTPBadRequest", {"cidr": "10.9.0.0/24", "host_routes": [{"destination": "10.0.0.0/8"}]}),
    (404, "NetworkNotFound", {"cidr": "10.9.0.0/24", "network_id": "6e4fdd7b-ab75-4a8a-bd31-0a3a4c3a4d76"}),
])
def test_constraints(net, status, kind, attributes):
    body = {"network_id": net.network()["id"], "ip_version": 4, **attributes}
    assert net.make("subnet", "/subnets", status, **body)["type"] == kind


def test_ranges_on_one_network_do_not_overlap(net):
    network = net.network()
    net.subnet(network, "10.30.0.0/16")
    error = net.make("subnet", "/subnets", 400, network_id=network["id"], ip_version=4, cidr="10.30.5.0/24")
    assert error["type"] == "InvalidInput" and "overlaps" in error["message"]
    net.subnet(net.network(), "10.30.5.0/24")


def test_updates_keep_gateway_and_pools_apart(net):
    subnet = net.subnet(net.network(), allocation_pools=[{"start": "10.9.0.10", "end": "10.9.0.20"}])
    path = f"/subnets/{subnet['id']}"
    assert net.put("subnet", path, 409, gateway_ip="10.9.0.15")["type"] == "GatewayConflictWithAllocationPools"
    changed = net.put("subnet", path, gateway_ip="10.9.0.2", dns_nameservers=["9.9.9.9"],
                      host_routes=[{"destination": "10.0.0.0/8", "nexthop": "10.9.0.3"}], enable_dhcp=False)
    assert (changed["gateway_ip"], changed["dns_nameservers"]) == ("10.9.0.2", ["9.9.9.9"])
    assert net.put("subnet", path, 400, cidr="10.8.0.0/24")["type"] == "HTTPBadRequest"


def test_guests_of_slaac_subnets_have_eui64_addresses(net):
    network = net.network()
    before = net.port(network, mac_address="fa:16:3e:00:00:01")
    subnet = net.subnet(network, "fd00:1::/64", ipv6_address_mode="slaac", ipv6_ra_mode="slaac")
    assert net.get(f"/ports/{before['id']}")["port"]["fixed_ips"] == [
        {"subnet_id": subnet["id"], "ip_address": "fd00:1::f816:3eff:fe00:1"}]
    after = net.port(network, mac_address="fa:16:3e:00:00:02")
    assert after["fixed_ips"][0]["ip_address"] == "fd00:1::f816:3eff:fe00:2"
    asked = {"network_id": network["id"], "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": "fd00:1::5"}]}
    assert net.make("port", "/ports", 400, **asked)["type"] == "AllocationOnAutoAddressSubnet"
    net.delete(f"/subnets/{subnet['id']}")
    assert net.get(f"/ports/{after['id']}")["port"]["fixed_ips"] == []


def test_a_subnet_with_addresses_in_use_stays(net):
    network = net.network()
    subnet = net.subnet(network)
    net.port(network)
    assert net.delete(f"/subnets/{subnet['id']}", 409)["type"] == "SubnetInUse"


def test_only_the_networks_owner_adds_subnets(net):
    shared = net.network(as_="admin", shared=True)
    net.make("subnet", "/subnets", 403, network_id=shared["id"], ip_version=4, cidr="10.0.0.0/24")


def test_pools_give_ranges_one_after_another(net):
    pool = net.make("subnetpool", "/subnetpools", name="p", prefixes=["10.64.0.0/22"], default_prefixlen=24,
                    default_quota=512)
    subnets = [net.make("subnet", "/subnets", network_id=net.network()["id"], ip_version=4, subnetpool_id=pool["id"])
               for _ in range(2)]
    assert [one["cidr"] for one in subnets] == ["10.64.0.0/24", "10.64.1.0/24"]
    full = net.make("subnet", "/subnets", 409, network_id=net.network()["id"], ip_version=4, subnetpool_id=pool["id"])
    assert full["type"] == "SubnetPoolQuotaExceeded"
    assert net.delete(f"/subnetpools/{pool['id']}", 409)["type"] == "SubnetPoolDeleteError"
    assert net.make("subnetpool", "/subnetpools", 400, name="q", prefixes=["10.0.0.0/8", "fd00::/48"])
    assert net.make("subnetpool", "/subnetpools", 403, name="q", prefixes=["10.0.0.0/8"], shared=True)


@pytest.mark.parametrize("text", ["--4", "4-", "\u00b2", "9" * 5000])
def test_a_filter_that_is_no_number(net, text):
    assert net.get(f"/subnets?ip_version={quote(text)}", 400)["NeutronError"]["type"] == "InvalidInput"
    net.get(f"/network-ip-availabilities?ip_version={quote(text)}", as_="admin")
