"""Security groups, floating IPs and networks as compute showed them until microversion 2.35."""

import pytest

from .conftest import World

OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="module")
def world(cloud):
    return World(cloud)


def group(world, name):
    answer = world.ask("POST", "/os-security-groups", {"security_group": {"name": name, "description": "of tests"}})
    assert answer.status == 200, answer
    return answer.json["security_group"]


def rule(world, parent, **fields):
    body = {"security_group_rule": {"parent_group_id": parent, **fields}}
    return world.ask("POST", "/os-security-group-rules", body)


def test_security_groups(world):
    made = group(world, " web ")
    assert made["name"] == " web " and made["rules"] == []
    assert world.ask("GET", f"/os-security-groups/{made['id']}").json == {"security_group": made}
    assert made in world.ask("GET", "/os-security-groups").json["security_groups"]
    assert len(world.ask("GET", "/os-security-groups?limit=1&offset=1").json["security_groups"]) == 1
    changed = world.ask("PUT", f"/os-security-groups/{made['id']}", {"security_group": {"name": "www"}})
    assert changed.json["security_group"]["name"] == "www"
    assert world.ask("DELETE", f"/os-security-groups/{made['id']}").status == 202
    assert world.ask("DELETE", f"/os-security-groups/{made['id']}").status == 404
    assert world.ask("DELETE", "/os-security-groups/nonsense").status == 400
    assert world.ask("DELETE", "/os-security-groups/").status == 404


def test_the_default_group_stays(world):
    found = world.ask("GET", "/os-security-groups").json["security_groups"]
    default = next(one for one in found if one["name"] == "default")
    assert {one["group"]["name"] for one in default["rules"]} == {"default"}
    assert world.ask("DELETE", f"/os-security-groups/{default['id']}").status == 400


def test_rules(world):
    first, second = group(world, "first"), group(world, "second")
    made = rule(world, first["id"], ip_protocol="tcp", from_port="22", to_port=22, cidr="10.2.3.124/24")
    assert made.status == 200, made
    shown = made.json["security_group_rule"]
    assert shown["from_port"] == 22 and shown["ip_range"] == {"cidr": "10.2.3.124/24"} and shown["group"] == {}
    assert rule(world, first["id"], ip_protocol="tcp", from_port=22, to_port=22, cidr="10.2.3.124/24").status == 400
    assert rule(world, first["id"], ip_protocol="tcp", from_port=22, to_port=21).status == 400
    assert rule(world, first["id"], ip_protocol="nonsense", from_port=1, to_port=2).status == 400
    assert rule(world, first["id"], ip_protocol="tcp", from_port=1, to_port=65536).status == 400
    assert rule(world, first["id"], ip_protocol="tcp", from_port=1, to_port=2, cidr="nonsense").status == 400
    assert rule(world, "nonsense", ip_protocol="tcp", from_port=1, to_port=2).status == 400
    assert rule(world, OTHER, ip_protocol="tcp", from_port=1, to_port=2).status == 404
    ping = rule(world, first["id"], ip_protocol="icmp", from_port=-1, to_port=-1).json["security_group_rule"]
    assert (ping["from_port"], ping["to_port"], ping["ip_range"]) == (-1, -1, {"cidr": "0.0.0.0/0"})
    peer = rule(world, first["id"], ip_protocol="udp", from_port=1, to_port=2, group_id=second["id"])
    assert peer.json["security_group_rule"]["group"] == {"name": "second", "tenant_id": second["tenant_id"]}
    rules = world.ask("GET", f"/os-security-groups/{first['id']}").json["security_group"]["rules"]
    assert {one["id"] for one in rules} == {shown["id"], ping["id"], peer.json["security_group_rule"]["id"]}
    assert world.ask("DELETE", f"/os-security-group-rules/{shown['id']}").status == 202
    assert world.ask("DELETE", f"/os-security-group-rules/{shown['id']}").status == 404


