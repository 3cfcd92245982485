"""Encrypted volumes on the libvirt driver: a guest of QEMU reads and writes plainly what lies on the disk in LUKS."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver, require
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Hypervisor, Power, VolumeGrowth, Volumes
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
