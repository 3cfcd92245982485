"""A cloud of a control process and two hosts, each with a libvirt daemon and a network of its own, over one broker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stratolith.core.conformance.cases import until

from . import backing, libvirt_host
from .cloud_process import BIN, CloudProcess, Refused, free_port, run
from .network_host import ip, sweep

ADDRESSES = {"one": "10.99.0.1", "two": "10.99.0.2"}
SERVICES = "identity,image,placement,scheduler,compute,network,volume"
PATIENCE_S = 120.0
QUICK = "[identity.sql]\npassword_hash_time_cost = 1\npassword_hash_memory_kib = 64\n"


class Host:
    """A machine of the cloud: a libvirt daemon, a network namespace and the process with its agents."""

    def __init__(self, name: str, folder: Path, broker_url: str) -> None:
        self.name = name
        self.folder = folder
        self.prefix = f"z{uuid.uuid4().hex[:3]}"
        self.space = f"{self.prefix}-host"
        self.libvirt = libvirt_host.LibvirtHost(folder / "libvirt", name, address=ADDRESSES[name])
        self._port = free_port()
        self._agents: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        address = ADDRESSES[name]
        (folder / "host.ini").write_text(
            f"[cloud]\nbus = kombu\n[bus.kombu]\nurl = {broker_url}\n"
            "[compute]\nhypervisor = libvirt\nshutdown_timeout_s = 20\n[network]\ndriver = bridge\n"
            f"tunnel_address = {address}\n"
            f"[hypervisors.libvirt]\nuri = {self.libvirt.uri}\ntranslation_cache_mib = 32\n"
            f"live_uri = qemu+tcp://{address}/system\nlive_tls = false\n"
            f"[networks.bridge]\nprefix = {self.prefix}\nhost_namespace = {self.space}\nlocal_address = {address}\n")

    def power_on(self) -> None:
        """Start the daemon; its guests and agents do not start by themselves."""
        self.libvirt.start()
        ip("netns", "attach", self.space, str(self.libvirt.first_process()))

    def power_off(self) -> None:
        """End all of it at once, as a power cut would."""
        self.kill_agents()
        self.libvirt.stop()
        until(lambda: not self.guests(), 60, f"the guests of host {self.name} are gone")
        sweep(self.prefix)

    def start_agents(self) -> None:
        """Start the process with the host's agents."""
        words = ["serve", "--config", str(self.folder / "host.ini"), "--listen", f"127.0.0.1:{self._port}",
                 "--services", "", "--agents", "compute,network", "--state", str(self.folder / "state"),
                 "--run", str(self.folder / "run"), "--cloud-process", self.name, "--cloud-host", self.name]
        self._agents = started(words, self.folder / "agents.log")

    def ready(self) -> None:
        """Wait until the agents are ready."""
        wait_ready(self._port, self._agents, self.folder / "agents.log")

    def kill_agents(self) -> None:
        """End the agents at once; guests and wires stay."""
        process, self._agents = self._agents, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def guests(self) -> dict[str, list[int]]:
        """The QEMU processes of this host by server, as the kernel knows them: its files are below the folder."""
        found: dict[str, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if "qemu-system" in words[0] and f"{self.folder}/" in "".join(words):
                    found.setdefault(words[words.index("-uuid") + 1], []).append(int(entry.name))
        return found

    def virsh(self, *words: str) -> str:
        """What the host's libvirt says."""
        return run("virsh", "-q", "-c", self.libvirt.uri, *words)

    def pings(self, network: str, address: str) -> bool:
        """Whether a guest of this host answers in the network's namespace."""
        command = ["ip", "netns", "exec", f"{self.prefix}-net-{network}", "ping", "-c", "1", "-W", "1", address]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


class TwoHosts(CloudProcess):
    """The control process as :class:`CloudProcess` has it, started by ``serve``, and its hosts by name."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        super().__init__(folder / "control")
        self.folder = folder
        self.hosts = {name: Host(name, folder / name, broker_url) for name in ADDRESSES}
        self._control: subprocess.Popen[bytes] | None = None
        self._config = folder / "control.ini"
        self._config.write_text(f"[cloud]\nbus = kombu\n[bus.kombu]\nurl = {broker_url}\n{QUICK}"
                                "[volume]\nbackends = file\n[volumes.file]\nshared = true\n")

    def up(self) -> str:
        """Start all: control, then the hosts joined by a cable, each with its agents."""
        run(str(BIN / "stratolith"), "db", "upgrade", "--config", str(self._config), "--state", str(self.state))
        words = ["serve", "--config", str(self._config), "--listen", f"127.0.0.1:{self.port}", "--services", SERVICES,
                 "--agents", "", "--state", str(self.state), "--run", str(self.state / "run"), "--cloud-process",
                 "control", "--cloud-host", "control", "--bootstrap"]
        self._control = started(words, self.folder / "control.log")
        for host in self.hosts.values():
            host.power_on()
        self.join()
        for host in self.hosts.values():
            host.start_agents()
        wait_ready(self.port, self._control, self.folder / "control.log")
        for host in self.hosts.values():
            host.ready()
        until(lambda: sorted(self.computes()) == sorted(self.hosts), PATIENCE_S, "both hosts are known and up", 0.3)
        return ""

    def join(self) -> None:
        """Lay the cable between the hosts."""
        libvirt_host.join(*(host.libvirt for host in self.hosts.values()))

    def kill(self) -> None:
        """End all processes."""
        for host in self.hosts.values():
            host.power_off()
        process, self._control = self._control, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def admin(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """What an administrator is answered."""
        return self.call(method, service, path, body, as_="stratolith-admin")

    def computes(self) -> dict[str, Any]:
        """The compute services that are up, by host."""
        found = self.admin("GET", "compute", "/os-services?binary=nova-compute")["services"]
        return {one["host"]: one for one in found if one["state"] == "up"}

    def running_guests(self) -> dict[str, int]:
        """How many guests each hypervisor counts."""
        found = self.admin("GET", "compute", "/os-hypervisors/detail")["hypervisors"]
        return {one["service"]["host"]: one["running_vms"] for one in found}

    def copies(self, server: str) -> list[str]:
        """The hosts on which a process of the server's guest lives, one entry a process."""
        return [name for name, host in self.hosts.items() for _ in host.guests().get(server, [])]

    def allocations(self, consumer: str) -> dict[str, dict[str, int]]:
        """What a consumer holds, by the name of the host."""
        found = self.admin("GET", "placement", f"/allocations/{consumer}")["allocations"]
        names = {one["uuid"]: one["name"] for one in
                 self.admin("GET", "placement", "/resource_providers")["resource_providers"]}
        return {names[provider]: held["resources"] for provider, held in found.items()}

    def migrations(self, server: str) -> list[dict[str, Any]]:
        """The server's migrations, newest first."""
        return list(self.admin("GET", "compute", f"/os-migrations?instance_uuid={server}")["migrations"])

    def forgiving(self, method: str, service: str, path: str, body: Any = None) -> bool:
        """Ask; false while the answer is that this cannot be now."""
        try:
            self.admin(method, service, path, body)
        except Refused as refused:
            assert refused.status == 409, refused
            return False
        return True


def started(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A process of the command, in a group of its own."""
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", "stratolith.core.cli", *words], stdin=subprocess.DEVNULL,
                                stdout=output, stderr=output, start_new_session=True)


def wait_ready(port: int, process: subprocess.Popen[bytes] | None, log: Path) -> None:
    """Wait until a process says that it is ready."""
    def check() -> bool:
        assert process is not None and process.poll() is None, log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthcheck", timeout=5) as answer:
                return bool(json.load(answer)["ready"])
        except OSError:
            return False

    until(check, PATIENCE_S, f"ready; see {log}", 0.2)


@contextlib.contextmanager
def two_hosts(folder: Path) -> Iterator[TwoHosts]:
    """A started cloud; all of it is killed at the end."""
    with backing.rabbitmq() as broker_url:
        cloud = TwoHosts(folder, broker_url)
        try:
            cloud.up()
            yield cloud
        finally:
            cloud.kill()
