"""The cases of the hypervisor suite for encrypted local disks."""

from __future__ import annotations

import dataclasses
import uuid
from pathlib import Path

import pytest

from ..drivers.hypervisor import (
    Disk,
    DiskEncryption,
    GuestSpec,
    Hypervisor,
    Image,
    Power,
    Rescuable,
    Resizable,
    Snapshots,
    Suspendable,
)
from ..drivers.volume import Encryption
from ..errors import BackendFailed, CloudError, NotFound, NotSupported
from .cases import wants
from .hypervisor_guest import NOBODY, GuestCases, Specs

KEY = Encryption("5f9d0e7c" * 8)
OTHER = Encryption("00112233" * 8)


class EncryptionCases(GuestCases):
    """Cases for the facet :class:`~stratolith.core.drivers.hypervisor.DiskEncryption`."""

    # facet: DiskEncryption

    @pytest.fixture
    def sealed(self, driver: Hypervisor, spec: Specs) -> GuestSpec:
        """A running guest with an encrypted disk; each costs a real host seconds."""
        wants(driver, DiskEncryption)
        wanted = spec(encryption=KEY)
        driver.spawn(wanted)
        return wanted

    def test_encryption_formats_are_words(self, driver: Hypervisor) -> None:
        formats = wants(driver, DiskEncryption).encryption_formats()
        assert formats and set(formats) <= {"luks", "plain"}

    def test_an_unknown_encryption_is_refused(self, driver: Hypervisor, spec: Specs) -> None:
        wants(driver, DiskEncryption)
        wanted = spec(encryption=Encryption("secret", "rot13"))
        with pytest.raises(NotSupported):
            driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is None

    def test_life_of_an_encrypted_guest(self, driver: Hypervisor, spec: Specs) -> None:
        wants(driver, DiskEncryption)
        plain = spec()
        disks = [*plain.disks, Disk("vdb", 1, kind="ephemeral"), Disk("vdc", 0, kind="swap", size_mib=8)]
        sealed = dataclasses.replace(plain, disks=disks, encryption=KEY)
        driver.spawn(sealed)
        assert self.observed(driver, sealed.guest) is Power.RUNNING
        driver.spawn(sealed)
        driver.reboot(sealed.guest, hard=True)
        driver.stop(sealed.guest, 0)
        assert self.observed(driver, sealed.guest) is Power.SHUTDOWN
        driver.start(sealed.guest)
        assert self.observed(driver, sealed.guest) is Power.RUNNING

    def test_suspended_and_resumed_encrypted_guest(self, driver: Hypervisor, sealed: GuestSpec) -> None:
        facet = wants(driver, Suspendable)
        facet.suspend(sealed.guest)
        facet.resume(sealed.guest)
        assert self.observed(driver, sealed.guest) is Power.RUNNING

    def test_unlock_of_a_guest_that_is_off(self, driver: Hypervisor, sealed: GuestSpec) -> None:
        facet = wants(driver, DiskEncryption)
        driver.stop(sealed.guest, 0)
        facet.unlock(sealed.guest, KEY)
        facet.unlock(sealed.guest, KEY)
        assert self.observed(driver, sealed.guest) is Power.SHUTDOWN
        driver.start(sealed.guest)
        assert self.observed(driver, sealed.guest) is Power.RUNNING

    def test_unlock_of_nobody(self, driver: Hypervisor, tmp_path: Path) -> None:
        facet = wants(driver, DiskEncryption)
        with pytest.raises(NotFound):
            facet.unlock(NOBODY, KEY)
        with pytest.raises(NotFound):
            facet.plain_snapshot(NOBODY, tmp_path / "copy", KEY)

    @pytest.mark.parametrize("running", [True, False])
    def test_plain_snapshot(self, driver: Hypervisor, sealed: GuestSpec, tmp_path: Path, running: bool) -> None:
        facet = wants(driver, DiskEncryption)
        if not running:
            driver.stop(sealed.guest, 0)
        target = tmp_path / "copy"
        form = facet.plain_snapshot(sealed.guest, target, KEY)
        with target.open("rb") as file:
            header = file.read(36)
        assert (header[:4] == b"QFI\xfb") is (form == "qcow2"), "the format named is that of the file"
        assert form != "qcow2" or header[32:36] == bytes(4), "the copy is not encrypted"
        assert self.observed(driver, sealed.guest) is (Power.RUNNING if running else Power.SHUTDOWN)

    def test_snapshots_without_the_key_are_refused(self, driver: Hypervisor, sealed: GuestSpec, tmp_path: Path) -> None:
        facet = wants(driver, DiskEncryption)
        with pytest.raises(NotSupported):
            wants(driver, Snapshots).snapshot(sealed.guest, tmp_path / "copy")
        with pytest.raises(BackendFailed) as caught:
            facet.plain_snapshot(sealed.guest, tmp_path / "copy", OTHER)
        assert OTHER.passphrase not in f"{caught.value} {caught.value.facts}"
        assert not (tmp_path / "copy").exists()
        assert self.observed(driver, sealed.guest) is Power.RUNNING

    def test_resize_and_revert_of_an_encrypted_guest(self, driver: Hypervisor, sealed: GuestSpec) -> None:
        facet = wants(driver, Resizable)
        larger = dataclasses.replace(sealed, disks=[dataclasses.replace(sealed.disks[0], size_gib=self.disk_gib + 1)])
        facet.resize(larger)
        assert self.observed(driver, sealed.guest) is Power.RUNNING
        facet.revert_resize(sealed)
        assert self.observed(driver, sealed.guest) is Power.RUNNING
        facet.resize(larger)
        facet.confirm_resize(sealed.guest)
        driver.reboot(sealed.guest, hard=True)
        assert self.observed(driver, sealed.guest) is Power.RUNNING

    def test_rescue_of_an_encrypted_guest(self, driver: Hypervisor, sealed: GuestSpec, image: Image) -> None:
        facet = wants(driver, Rescuable)
        rescue = Disk("vdd", 0, image=image, kind="rescue")
        facet.rescue(dataclasses.replace(sealed, disks=[*sealed.disks, rescue], boot_device="vdd"))
        assert self.observed(driver, sealed.guest) is Power.RUNNING
        facet.unrescue(sealed)
        assert self.observed(driver, sealed.guest) is Power.RUNNING

    def test_keys_do_not_get_into_errors(self, driver: Hypervisor, spec: Specs) -> None:
        wants(driver, DiskEncryption)
        wanted = spec(guest=str(uuid.uuid4()), memory_mib=1 << 30, encryption=KEY)
        with pytest.raises(CloudError) as caught:
            driver.spawn(wanted)
        assert KEY.passphrase not in f"{caught.value} {caught.value.facts}"
