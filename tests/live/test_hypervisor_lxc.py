"""The hypervisor suite on libvirt's containers, which really run: a file system of busybox and a few lines of shell."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.cases import until
from stratolith.core.conformance.hypervisor import HypervisorSuite
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver, require
from stratolith.core.drivers.hypervisor import (
    ConsoleKind,
    Consoles,
    Disk,
    GuestSpec,
    Hypervisor,
    Image,
    Interfaces,
    Power,
    Resizable,
    Snapshots,
)
from stratolith.core.drivers.network import Vif
from stratolith.core.drivers.volume import Connection
from stratolith.core.errors import BackendFailed, NotSupported
from stratolith.hypervisors.libvirt.containers.driver import Containers

from .libvirt_host import LibvirtHost

pytestmark = pytest.mark.live

READY = b"container: ready"
INIT = """#!/bin/sh
trap 'echo obeyed; exit 0' TERM
ip link set lo up
hostname
echo "init $0 $*"
cat /mark 2>/dev/null
cat /var/lib/cloud/seed/config_drive/openstack/latest/user_data 2>/dev/null | sh
echo "container: ready"
(while read line; do echo "heard $line"; done) < /dev/console &
while :; do sleep 1 & wait $!; done
"""
TOOLS = ("cat", "df", "echo", "grep", "hostname", "ip", "ping", "sh", "sleep", "sync", "wc")


def make_root(folder: Path, init: str = INIT) -> Path:
    """A file system that holds what a container needs."""
    top = folder / "root"
    for name in ("bin", "sbin", "proc", "sys", "dev", "tmp", "mnt", "var"):
        (top / name).mkdir(parents=True)
    (top / "bin" / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    for tool in TOOLS:
        (top / "bin" / tool).symlink_to("busybox")
    for program in (top / "bin" / "busybox", top / "sbin" / "init", top / "sbin" / "other"):
        if program.name != "busybox":
            program.write_text(init)
        program.chmod(0o755)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(top), str(folder / "root.raw"), "12M"], check=True)
    return folder / "root.raw"


def image_of(path: Path, disk_format: str = "raw", **properties: str) -> Image:
    """A file as an image."""
    content = path.read_bytes()
    return Image(str(uuid.uuid4()), disk_format, len(content), len(content), "sha256",
                 hashlib.sha256(content).hexdigest(), lambda: iter((content,)), properties)


def says(driver: Hypervisor, guest: str, text: bytes, timeout_s: float = 60) -> bytes:
    """The console log of ``guest`` as soon as it has ``text``."""
    def log() -> bytes:
        found = driver.console_log(guest, 1_000_000)
        return found if text in found else b""

    return until(log, timeout_s, f"the container says {text!r}")


@pytest.fixture(scope="module")
def driver(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver on the containers of the daemon."""
    raw = {"hypervisor.libvirt": {"uri": libvirt_host.containers_uri, "soft_reboot_s": "20"}}
    subject = registry("hypervisor").load("libvirt")
    yield from opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("lxc"))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image of the containers."""
    return image_of(make_root(tmp_path_factory.mktemp("root")))


class TestContainers(HypervisorSuite):
    """All cases; what containers cannot do they do not declare."""

    memory_mib = 64
    parallel = 6

    @classmethod
    def make_image(cls, folder: Path) -> Image:
        """A file system of busybox."""
        return image_of(make_root(folder))

    def ready(self, driver: Hypervisor, guest: str) -> None:
        """When its init says so."""
        says(driver, guest, READY)

    def deaf_disk(self, image: Image) -> Disk:
        """Nothing starts from an empty disk, but a shell that sleeps obeys nobody."""
        asleep = dataclasses.replace(image, properties={"os_command_line": "init=/bin/sleep 1000"})
        return Disk("vda", 1, image=asleep)
