"""Leases as dnsmasq writes them, and giving one back in the client's name (RFC 2131, DHCPRELEASE)."""

from __future__ import annotations

import dataclasses
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

COOKIE = b"\x63\x82\x53\x63"
MESSAGE_TYPE, SERVER_ID, END = 53, 54, 255
RELEASE = 7


@dataclasses.dataclass(frozen=True)
class Lent:
    """One IPv4 lease."""

    mac: str
    address: str


def read(file: Path) -> Iterator[Lent]:
    """The IPv4 leases in dnsmasq's lease file; none when there is no file."""
    text = file.read_text() if file.exists() else ""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 4 and fields[1].count(":") == 5 and "." in fields[2]:
            yield Lent(fields[1].lower(), fields[2])


def message(lent: Lent, server: str) -> bytes:
    """The DHCPRELEASE for the lease."""
    mac = bytes.fromhex(lent.mac.replace(":", ""))
    header = struct.pack("!BBBBIHH4s4s4s4s16s192x", 1, 1, 6, 0, 0, 0, 0,
                         ipaddress.IPv4Address(lent.address).packed, bytes(4), bytes(4), bytes(4), mac)
    options = bytes([MESSAGE_TYPE, 1, RELEASE, SERVER_ID, 4]) + ipaddress.IPv4Address(server).packed + bytes([END])
    return header + COOKIE + options


def release(lent: Lent, server: str, device: str) -> None:
    """Tell the server in this namespace, listening on ``device``, that the client gives the lease back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sender.sendto(message(lent, server), (server, 67))
