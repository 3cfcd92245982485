"""A small HTTP proxy that tells the metadata service who asks; run as a program of its own.

It listens inside a network's namespace and hands each request to a Unix socket or a URL, with
the asker's address and the network's id in headers. Headers of those names that a guest sends
are thrown away. It uses the standard library only, so that one process costs little.
"""

from __future__ import annotations

import argparse
import ctypes
import http.client
import http.server
import os
import socket
import socketserver
import sys
import threading
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TIMEOUT_S = 30
IDLE_S = 10
LARGEST_BODY = 64 * 1024
HOP_HEADERS = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
               "transfer-encoding", "upgrade", "host", "content-length"}
FORGEABLE = ("x-forwarded-", "x-real-ip", "forwarded", "x-neutron-", "x-ovn-", "x-instance-id", "x-tenant-id",
             "x-project-id", "x-metadata-provider", "x-auth-token", "x-service-token")
NEW_NETWORK = 0x40000000


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("metadata", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Server(http.server.ThreadingHTTPServer):
    """The listening side, with what each request needs to know."""

    daemon_threads = True
    request_queue_size = 64
    most_at_once = 128

    def __init__(self, address: tuple[str, int], options: argparse.Namespace) -> None:
        self.options = options
        self.home = os.open(options.dial_from, os.O_RDONLY | os.O_CLOEXEC) if options.dial_from else -1
        self.slots = threading.BoundedSemaphore(self.most_at_once)
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve in a thread of its own; hang up when guests already hold as many as may be."""
        if not self.slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, then make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.slots.release()

    def server_bind(self) -> None:
        """Bind without the look-up of a host name, which has no answer inside a namespace."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a guest that hangs up is no trouble of this host's."""

    def dial(self) -> tuple[http.client.HTTPConnection, str]:
        """A connection to the service, and the path before each request's own."""
        if self.options.socket:
            return UnixConnection(self.options.socket), ""
        if self.home >= 0 and ctypes.CDLL(None, use_errno=True).setns(self.home, NEW_NETWORK):
            raise OSError(ctypes.get_errno(), "cannot enter the host's namespace")
        url = urllib.parse.urlsplit(self.options.url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        return kind(url.hostname or "", url.port, timeout=TIMEOUT_S), url.path.rstrip("/")


class Handler(http.server.BaseHTTPRequestHandler):
    """One request of one guest."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "metadata"
    sys_version = ""
    timeout = IDLE_S

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the service itself logs what is asked."""

    def forward(self) -> None:
        """Hand the request on and the answer back; 502 when the service cannot be reached."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self.answer(413, [], b"")
            return
        body = self.rfile.read(int(length)) or None
        try:
            connection, start = self.server.dial()
            try:
                connection.request(self.command, start + self.path, body, self.onward())
                reply = connection.getresponse()
                self.answer(reply.status, reply.getheaders(), reply.read())
            finally:
                connection.close()
        except (OSError, http.client.HTTPException):
            self.answer(502, [], b"")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward

    def onward(self) -> dict[str, str]:
        """The guest's headers without those that only this proxy may set, and with them."""
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in HOP_HEADERS and not name.lower().replace("_", "-").startswith(FORGEABLE)}
        headers["Host"] = self.headers.get("Host", "169.254.169.254")
        headers["X-Forwarded-For"] = str(self.client_address[0])
        headers["X-Neutron-Network-ID"] = self.server.options.network
        if self.server.options.router:
            headers["X-Neutron-Router-ID"] = self.server.options.router
        return headers

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send the service's answer."""
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP_HEADERS | {"date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The program's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--listen", required=True, help="address:port")
    parser.add_argument("--network", required=True, help="id of the network that is served")
    parser.add_argument("--router", default="", help="id of the router that is served, if it is one")
    parser.add_argument("--pid-file", default="", help="go to the background and write the pid here")
    parser.add_argument("--dial-from", default="", help="namespace from which the URL is reached")
    parser.add_argument("--socket", default="", help="Unix socket of the service")
    parser.add_argument("--url", default="", help="URL of the service")
    return parser.parse_args(given)


def settle(server: Server, pid_file: Path) -> None:
    """Go to the background; the caller's process ends well once the pid is written."""
    if os.fork():
        os._exit(0)
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    fresh = pid_file.with_name(f".{pid_file.name}.new")
    fresh.write_text(f"{os.getpid()}\n")
    os.replace(fresh, pid_file)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    os.close(quiet)


def main(given: Sequence[str] = sys.argv[1:]) -> None:
    """Serve until killed."""
    options = arguments(given)
    host, _, port = options.listen.rpartition(":")
    server = Server((host, int(port)), options)
    if options.pid_file:
        settle(server, Path(options.pid_file))
    server.serve_forever()


if __name__ == "__main__":
    main()
