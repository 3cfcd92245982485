"""The router's address translation, and what it announces to IPv6 guests."""

from pathlib import Path
from typing import Any

from stratolith.core.drivers.network import RouterSpec
from stratolith.network.bridge import router
from stratolith.network.bridge.advertisement import Advertisement
from stratolith.network.bridge.options import Options

GATEWAY = ("ext", "fa:16:3e:00:00:02", "172.24.4.10/24")
FLOATING = (("172.24.4.20", "10.0.0.5"),)


def rules(spec: RouterSpec, chain: str) -> list[list[dict[str, Any]]]:
    """Expressions of the rules of one chain."""
    found = [command["add"]["rule"] for command in router._translation(spec, "gw0" if spec.gateway else "")
             if "rule" in command.get("add", {})]
    return [rule["expr"] for rule in found if rule["chain"] == chain]


def test_without_a_gateway_nothing_is_translated() -> None:
    assert rules(RouterSpec("r"), "postrouting") == [] == rules(RouterSpec("r"), "prerouting")


def test_inside_hides_behind_the_routers_address() -> None:
    assert {"snat": {"addr": "172.24.4.10"}} in rules(RouterSpec("r", gateway=GATEWAY), "postrouting")[1]


def test_without_snat_only_floating_addresses_are_translated() -> None:
    spec = RouterSpec("r", gateway=GATEWAY, snat=False, floating=FLOATING)
    targets = {rule[-1]["snat"]["addr"] for rule in rules(spec, "postrouting") if "snat" in rule[-1]}
    assert targets == {"172.24.4.20"}
    assert rules(spec, "prerouting")[0][-1] == {"dnat": {"addr": "10.0.0.5"}}


def test_ipv6_gateways_do_not_translate() -> None:
    spec = RouterSpec("r", gateway=("ext", "fa:16:3e:00:00:02", "2001:db8::10/64"))
    assert not [rule for rule in rules(spec, "postrouting") if "snat" in rule[-1]]


def test_announces_only_ipv6(tmp_path: Path) -> None:
    announcing = Advertisement(Options(dnsmasq="true"), tmp_path / "r")
    announcing.apply({"a": ["10.0.0.1/24"]})
    assert not (tmp_path / "r").exists()
    announcing.apply({"a": ["10.0.0.1/24", "2001:db8::1/64"], "b": ["10.1.0.1/24"]})
    text = (tmp_path / "r" / "dnsmasq.conf").read_text().splitlines()
    assert "interface=a" in text and "interface=b" not in text
    assert "dhcp-range=2001:db8::,static,64" in text
    announcing.apply({"a": ["10.0.0.1/24"]})
    assert not (tmp_path / "r").exists()
