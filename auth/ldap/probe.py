"""Seeing that a server can finish a TLS handshake: libldap made with GnuTLS waits for that for ever."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from ...core.clock import Clock

START_TLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
"""The request of RFC 4511, 4.14.1, as it is sent."""
PORTS = {"ldap": 389, "ldaps": 636}


def shake_hands(url: str, start_tls: bool, timeout_s: float, clock: Clock) -> None:
    """Shake hands with a server, and leave.

    Nothing is said that anybody may not hear, so certificates are left to the connection that follows.

    :raises OSError: it does not answer in time, or does not speak TLS.
    """
    address = urlsplit(url)
    end = clock.monotonic() + timeout_s
    host = address.hostname or "localhost"
    with socket.create_connection((host, address.port or PORTS[address.scheme]), timeout_s) as plain:
        if start_tls and address.scheme == "ldap":
            plain.sendall(START_TLS)
            if not plain.recv(1024):
                raise ConnectionError("it hung up")
        plain.settimeout(max(0.05, end - clock.monotonic()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(plain, server_hostname=host):
            return
