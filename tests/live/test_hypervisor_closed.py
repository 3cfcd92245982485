"""Disks of QEMU guests are for QEMU alone: whoever else is on the host reads nothing of them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import require
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Hypervisor, Power, Snapshots

from . import demo_image
from .libvirt_host import AS_INSTALLED, QEMU_CONF, running
from .test_hypervisor_libvirt import CONFIG_DRIVE

pytestmark = pytest.mark.live
QEMU = "libvirt-qemu"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that others may pass through."""
    made = Path(tempfile.mkdtemp(dir="/var/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def is_readable(path: Path) -> bool:
    """Whether a user of the host who knows the name can read it."""
    return not subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "head", "-c", "1",
                               str(path)], check=False, capture_output=True).returncode


@pytest.mark.parametrize("qemu_conf", [QEMU_CONF, AS_INSTALLED], ids=["root", "installed"])
def test_disks_and_config_drives_are_closed(place: Path, qemu_conf: str) -> None:
    owner = pwd.getpwnam(QEMU).pw_uid if qemu_conf == AS_INSTALLED else 0
    (place / "host").mkdir()
    with running(place / "host", "closed", qemu_conf=qemu_conf) as host:
        raw = {"hypervisor.libvirt": {"uri": host.uri, "translation_cache_mib": "32"}}
        for driver in opened(registry("hypervisor").load("libvirt"), "hypervisor.libvirt", Configuration(raw), place):
            assert isinstance(driver, Hypervisor)
            prove(driver, place, owner, host.processes)


def prove(driver: Hypervisor, place: Path, owner: int, processes: object) -> None:
    """A guest's life, and who may read its disks meanwhile."""
    disks = [Disk("vda", 1, image=demo_image.image()), Disk("vdb", 1, kind="ephemeral")]
    spec = GuestSpec(str(uuid.uuid4()), "closed", 1, 96, disks, config_drive=CONFIG_DRIVE)
    driver.spawn(spec)
    folder = driver.surroundings.state_dir / "guests" / spec.guest
    files = [folder / name for name in ("root-0.qcow2", "ephemeral-vdb.qcow2", "config-drive.iso")]
    assert callable(processes)
    assert {os.stat(f"/proc/{one}").st_uid for one in processes()} == {owner}
    for file in files:
        assert (file.stat().st_uid, oct(file.stat().st_mode & 0o777)) == (owner, "0o600"), file
    assert not any(is_readable(path) for path in [*files, folder / "console.log"])
    assert folder.stat().st_mode & 0o777 == 0o711 and is_readable(Path("/etc/passwd"))
    require(driver, Snapshots).snapshot(spec.guest, place / "copy")
    assert not is_readable(place / "copy")
    driver.stop(spec.guest, 0)
    assert not any(is_readable(path) for path in files)
    files[0].chmod(0o644)
    driver.open()
    assert not is_readable(files[0])
    driver.start(spec.guest)
    assert driver.power(spec.guest) is Power.RUNNING
    driver.destroy(spec.guest)
    assert driver.observe() == []
