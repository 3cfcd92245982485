"""Encrypted volumes on the libvirt driver: a guest of QEMU reads and writes plainly what lies on the disk in LUKS."""

from __future__ import annotations

import dataclasses
import mmap
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver, require
from stratolith.core.drivers.hypervisor import (
    Disk,
    DiskEncryption,
    GuestSpec,
    Hypervisor,
    Movable,
    Power,
    Resizable,
    VolumeGrowth,
    Volumes,
)
from stratolith.core.drivers.volume import Connection, Encryption
from stratolith.core.errors import CloudError, NotSupported, WrongState

from . import demo_image, luks
from .libvirt_host import LibvirtHost
from .test_hypervisor_libvirt import CONFIG_DRIVE, READY, options, says

pytestmark = pytest.mark.live
PASSPHRASE = "Zürich, 東京 & <others>"
WORDS = "plain words that nobody shall find"


@pytest.fixture(scope="module")
def driver(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver on the daemon of the tests."""
    raw = {"hypervisor.libvirt": options(libvirt_host)}
    subject = registry("hypervisor").load("libvirt")
    yield from opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("driver"))


def volume(path: Path, disk_format: str = "raw", passphrase: str = PASSPHRASE, device: str = "vdb") -> Disk:
    """An encrypted file as a disk."""
    details = {"path": str(path), "format": disk_format}
    return Disk(device, 1, connection=Connection("file", details, encryption=Encryption(passphrase)),
                volume_id=str(uuid.uuid4()), kind="volume")


def secrets(host: LibvirtHost) -> list[str]:
    """What passphrases the daemon holds."""
    connection = libvirt.open(host.uri)
    try:
        return [secret.usageID() for secret in connection.listAllSecrets()]
    finally:
        connection.close()


def test_a_guest_writes_plainly_what_is_encrypted_on_the_disk(
        driver: Hypervisor, libvirt_host: LibvirtHost, tmp_path: Path) -> None:
    luks.create(tmp_path / "raw", PASSPHRASE)
    luks.create_qcow2(tmp_path / "qcow2", PASSPHRASE)
    script = f"#!/bin/sh\necho {WORDS} > /dev/vdb\nsync\nhead -c {len(WORDS)} /dev/vdb; cat /sys/block/vdb/size\n"
    guest, image = str(uuid.uuid4()), demo_image.image()
    first, second = volume(tmp_path / "raw"), volume(tmp_path / "qcow2", "qcow2", device="vdc")
    driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image), first],
                           config_drive={**CONFIG_DRIVE, "openstack/latest/user_data": script.encode()}))
    log = says(driver, guest, READY)
    assert WORDS.encode() + b"32768" in log.replace(b"\r", b"").replace(b"\n", b"")
    facet = require(driver, Volumes)
    facet.attach_volume(guest, second)
    assert sorted(secrets(libvirt_host)) == sorted(f"stratolith/{guest}/{one.volume_id}" for one in (first, second))
    growing = require(driver, VolumeGrowth)
    growing.grow_volume(guest, second.volume_id, 1)
    with pytest.raises(NotSupported, match="next start"):
        growing.grow_volume(guest, first.volume_id, 1)
    facet.detach_volume(guest, second.volume_id)
    assert secrets(libvirt_host) == [f"stratolith/{guest}/{first.volume_id}"]
    driver.stop(guest, 0)
    driver.start(guest)
    driver.destroy(guest)
    assert secrets(libvirt_host) == []
    content = (tmp_path / "raw").read_bytes()
    assert content.startswith(b"LUKS\xba\xbe") and WORDS.encode() not in content
    luks.qemu_img(PASSPHRASE, "convert", "--image-opts", f"driver=luks,key-secret=key,file.filename={tmp_path}/raw",
                  "-O", "raw", str(tmp_path / "plain"))
    assert (tmp_path / "plain").read_bytes().startswith(WORDS.encode())


def test_a_wrong_passphrase_leaves_nothing(driver: Hypervisor, libvirt_host: LibvirtHost, tmp_path: Path) -> None:
    luks.create(tmp_path / "raw", PASSPHRASE)
    guest = str(uuid.uuid4())
    with pytest.raises(CloudError) as caught:
        driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1), volume(tmp_path / "raw", passphrase="wrong")]))
    assert "wrong" not in str(caught.value)
    assert driver.observe() == [] and secrets(libvirt_host) == []


def test_a_host_that_forgot_a_passphrase_says_so_and_learns_it_again(
        driver: Hypervisor, libvirt_host: LibvirtHost, tmp_path: Path) -> None:
    luks.create(tmp_path / "raw", PASSPHRASE)
    spec = GuestSpec(str(uuid.uuid4()), "live", 1, 96, [Disk("vda", 1), volume(tmp_path / "raw")])
    driver.spawn(spec)
    driver.stop(spec.guest, 0)
    connection = libvirt.open(libvirt_host.uri)
    for secret in connection.listAllSecrets():
        secret.undefine()
    connection.close()
    with pytest.raises(WrongState, match="passphrase"):
        driver.start(spec.guest)
    driver.spawn(spec)
    assert driver.power(spec.guest) is Power.RUNNING
    driver.destroy(spec.guest)


def test_local_disks_cannot_be_read_without_the_key(
        driver: Hypervisor, libvirt_host: LibvirtHost, libvirt_other: LibvirtHost, tmp_path: Path,
        tmp_path_factory: pytest.TempPathFactory) -> None:
    guest, key, words = str(uuid.uuid4()), Encryption("ab" * 32), WORDS.encode()
    script = f"#!/bin/sh\necho {WORDS} > /kept; echo {WORDS} > /dev/vdb; sync\ncat /kept\n"
    disks = [Disk("vda", 1, image=demo_image.image()), Disk("vdb", 1, kind="ephemeral")]
    spec = GuestSpec(guest, "live", 1, 96, disks, encryption=key,
                     config_drive={**CONFIG_DRIVE, "openstack/latest/user_data": script.encode()})
    driver.spawn(spec)
    assert words in says(driver, guest, READY)
    assert secrets(libvirt_host) == [f"stratolith/{guest}/disks"]
    driver.stop(guest, 0)
    folder = driver.surroundings.state_dir / "guests" / guest
    for file in ("root-0.qcow2", "ephemeral-vdb.qcow2"):
        content = (folder / file).read_bytes()
        assert b"LUKS\xba\xbe" in content and words not in content and key.passphrase.encode() not in content
        refused = subprocess.run(["qemu-img", "convert", "-O", "raw", str(folder / file), str(tmp_path / "read")],
                                 capture_output=True, check=False)
        assert refused.returncode and b"encrypt.key-secret" in refused.stderr
    assert not any(key.passphrase.encode() in path.read_bytes() for path in folder.iterdir() if path.is_file())
    connection = libvirt.open(libvirt_host.uri)
    for secret in connection.listAllSecrets():
        secret.undefine()
    connection.close()
    with pytest.raises(WrongState, match="passphrase"):
        driver.start(guest)
    require(driver, DiskEncryption).unlock(guest, key)
    driver.start(guest)
    larger = dataclasses.replace(spec, disks=[dataclasses.replace(disks[0], size_gib=2), disks[1]])
    require(driver, Resizable).resize(larger)
    offer = require(driver, Movable).depart(guest, 0)
    raw = {"hypervisor.libvirt": options(libvirt_other)}
    subject = registry("hypervisor").load("libvirt")
    for other in opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("other")):
        require(other, Movable).arrive(larger, offer, True)
        driver.destroy(guest)
        assert secrets(libvirt_host) == []
        assert words in says(other, guest, READY)
        require(other, DiskEncryption).plain_snapshot(guest, tmp_path / "copy", key)
        other.destroy(guest)
        assert secrets(libvirt_other) == []
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(tmp_path / "copy"), str(tmp_path / "plain")], check=True)
    # Two gibibytes, most of them holes.
    with (tmp_path / "plain").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as plain:
        assert plain.find(words) >= 0
