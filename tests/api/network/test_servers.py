"""What compute asks of the network, and what hosts are told."""

import dataclasses

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.context import Context
from stratolith.core.drivers.network import NetworkFacts
from stratolith.core.errors import BadRequest, Conflict, Forbidden, NotFound, QuotaExceeded
from stratolith.core.services.network import NicRequest


@pytest.fixture
def inside(net):
    network = net.network(name="inside")
    network["subnet"] = net.subnet(network, dns_nameservers=["9.9.9.9"])["id"]
    return network


@pytest.fixture
def user(net):
    project = net.network()["project_id"]
    return Context(request_id="req-1", user_id="u", project_id=project, roles=("member", "reader"))


@pytest.fixture
def driver(net):
    return net.cloud.cloud.agents["network"].driver


def allocate(net, user, server, requests, groups=(), host="host1"):
    return net.service.allocate(user, server, user.project_id, host, "nova", server, requests, groups)


def test_nothing_asked_means_the_only_network(net, user):
    private = net.get("/networks?name=private")["networks"][0]["id"]
    with pytest.raises(Conflict):
        net.network()
        net.service.resolve(user, None, 1)
    for one in net.get("/networks")["networks"]:
        if one["name"] not in ("private", "public"):
            net.request("DELETE", f"/networks/{one['id']}")
    assert [one.network_id for one in net.service.resolve(user, None, 2)] == [private]
    stranger = Context(request_id="r", user_id="u", project_id="other", roles=("member", "reader"))
    assert net.service.resolve(stranger, None, 1) == []


def test_what_servers_ask_for_is_checked(net, user, inside):
    port = net.port(inside)
    found = net.service.resolve(user, [NicRequest(port_id=port["id"], tag="t")], 1)
    assert (found[0].network_id, found[0].tag) == (inside["id"], "t")
    public = net.get("/networks?name=public")["networks"][0]["id"]
    for request, error in ((NicRequest(network_id="6e4fdd7b-ab75-4a8a-bd31-0a3a4c3a4d76"), NotFound),
                           (NicRequest(network_id=net.network()["id"]), BadRequest),
                           (NicRequest(network_id=public), Forbidden),
                           (NicRequest(port_id="nobody"), NotFound),
                           (NicRequest(network_id=inside["id"], fixed_ip="10.8.0.1"), BadRequest),
                           (NicRequest(network_id=inside["id"],
                                       fixed_ip=port["fixed_ips"][0]["ip_address"]), Conflict)):
        with pytest.raises(error):
            net.service.resolve(user, [request], 1)
    net.put("quota", f"/quotas/{user.project_id}", as_="admin", port=0)
    with pytest.raises(QuotaExceeded):
        net.service.resolve(user, [NicRequest(network_id=inside["id"])], 1)
    net.delete(f"/quotas/{user.project_id}", as_="admin")


def test_a_server_from_allocation_to_release(net, user, inside, driver):
    brought = net.port(inside)
    requests = [NicRequest(network_id=inside["id"], fixed_ip="10.9.0.40", tag="first"),
                NicRequest(network_id=inside["id"], port_id=brought["id"])]
    nics = allocate(net, user, "s1", requests)
    assert allocate(net, user, "s1", requests) == nics
    assert [one.created for one in nics] == [True, False]
    assert (nics[0].addresses[0].address, nics[0].tag, nics[0].network_name) == ("10.9.0.40", "first", "inside")
    with pytest.raises(Conflict):
        net.service.resolve(user, [requests[1]], 1)

    vifs = net.service.plug(user, "s1", "host1")
    assert [one.port_id for one in vifs] == [one.port_id for one in nics]
    assert [one.state for one in net.service.nics(user, ["s1"])["s1"]] == ["ACTIVE", "ACTIVE"]
    spec = driver.ports[nics[0].port_id]
    assert (spec.server_id, spec.hostname, spec.addresses) == ("s1", "s1", ((inside["subnet"], "10.9.0.40"),))
    assert driver.networks[inside["id"]].subnets[0].dns_nameservers == ("9.9.9.9",)

    net.service.unplug(user, "s1", "host1")
    assert nics[0].port_id not in driver.ports and inside["id"] not in driver.networks
    net.service.release(user, "s1")
    net.service.release(user, "s1")
    assert net.service.nics(user, ["s1"]) == {}
    net.get(f"/ports/{nics[0].port_id}", 404)
    freed = net.get(f"/ports/{brought['id']}", as_="admin")["port"]
    assert (freed["device_id"], freed["device_owner"], freed["binding:host_id"]) == ("", "", "")


