"""Rules of the bridge table as nftables takes them."""

import json
from typing import Any

import pytest
from stratolith.core.drivers.network import PortSpec, Rule
from stratolith.network.bridge import nft
from stratolith.network.bridge.security import allow, guest_rules, link_local, source_rules, visitor_rules

MAC = "fa:16:3e:00:00:11"
PORT = PortSpec("p1", "n1", MAC, (("s1", "10.0.0.5"),))


def short(expression: Any) -> list[Any]:
    """Field and value of each comparison, then the verdict."""
    words: list[Any] = []
    for statement in expression:
        if "match" in statement:
            left = statement["match"]["left"]
            name = left.get("payload", {}).get("protocol"), left.get("payload", {}).get("field")
            words.append((*(name if any(name) else (json.dumps(left),)), statement["match"]["right"]))
        else:
            words.extend(statement)
    return words


def test_link_local() -> None:
    assert link_local(MAC) == "fe80::f816:3eff:fe00:11"


def test_a_port_that_is_down_passes_nothing() -> None:
    down = PortSpec("p1", "n1", MAC, admin_up=False)
    assert list(guest_rules(down, "src")) == [(nft.DROP,)] == list(visitor_rules(down, "dhcp"))


def test_an_unfiltered_port_passes_all() -> None:
    bare = PortSpec("p1", "n1", MAC, filtered=False)
    assert list(guest_rules(bare, "src")) == [] == list(visitor_rules(bare, "dhcp"))


def test_all_chains_end_in_a_drop() -> None:
    for rules in (source_rules(PORT), guest_rules(PORT, "src"), visitor_rules(PORT, "dhcp")):
        assert list(rules)[-1] == (nft.DROP,)


def test_sender_is_checked_before_anything() -> None:
    assert next(iter(guest_rules(PORT, "src"))) == ({"jump": {"target": "src"}},)


def test_only_own_addresses_may_send() -> None:
    four = [short(rule) for rule in source_rules(PORT) if ("ip", "saddr") in [word[:2] for word in short(rule)]]
    assert [("ether", "saddr", MAC), ("ip", "saddr", {"prefix": {"addr": "10.0.0.5", "len": 32}}), "return"] in four


def test_dhcp_answers_come_from_our_server_only() -> None:
    rule = next(iter(visitor_rules(PORT, "stdhcp")))
    assert rule[0] == {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "stdhcp"}}


@pytest.mark.parametrize(("rule", "words"), [
    (Rule("ingress", "IPv4"), [("ether", "type", "ip"), "return"]),
    (Rule("ingress", "IPv6"), [("ether", "type", "ip6"), "return"]),
    (Rule("ingress", "IPv4", "tcp", 22, 22), [("ether", "type", "ip"), ("tcp", "dport", 22), "return"]),
    (Rule("egress", "IPv4", "17", 5, 9), [("ether", "type", "ip"), ("udp", "dport", {"range": [5, 9]}), "return"]),
    (Rule("ingress", "IPv4", "icmp", 8, 0),
     [("ether", "type", "ip"), ('{"meta": {"key": "l4proto"}}', 1), ("icmp", "type", 8), ("icmp", "code", 0),
      "return"]),
    (Rule("ingress", "IPv6", "icmp", 128),
     [("ether", "type", "ip6"), ('{"meta": {"key": "l4proto"}}', 58), ("icmpv6", "type", 128), "return"]),
    (Rule("ingress", "IPv4", "vrrp"), [("ether", "type", "ip"), ('{"meta": {"key": "l4proto"}}', 112), "return"]),
    (Rule("egress", "IPv4", remote=("10.0.0.0/8",)),
     [("ip", "daddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}), "return"]),
])
def test_rules(rule: Rule, words: list[Any]) -> None:
    expression, = allow(rule)
    assert short(expression) == words


@pytest.mark.parametrize("rule", [
    Rule("ingress", "IPv4", remote_group="g"), Rule("ingress", "IPv4", remote=("2001:db8::/64",), remote_group="g"),
    Rule("ingress", "IPv6", remote=("10.0.0.0/8",)),
])
def test_nobody_is_allowed(rule: Rule) -> None:
    assert list(allow(rule)) == []


def test_overlapping_networks_are_merged() -> None:
    assert nft.networks(["10.0.0.0/8", "10.1.0.0/16", "10.2.3.4"]) == {"prefix": {"addr": "10.0.0.0", "len": 8}}
    assert nft.networks(["10.0.0.1/32", "10.0.0.3/32"]) == {"set": [
        {"prefix": {"addr": "10.0.0.1", "len": 32}}, {"prefix": {"addr": "10.0.0.3", "len": 32}}]}
