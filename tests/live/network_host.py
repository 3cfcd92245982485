"""Hosts for bridge drivers: network namespaces of the test's own, and a metadata service."""

import contextlib
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
from stratolith.core.drivers.base import Surroundings
from stratolith.network.bridge.driver import Bridge
from stratolith.network.bridge.options import Options

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def ip(*arguments: str) -> str:
    """Output of the ip program."""
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout


def sweep(prefix: str) -> None:
    """Remove every namespace of the prefix with what runs there."""
    for line in ip("netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(f"{prefix}-"):
            for pid in ip("netns", "pids", name).split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), 9)
            ip("netns", "del", name)


@contextlib.contextmanager
def bridge_host(folder: Path, **options: Any) -> Iterator[Bridge]:
    """An opened driver whose host is a namespace; whatever is left at the end is removed."""
    prefix = f"x{uuid.uuid4().hex[:3]}"
    host = f"{prefix}-host"
    ip("netns", "add", host)
    try:
        ip("-n", host, "link", "set", "lo", "up")
        given = Options(**{"prefix": prefix, "host_namespace": host, "local_address": "127.0.0.1", **options})
        made = again(folder, given)
        yield made
        made.close()
    finally:
        sweep(prefix)


def again(folder: Path, options: Options) -> Bridge:
    """A driver as it is after a restart of the agent."""
    made = Bridge(options, Surroundings(System(), logging.getLogger("bridge"), folder / "state", folder / "run"))
    made.open()
    return made


def assert_clean(driver: Bridge) -> None:
    """Nothing of the driver's is left on its host but the host itself."""
    host, prefix = driver.options.host_namespace, driver.options.prefix
    assert [line.split()[0] for line in ip("-n", host, "-br", "link").splitlines()] == ["lo"]
    assert not [line for line in ip("netns", "list").splitlines()
                if line.startswith(f"{prefix}-") and not line.startswith(host)]
    assert not [path for path in driver.surroundings.run_dir.rglob("*") if path.is_file()]


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