def test_release_alone_unwires_too(net, user, inside, driver):
    nics = allocate(net, user, "s2", [NicRequest(network_id=inside["id"])])
    net.service.plug(user, "s2", "host1")
    net.service.release(user, "s2", [nics[0].port_id])
    net.cloud.run(5)
    assert nics[0].port_id not in driver.ports and inside["id"] not in driver.networks


def test_changes_reach_the_host_by_themselves(net, user, inside, driver):
    nics = allocate(net, user, "s3", [NicRequest(network_id=inside["id"])])
    net.service.plug(user, "s3", "host1")
    group = net.make("security_group", "/security-groups", name="web")["id"]
    net.put("port", f"/ports/{nics[0].port_id}", security_groups=[group])
    net.make("security_group_rule", "/security-group-rules", security_group_id=group, direction="ingress",
             protocol="tcp", port_range_min=80, port_range_max=80)
    net.put("subnet", f"/subnets/{inside['subnet']}", dns_nameservers=["1.1.1.1"])
    net.cloud.run(5)
    assert any(rule.port_min == 80 for rule in driver.ports[nics[0].port_id].rules)
    assert driver.networks[inside["id"]].subnets[0].dns_nameservers == ("1.1.1.1",)
    assert net.service.security_groups(user, "s3") == ["web"]
    net.service.release(user, "s3")
    net.cloud.run(5)


def test_members_of_remote_groups_are_let_in(net, user, inside, driver):
    first = allocate(net, user, "s4", [NicRequest(network_id=inside["id"])])[0]
    net.service.plug(user, "s4", "host1")
    second = allocate(net, user, "s5", [NicRequest(network_id=inside["id"])])[0]
    net.cloud.run(5)

    def members():
        return {one for rule in driver.ports[first.port_id].rules for one in rule.remote}
    assert f"{second.addresses[0].address}/32" in members()
    net.service.release(user, "s5")
    net.cloud.run(5)
    assert f"{second.addresses[0].address}/32" not in members()
    net.service.release(user, "s4")
    net.cloud.run(5)


def test_routers_are_wired_with_their_floating_addresses(net, user, inside, driver):
    public = net.get("/networks?name=public")["networks"][0]["id"]
    router = net.router(external_gateway_info={"network_id": public})
    net.interface(router, subnet_id=inside["subnet"])
    nic = allocate(net, user, "s6", [NicRequest(network_id=inside["id"])])[0]
    floating = net.make("floatingip", "/floatingips", floating_network_id=public, port_id=nic.port_id)
    net.cloud.run(5)
    spec = driver.routers[router["id"]]
    assert spec.interfaces[0][2] == "10.9.0.1/24" and spec.gateway_ip == "172.24.4.1" and spec.snat
    assert spec.floating == ((floating["floating_ip_address"], nic.addresses[0].address),)
    kinds = [one.kind for one in net.service.nics(user, ["s6"])["s6"][0].addresses]
    assert kinds == ["fixed", "floating"]
    net.service.release(user, "s6")
    net.interface(router, "remove", subnet_id=inside["subnet"])
    net.delete(f"/floatingips/{floating['id']}")
    net.delete(f"/routers/{router['id']}")
    net.cloud.run(5)
    assert router["id"] not in driver.routers and inside["id"] not in driver.networks


