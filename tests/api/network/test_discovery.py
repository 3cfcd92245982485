"""Versions, extensions, agents, zones and the use of addresses."""


def test_versions_need_no_token(net):
    answer = net.cloud.request("GET", "/network/", as_=None)
    assert answer.json["versions"] == [{"id": "v2.0", "status": "CURRENT", "links": [
        {"rel": "self", "href": "http://cloud.test/network/v2.0/"}]}]
    assert net.cloud.request("GET", "/network/v2.0/", as_=None).json["resources"]


def test_extensions_are_listed_and_shown(net):
    aliases = [one["alias"] for one in net.get("/extensions")["extensions"]]
    assert {"router", "security-group", "quotas", "provider"} <= set(aliases)
    for alias in aliases:
        assert net.get(f"/extensions/{alias}")["extension"]["alias"] == alias
    net.get("/extensions/nonsense", 404)


def test_agents_live_while_they_beat(net):
    assert net.get("/agents")["agents"] == []
    agent = net.get("/agents", as_="admin")["agents"][0]
    assert (agent["host"], agent["alive"], agent["admin_state_up"]) == ("host1", True, True)
    net.cloud.clock.advance(100)
    path = f"/agents/{agent['id']}"
    assert not net.get(path, as_="admin")["agent"]["alive"]
    net.cloud.run(31)
    assert net.get(path, as_="admin")["agent"]["alive"]
    assert net.put("agent", path, as_="admin", description="d")["description"] == "d"
    net.get(path, 403)


def test_zones_come_from_agents(net):
    zones = net.get("/availability_zones")["availability_zones"]
    assert {"name": "nova", "resource": "network", "state": "available"} in zones


def test_the_use_of_addresses_is_counted(net):
    network = net.network(as_="admin")
    net.subnet(network, "10.9.0.0/29", as_="admin")
    net.port(network, as_="admin")
    found = net.get(f"/network-ip-availabilities/{network['id']}", as_="admin")["network_ip_availability"]
    assert (found["total_ips"], found["used_ips"]) == (5, 1)
    assert net.get("/network-ip-availabilities?network_name=public", as_="admin")["network_ip_availabilities"]


def test_every_operation_has_a_rule_and_a_summary(net):
    from stratolith.plugins.network.api import API
    from stratolith.plugins.network.rules import RULES
    names = {rule.name for rule in RULES}
    for operation in API.operations:
        assert operation.public or operation.rule in names, operation.name
        assert operation.summary, operation.name
