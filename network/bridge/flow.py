"""Known connections of the present namespace: forgetting those that a changed rule may forbid."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection

from pyroute2 import Conntrack  # type: ignore[import-untyped]
from pyroute2.netlink.exceptions import NetlinkError  # type: ignore[import-untyped]


def zone_of(bridge_index: int) -> int:
    """The tracking zone (1 to 65535) of the network whose bridge has this number."""
    return bridge_index % 65535 + 1


def forget(zone: int, addresses: Collection[str]) -> None:
    """Let the next packet of each connection from or to the addresses count as that of a new one."""
    for family, mark in ((socket.AF_INET, "."), (socket.AF_INET6, ":")):
        if any(mark in address for address in addresses):
            _forget(family, zone, addresses)


def _forget(family: int, zone: int, addresses: Collection[str]) -> None:
    with Conntrack(nfgen_family=family) as table:
        for entry in list(table.dump_entries(zone=zone)):
            flow = entry.tuple_orig
            if entry.zone == zone and (flow.saddr in addresses or flow.daddr in addresses):
                try:
                    table.entry("del", tuple_orig=flow, zone=zone)
                except NetlinkError as exc:
                    # It ended by itself in the meantime.
                    if exc.code != errno.ENOENT:
                        raise
