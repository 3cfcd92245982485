"""One page of the cloud on a Unix socket, for programs on this machine that may be trusted.

The metadata proxies of the networks reach the cloud through it: whoever can write to the
socket (its owner) is believed the headers that say which guest asks.
"""

from __future__ import annotations

import contextlib
import os
import socketserver
import threading
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from ..executor import Executor
from ..http.mount import Wsgi

TRUSTED = "stratolith.trusted"
"""Set in the environment of requests that came through a socket of the cloud's own."""


class Handler(WSGIRequestHandler):
    """Answers one request; says nothing on standard error."""

    timeout = 10

    def address_string(self) -> str:
        """A Unix socket's peer has no address."""
        return "unix"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are counted by the cloud's own metrics."""

    def get_environ(self) -> dict[str, Any]:
        """The WSGI environment, marked as trusted."""
        environ = super().get_environ()
        environ[TRUSTED] = True
        return environ


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """A WSGI server on a Unix socket, one thread a request."""

    daemon_threads = True
    address_family = socketserver.UnixStreamServer.address_family

    def server_bind(self) -> None:
        """Bind; a Unix socket has no port."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 0
        self.setup_environ()

    def get_request(self) -> tuple[Any, Any]:
        """Accept; give the peer the form of an address that the handler expects."""
        request, _ = self.socket.accept()
        return request, ("unix", 0)


def serve_on(path: Path, page: Wsgi, executor: Executor) -> None:
    """Answer on the socket ``path`` (mode 0600) until the executor stops; an old socket is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    before = os.umask(0o177)
    try:
        server = Server(str(path), Handler)  # type: ignore[arg-type]
    finally:
        os.umask(before)
    server.set_app(page)
    executor.loop(f"socket {path.name}", lambda stop: _run(server, stop))


def _run(server: Server, stop: threading.Event) -> None:
    server.timeout = 0.5
    with server:
        while not stop.is_set():
            server.handle_request()
