"""The files that dnsmasq is given, and the release of a lease."""

import dataclasses
import struct
from pathlib import Path

import pytest
from stratolith.core.drivers.network import NetworkSpec, PortSpec, Rule, Subnet
from stratolith.network.bridge import lease
from stratolith.network.bridge.dhcp import Dhcp
from stratolith.network.bridge.options import Options
from stratolith.network.bridge.record import Lease, Records, lease_of

SUBNET = Subnet("s1", "10.0.0.0/24", 4, "10.0.0.1", True, "10.0.0.2", ("9.9.9.9", "2001:db8::9"),
                (("10.9.0.0/16", "10.0.0.7"),))
SIXTH = Subnet("s6", "2001:db8::/64", 6, "2001:db8::1", True, "2001:db8::2", ("2001:db8::9",))
NETWORK = NetworkSpec("n1", "vxlan", 1, 1450, (SUBNET, SIXTH))
HOLDER = Lease("p1", "fa:16:3e:00:00:01", (("s1", "10.0.0.5"), ("s6", "2001:db8::5")), "web")


def files(folder: Path, network: NetworkSpec = NETWORK, *leases: Lease) -> dict[str, list[str]]:
    """What is written for the network, by the file's last name."""
    Dhcp(Options(dnsmasq="true"), folder, "").apply(network, leases)
    return {path.name.removeprefix("dnsmasq."): path.read_text().splitlines() for path in folder.glob("dnsmasq.*")}


def test_only_what_ports_hold_is_lent(tmp_path: Path) -> None:
    written = files(tmp_path, NETWORK, HOLDER)
    assert written["hosts"] == ["fa:16:3e:00:00:01,10.0.0.5,web", "fa:16:3e:00:00:01,[2001:db8::5],web"]
    assert "dhcp-range=set:s-s1,10.0.0.0,static,255.255.255.0,86400" in written["conf"]
    assert "dhcp-range=set:s-s6,2001:db8::,static,64,86400" in written["conf"]


def test_options_of_a_subnet(tmp_path: Path) -> None:
    assert files(tmp_path, NETWORK)["opts"] == [
        "tag:s-s1,option:classless-static-route,169.254.169.254/32,10.0.0.2,10.9.0.0/16,10.0.0.7,0.0.0.0/0,10.0.0.1",
        "tag:s-s1,249,169.254.169.254/32,10.0.0.2,10.9.0.0/16,10.0.0.7,0.0.0.0/0,10.0.0.1",
        "tag:s-s1,option:router,10.0.0.1", "tag:s-s1,option:mtu,1450", "tag:s-s1,option:dns-server,9.9.9.9",
        "tag:s-s6,option6:dns-server,[2001:db8::9]"]


def test_subnet_without_gateway_and_servers(tmp_path: Path) -> None:
    bare = dataclasses.replace(SUBNET, gateway_ip="", dns_nameservers=(), host_routes=())
    written = files(tmp_path, dataclasses.replace(NETWORK, subnets=(bare,)))["opts"]
    assert "tag:s-s1,option:router" in written and "tag:s-s1,option:dns-server" in written
    assert "tag:s-s1,option:classless-static-route,169.254.169.254/32,10.0.0.2" in written


def test_a_host_route_may_be_the_default(tmp_path: Path) -> None:
    own = dataclasses.replace(SUBNET, host_routes=(("0.0.0.0/0", "10.0.0.254"),))
    written = files(tmp_path, dataclasses.replace(NETWORK, subnets=(own,)))["opts"]
    assert written[0].endswith("169.254.169.254/32,10.0.0.2,0.0.0.0/0,10.0.0.254")


def test_subnets_of_a_network_know_each_other(tmp_path: Path) -> None:
    other = dataclasses.replace(SUBNET, id="s2", cidr="10.1.0.0/24", dhcp=False, dhcp_address="")
    written = files(tmp_path, dataclasses.replace(NETWORK, subnets=(SUBNET, other)))["opts"]
    assert "10.1.0.0/24,0.0.0.0" in written[0]
    assert not any("s-s2" in line for line in written)


@pytest.mark.parametrize(("name", "written"), [
    ("web", "web"), ("", ""), ("45", "host-45"), ("12h", "host-12h"), ("ignore", "host-ignore"),
    ("INFINITE", "host-INFINITE"), ("a,b\nset:x", "a-b-set-x"), ("-rf", "rf"), ("東京", ""), ("x" * 255, "x" * 58),
])
def test_names_cannot_be_mistaken(tmp_path: Path, name: str, written: str) -> None:
    held = Lease("p1", "fa:16:3e:00:00:01", (("s1", "10.0.0.5"),), name)
    line, = files(tmp_path, NETWORK, held)["hosts"]
    assert line == f"fa:16:3e:00:00:01,10.0.0.5{',' if written else ''}{written}"


def test_network_without_dhcp_runs_nothing(tmp_path: Path) -> None:
    assert files(tmp_path, dataclasses.replace(NETWORK, subnets=())) == {}


def test_leases_are_read(tmp_path: Path) -> None:
    file = tmp_path / "leases"
    file.write_text("1795000000 FA:16:3E:00:00:01 10.0.0.5 web *\nduid 00:01:00:01\n"
                    "1795000000 1 2001:db8::5 web 00:01\n")
    assert list(lease.read(file)) == [lease.Lent("fa:16:3e:00:00:01", "10.0.0.5")]
    assert list(lease.read(tmp_path / "none")) == []


def test_release_is_a_dhcp_message() -> None:
    text = lease.message(lease.Lent("fa:16:3e:00:00:01", "10.0.0.5"), "10.0.0.2")
    assert text[:3] == b"\x01\x01\x06"
    assert text[12:16] == bytes((10, 0, 0, 5)) and text[28:34] == bytes.fromhex("fa163e000001")
    assert struct.unpack("!I", text[236:240])[0] == 0x63825363
    assert text[240:] == b"\x35\x01\x07\x36\x04\x0a\x00\x00\x02\xff"


def test_records(tmp_path: Path) -> None:
    records = Records(tmp_path)
    assert records.network("n1") is None and records.network_of("p1") == ""
    records.save_network(NETWORK)
    port = PortSpec("p1", "n1", "fa:16:3e:00:00:01", (("s1", "10.0.0.5"),), hostname="web")
    records.save_port(port)
    assert records.network_of("p1") == "n1"
    assert records.leases("n1") == [lease_of(port)] == [records.lease("n1", "p1")]
    again = records.network("n1")
    assert again is not None and [subnet.host_routes for subnet in again.subnets] == [SUBNET.host_routes, ()]
    assert dataclasses.replace(again, subnets=(), peers=()) == dataclasses.replace(NETWORK, subnets=(), peers=())
    records.forget_port("n1", "p1")
    records.forget_port("n1", "p1")
    records.forget_network("n1")
    records.forget_network("n1")
    assert records.network("n1") is None


def test_a_changed_rule_changes_the_digest() -> None:
    port = PortSpec("p1", "n1", "fa:16:3e:00:00:01")
    ruled = dataclasses.replace(port, rules=(Rule("ingress", "IPv4"),))
    assert lease_of(port).security == lease_of(dataclasses.replace(port, hostname="new")).security
    assert lease_of(port).security != lease_of(ruled).security
