"""Ports: addresses, MACs, groups, security, bindings."""

import pytest


@pytest.fixture
def network(net):
    made = net.network()
    made["subnet"] = net.subnet(made)["id"]
    return made


def addresses(port):
    return [one["ip_address"] for one in port["fixed_ips"]]


def test_addresses_come_from_the_pool_one_after_another(net, network):
    ports = [net.port(network) for _ in range(3)]
    assert [addresses(one) for one in ports] == [["10.9.0.2"], ["10.9.0.3"], ["10.9.0.4"]]
    net.delete(f"/ports/{ports[0]['id']}")
    assert addresses(net.port(network)) == ["10.9.0.5"]
    assert len({one["mac_address"] for one in ports}) == 3
    assert all(one["mac_address"].startswith("fa:16:3e:") for one in ports)


def test_a_full_pool_wraps_to_what_was_given_back_and_then_ends(net):
    network = net.network()
    net.subnet(network, "10.9.0.0/29")
    ports = [net.port(network) for _ in range(5)]
    error = net.make("port", "/ports", 409, network_id=network["id"])
    assert error["type"] == "IpAddressGenerationFailure"
    net.delete(f"/ports/{ports[2]['id']}")
    assert addresses(net.port(network)) == addresses(ports[2])


@pytest.mark.parametrize(("status", "kind", "fixed"), [
    (400, "InvalidIpForNetwork", [{"ip_address": "10.8.0.5"}]),
    (400, "InvalidIpForSubnet", [{"ip_address": "10.8.0.5", "subnet_id": "own"}]),
    (400, "InvalidIpForSubnet", [{"ip_address": "10.9.0.255"}]),
    (409, "IpAddressAlreadyAllocated", [{"ip_address": "10.9.0.77"}]),
    (400, "InvalidInput", [{"subnet_id": "6e4fdd7b-ab75-4a8a-bd31-0a3a4c3a4d76"}]),
    (400, "InvalidInput", [{"ip_address": f"10.9.0.{last}"} for last in range(20, 26)]),
    (400, "HTTPBadRequest", [{"ip_address": "not an address"}]),
])
def test_addresses_asked_for_must_be_free_and_of_the_network(net, network, status, kind, fixed):
    net.port(network, fixed_ips=[{"ip_address": "10.9.0.77"}])
    fixed = [{**one, **({"subnet_id": network["subnet"]} if one.get("subnet_id") == "own" else {})} for one in fixed]
    assert net.make("port", "/ports", status, network_id=network["id"], fixed_ips=fixed)["type"] == kind


def test_two_creations_for_one_address_never_both_win(net, network):
    body = {"network_id": network["id"], "fixed_ips": [{"ip_address": "10.9.0.50"}]}
    answers = [net.request("POST", "/ports", {"port": body}).status for _ in range(2)]
    assert sorted(answers) == [201, 409]
    assert len(net.get(f"/ports?network_id={network['id']}&fixed_ips=ip_address=10.9.0.50")["ports"]) == 1


def test_addresses_change_and_are_given_back(net, network):
    port = net.port(network)
    path = f"/ports/{port['id']}"
    changed = net.put("port", path, fixed_ips=[{"ip_address": "10.9.0.60"}, {"ip_address": "10.9.0.61"}])
    assert addresses(changed) == ["10.9.0.60", "10.9.0.61"]
    kept = net.put("port", path, fixed_ips=[{"ip_address": "10.9.0.61"}, {"subnet_id": network["subnet"]}])
    assert addresses(kept)[0] == "10.9.0.61"
    net.port(network, fixed_ips=[{"ip_address": addresses(port)[0]}])
    assert addresses(net.put("port", path, fixed_ips=[])) == []


def test_macs_are_unique_on_a_network(net, network):
    net.port(network, mac_address="fa:16:3e:aa:bb:cc")
    body = {"network_id": network["id"], "mac_address": "FA:16:3E:AA:BB:CC"}
    assert net.make("port", "/ports", 409, **body)["type"] == "MacAddressInUse"
    net.make("port", "/ports", 400, network_id=network["id"], mac_address="nonsense")
    net.port(net.network(), mac_address="fa:16:3e:aa:bb:cc")


