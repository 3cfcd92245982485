"""Links, addresses and forwarding entries of the present namespace, through netlink."""

from __future__ import annotations

import array
import errno
import fcntl
import socket
import struct
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, ip_interface
from typing import Any, Self

from pyroute2 import IPRoute  # type: ignore[import-untyped]
from pyroute2.netlink.exceptions import NetlinkError  # type: ignore[import-untyped]

from . import namespace

SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
ALL_MACS = "00:00:00:00:00:00"
MAIN_TABLE = 254
ROUTE_PROTOCOL = 83
"""Marks the routes that are ours (rtm_protocol)."""


class Links:
    """A netlink socket of the namespace in which it was made. Used by one thread, as a context."""

    def __init__(self) -> None:
        self._netlink: Any = IPRoute()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._netlink.close()

    def index(self, name: str) -> int:
        """The number of the device, 0 if there is none."""
        found = self._netlink.link_lookup(ifname=name)
        return int(found[0]) if found else 0

    def aliases(self) -> dict[str, str]:
        """Alias of every device by its name."""
        return {link.get("ifname"): link.get("ifalias") or "" for link in self._netlink.get_links()}

    def mtu(self, name: str) -> int:
        """The largest packet of the device, in bytes; 0 if there is no device."""
        return next((int(link.get("mtu")) for link in self._netlink.get_links(ifname=name)), 0)

    def kind(self, name: str) -> str:
        """The kind of the device (``bridge``, ``vxlan``, ...), empty for hardware."""
        link = self._netlink.get_links(ifname=name)
        info = next(iter(link)).get("linkinfo")
        return str(info.get("kind") or "") if info else ""

    def detail(self, name: str, attribute: str) -> Any:
        """An attribute of the device's kind, such as ``vxlan_id``; None when it has none."""
        info = next(iter(self._netlink.get_links(ifname=name))).get("linkinfo")
        data = info.get("data") if info else None
        return data.get(attribute) if data else None

    def ensure(self, name: str, kind: str, **details: Any) -> int:
        """The number of the device, made when there is none."""
        index = self.index(name)
        if not index:
            self._netlink.link("add", ifname=name, kind=kind, **details)
            index = self.index(name)
        return index

    def ensure_pair(self, name: str, peer: str, inside: str = "") -> None:
        """Make a veth pair whose far end ``peer`` lies in namespace ``inside``; mend half a pair."""
        if self.index(name):
            with namespace.entered(inside), Links() as there:
                if there.index(peer):
                    return
            self.remove(name)
        far: dict[str, Any] = {"ifname": peer}
        if inside:
            far["net_ns_fd"] = inside
        self._netlink.link("add", ifname=name, kind="veth", peer=far)

    def set(self, name: str, **values: Any) -> None:
        """Set properties of the device: ``state``, ``mtu``, ``address``, ``ifalias``."""
        self._netlink.link("set", index=self.index(name), **values)

    def join(self, name: str, bridge: str) -> None:
        """Make the device a member of the bridge, and up."""
        self._netlink.link("set", index=self.index(name), master=self.index(bridge), state="up")

    def isolate(self, name: str) -> None:
        """Keep the bridge's member from speaking with other isolated members."""
        self._netlink.brport("set", index=self.index(name), isolated=1)

    def remove(self, name: str) -> None:
        """Delete the device; nothing if there is none."""
        index = self.index(name)
        if index:
            try:
                self._netlink.link("del", index=index)
            except NetlinkError as exc:
                if exc.code != errno.ENODEV:
                    raise

    def set_addresses(self, name: str, wanted: Iterable[str]) -> list[str]:
        """Give the device exactly these addresses (with prefix length), link-local ones aside.

        Returns those that it did not have.
        """
        index = self.index(name)
        present = {f"{entry.get('address')}/{entry['prefixlen']}": entry
                   for entry in self._netlink.get_addr(index=index) if entry["scope"] != 253}
        target = dict.fromkeys(wanted)
        for stale in present.keys() - target.keys():
            address, _, length = stale.partition("/")
            self._netlink.addr("del", index=index, address=address, prefixlen=int(length))
        fresh = [text for text in target if text not in present]
        for text in fresh:
            address, _, length = text.partition("/")
            extra = {"flags": 0x02} if ":" in address else {}
            self._netlink.addr("add", index=index, address=address, prefixlen=int(length), **extra)
        return fresh

    def ipv4(self, name: str) -> list[str]:
        """The IPv4 addresses of the device, with prefix length; none if there is no device."""
        index = self.index(name)
        return [f"{entry.get('address')}/{entry['prefixlen']}" for entry in self._netlink.get_addr(
            family=socket.AF_INET, index=index)] if index else []

    def rival(self, name: str, net: IPv4Network) -> str:
        """Another device whose own range meets ``net``, or to which a route leads for a part of it; else nothing."""
        index, family = self.index(name), socket.AF_INET
        met = [entry["index"] for entry in self._netlink.get_addr(family=family)
               if ip_interface(f"{entry.get('address')}/{entry['prefixlen']}").network.overlaps(net)]
        met += [route.get("oif") for route in self._netlink.get_routes(family=family, table=MAIN_TABLE)
                if route.get("dst") and IPv4Network(f"{route.get('dst')}/{route['dst_len']}").subnet_of(net)]
        other = next((number for number in met if number and number != index), 0)
        return str(self._netlink.get_links(other)[0].get("ifname")) if other else ""

    def set_flood(self, name: str, peers: Iterable[str]) -> None:
        """Let the vxlan device send what has no known place to exactly these peers."""
        index, wanted = self.index(name), set(peers)
        entries = self._netlink.fdb("dump", ifindex=index)
        present = {entry.get("dst") for entry in entries
                   if entry.get("lladdr") == ALL_MACS and entry["ifindex"] == index and entry.get("dst")}
        for peer in sorted(wanted - present):
            self._netlink.fdb("append", ifindex=index, lladdr=ALL_MACS, dst=peer)
        for peer in sorted(present - wanted):
            self._netlink.fdb("del", ifindex=index, lladdr=ALL_MACS, dst=peer)

    def set_routes(self, wanted: Mapping[str, str]) -> None:
        """Let exactly these routes be ours: destination to next hop."""
        for family in (socket.AF_INET, socket.AF_INET6):
            target = {to: hop for to, hop in wanted.items() if (":" in hop) == (family == socket.AF_INET6)}
            for route in self._netlink.get_routes(family=family, proto=ROUTE_PROTOCOL):
                place = f"{route.get('dst') or ('::' if family == socket.AF_INET6 else '0.0.0.0')}/{route['dst_len']}"
                if target.get(place) != route.get("gateway"):
                    self._netlink.route("del", dst=place, gateway=route.get("gateway"), family=family)
            for place, hop in target.items():
                self._netlink.route("replace", dst=place, gateway=hop, proto=ROUTE_PROTOCOL, family=family)


def checksum_in_software(name: str) -> None:
    """Let the kernel fill in checksums of what the device sends.

    A pair of virtual devices leaves them open, and DHCP clients drop such packets.
    """
    command = array.array("B", struct.pack("II", ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP", name.encode(), command.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCETHTOOL, request)


def mute(name: str) -> None:
    """Keep the host itself from speaking IPv6 on the device."""
    namespace.set_kernel({f"ipv6/conf/{name}/disable_ipv6": 1})
