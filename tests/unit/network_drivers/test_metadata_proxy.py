"""The metadata proxy over a loopback: what it forwards, adds, and throws away."""

import contextlib
import http.client
import http.server
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stratolith.network.bridge import metadata_proxy


class Service(socketserver.ThreadingUnixStreamServer):
    """A metadata service that remembers what it was asked."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        super().__init__(path, Answers)

    def get_request(self) -> tuple[Any, Any]:
        """A Unix socket's caller has no address; the handler wants one."""
        return super().get_request()[0], ("guest", 0)


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers 404 to what ends in ``missing``."""

    server: Service

    def answer(self) -> None:
        """Remember the request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, body))
        self.send_response(404 if self.path.endswith("missing") else 200)
        self.send_header("X-Answer", "yes")
        self.send_header("Content-Length", "5")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"hello")

    do_GET = do_PUT = do_HEAD = answer

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(str(tmp_path / "s"))
    with serving(made):
        yield made


def proxy(path: Path, *more: str) -> metadata_proxy.Server:
    given = metadata_proxy.arguments(["--listen=127.0.0.1:0", "--network=net-1", f"--socket={path}", *more])
    return metadata_proxy.Server(("127.0.0.1", 0), given)


def ask(server: metadata_proxy.Server, method: str, path: str, body: bytes | None = None,
        headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()
    finally:
        connection.close()


@pytest.fixture
def server(service: Service, tmp_path: Path) -> Iterator[metadata_proxy.Server]:
    made = proxy(tmp_path / "s")
    with serving(made):
        yield made


def test_forwards_and_says_who_asks(server: metadata_proxy.Server, service: Service) -> None:
    status, headers, body = ask(server, "GET", "/latest/meta-data?x=1")
    assert (status, headers["X-Answer"], body) == (200, "yes", b"hello")
    method, path, seen, _ = service.asked[0]
    assert (method, path) == ("GET", "/latest/meta-data?x=1")
    assert seen["x-forwarded-for"] == "127.0.0.1" and seen["x-neutron-network-id"] == "net-1"
    assert "x-neutron-router-id" not in seen


@pytest.mark.parametrize("name", ["X-Forwarded-For", "x-forwarded-host", "X-Neutron-Router-ID", "X-OVN-Network-ID",
                                  "X_Instance_ID", "X-Instance-ID-Signature", "X-Tenant-ID", "Forwarded",
                                  "X-Metadata-Provider-Signature", "X-Auth-Token", "X-Neutron-Network-Id"])
def test_forged_headers_are_thrown_away(server: metadata_proxy.Server, service: Service, name: str) -> None:
    ask(server, "GET", "/", headers={name: "forged", "X-Kept": "kept"})
    seen = service.asked[0][2]
    assert "forged" not in seen.values() and seen["x-kept"] == "kept"


def test_bodies_and_other_methods(server: metadata_proxy.Server, service: Service) -> None:
    assert ask(server, "PUT", "/latest/api/token", b"body")[0] == 200
    assert service.asked[0][0] == "PUT" and service.asked[0][3] == b"body"
    assert ask(server, "HEAD", "/")[2] == b""
    assert ask(server, "GET", "/missing")[0] == 404


def test_large_and_strange_bodies_are_refused(server: metadata_proxy.Server, service: Service) -> None:
    assert ask(server, "PUT", "/", b"x" * 70000)[0] == 413
    assert ask(server, "PUT", "/", headers={"Content-Length": "-5"})[0] == 413
    assert service.asked == []


def test_no_service_is_a_bad_gateway(tmp_path: Path) -> None:
    server = proxy(tmp_path / "nobody")
    with serving(server):
        assert ask(server, "GET", "/")[0] == 502


def test_only_so_many_at_once(server: metadata_proxy.Server) -> None:
    holders = [socket.create_connection(("127.0.0.1", server.server_port), 5) for _ in range(server.most_at_once)]
    try:
        for holder in holders:
            holder.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert holder.recv(12) == b"HTTP/1.1 200"
        with socket.create_connection(("127.0.0.1", server.server_port), 5) as late:
            assert late.recv(1) == b""
    finally:
        for holder in holders:
            holder.close()


def test_router(service: Service, tmp_path: Path) -> None:
    server = proxy(tmp_path / "s", "--router=r-1")
    with serving(server):
        ask(server, "GET", "/")
    assert service.asked[0][2]["x-neutron-router-id"] == "r-1"
