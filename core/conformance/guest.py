"""Pretended guests: network namespaces joined to a port's bridge, for cases with real packets.

They need root, iproute2 and busybox. A guest boots in milliseconds, and its device is where a
hypervisor's would be: named and joined as the Vif says.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..drivers.network import Vif

PROBE = Path(__file__).with_name("probe.py")
TIMEOUT_S = 15
SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
env > "$LEASE"
"""


def ip(*arguments: str) -> str:
    """Output of the ip program."""
    return output(["ip", *arguments])


def output(arguments: Sequence[str], timeout_s: float = TIMEOUT_S) -> str:
    """Output of a program that must succeed."""
    done = subprocess.run(list(arguments), capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr or done.stdout}"
    return done.stdout


class Listener:
    """A probe that listens in a guest; its lines are read when it ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self._out = process.stdout
        assert self._out.readline().strip() == "ready"

    def lines(self) -> list[str]:
        """What it heard, once it has ended by itself."""
        text, _ = self._process.communicate(timeout=TIMEOUT_S)
        return text.split("\n")[:-1]

    def end(self) -> None:
        """Kill it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate(timeout=TIMEOUT_S)


@dataclasses.dataclass
class Guest:
    """One pretended guest. ``space`` is its namespace; its only interface is ``eth0``."""

    space: str
    mac: str
    folder: Path

    def ip(self, *arguments: str) -> str:
        """The ip program inside."""
        return ip("-n", self.space, *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any program inside."""
        return subprocess.run(["ip", "netns", "exec", self.space, *arguments], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)

    def address(self, *addresses: str) -> None:
        """Give it addresses by hand."""
        for text in addresses:
            extra = ["nodad"] if ":" in text else []
            self.ip("addr", "add", text, "dev", "eth0", *extra)

    def route(self, gateway: str) -> None:
        """Give it a default route by hand."""
        self.ip("route", "replace", "default", "via", gateway)

    def lease(self, tries: int = 5) -> dict[str, str]:
        """What DHCP tells it, as udhcpc's script sees it; empty when no server answers."""
        script, result = self.folder / "udhcpc.sh", self.folder / f"{self.space}.lease"
        script.write_text(SCRIPT)
        script.chmod(0o755)
        result.unlink(missing_ok=True)
        wanted = [part for option in ("staticroutes", "mtu", "hostname", "router", "dns") for part in ("-O", option)]
        self.run("env", f"LEASE={result}", "busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", str(tries),
                 "-T", "1", *wanted, "-s", str(script))
        if not result.exists():
            return {}
        return dict(line.split("=", 1) for line in result.read_text().splitlines() if "=" in line)

    def boot(self) -> dict[str, str]:
        """Ask DHCP and use what it says: address and routes."""
        lease = self.lease()
        assert lease, "no lease"
        self.address(f"{lease['ip']}/{lease['mask']}")
        routes = lease.get("staticroutes", "").split()
        for to, hop in zip(routes[::2], routes[1::2], strict=True):
            how = ["dev", "eth0"] if hop == "0.0.0.0" else ["via", hop]
            self.ip("route", "replace", to, *how)
        return lease

    def pings(self, target: str, *, source: str = "", tries: int = 3) -> bool:
        """Whether the target answers one of ``tries`` pings, each waited for one second."""
        extra = ["-I", source] if source else []
        return any(self.run("busybox", "ping", "-c", "1", "-W", "1", *extra, target).returncode == 0
                   for _ in range(tries))

    def probe(self, *arguments: str) -> str:
        """Output of the probe inside."""
        return output(["ip", "netns", "exec", self.space, sys.executable, "-I", str(PROBE), *arguments]).strip()

    @contextlib.contextmanager
    def listening(self, *arguments: str) -> Iterator[Listener]:
        """A probe that listens inside for the length of the block."""
        process = subprocess.Popen(["ip", "netns", "exec", self.space, sys.executable, "-I", str(PROBE), *arguments],
                                   stdout=subprocess.PIPE, text=True)
        listener = Listener(process)
        try:
            yield listener
        finally:
            listener.end()


class Guests:
    """Makes guests on one host and removes them. ``host`` is the namespace of the host's bridges."""

    def __init__(self, prefix: str, host: str, folder: Path) -> None:
        self._prefix = prefix
        self._host = host
        self._folder = folder
        self._count = 0
        self._made: list[str] = []
        self._lock = threading.Lock()

    def start(self, vif: Vif) -> Guest:
        """A guest on the port, as a hypervisor would start it."""
        space = self.space()
        host = ["-n", self._host] if self._host else []
        ip(*host, "link", "add", vif.device, "mtu", str(vif.mtu), "type", "veth",
           "peer", "name", "eth0", "netns", space)
        ip(*host, "link", "set", vif.device, "master", vif.bridge, "up")
        ip("-n", space, "link", "set", "eth0", "address", vif.mac, "mtu", str(vif.mtu), "up")
        return Guest(space, vif.mac, self._folder)

    def space(self) -> str:
        """A new namespace with nothing in it but its loopback."""
        with self._lock:
            self._count += 1
            name = f"{self._prefix}-vm-{os.getpid()}-{self._count}"
            self._made.append(name)
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def stop(self) -> None:
        """End all guests."""
        while self._made:
            name = self._made.pop()
            if any(line.split()[0] == name for line in ip("netns", "list").splitlines()):
                for pid in ip("netns", "pids", name).split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), 9)
                ip("netns", "del", name)
