"""Routers and floating IPs."""

import pytest


@pytest.fixture
def public(net):
    return net.get("/networks?name=public")["networks"][0]["id"]


@pytest.fixture
def inside(net):
    network = net.network()
    network["subnet"] = net.subnet(network, "10.9.0.0/24")["id"]
    return network


def test_a_router_joins_subnets_once(net, inside):
    router = net.router(name="r")
    answer = net.interface(router, subnet_id=inside["subnet"])
    assert answer.status == 200
    port = net.get(f"/ports/{answer.json['port_id']}")["port"]
    assert (port["device_owner"], port["device_id"]) == ("network:router_interface", router["id"])
    assert port["fixed_ips"] == [{"subnet_id": inside["subnet"], "ip_address": "10.9.0.1"}]
    assert net.interface(router, subnet_id=inside["subnet"]).status == 400
    assert net.delete(f"/ports/{port['id']}", 409)["type"] == "ServicePortInUse"
    assert net.delete(f"/routers/{router['id']}", 409)["type"] == "RouterInUse"
    assert net.delete(f"/networks/{inside['id']}", 409)["type"] == "NetworkInUse"
    assert net.delete(f"/subnets/{inside['subnet']}", 409)["type"] == "SubnetInUse"
    assert net.interface(router, "remove", subnet_id=inside["subnet"]).status == 200
    assert net.interface(router, "remove", subnet_id=inside["subnet"]).status == 404
    net.delete(f"/routers/{router['id']}")


def test_a_router_takes_a_port_that_is_free(net, inside):
    router, port = net.router(), net.port(inside)
    assert net.interface(router, port_id=port["id"]).status == 200
    other = net.router()
    assert net.interface(other, port_id=port["id"]).status == 409
    assert net.interface(router, "remove", port_id=port["id"]).status == 200
    net.get(f"/ports/{port['id']}", 404)
    for one in (router, other):
        net.delete(f"/routers/{one['id']}")


def test_ranges_on_one_router_do_not_overlap(net, inside):
    router, other = net.router(), net.network()
    overlapping = net.subnet(other, "10.9.0.0/25")
    net.interface(router, subnet_id=inside["subnet"])
    answer = net.interface(router, subnet_id=overlapping["id"])
    assert answer.status == 400 and "overlaps" in answer.json["NeutronError"]["message"]
    net.interface(router, "remove", subnet_id=inside["subnet"])
    net.delete(f"/routers/{router['id']}")


def test_gateways_lead_outside_only(net, public, inside):
    refused = net.make("router", "/routers", 400, external_gateway_info={"network_id": inside["id"]})
    assert refused["type"] == "BadRequest"
    net.make("router", "/routers", 404, external_gateway_info={"network_id": "6e4fdd7b-ab75-4a8a-bd31-0a3a4c3a4d76"})
    net.make("router", "/routers", 403, external_gateway_info={"network_id": public, "enable_snat": False})
    router = net.router(external_gateway_info={"network_id": public})
    path = f"/routers/{router['id']}"
    info = router["external_gateway_info"]
    assert info["enable_snat"] and info["external_fixed_ips"][0]["ip_address"].startswith("172.24.4.")
    assert "ha" not in router
    changed = net.put("router", path, as_="admin", external_gateway_info={"network_id": public, "enable_snat": False})
    assert changed["external_gateway_info"]["external_fixed_ips"] == info["external_fixed_ips"]
    assert net.put("router", path, external_gateway_info={})["external_gateway_info"] is None
    net.delete(path)


def test_routes_lead_to_connected_hops(net, inside):
    router = net.router()
    path = f"/routers/{router['id']}"
    net.interface(router, subnet_id=inside["subnet"])
    route = {"destination": "10.77.0.0/16", "nexthop": "10.9.0.9"}
    assert net.put("router", path, routes=[route])["routes"] == [route]
    assert net.put("router", path, 400, routes=[{**route, "nexthop": "10.8.0.9"}])["type"] == "InvalidRoutes"
    assert net.put("router", path, 400, routes=[{**route, "nexthop": "10.9.0.1"}])["type"] == "InvalidRoutes"
    answer = net.interface(router, "remove", subnet_id=inside["subnet"])
    assert answer.json["NeutronError"]["type"] == "RouterInterfaceInUseByRoute"
    more = net.request("PUT", path + "/add_extraroutes", {"router": {"routes": [{**route, "nexthop": "10.9.0.8"}]}})
    assert len(more.json["router"]["routes"]) == 2
    net.request("PUT", path + "/remove_extraroutes", {"router": {"routes": [{**route, "nexthop": "10.9.0.8"}]}})
    assert net.put("router", path, routes=[])["routes"] == []
    net.interface(router, "remove", subnet_id=inside["subnet"])
    net.delete(path)


def test_floating_ips_come_and_go(net, public, inside):
    router = net.router(external_gateway_info={"network_id": public})
    port = net.port(inside)
    made = net.make("floatingip", "/floatingips", floating_network_id=public)
    path = f"/floatingips/{made['id']}"
    assert (made["status"], made["port_id"], made["router_id"]) == ("DOWN", None, None)
    assert net.put("floatingip", path, 404, port_id=port["id"])["type"] == "ExternalGatewayForFloatingIPNotFound"
    net.interface(router, subnet_id=inside["subnet"])
    bound = net.put("floatingip", path, port_id=port["id"])
    assert (bound["status"], bound["router_id"], bound["fixed_ip_address"]) == (
        "ACTIVE", router["id"], port["fixed_ips"][0]["ip_address"])
    twice = net.make("floatingip", "/floatingips", 409, floating_network_id=public, port_id=port["id"])
    assert twice["type"] == "FloatingIPPortAlreadyAssociated"
    answer = net.interface(router, "remove", subnet_id=inside["subnet"])
    assert answer.json["NeutronError"]["type"] == "RouterInterfaceInUseByFloatingIP"
    assert net.put("router", f"/routers/{router['id']}", 409, external_gateway_info={})["type"] == (
        "RouterExternalGatewayInUseByFloatingIp")
    net.delete(f"/ports/{port['id']}")
    assert net.get(path)["floatingip"]["status"] == "DOWN"
    net.delete(path)
    net.interface(router, "remove", subnet_id=inside["subnet"])
    net.delete(f"/routers/{router['id']}")
    assert net.get(f"/ports?network_id={public}", as_="admin")["ports"][0]["device_owner"] == "network:router_gateway"


def test_floating_ips_refuse(net, public, inside):
    assert net.make("floatingip", "/floatingips", 400, floating_network_id=inside["id"])["type"] == "BadRequest"
    net.make("floatingip", "/floatingips", 403, floating_network_id=public, floating_ip_address="172.24.4.200")
    net.make("floatingip", "/floatingips", 400)
    chosen = net.make("floatingip", "/floatingips", floating_network_id=public, floating_ip_address="172.24.4.200",
                      as_="admin")
    assert chosen["floating_ip_address"] == "172.24.4.200"
    net.get(f"/floatingips/{chosen['id']}", 404)
    net.delete(f"/floatingips/{chosen['id']}", as_="admin")
