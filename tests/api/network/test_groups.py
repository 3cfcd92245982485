"""Security groups and their rules."""

import pytest


@pytest.fixture
def group(net):
    made = net.make("security_group", "/security-groups", name="g")
    yield made["id"]
    net.request("DELETE", f"/security-groups/{made['id']}")


def rule(net, group, status=201, **attributes):
    return net.make("security_group_rule", "/security-group-rules", status, security_group_id=group,
                    **{"direction": "ingress", **attributes})


def test_the_default_group_is_there_with_four_rules(net):
    found = net.get("/security-groups?name=default")["security_groups"]
    assert len(found) == 1
    rules = found[0]["security_group_rules"]
    assert sorted((one["direction"], one["ethertype"], one["remote_group_id"] == found[0]["id"]) for one in rules) == [
        ("egress", "IPv4", False), ("egress", "IPv6", False), ("ingress", "IPv4", True), ("ingress", "IPv6", True)]
    assert net.make("security_group", "/security-groups", 409, name="default")["type"] == (
        "SecurityGroupDefaultAlreadyExists")
    assert net.delete(f"/security-groups/{found[0]['id']}", 409)["type"] == "SecurityGroupCannotRemoveDefault"
    assert net.put("security_group", f"/security-groups/{found[0]['id']}", 409, name="x")["type"] == (
        "SecurityGroupCannotUpdateDefault")


def test_a_new_group_lets_everything_out(net):
    made = net.make("security_group", "/security-groups", name="fresh", description="d")
    assert sorted((one["direction"], one["ethertype"]) for one in made["security_group_rules"]) == [
        ("egress", "IPv4"), ("egress", "IPv6")]
    shown = net.get(f"/security-groups/{made['id']}")["security_group"]
    assert len(shown["security_group_rules"]) == 2
    net.delete(f"/security-groups/{made['id']}")
    assert net.get(f"/security-groups/{made['id']}", 404)["NeutronError"]["type"] == "SecurityGroupNotFound"


def test_rules_are_kept_in_their_usual_form(net, group):
    made = rule(net, group, protocol="TCP", port_range_min="22", port_range_max=80, remote_ip_prefix="10.1.2.3/8")
    assert (made["protocol"], made["port_range_min"], made["port_range_max"]) == ("tcp", 22, 80)
    assert (made["ethertype"], made["remote_ip_prefix"]) == ("IPv4", "10.1.2.3/8")
    assert made["normalized_cidr"] == "10.0.0.0/8"
    assert rule(net, group, protocol=17)["protocol"] == "17"
    assert rule(net, group, protocol="icmp", port_range_min=8, port_range_max=0)["port_range_max"] == 0
    shown = net.get(f"/security-group-rules/{made['id']}")["security_group_rule"]
    assert shown == made
    net.delete(f"/security-group-rules/{made['id']}")
    net.delete(f"/security-group-rules/{made['id']}", 404)


@pytest.mark.parametrize(("kind", "attributes"), [
    ("SecurityGroupRuleInvalidProtocol", {"protocol": "nonsense"}),
    ("SecurityGroupRuleInvalidProtocol", {"protocol": 256}),
    ("SecurityGroupRuleInvalidEtherType", {"ethertype": "IPv5"}),
    ("SecurityGroupProtocolRequiredWithPorts", {"port_range_min": 1, "port_range_max": 2}),
    ("SecurityGroupInvalidPortRange", {"protocol": "tcp", "port_range_min": 9, "port_range_max": 2}),
    ("SecurityGroupInvalidPortValue", {"protocol": "tcp", "port_range_min": 9, "port_range_max": 65536}),
    ("SecurityGroupInvalidIcmpValue", {"protocol": "icmp", "port_range_min": 256}),
    ("SecurityGroupMissingIcmpType", {"protocol": "icmp", "port_range_max": 6}),
    ("SecurityGroupRuleParameterConflict", {"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}),
    ("SecurityGroupEthertypeConflictWithProtocol", {"protocol": "ipv6-icmp"}),
    ("SecurityGroupInvalidProtocolForPortRange", {"protocol": "esp", "port_range_min": 1, "port_range_max": 2}),
    ("HTTPBadRequest", {"direction": "sideways"}),
    ("HTTPBadRequest", {"remote_ip_prefix": "10.0.0.0/99"}),
])
def test_rules_that_contradict_themselves(net, group, kind, attributes):
    assert rule(net, group, 400, **attributes)["type"] == kind


def test_one_rule_exists_once_however_it_is_written(net, group):
    rule(net, group, protocol="tcp", port_range_min=1, port_range_max=2)
    assert rule(net, group, 409, protocol="6", port_range_min=1, port_range_max=2)["type"] == "SecurityGroupRuleExists"
    rule(net, group)
    assert rule(net, group, 409, remote_ip_prefix="0.0.0.0/0")["type"] == "SecurityGroupRuleExists"


def test_remote_groups_must_be_there(net, group):
    assert rule(net, group, remote_group_id=group)["remote_group_id"] == group
    assert rule(net, group, 404, remote_group_id="nobody")["type"] == "SecurityGroupNotFound"
    both = rule(net, group, 400, remote_group_id=group, remote_ip_prefix="10.0.0.0/8")
    assert both["type"] == "SecurityGroupMultipleRemoteEntites"


def test_quotas_of_groups_and_rules(net, group):
    project = net.get(f"/security-groups/{group}")["security_group"]["project_id"]
    used = net.get(f"/quotas/{project}/details")["quota"]
    net.put("quota", f"/quotas/{project}", as_="admin",
            security_group_rule=used["security_group_rule"]["used"], security_group=used["security_group"]["used"])
    assert rule(net, group, 409, protocol="udp")["type"] == "OverQuota"
    assert net.make("security_group", "/security-groups", 409, name="x")["type"] == "OverQuota"
    net.delete(f"/quotas/{project}", as_="admin")


def test_a_list_reads_all_rules_at_once(net, group):
    few = net.queries(lambda: net.get("/security-groups"))
    for port in range(1, 6):
        rule(net, group, protocol="tcp", port_range_min=port, port_range_max=port)
    assert net.queries(lambda: net.get("/security-groups")) == few