def test_groups_of_a_server(world):
    made, server = group(world, "of-server"), world.boot()
    assert world.act(server, "addSecurityGroup", {"name": "of-server"}).status == 202
    found = world.ask("GET", f"/servers/{server}/os-security-groups").json["security_groups"]
    assert made["id"] in [one["id"] for one in found]
    assert world.ask("DELETE", f"/os-security-groups/{made['id']}").status == 400
    world.delete(server)
    assert world.ask("DELETE", f"/os-security-groups/{made['id']}").status == 202


def test_floating_ips(world):
    assert {"name": "public"} in world.ask("GET", "/os-floating-ip-pools").json["floating_ip_pools"]
    assert world.ask("POST", "/os-floating-ips", {"pool": "nonsense"}).status == 404
    made = world.ask("POST", "/os-floating-ips", {"pool": "public"})
    assert made.status == 200, made
    one = made.json["floating_ip"]
    assert one["pool"] == "public" and one["instance_id"] is None
    path = f"/os-floating-ips/{one['id']}"
    assert world.ask("GET", path).json["floating_ip"] == one
    assert one in world.ask("GET", "/os-floating-ips").json["floating_ips"]
    assert world.ask("DELETE", path).status == 202
    assert world.ask("GET", path).status == 404


def test_a_server_with_a_floating_ip(world):
    server, other = world.boot(), world.boot()
    one = world.ask("POST", "/os-floating-ips").json["floating_ip"]
    asked = {"address": one["ip"]}
    assert world.act(server, "removeFloatingIp", asked, "2.43").status == 409
    assert world.act(server, "addFloatingIp", {"address": "0.0.0.0"}, "2.43").status == 404
    assert world.act(server, "addFloatingIp", {**asked, "fixed_address": "9.9.9.9"}, "2.43").status == 400
    answer = world.act(server, "addFloatingIp", asked, "2.43")
    assert answer.status == 202, answer
    shown = world.ask("GET", f"/os-floating-ips/{one['id']}").json["floating_ip"]
    assert shown["instance_id"] == server and shown["fixed_ip"]
    second = world.ask("POST", "/os-floating-ips").json["floating_ip"]
    assert world.act(server, "addFloatingIp", {"address": second["ip"]}, "2.43").status == 400
    assert world.act(other, "addFloatingIp", asked, "2.43").status == 202
    assert world.act(server, "removeFloatingIp", asked, "2.43").status == 409
    assert world.act(other, "removeFloatingIp", asked, "2.43").status == 202
    assert world.act(other, "addFloatingIp", asked, "2.44").status == 404
    world.delete(server, other)


def test_networks(world):
    for path in ("/os-networks", "/os-tenant-networks"):
        found = world.ask("GET", path).json["networks"]
        one = next(network for network in found if network["label"] == "private")
        assert world.ask("GET", f"{path}/{one['id']}").json == {"network": one}
        assert world.ask("GET", f"{path}/{OTHER}").status == 404
        assert world.ask("GET", path, version="2.36").status == 404


def test_fixed_addresses(world):
    server = world.boot()
    (nic,) = world.ask("GET", f"/servers/{server}/os-interface").json["interfaceAttachments"]
    (first,) = [one["ip_address"] for one in nic["fixed_ips"]]

    def addresses():
        return [one["addr"] for one in world.show(server)["addresses"]["private"]]

    assert addresses() == [first]
    assert world.act(server, "addFixedIp", {"networkId": OTHER}, "2.43").status == 400
    assert world.act(server, "addFixedIp", {"networkId": nic["net_id"]}, "2.44").status == 404
    assert world.act(server, "addFixedIp", {"networkId": nic["net_id"]}, "2.43").status == 202
    assert len(addresses()) == 2
    second = next(one for one in addresses() if one != first)
    assert world.act(server, "removeFixedIp", {"address": "9.9.9.9"}, "2.43").status == 400
    assert world.act(server, "removeFixedIp", {"address": second}, "2.43").status == 202
    assert addresses() == [first]
    assert world.act(server, "removeFixedIp", {"address": first}, "2.44").status == 404
    world.delete(server)
