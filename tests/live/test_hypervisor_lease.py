"""Guests of QEMU on a host that lost its lease, while libvirt's daemon hangs and no agent runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.cases import until
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Hypervisor, Power

from . import demo_image
from .libvirt_host import LibvirtHost, running

pytestmark = pytest.mark.live
BIN = Path(sys.executable).parent
CONFIGURATION = """[cloud]
host = h1
[compute]
hypervisor = libvirt
fence = lease
[fences.lease]
folder = {folder}/view
lease_s = 3
margin_s = 3
[hypervisors.libvirt]
uri = {uri}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibvirtHost]:
    """A daemon of its own, as it is to hang."""
    with running(tmp_path_factory.mktemp("hanging"), "hanging") as made:
        yield made


@pytest.fixture
def driver(host: LibvirtHost, tmp_path: Path) -> Iterator[Hypervisor]:
    """The agent's driver; its state is where the watch looks for it."""
    raw = {"hypervisors.libvirt": {"uri": host.uri, "translation_cache_mib": "32"}}
    for made in opened(registry("hypervisor").load("libvirt"), "hypervisors.libvirt", Configuration(raw), tmp_path):
        assert isinstance(made, Hypervisor)
        yield made


def daemons(host: LibvirtHost) -> list[int]:
    """The processes of libvirt's daemon of a host, as this machine numbers them."""
    namespace = os.readlink(f"/proc/{host.first_process()}/ns/pid")
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "ns" / "pid") == namespace and b"libvirtd" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_guests_end_though_nobody_answers(host: LibvirtHost, driver: Hypervisor, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "view").symlink_to(tmp_path / "shared")
    (tmp_path / "host.ini").write_text(CONFIGURATION.format(folder=tmp_path, uri=host.uri))
    state = driver.surroundings.state_dir.parent / "agent"
    state.mkdir()
    (state / "hypervisors.libvirt").symlink_to(driver.surroundings.state_dir)
    spec = GuestSpec(str(uuid.uuid4()), "leased", 1, 96, [Disk("vda", 1, image=demo_image.image())])
    driver.spawn(spec)
    assert len(host.processes()) == 1
    words = [BIN / "stratolith", "lease-watch", "--config", tmp_path / "host.ini", "--state",
             driver.surroundings.state_dir.parent / "agent", "--run", tmp_path / "run"]
    with open(tmp_path / "log", "wb") as log:
        watch = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    hanging = []
    try:
        until(lambda: (tmp_path / "shared" / "h1.lease").exists(), 60, "the lease is renewed")
        assert len(host.processes()) == 1
        hanging = daemons(host)
        assert hanging
        for one in hanging:
            os.kill(one, signal.SIGSTOP)
        (tmp_path / "view").unlink()
        until(lambda: not host.processes(), 60, f"the guest has ended: {(tmp_path / 'log').read_text()}")
    finally:
        watch.terminate()
        watch.wait(30)
        for one in hanging:
            os.kill(one, signal.SIGCONT)
    until(lambda: driver.power(spec.guest) in (Power.SHUTDOWN, Power.CRASHED), 60, "libvirt sees it")
    driver.destroy(spec.guest)
