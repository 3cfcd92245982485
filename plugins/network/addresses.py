"""Addresses: pools, the next free one, and those made from MACs.

A taken address is a row of ``port_addresses`` whose key decides races. Each subnet has a cursor,
the number behind the last address given, so that the next free one is found without reading all.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Transaction
from . import tables
from .tables import addresses

Net = IPv4Network | IPv6Network
Document = dict[str, Any]
AUTOMATIC = ("slaac", "dhcpv6-stateless")
WINDOW = 64

_TAKEN = (sa.select(addresses.c.number).where(addresses.c.subnet_id == sa.bindparam("subnet_id"),
                                             addresses.c.number >= sa.bindparam("low"),
                                             addresses.c.number <= sa.bindparam("high"))
          .order_by(addresses.c.number).limit(WINDOW))
_MOVE = tables.subnets.update().where(tables.subnets.c.id == sa.bindparam("this_id"))


def number(value: int, version: int) -> str:
    """An address as text that sorts like a number."""
    return f"{value:08x}" if version == 4 else f"{value:032x}"


def number_of(address: str) -> str:
    """The sorting text of an address."""
    parsed = ip_address(address)
    return number(int(parsed), parsed.version)


def plain(address: str) -> str:
    """An address in its one usual form."""
    return str(ip_address(address))


def network_of(cidr: str) -> Net:
    """A CIDR, host bits cleared. :raises ValueError: it is none."""
    return ip_network(cidr, strict=False)


def default_gateway(net: Net) -> str | None:
    """The first host address, or none in a network too small for one."""
    if net.num_addresses == 1:
        return None
    if net.prefixlen == net.max_prefixlen - 1:
        return str(net.network_address)
    return str(net.network_address + 1)


def host_range(net: Net) -> tuple[int, int]:
    """First and last number that hosts may have."""
    first, last = int(net.network_address), int(net.broadcast_address)
    if net.prefixlen >= net.max_prefixlen - 1:
        return first, last
    return first + 1, last - 1 if net.version == 4 else last


def default_pools(net: Net, gateway: str | None) -> list[dict[str, str]]:
    """All host addresses but the gateway's."""
    first, last = host_range(net)
    spans = [(first, last)]
    if gateway and ip_address(gateway) in net:
        middle = int(ip_address(gateway))
        spans = [(first, middle - 1), (middle + 1, last)] if first <= middle <= last else spans
    kind = type(net.network_address)
    return [{"start": str(kind(low)), "end": str(kind(high))} for low, high in spans if low <= high]


def eui64(cidr: str, mac: str) -> str:
    """The address a guest with ``mac`` gives itself (RFC 4291, appendix A)."""
    parts = [int(part, 16) for part in mac.split(":")]
    parts[0] ^= 2
    suffix = bytes([*parts[:3], 0xFF, 0xFE, *parts[3:]])
    return str(network_of(cidr).network_address + int.from_bytes(suffix, "big"))


def is_automatic(subnet: Document) -> bool:
    """Tell whether guests of the subnet make their own addresses."""
    return subnet["ip_version"] == 6 and subnet.get("ipv6_address_mode") in AUTOMATIC


def next_free(tx: Transaction, subnet: Document, cursor: str) -> str | None:
    """The next free address of the subnet's pools from ``cursor`` on, or none; moves the cursor."""
    version = subnet["ip_version"]
    pools = sorted((int(ip_address(pool["start"])), int(ip_address(pool["end"])))
                   for pool in subnet["allocation_pools"])
    at = int(cursor, 16) if cursor else 0
    spans = [(max(low, at), high) for low, high in pools] + [(low, min(high, at - 1)) for low, high in pools]
    for low, high in spans:
        found = _gap(tx, subnet["id"], low, high, version) if low <= high else None
        if found is not None:
            tx.execute(_MOVE, {"this_id": subnet["id"], "cursor": number(found + 1, version)})
            return str(type(ip_address(subnet["allocation_pools"][0]["start"]))(found))
    return None


def _gap(tx: Transaction, subnet_id: str, low: int, high: int, version: int) -> int | None:
    while low <= high:
        taken = tx.values(_TAKEN, {"subnet_id": subnet_id, "low": number(low, version),
                                   "high": number(high, version)})
        for text in taken:
            if int(text, 16) > low:
                return low
            low += 1
        if len(taken) < WINDOW:
            return low if low <= high else None
    return None


def inside(address: str, pools: Sequence[dict[str, str]]) -> bool:
    """Tell whether an address lies in one of the pools."""
    value = ip_address(address)
    return any(int(ip_address(pool["start"])) <= int(value) <= int(ip_address(pool["end"])) for pool in pools
               if ip_address(pool["start"]).version == value.version)