def test_what_guests_are_told(net, user, inside):
    network = net.network(name="told")
    net.subnet(network, "10.33.0.0/24", enable_dhcp=False, dns_nameservers=["9.9.9.9"])
    nics = allocate(net, user, "s7", [NicRequest(network_id=inside["id"]), NicRequest(network_id=network["id"])])
    data = net.service.network_data(user, "s7")
    assert [one["type"] for one in data["networks"]] == ["ipv4_dhcp", "ipv4"]
    assert data["networks"][1]["routes"] == [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.33.0.1"}]
    assert data["services"] == [{"type": "dns", "address": "9.9.9.9"}]
    assert [one["vif_id"] for one in data["links"]] == [one.port_id for one in nics]
    address = nics[1].addresses[0].address
    assert net.service.owner_of_address(user, network["id"], address) == "s7"
    with pytest.raises(NotFound):
        net.service.owner_of_address(user, network["id"], "10.33.0.200")
    net.service.release(user, "s7")


def test_named_groups_go_with_the_ports(net, user, inside):
    group = net.make("security_group", "/security-groups", name="named")["id"]
    nic = allocate(net, user, "s8", [NicRequest(network_id=inside["id"])], ["named"])[0]
    assert net.get(f"/ports/{nic.port_id}")["port"]["security_groups"] == [group]
    with pytest.raises(BadRequest):
        allocate(net, user, "s9", [NicRequest(network_id=inside["id"])], ["nobody"])
    net.service.release(user, "s8")


def test_interfaces_of_many_servers_cost_two_queries(net, user, inside):
    for server in ("m1", "m2", "m3"):
        allocate(net, user, server, [NicRequest(network_id=inside["id"])])
    assert net.queries(lambda: net.service.nics(user, ["m1", "m2", "m3"])) == 2
    for server in ("m1", "m2", "m3"):
        net.service.release(user, server)


def test_a_failed_host_is_tried_again(net, user, inside, driver):
    nic = allocate(net, user, "s10", [NicRequest(network_id=inside["id"])])[0]
    net.service.plug(user, "s10", "host1")
    driver.fail("apply_network", times=2)
    net.put("subnet", f"/subnets/{inside['subnet']}", dns_nameservers=["2.2.2.2"])
    net.cloud.run(30)
    assert driver.networks[inside["id"]].subnets[0].dns_nameservers == ("2.2.2.2",)
    assert nic.port_id in driver.ports
    net.service.release(user, "s10")


def test_a_driver_with_dhcp_gets_a_port_for_it(net, user, inside, driver, monkeypatch):
    facts = dataclasses.replace(driver.facts(), vif_type="bridge")
    assert isinstance(facts, NetworkFacts)
    monkeypatch.setattr(driver, "facts", lambda: facts)
    net.cloud.clock.advance(60)
    net.cloud.cloud.agents["network"].beat()
    allocate(net, user, "s11", [NicRequest(network_id=inside["id"])])
    net.service.plug(user, "s11", "host1")
    dhcp = net.get(f"/ports?network_id={inside['id']}&device_owner=network:dhcp")["ports"]
    assert len(dhcp) == 1
    spec = driver.networks[inside["id"]]
    assert spec.dhcp_mac == dhcp[0]["mac_address"]
    assert (spec.subnets[0].dhcp, spec.subnets[0].dhcp_address) == (True, dhcp[0]["fixed_ips"][0]["ip_address"])
    net.service.unplug(user, "s11", "host1")
    assert net.get(f"/ports?network_id={inside['id']}&device_owner=network:dhcp")["ports"] == []
    net.service.release(user, "s11")


def test_a_restart_restores_what_was_wired(tmp_path, net):
    Net = type(net)

    def cloud():
        return InProcess(tmp_path, services=["identity", "network"], persistent=True)
    first = Net(cloud().start())
    project = first.get("/networks?name=private")["networks"][0]
    user = Context(request_id="r", user_id="u", project_id=project["project_id"], roles=("member", "reader"))
    nic = allocate(first, user, "s1", [NicRequest(network_id=project["id"])])[0]
    first.service.plug(user, "s1", "host1")
    first.cloud.stop()
    second = Net(cloud().start())
    driver = second.cloud.cloud.agents["network"].driver
    assert nic.port_id in driver.ports and project["id"] in driver.networks
    assert len(second.get("/networks?name=private")["networks"]) == 1
    second.cloud.stop()
