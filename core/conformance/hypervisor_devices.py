"""The cases of the hypervisor suite for volumes and cards that guests get and give back."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from ..drivers.hypervisor import Disk, Hypervisor, Interfaces, Power, VolumeGrowth, Volumes, VolumeSnapshots
from ..drivers.network import Vif
from ..errors import NotFound
from .cases import wants
from .hypervisor_guest import NOBODY, GuestCases, Specs


class DeviceCases(GuestCases):
    """Cases for what is plugged into guests."""

    # facet: Volumes

    def volume(self, folder: Path, number: int = 1) -> Disk:
        """A volume as a disk, not attached yet."""
        connection = self.make_volume(folder, number)
        return Disk(f"vd{'bcdef'[number]}", 1, connection=connection, volume_id=str(uuid.uuid4()), kind="volume")

    def test_attach_and_detach_volume(self, driver: Hypervisor, obedient: str, tmp_path: Path) -> None:
        facet = wants(driver, Volumes)
        disk = self.volume(tmp_path)
        for _ in range(2):
            facet.attach_volume(obedient, disk)
        for _ in range(2):
            facet.detach_volume(obedient, disk.volume_id)
        facet.attach_volume(obedient, disk)
        assert self.observed(driver, obedient) is Power.RUNNING

    def test_attach_volume_to_a_stopped_guest(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet = wants(driver, Volumes)
        driver.stop(guest, 0)
        disk = self.volume(tmp_path)
        facet.attach_volume(guest, disk)
        driver.start(guest)
        assert self.observed(driver, guest) is Power.RUNNING
        driver.stop(guest, 0)
        facet.detach_volume(guest, disk.volume_id)
        assert self.observed(driver, guest) is Power.SHUTDOWN

    def test_spawn_with_a_volume(self, driver: Hypervisor, spec: Specs, tmp_path: Path) -> None:
        wants(driver, Volumes)
        wanted = spec(disks=[*spec().disks, self.volume(tmp_path)])
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_destroy_leaves_the_volume(self, driver: Hypervisor, guest: str, spec: Specs, tmp_path: Path) -> None:
        facet = wants(driver, Volumes)
        disk = self.volume(tmp_path)
        facet.attach_volume(guest, disk)
        driver.destroy(guest)
        other = spec(disks=[*spec().disks, disk])
        driver.spawn(other)
        assert self.observed(driver, other.guest) is Power.RUNNING

    def test_unknown_guest_and_volume(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet = wants(driver, Volumes)
        with pytest.raises(NotFound):
            facet.attach_volume(NOBODY, self.volume(tmp_path))
        facet.detach_volume(NOBODY, NOBODY)
        facet.detach_volume(guest, NOBODY)
        assert self.observed(driver, guest) is Power.RUNNING

    # facet: VolumeGrowth

    def test_grow_volume(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet, growing = wants(driver, Volumes), wants(driver, VolumeGrowth)
        disk = self.volume(tmp_path)
        facet.attach_volume(guest, disk)
        for _ in range(2):
            growing.grow_volume(guest, disk.volume_id, 2)
        driver.stop(guest, 0)
        growing.grow_volume(guest, disk.volume_id, 2)
        assert self.observed(driver, guest) is Power.SHUTDOWN
        for stranger in ((NOBODY, disk.volume_id), (guest, NOBODY)):
            with pytest.raises(NotFound):
                growing.grow_volume(*stranger, 2)

    # facet: VolumeSnapshots

    def test_assisted_volume_snapshots(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet, assisting = wants(driver, Volumes), wants(driver, VolumeSnapshots)
        disk, snapshot = self.volume(tmp_path), str(uuid.uuid4())
        facet.attach_volume(guest, disk)
        for _ in range(2):
            assisting.create_volume_snapshot(guest, disk.volume_id, snapshot, "upon.qcow2")
        for _ in range(2):
            assisting.delete_volume_snapshot(guest, disk.volume_id, snapshot, "upon.qcow2", "")
        assert self.observed(driver, guest) is Power.RUNNING
        for stranger in ((NOBODY, disk.volume_id), (guest, NOBODY)):
            with pytest.raises(NotFound):
                assisting.create_volume_snapshot(*stranger, snapshot, "upon.qcow2")
            with pytest.raises(NotFound):
                assisting.delete_volume_snapshot(*stranger, snapshot, "upon.qcow2", "")

    # facet: Interfaces

    def vif(self) -> Vif:
        """An interface that needs no wiring."""
        return Vif(str(uuid.uuid4()), "none", "fa:16:3e:12:34:56")

    def test_attach_and_detach_interface(self, driver: Hypervisor, obedient: str) -> None:
        facet = wants(driver, Interfaces)
        vif = self.vif()
        for _ in range(2):
            facet.attach_interface(obedient, vif)
        for _ in range(2):
            facet.detach_interface(obedient, vif.port_id)
        assert self.observed(driver, obedient) is Power.RUNNING

    def test_attach_interface_to_a_stopped_guest(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Interfaces)
        driver.stop(guest, 0)
        vif = self.vif()
        facet.attach_interface(guest, vif)
        driver.start(guest)
        assert self.observed(driver, guest) is Power.RUNNING
        driver.stop(guest, 0)
        facet.detach_interface(guest, vif.port_id)
        assert self.observed(driver, guest) is Power.SHUTDOWN

    def test_unknown_guest_and_interface(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Interfaces)
        with pytest.raises(NotFound):
            facet.attach_interface(NOBODY, self.vif())
        facet.detach_interface(NOBODY, NOBODY)
        facet.detach_interface(guest, NOBODY)
        assert self.observed(driver, guest) is Power.RUNNING
