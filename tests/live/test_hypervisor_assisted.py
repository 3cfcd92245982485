"""Snapshots of a volume's file that its guest's host makes, while the guest goes on writing."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver, require
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Hypervisor, VolumeSnapshots
from stratolith.core.drivers.volume import Connection, Encryption
from stratolith.core.errors import NotSupported, WrongState

from . import demo_image, luks
from .libvirt_host import LibvirtHost
from .test_hypervisor_libvirt import CONFIG_DRIVE, READY, options, says

pytestmark = pytest.mark.live
SCRIPT = b"""#!/bin/sh
echo first > /dev/vdb
(n=0; while true; do n=$((n+1)); echo $n | dd of=/dev/vdb bs=512 seek=1 conv=fsync 2>/dev/null
echo wrote $n > /dev/console; sleep 1; done) &
"""


@pytest.fixture(scope="module")
def driver(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver on the daemon of the tests."""
    raw = {"hypervisor.libvirt": options(libvirt_host)}
    subject = registry("hypervisor").load("libvirt")
    yield from opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("driver"))


def files(path: Path) -> list[str]:
    """The names of a file and of those under it."""
    text = subprocess.run(["qemu-img", "info", "-U", "--backing-chain", "--output=json", str(path)], check=True,
                          capture_output=True, text=True).stdout
    return [Path(one["filename"]).name for one in json.loads(text)]


def wrote(driver: Hypervisor, guest: str) -> int:
    """The last number that the guest says it wrote."""
    return int(says(driver, guest, b"wrote ").rpartition(b"wrote ")[2].split()[0])


def test_a_guest_goes_on_writing_while_its_volume_gets_snapshots_and_loses_them(
        driver: Hypervisor, tmp_path: Path) -> None:
    base = tmp_path / "base.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(base), "16M"], check=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "qcow2", str(tmp_path / "two")],
                   check=True)
    volume = Disk("vdb", 1, connection=Connection("file", {"path": str(base), "format": "qcow2"}),
                  volume_id=str(uuid.uuid4()), kind="volume")
    guest, image = str(uuid.uuid4()), demo_image.image()
    driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image), volume],
                           config_drive={**CONFIG_DRIVE, "openstack/latest/user_data": SCRIPT}))
    says(driver, guest, READY)
    facet = require(driver, VolumeSnapshots)
    # Of "two" the back end has made the file itself, of the others the host does; made upon what the guest uses now.
    for name in ("one", "two", "three"):
        if name == "two":
            subprocess.run(["qemu-img", "rebase", "-u", "-b", str(tmp_path / "one"), "-F", "qcow2",
                            str(tmp_path / name)], check=True)
        facet.create_volume_snapshot(guest, volume.volume_id, str(uuid.uuid4()), name)
    assert files(tmp_path / "three") == ["three", "two", "one", "base.qcow2"]
    for _ in range(2):
        facet.delete_volume_snapshot(guest, volume.volume_id, str(uuid.uuid4()), "two", "one")
    assert files(tmp_path / "three") == ["three", "one", "base.qcow2"]
    for _ in range(2):
        facet.delete_volume_snapshot(guest, volume.volume_id, str(uuid.uuid4()), "base.qcow2", "")
    assert files(tmp_path / "three") == ["three", "base.qcow2"]
    for _ in range(2):
        facet.delete_volume_snapshot(guest, volume.volume_id, str(uuid.uuid4()), "three", "base.qcow2")
    before = wrote(driver, guest)
    says(driver, guest, b"wrote %d" % (before + 2))
    facet.create_volume_snapshot(guest, volume.volume_id, str(uuid.uuid4()), "four")
    facet.delete_volume_snapshot(guest, volume.volume_id, str(uuid.uuid4()), "", "")
    assert files(tmp_path / "four") == ["four"]
    before = wrote(driver, guest)
    says(driver, guest, b"wrote %d" % (before + 2))
    driver.destroy(guest)
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(tmp_path / "four"), str(tmp_path / "raw")],
                   check=True)
    content = (tmp_path / "raw").read_bytes()
    assert content.startswith(b"first\n") and int(content[512:1024].split(b"\n")[0]) >= before + 2


def test_what_would_be_lost_or_shown_is_refused(driver: Hypervisor, tmp_path: Path) -> None:
    luks.create(tmp_path / "locked", "x")
    connection = Connection("file", {"path": str(tmp_path / "locked"), "format": "raw"}, encryption=Encryption("x"))
    locked = Disk("vdb", 1, connection=connection, volume_id=str(uuid.uuid4()), kind="volume")
    guest, facet = str(uuid.uuid4()), require(driver, VolumeSnapshots)
    driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1), locked]))
    with pytest.raises(NotSupported, match="encrypted"):
        facet.create_volume_snapshot(guest, locked.volume_id, str(uuid.uuid4()), "plain")
    driver.destroy(guest)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(tmp_path / "open"), "16M"], check=True)
    connection = Connection("file", {"path": str(tmp_path / "open"), "format": "qcow2"})
    plain = dataclasses.replace(locked, connection=connection)
    driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1), plain]))
    driver.stop(guest, 0)
    with pytest.raises(WrongState):
        facet.create_volume_snapshot(guest, plain.volume_id, str(uuid.uuid4()), "plain")
    driver.destroy(guest)
    assert not (tmp_path / "plain").exists()
