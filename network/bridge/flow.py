"""Known connections of the present namespace: forgetting those that a changed rule may forbid."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection
from typing import Any

from pyroute2 import Conntrack  # type: ignore[import-untyped]
from pyroute2.netlink.exceptions import NetlinkError  # type: ignore[import-untyped]

HOST_ZONE = 0
"""The tracking zone of the host's own connections, and of networks that the host is part of."""


def zone_of(bridge_index: int) -> int:
    """The tracking zone (1 to 65535) of a network apart from the host's, whose bridge has this number."""
    return bridge_index % 65535 + 1


def forget(zone: int, addresses: Collection[str]) -> None:
    """Let the next packet of each connection from or to the addresses count as that of a new one."""
    for family, mark in ((socket.AF_INET, "."), (socket.AF_INET6, ":")):
        if any(mark in address for address in addresses):
            _forget(family, zone, addresses)


def prune(floating: Collection[tuple[str, str]], own: str) -> None:
    """Forget translated IPv4 connections that the present namespace's router would no longer translate so.

    ``floating`` are its (floating, fixed) pairs, ``own`` is its address outside. A connection
    begun under the router's own address stays when its guest gets a floating one.
    """
    pairs, outer = set(floating), {fixed: address for address, fixed in floating}
    with Conntrack(nfgen_family=socket.AF_INET) as table:
        for entry in list(table.dump_entries()):
            asked, answered = entry.tuple_orig, entry.tuple_reply
            called = asked.daddr != answered.saddr and (asked.daddr, answered.saddr) not in pairs
            left = asked.saddr != answered.daddr and answered.daddr not in (own, outer.get(asked.saddr))
            if called or left:
                _delete(table, asked)


def _forget(family: int, zone: int, addresses: Collection[str]) -> None:
    with Conntrack(nfgen_family=family) as table:
        for entry in list(table.dump_entries(zone=zone)):
            flow = entry.tuple_orig
            if (entry.zone or HOST_ZONE) == zone and (flow.saddr in addresses or flow.daddr in addresses):
                _delete(table, flow, zone=zone)


def _delete(table: Any, flow: Any, **place: int) -> None:
    try:
        table.entry("del", tuple_orig=flow, **place)
    except NetlinkError as exc:
        # It ended by itself in the meantime.
        if exc.code != errno.ENOENT:
            raise
