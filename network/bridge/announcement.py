"""Telling a network that an address is here now (gratuitous ARP, RFC 5227 section 3)."""

from __future__ import annotations

import ipaddress
import socket
import struct

BROADCAST = b"\xff" * 6
ARP = 0x0806
REQUEST = 1


def frame(mac: str, address: str) -> bytes:
    """The Ethernet frame that says that ``address`` is at ``mac``."""
    own, place = bytes.fromhex(mac.replace(":", "")), ipaddress.IPv4Address(address).packed
    body = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, REQUEST, own, place, bytes(6), place)
    return BROADCAST + own + struct.pack("!H", ARP) + body


def send(device: str, mac: str, address: str) -> None:
    """Send it once from the device of the present namespace."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((device, ARP))
        sender.send(frame(mac, address))