def test_groups_default_and_change(net, network):
    port = net.port(network)
    default = net.get("/security-groups?name=default")["security_groups"][0]["id"]
    assert port["security_groups"] == [default]
    other = net.make("security_group", "/security-groups", name="g")["id"]
    changed = net.put("port", f"/ports/{port['id']}", security_groups=[other])
    assert changed["security_groups"] == [other]
    assert [one["id"] for one in net.get(f"/ports?security_groups={other}")["ports"]] == [port["id"]]
    assert net.delete(f"/security-groups/{other}", 409)["type"] == "SecurityGroupInUse"
    assert net.put("port", f"/ports/{port['id']}", security_groups=[])["security_groups"] == []
    net.delete(f"/security-groups/{other}")
    missing = net.put("port", f"/ports/{port['id']}", 404, security_groups=[other])
    assert missing["type"] == "SecurityGroupNotFound"


def test_port_security_and_what_needs_it(net, network):
    port = net.port(network, allowed_address_pairs=[{"ip_address": "10.9.0.200"}])
    assert port["allowed_address_pairs"] == [{"mac_address": port["mac_address"], "ip_address": "10.9.0.200"}]
    path = f"/ports/{port['id']}"
    assert net.put("port", path, 409, port_security_enabled=False)["type"] == "PortSecurityPortHasSecurityGroup"
    assert net.put("port", path, 409, port_security_enabled=False, security_groups=[])["type"] == (
        "AddressPairAndPortSecurityRequired")
    net.put("port", path, port_security_enabled=False, security_groups=[], allowed_address_pairs=[])
    group = net.get("/security-groups?name=default")["security_groups"][0]["id"]
    assert net.put("port", path, 409, security_groups=[group])["type"] == "PortSecurityAndIPRequiredForSecurityGroups"


def test_bindings_belong_to_administrators(net, network):
    port = net.port(network)
    assert "binding:host_id" not in port and port["binding:vnic_type"] == "normal"
    net.put("port", f"/ports/{port['id']}", 403, **{"binding:host_id": "host1"})
    bound = net.put("port", f"/ports/{port['id']}", as_="admin", **{"binding:host_id": "host1"})
    assert (bound["binding:host_id"], bound["binding:vif_type"]) == ("host1", "other")
    shown = net.get(f"/ports/{port['id']}", as_="admin")["port"]
    assert shown == bound
    assert net.put("port", f"/ports/{port['id']}", 409, as_="admin", mac_address="fa:16:3e:00:00:99")["type"] == (
        "PortBound")


def test_dhcp_options_merge(net, network):
    port = net.port(network, extra_dhcp_opts=[{"opt_name": "bootfile-name", "opt_value": "a"},
                                              {"opt_name": "tftp-server", "opt_value": "b"}])
    changed = net.put("port", f"/ports/{port['id']}", extra_dhcp_opts=[{"opt_name": "bootfile-name", "opt_value": None},
                                                                       {"opt_name": "tftp-server", "opt_value": "c"}])
    assert changed["extra_dhcp_opts"] == [{"opt_name": "tftp-server", "opt_value": "c", "ip_version": 4}]


def test_owners_of_network_devices_are_kept_from_users_of_shared_networks(net):
    shared = net.network(as_="admin", shared=True)
    net.subnet(shared, as_="admin")
    net.make("port", "/ports", 403, network_id=shared["id"], device_owner="network:dhcp")
    mine = net.port(shared, device_owner="compute:nova")
    assert mine["id"] in [one["id"] for one in net.get("/ports", as_="demo")["ports"]]
    net.make("port", "/ports", 403, network_id=shared["id"], mac_address="fa:16:3e:00:00:77")


def test_lists_cost_the_same_queries_whatever_their_length(net, network):
    one = net.queries(lambda: net.get(f"/ports?network_id={network['id']}"))
    for _ in range(10):
        net.port(network)
    assert net.queries(lambda: net.get(f"/ports?network_id={network['id']}")) == one


def test_many_ports_are_made_or_none(net, network):
    answer = net.request("POST", "/ports", {"ports": [{"network_id": network["id"], "name": f"b{one}"}
                                                      for one in range(3)]})
    assert answer.status == 201 and len(answer.json["ports"]) == 3
    answer = net.request("POST", "/ports", {"ports": [
        {"network_id": network["id"], "name": "c", "fixed_ips": [{"ip_address": "10.9.0.90"}]},
        {"network_id": network["id"], "name": "c", "fixed_ips": [{"ip_address": "10.9.0.90"}]}]})
    assert answer.status == 409
    assert net.get("/ports?name=c")["ports"] == []
