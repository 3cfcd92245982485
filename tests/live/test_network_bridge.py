"""The network suite on real Linux bridges, in network namespaces of the test's own."""

import http.server
import json
import logging
import os
import socketserver
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stratolith.core.clock import System
from stratolith.core.conformance.guest import Guests
from stratolith.core.conformance.network import NetworkSuite
from stratolith.core.conformance.packet import PacketSuite
from stratolith.core.drivers.base import Surroundings
from stratolith.network.bridge.driver import Bridge
from stratolith.network.bridge.options import Options

pytestmark = [pytest.mark.live, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


def ip(*arguments: str) -> str:
    """Output of the ip program."""
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout


def sweep(prefix: str) -> None:
    """Remove every namespace of the prefix with what runs there."""
    for line in ip("netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(f"{prefix}-"):
            for pid in ip("netns", "pids", name).split():
                os.kill(int(pid), 9)
            ip("netns", "del", name)


@pytest.fixture(scope="class")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    """A driver whose host is a namespace."""
    prefix = f"x{uuid.uuid4().hex[:3]}"
    host = f"{prefix}-host"
    folder = tmp_path_factory.mktemp("bridge")
    ip("netns", "add", host)
    options = Options(prefix=prefix, host_namespace=host, local_address="127.0.0.1",
                      metadata_socket=str(folder / "metadata.sock"))
    surroundings = Surroundings(System(), logging.getLogger("bridge"), folder / "state", folder / "run")
    made = Bridge(options, surroundings)
    try:
        made.open()
        yield made
        assert [line.split()[0] for line in ip("-n", host, "-br", "link").splitlines()] == ["lo"]
        assert not [line for line in ip("netns", "list").splitlines()
                    if line.startswith(f"{prefix}-") and not line.startswith(host)]
        assert not [path for path in Path(folder / "run").rglob("*") if path.is_file()]
    finally:
        made.close()
        sweep(prefix)


class TestBridge(NetworkSuite):
    """Every case of the suite."""


class MetadataService:
    """A metadata service that answers with the headers it got."""

    def __init__(self, path: str) -> None:
        self.requests: list[dict[str, str]] = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen = {name.lower(): value for name, value in self.headers.items()} | {"path": self.path}
                service.requests.append(seen)
                body = json.dumps(seen).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

            def get_request(self) -> tuple[Any, Any]:
                return super().get_request()[0], ("guest", 0)

        self.server = Server(path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Let go of the socket."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class TestBridgePackets(PacketSuite):
    """Real packets between pretended guests."""

    @pytest.fixture
    def metadata(self, driver: Bridge) -> Iterator[list[dict[str, str]]]:
        """Requests that the metadata service got."""
        service = MetadataService(driver.options.metadata_socket)
        yield service.requests
        service.stop()
        Path(driver.options.metadata_socket).unlink()

    @pytest.fixture
    def guests(self, driver: Bridge, tmp_path: Path) -> Iterator[Guests]:
        """Guests on the driver's host."""
        made = Guests(driver.options.prefix, driver.options.host_namespace, tmp_path)
        yield made
        made.stop()
