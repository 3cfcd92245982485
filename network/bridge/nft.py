"""nftables: transactions as JSON, and the few expressions that the driver's rules are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from ipaddress import collapse_addresses, ip_network
from typing import Any

from .options import Options
from .program import run

Statement = dict[str, Any]
Command = dict[str, Any]

ACCEPT: Statement = {"accept": None}
DROP: Statement = {"drop": None}
RETURN: Statement = {"return": None}


def commit(options: Options, commands: Sequence[Command]) -> None:
    """Do all commands at once in the present namespace, or none of them."""
    run([options.nft, "-j", "-f", "-"], options.timeout_s, json.dumps({"nftables": list(commands)}))


def chains(options: Options, family: str) -> list[tuple[str, str]]:
    """(table, chain) of all chains of the family in the present namespace."""
    listed = json.loads(run([options.nft, "-j", "list", "chains", family], options.timeout_s))["nftables"]
    return [(entry["chain"]["table"], entry["chain"]["name"]) for entry in listed if "chain" in entry]


def match(left: Any, right: Any, op: str = "==") -> Statement:
    """Go on when ``left`` compares to ``right``."""
    return {"match": {"op": op, "left": left, "right": right}}


def field(protocol: str, name: str) -> Any:
    """A field of a packet's header."""
    return {"payload": {"protocol": protocol, "field": name}}


def meta(key: str) -> Any:
    """A property of a packet that is not in its header."""
    return {"meta": {"key": key}}


def ct(key: str) -> Any:
    """A property of a packet's connection."""
    return {"ct": {"key": key}}


def jump(chain: str) -> Statement:
    """Go through another chain and come back."""
    return {"jump": {"target": chain}}


def any_of(values: Iterable[Any]) -> Any:
    """A set of values, or the value itself when there is one."""
    listed = list(values)
    return listed[0] if len(listed) == 1 else {"set": listed}


def networks(cidrs: Iterable[str]) -> Any:
    """A set of networks without overlaps, which nftables refuses. All must be of one IP version."""
    merged = collapse_addresses(ip_network(cidr, strict=False) for cidr in cidrs)  # type: ignore[type-var]
    return any_of({"prefix": {"addr": str(net.network_address), "len": net.prefixlen}} for net in merged)


class Table:
    """Makes commands for one table."""

    def __init__(self, family: str, name: str) -> None:
        self._place = {"family": family, "table": name}
        self._family, self._name = family, name

    def table(self, verb: str = "add") -> Command:
        """The table itself; ``delete`` takes all in it."""
        return {verb: {"table": {"family": self._family, "name": self._name}}}

    def base(self, name: str, hook: str, priority: int, kind: str = "filter") -> Command:
        """A chain that the kernel enters at ``hook``; what falls out of it is accepted."""
        return {"add": {"chain": {**self._place, "name": name, "type": kind, "hook": hook, "prio": priority,
                                  "policy": "accept"}}}

    def chain(self, name: str, verb: str = "add") -> Command:
        """A chain that other chains enter; ``flush`` empties, ``delete`` removes it."""
        return {verb: {"chain": {**self._place, "name": name}}}

    def map(self, name: str) -> Command:
        """A map from device names to verdicts."""
        return {"add": {"map": {**self._place, "name": name, "type": "ifname", "map": "verdict"}}}

    def device_set(self, name: str) -> Command:
        """A set of device names."""
        return {"add": {"set": {**self._place, "name": name, "type": "ifname"}}}

    def element(self, name: str, value: Any, verb: str = "add") -> Command:
        """One element of a map or set."""
        return {verb: {"element": {**self._place, "name": name, "elem": [value]}}}

    def rule(self, chain: str, *statements: Statement) -> Command:
        """A rule at the end of a chain."""
        return {"add": {"rule": {**self._place, "chain": chain, "expr": list(statements)}}}

    def fresh_chain(self, name: str, rules: Iterable[Sequence[Statement]]) -> list[Command]:
        """A chain with exactly these rules, whatever it held before."""
        return [self.chain(name), self.chain(name, "flush"), *(self.rule(name, *rule) for rule in rules)]
