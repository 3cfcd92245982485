"""The network suite on real Linux bridges, in network namespaces of the test's own."""

import logging
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratolith.core.clock import System
from stratolith.core.conformance.network import NetworkSuite
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
