"""The address by which other hosts reach this one, as the kernel's routes say."""

from __future__ import annotations

import socket

OUTSIDE = ("192.0.2.1", 9)
"""An address that is nobody's (RFC 5737): a datagram socket that is connected sends nothing."""
LOOPBACK = "127.0.0.1"


def own_address() -> str:
    """The source address of packets that leave this host by its default route; the loopback address without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(OUTSIDE)
        except OSError:
            return LOOPBACK
        return str(probe.getsockname()[0])
