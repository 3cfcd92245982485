"""What a pretended guest does on its network; run as a program of its own inside the guest.

It uses the standard library only and prints what it found, one line each.
"""

from __future__ import annotations

import argparse
import socket
import sys
import urllib.request
from collections.abc import Sequence

END = b"end"


def udp_listen(port: int, timeout_s: float) -> None:
    """Print ``ready``, then sender and text of each datagram, until one says ``end``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("0.0.0.0", port))
        here.settimeout(timeout_s)
        print("ready", flush=True)
        while True:
            text, (address, _) = here.recvfrom(2048)
            if text == END:
                return
            print(address, text.decode(), flush=True)


def udp_send(source: str, target: str, port: int, text: str) -> None:
    """Send one datagram from ``source``, which must be an address of this guest."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind((source, 0))
        here.sendto(text.encode(), (target, port))


def udp_claim_server(target: str) -> None:
    """Send one datagram as only a DHCP server does: from port 67 to port 68."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("0.0.0.0", 67))
        here.sendto(b"forged", (target, 68))


def udp_echo(port: int, timeout_s: float) -> None:
    """Print ``ready``, then send every datagram back, until one says ``end``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("0.0.0.0", port))
        here.settimeout(timeout_s)
        print("ready", flush=True)
        while True:
            text, sender = here.recvfrom(2048)
            if text == END:
                return
            here.sendto(text, sender)


def udp_call(own_port: int, target: str, port: int, timeout_s: float) -> None:
    """Print what comes back for a datagram sent from ``own_port``, or ``nothing``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("0.0.0.0", own_port))
        here.settimeout(timeout_s)
        here.sendto(b"hello", (target, port))
        try:
            print(here.recvfrom(2048)[0].decode())
        except TimeoutError:
            print("nothing")


def tcp_listen(port: int, count: int, timeout_s: float) -> None:
    """Print ``ready``, then the address of each of ``count`` callers; answer each with its address."""
    with socket.create_server(("0.0.0.0", port)) as here:
        here.settimeout(timeout_s)
        print("ready", flush=True)
        for _ in range(count):
            caller, (address, _) = here.accept()
            with caller:
                caller.sendall(address.encode())
            print(address, flush=True)


def http_echo(port: int, timeout_s: float) -> None:
    """Print ``ready``, then answer one HTTP request with the lines of its head."""
    with socket.create_server(("0.0.0.0", port)) as here:
        here.settimeout(timeout_s)
        print("ready", flush=True)
        caller, _ = here.accept()
        with caller, caller.makefile("rb") as lines:
            head = b"".join(iter(lines.readline, b"\r\n"))
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(head), head))


def tcp_call(target: str, port: int, timeout_s: float) -> None:
    """Print what the other side answers, ``refused`` or ``nothing``."""
    try:
        with socket.create_connection((target, port), timeout_s) as there:
            print(there.recv(2048).decode())
    except ConnectionRefusedError:
        print("refused")
    except OSError:
        print("nothing")


def http(url: str, timeout_s: float, headers: Sequence[str]) -> None:
    """Print the body of the answer to a GET with these ``name:value`` headers."""
    request = urllib.request.Request(url, headers=dict(header.split(":", 1) for header in headers))
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:
        print(answer.read().decode())


def main(given: Sequence[str] = sys.argv[1:]) -> None:
    """Do what the first argument says with the rest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--timeout-s", type=float, default=5.0)
    parser.add_argument("what", choices=("udp-listen", "udp-send", "udp-claim-server", "udp-echo", "udp-call",
                                         "tcp-listen", "tcp-call", "http-echo", "http"))
    parser.add_argument("rest", nargs="*")
    options = parser.parse_args(given)
    rest: list[str] = options.rest
    if options.what == "udp-listen":
        udp_listen(int(rest[0]), options.timeout_s)
    elif options.what == "udp-send":
        udp_send(rest[0], rest[1], int(rest[2]), rest[3])
    elif options.what == "udp-claim-server":
        udp_claim_server(rest[0])
    elif options.what == "udp-echo":
        udp_echo(int(rest[0]), options.timeout_s)
    elif options.what == "udp-call":
        udp_call(int(rest[0]), rest[1], int(rest[2]), options.timeout_s)
    elif options.what == "http-echo":
        http_echo(int(rest[0]), options.timeout_s)
    elif options.what == "tcp-listen":
        tcp_listen(int(rest[0]), int(rest[1]), options.timeout_s)
    elif options.what == "tcp-call":
        tcp_call(rest[0], int(rest[1]), options.timeout_s)
    else:
        http(rest[0], options.timeout_s, rest[1:])


if __name__ == "__main__":
    main()
