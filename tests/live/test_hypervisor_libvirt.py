"""The hypervisor suite on the libvirt driver, with guests of QEMU that really run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratolith.core.config import Configuration
from stratolith.core.conformance.hypervisor import HypervisorSuite
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver
from stratolith.core.drivers.volume import Connection

from .libvirt_host import LibvirtHost

pytestmark = pytest.mark.live


class TestLibvirt(HypervisorSuite):
    """All cases; guests are as small as QEMU takes them."""

    memory_mib = 96
    parallel = 6

    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls, libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
        """The driver on the daemon of the tests."""
        raw = {"hypervisor.libvirt": {"uri": libvirt_host.uri, "translation_cache_mib": "32"}}
        subject = registry("hypervisor").load("libvirt")
        yield from opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("driver"))

    def make_volume(self, folder: Path, number: int) -> Connection:
        """A qcow2 file."""
        path = folder / f"volume-{number}.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "1G"], check=True)
        return Connection("file", {"path": str(path), "format": "qcow2"})
