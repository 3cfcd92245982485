"""The packet filter of all ports of this host: one bridge table, three chains for each port.

A bridge has no connection tracking on every kernel. So bridged packets pass the IP hooks as
well (br_netfilter): there a packet of a known connection gets a bit in its mark, and the
bridge table, which alone sees the ports, reads that bit. Each network is a tracking zone of
its own, because networks of different projects may use the same addresses.
"""

from __future__ import annotations

from pathlib import Path

from ...core.drivers.network import PortSpec
from ...core.errors import BackendFailed
from . import namespace, nft
from .names import Names
from .nft import Command, Table, match, meta
from .options import Options
from .program import run
from .security import KNOWN, guest_rules, source_rules, visitor_rules

SETTINGS = namespace.SYSCTL / "bridge"
RAW, MANGLE, FILTER = -300, -150, -200


class Filter:
    """The tables of one cloud. Every change is one transaction: packets see the old rules or the new."""

    def __init__(self, options: Options, names: Names) -> None:
        self._options = options
        self._names = names
        self._ports = Table("bridge", names.prefix)
        self._flows = Table("inet", names.prefix)

    def open(self) -> None:
        """See that packets can be filtered here. Called in the host's namespace.

        :raises BackendFailed: the kernel lacks br_netfilter.
        """
        _pass_bridged_packets(self._options.timeout_s)
        nft.chains(self._options, "bridge")

    def clear(self) -> None:
        """Remove the tables; nothing if there are none."""
        nft.commit(self._options, [command for table in (self._ports, self._flows)
                                   for command in (table.table(), table.table("delete"))])

    def _base_ports(self) -> list[Command]:
        table = self._ports
        return [
            table.table(), table.map("from"), table.map("to"), table.device_set("guests"),
            table.base("forward", "forward", FILTER), table.chain("forward", "flush"),
            table.rule("forward", {"vmap": {"key": meta("iifname"), "data": "@from"}}),
            table.rule("forward", {"vmap": {"key": meta("oifname"), "data": "@to"}}),
            table.base("input", "input", FILTER), table.chain("input", "flush"),
            table.rule("input", match(meta("iifname"), "@guests"), nft.DROP),
        ]

    def _base_flows(self) -> list[Command]:
        table = self._flows
        known = {"mangle": {"key": meta("mark"), "value": {"|": [meta("mark"), KNOWN]}}}
        return [
            table.table(), table.map("zones"),
            table.base("prerouting-zone", "prerouting", RAW), table.chain("prerouting-zone", "flush"),
            table.rule("prerouting-zone", {"vmap": {"key": meta("iifname"), "data": "@zones"}}),
            table.base("prerouting-state", "prerouting", MANGLE), table.chain("prerouting-state", "flush"),
            table.rule("prerouting-state", match(meta("iifname"), self._names.bridges()),
                       match(nft.ct("state"), {"set": ["established", "related"]}, "in"), known),
        ]

    def apply_network(self, network_id: str, zone: int) -> None:
        """Make the tables where they are missing, and track the network's connections in ``zone`` (0 to 65535)."""
        chain, bridge = _zone(network_id), self._names.bridge(network_id)
        unknown = {"mangle": {"key": meta("mark"), "value": {"&": [meta("mark"), 0xFFFFFFFF ^ KNOWN]}}}
        zoned = ({"mangle": {"key": nft.ct("zone"), "value": zone}},) if zone else ()
        nft.commit(self._options, [*self._base_ports(), *self._base_flows(),
                                   *self._flows.fresh_chain(chain, [(unknown, *zoned)]),
                                   self._flows.element("zones", [bridge, nft.jump(chain)])])

    def remove_network(self, network_id: str) -> None:
        """Forget the network's zone; nothing if there is none."""
        chain, bridge = _zone(network_id), self._names.bridge(network_id)
        element = [bridge, nft.jump(chain)]
        table = self._flows
        nft.commit(self._options, [table.table(), table.map("zones"), table.chain(chain),
                                   table.element("zones", element), table.element("zones", element, "delete"),
                                   table.chain(chain, "flush"), table.chain(chain, "delete")])

    def apply_port(self, port: PortSpec) -> None:
        """Let exactly what the port's rules allow pass."""
        source, leaving, entering = _chains(port.id)
        table, tap = self._ports, self._names.tap(port.id)
        dhcp = self._names.dhcp(port.network_id)
        nft.commit(self._options, [
            *table.fresh_chain(source, source_rules(port)),
            *table.fresh_chain(leaving, guest_rules(port, source)),
            *table.fresh_chain(entering, visitor_rules(port, dhcp)),
            table.element("from", [tap, nft.jump(leaving)]), table.element("to", [tap, nft.jump(entering)]),
            table.element("guests", tap),
        ])

    def remove_port(self, port_id: str) -> None:
        """Remove the port's chains; nothing if there are none."""
        source, leaving, entering = _chains(port_id)
        table, tap = self._ports, self._names.tap(port_id)
        elements = (("from", [tap, nft.jump(leaving)]), ("to", [tap, nft.jump(entering)]), ("guests", tap))
        present = (table.table(), table.map("from"), table.map("to"), table.device_set("guests"))
        # A deletion of what is not there is an error, so all is added first, in the same transaction.
        nft.commit(self._options, [
            *present, *(table.chain(chain) for chain in (source, leaving, entering)),
            *(table.element(name, value) for name, value in elements),
            *(table.element(name, value, "delete") for name, value in elements),
            *(table.chain(chain, "flush") for chain in (leaving, entering, source)),
            *(table.chain(chain, "delete") for chain in (leaving, entering, source)),
        ])

    def ports(self) -> list[str]:
        """Ids of all ports that have their chains."""
        return sorted(name.removeprefix("in-") for table, name in nft.chains(self._options, "bridge")
                      if table == self._names.prefix and name.startswith("in-"))


def _zone(network_id: str) -> str:
    return f"zone-{network_id}"


def _chains(port_id: str) -> tuple[str, str, str]:
    return f"src-{port_id}", f"out-{port_id}", f"in-{port_id}"


def _pass_bridged_packets(timeout_s: float) -> None:
    if not SETTINGS.is_dir() and Path("/proc/modules").exists():
        run(["modprobe", "br_netfilter"], timeout_s)
    if not SETTINGS.is_dir():
        raise BackendFailed("the kernel of this host lacks br_netfilter")
    namespace.set_kernel({"bridge/bridge-nf-call-iptables": 1, "bridge/bridge-nf-call-ip6tables": 1})
