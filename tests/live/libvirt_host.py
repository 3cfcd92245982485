"""A libvirt daemon of the tests' own: everything of it lies in one folder and ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

MOUNTS = {"run": "/run/libvirt", "lib": "/var/lib/libvirt", "log": "/var/log/libvirt", "etc": "/etc/libvirt",
          "cache": "/var/cache/libvirt"}
PROBES = Path("~/.cache/stratolith/libvirt").expanduser()
"""What libvirt learned of the QEMU binaries: it takes eight seconds to learn, so runs share it."""
LIBVIRTD_CONF = """\
listen_tls = 0
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""
PEERS = """\
listen_tcp = 1
auth_tcp = "none"
host_uuid = "{uuid}"
"""
"""For a daemon that others reach: two on one machine must not take each other for the same host."""
QEMU_CONF = """\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
namespaces = []
cgroup_controllers = []
security_driver = "none"
stdio_handler = "logd"
migrate_tls_x509_cert_dir = "/etc/libvirt/pki"
"""


AS_INSTALLED = """\
remember_owner = 1
namespaces = []
cgroup_controllers = []
security_driver = "none"
stdio_handler = "logd"
"""
"""QEMU runs as the user that the distribution made for it, and libvirt gives it the disks."""


class LibvirtHost:
    """One daemon with process, mount, host name and (unless told otherwise) network namespaces of its own.

    When the first process of its namespaces ends, the kernel ends the daemon and every guest.
    """

    def __init__(self, folder: Path, name: str = "live", own_network: bool = True, address: str = "",
                 qemu_conf: str = QEMU_CONF) -> None:
        self.folder = folder
        self._qemu_conf = qemu_conf
        self.name = name
        self.address = address
        self._own_network = own_network
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where the daemon listens."""
        return self.folder / "run" / "libvirt-sock"

    @property
    def certificates(self) -> Path:
        """Where QEMU finds the certificates of live migrations."""
        return self.folder / "etc" / "pki"

    @property
    def uri(self) -> str:
        """How to connect from outside."""
        return f"qemu:///system?socket={self.socket}"

    @property
    def containers_uri(self) -> str:
        """How to connect from outside to its containers."""
        return f"lxc:///system?socket={self.socket}"

    def start(self) -> None:
        """Start the daemon and wait until it listens."""
        for part in MOUNTS:
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        PROBES.mkdir(parents=True, exist_ok=True)
        self.certificates.mkdir(exist_ok=True)
        peers = PEERS.format(uuid=uuid.uuid4()) if self.address else ""
        (self.folder / "etc" / "libvirtd.conf").write_text(LIBVIRTD_CONF + peers)
        (self.folder / "etc" / "qemu.conf").write_text(self._qemu_conf)
        namespaces = ["--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        if self._own_network:
            namespaces.append("--net")
        log = (self.folder / "host.log").open("wb")
        with log:
            self._process = subprocess.Popen(
                ["unshare", *namespaces, sys.executable, __file__, str(self.folder), self.name, self.address],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_for(self._listens, 30, f"libvirtd listens; see {self.folder}/host.log")

    def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None, (self.folder / "host.log").read_text()
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def processes(self) -> list[int]:
        """The processes of all guests of this host: QEMUs in its namespace of process ids."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                if os.readlink(entry / "ns" / "pid") == self._namespace() and b"qemu-system" in _command(entry):
                    found.append(int(entry.name))
        return found

    def _namespace(self) -> str:
        return os.readlink(f"/proc/{self.first_process()}/ns/pid")

    def first_process(self) -> int:
        """The first process of the host's namespaces, as this machine numbers it."""
        assert self._process is not None
        return int(Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()[0])

    def run(self, *command: str) -> str:
        """What a command prints that runs in the host's network."""
        whole = ["nsenter", "--target", str(self.first_process()), "--net", *command]
        return subprocess.run(whole, check=True, capture_output=True, text=True).stdout

    def kill_guests(self) -> None:
        """End every guest as the kernel would for want of memory."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """End the daemon and all its guests."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.kill()
            process.wait()


def _command(entry: Path) -> bytes:
    return (entry / "cmdline").read_bytes().split(b"\0")[0]


def wait_for(condition, timeout_s: float, what: str):  # type: ignore[no-untyped-def]
    """The first true result of ``condition`` within ``timeout_s``, else a failure that says ``what``."""
    from stratolith.core.conformance.cases import until
    return until(condition, timeout_s, what)


def inside(folder: Path, name: str, address: str) -> None:
    """The first process of the namespaces: mount the folder in place, start the daemons, wait for their end."""
    socket.sethostname(name)
    # The namespace's own /sys hides the cgroups, without which no container starts.
    (folder / "cgroup").mkdir(exist_ok=True)
    subprocess.run(["mount", "--rbind", "/sys/fs/cgroup", str(folder / "cgroup")], check=True)
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    subprocess.run(["mount", "--move", str(folder / "cgroup"), "/sys/fs/cgroup"], check=True)
    if os.path.ismount("/sys/fs/cgroup/unified"):
        # libvirt cannot show a container both kinds of cgroups.
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for part, place in MOUNTS.items():
        os.makedirs(place, exist_ok=True)
        source = str(PROBES) if part == "cache" else str(folder / part)
        subprocess.run(["mount", "--bind", source, place], check=True)
    for part in ("qemu", "images"):
        os.makedirs(f"/var/lib/libvirt/{part}", exist_ok=True)
    subprocess.Popen(["/usr/sbin/virtlogd", "-p", "/run/libvirt/own-virtlogd.pid"])
    listen = ["--listen"] if address else []
    daemon = subprocess.Popen(["/usr/sbin/libvirtd", *listen, "-p", "/run/libvirt/own-libvirtd.pid"])
    reap_until(daemon.pid)


def reap_until(last: int) -> None:
    """Collect ended processes, as the first process of a namespace must, until ``last`` has ended."""
    while True:
        ended, status = os.wait()
        if ended == last:
            sys.exit(os.waitstatus_to_exitcode(status))


@contextlib.contextmanager
def running(folder: Path, name: str = "live", own_network: bool = True, address: str = "",
            qemu_conf: str = QEMU_CONF) -> Iterator[LibvirtHost]:
    """A started host, stopped at the end; one with an address is reached by others, once they are joined."""
    host = LibvirtHost(folder, name, own_network, address, qemu_conf)
    try:
        host.start()
        yield host
    finally:
        host.stop()


@pytest.fixture(scope="session")
def libvirt_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibvirtHost]:
    """One daemon for all tests that need it."""
    if os.geteuid() != 0:
        pytest.fail("the live tests need root")
    with running(tmp_path_factory.mktemp("libvirt"), address="10.99.0.1") as host:
        yield host


@pytest.fixture(scope="session")
def libvirt_other(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibvirtHost]:
    """A second daemon, joined with the first by a cable."""
    with running(tmp_path_factory.mktemp("other"), "other", address="10.99.0.2") as host:
        join(libvirt_host, host)
        yield host


def join(*hosts: LibvirtHost) -> None:
    """Lay a cable between two hosts, and give them their addresses."""
    ends = [f"lv{os.getpid()}{letter}" for letter in "ab"]
    subprocess.run(["ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]], check=True)
    for host, end in zip(hosts, ends, strict=True):
        subprocess.run(["ip", "link", "set", end, "netns", str(host.first_process())], check=True)
        host.run("ip", "addr", "add", f"{host.address}/24", "dev", end)
        host.run("ip", "link", "set", end, "up")


if __name__ == "__main__":
    inside(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
