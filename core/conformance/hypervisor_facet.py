"""The cases of the hypervisor suite for facets; a case whose facet is not declared is skipped."""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from pathlib import Path

import pytest

from ..drivers.hypervisor import (
    Disk,
    GuestSpec,
    HostMetrics,
    Hypervisor,
    Image,
    Interfaces,
    Pausable,
    Power,
    Resizable,
    Snapshots,
    Suspendable,
    VolumeGrowth,
    Volumes,
    VolumeSnapshots,
)
from ..drivers.network import Vif
from ..errors import CloudError, NotFound, WrongState
from .cases import wants
from .hypervisor_guest import MIB, NOBODY, GuestCases, Specs


class FacetCases(GuestCases):
    """Cases for every facet of :class:`~stratolith.core.drivers.hypervisor.Hypervisor`."""

    # facet: Pausable

    def test_pause_and_unpause(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Pausable)
        facet.pause(guest)
        facet.pause(guest)
        assert self.observed(driver, guest) is Power.PAUSED
        facet.unpause(guest)
        facet.unpause(guest)
        assert self.observed(driver, guest) is Power.RUNNING

    def test_pause_unknown_guest(self, driver: Hypervisor) -> None:
        facet = wants(driver, Pausable)
        for verb in (facet.pause, facet.unpause):
            with pytest.raises(NotFound):
                verb(NOBODY)

    def test_pause_of_a_stopped_guest(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Pausable)
        driver.stop(guest, 0)
        for verb in (facet.pause, facet.unpause):
            with pytest.raises(WrongState):
                verb(guest)
        assert self.observed(driver, guest) is Power.SHUTDOWN

    def test_stop_and_destroy_of_a_paused_guest(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Pausable)
        facet.pause(guest)
        driver.stop(guest, 0)
        assert self.observed(driver, guest) is Power.SHUTDOWN
        driver.start(guest)
        facet.pause(guest)
        driver.destroy(guest)
        assert self.observed(driver, guest) is None

    def test_reboot_hard_of_a_paused_guest(self, driver: Hypervisor, guest: str) -> None:
        wants(driver, Pausable).pause(guest)
        driver.reboot(guest, hard=True)
        assert self.observed(driver, guest) is Power.RUNNING

    # facet: Suspendable

    def test_suspend_and_resume(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Suspendable)
        facet.suspend(guest)
        facet.suspend(guest)
        assert self.observed(driver, guest) is Power.SUSPENDED
        facet.resume(guest)
        facet.resume(guest)
        assert self.observed(driver, guest) is Power.RUNNING

    def test_suspend_unknown_guest(self, driver: Hypervisor) -> None:
        facet = wants(driver, Suspendable)
        for verb in (facet.suspend, facet.resume):
            with pytest.raises(NotFound):
                verb(NOBODY)

    def test_suspend_of_a_stopped_guest(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Suspendable)
        driver.stop(guest, 0)
        for verb in (facet.suspend, facet.resume):
            with pytest.raises(WrongState):
                verb(guest)
        assert self.observed(driver, guest) is Power.SHUTDOWN

    def test_destroy_of_a_suspended_guest(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Suspendable)
        wanted = spec()
        driver.spawn(wanted)
        facet.suspend(wanted.guest)
        driver.destroy(wanted.guest)
        assert self.observed(driver, wanted.guest) is None
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_stop_of_a_suspended_guest(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Suspendable)
        facet.suspend(guest)
        driver.stop(guest, 0)
        assert self.observed(driver, guest) is Power.SHUTDOWN

    # facet: Snapshots

    def test_snapshot_of_a_running_guest(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet = wants(driver, Snapshots)
        target = tmp_path / "copy"
        form = facet.snapshot(guest, target)
        assert form in ("raw", "qcow2")
        assert target.stat().st_size > 0
        with target.open("rb") as file:
            assert (file.read(4) == b"QFI\xfb") is (form == "qcow2"), "the format named is that of the file"
        assert self.observed(driver, guest) is Power.RUNNING

    def test_snapshot_of_a_stopped_guest(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet = wants(driver, Snapshots)
        driver.stop(guest, 0)
        facet.snapshot(guest, tmp_path / "copy")
        assert self.observed(driver, guest) is Power.SHUTDOWN

    def test_snapshot_of_a_paused_guest(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet = wants(driver, Snapshots)
        wants(driver, Pausable).pause(guest)
        facet.snapshot(guest, tmp_path / "copy")
        assert self.observed(driver, guest) is Power.PAUSED

    def test_snapshot_twice_and_outlives_its_guest(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet = wants(driver, Snapshots)
        facet.snapshot(guest, tmp_path / "copy")
        facet.snapshot(guest, tmp_path / "copy")
        driver.destroy(guest)
        assert (tmp_path / "copy").stat().st_size > 0

    def test_snapshot_boots(self, driver: Hypervisor, guest: str, spec: Specs, tmp_path: Path) -> None:
        facet = wants(driver, Snapshots)
        disk_format = facet.snapshot(guest, tmp_path / "copy")
        content = (tmp_path / "copy").read_bytes()
        image = Image(str(uuid.uuid4()), disk_format, len(content), MIB, "sha512",
                      hashlib.sha512(content).hexdigest(), lambda: iter((content,)))
        wanted = spec(disks=[Disk("vda", self.disk_gib, image=image)])
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_snapshot_unknown_guest(self, driver: Hypervisor, tmp_path: Path) -> None:
        facet = wants(driver, Snapshots)
        with pytest.raises(NotFound):
            facet.snapshot(NOBODY, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()

    def test_snapshot_into_no_folder(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet = wants(driver, Snapshots)
        with pytest.raises(CloudError):
            facet.snapshot(guest, tmp_path / "missing" / "copy")
        assert self.observed(driver, guest) is Power.RUNNING

    # facet: Resizable

    def larger(self, spec: GuestSpec) -> GuestSpec:
        """``spec`` with one more processor, more memory and a larger root disk."""
        root = dataclasses.replace(spec.disks[0], size_gib=spec.disks[0].size_gib + 1)
        return dataclasses.replace(spec, vcpus=spec.vcpus + 1, memory_mib=spec.memory_mib + 32, disks=[root])

    def test_resize_and_confirm(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Resizable)
        wanted = spec()
        driver.spawn(wanted)
        for _ in range(2):
            facet.resize(self.larger(wanted))
            assert self.observed(driver, wanted.guest) is Power.RUNNING
        for _ in range(2):
            facet.confirm_resize(wanted.guest)
            assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_resize_and_revert(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Resizable)
        wanted = spec()
        driver.spawn(wanted)
        facet.resize(self.larger(wanted))
        for _ in range(2):
            facet.revert_resize(wanted)
            assert self.observed(driver, wanted.guest) is Power.RUNNING
        facet.resize(self.larger(wanted))
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_resize_of_a_stopped_guest(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Resizable)
        wanted = spec()
        driver.spawn(wanted)
        driver.stop(wanted.guest, 0)
        facet.resize(self.larger(wanted))
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_resize_to_a_giant_fails_and_reverts(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Resizable)
        wanted = spec()
        driver.spawn(wanted)
        with pytest.raises(CloudError):
            facet.resize(dataclasses.replace(wanted, memory_mib=driver.facts().memory_mib * 64))
        assert self.observed(driver, wanted.guest) in (Power.RUNNING, Power.SHUTDOWN)
        facet.revert_resize(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_destroy_between_resize_and_confirm(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Resizable)
        wanted = spec()
        driver.spawn(wanted)
        facet.resize(self.larger(wanted))
        driver.destroy(wanted.guest)
        facet.confirm_resize(wanted.guest)
        assert self.observed(driver, wanted.guest) is None

    def test_resize_unknown_guest(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Resizable)
        facet.confirm_resize(NOBODY)
        for verb in (facet.resize, facet.revert_resize):
            with pytest.raises(NotFound):
                verb(spec(guest=NOBODY))
        assert self.observed(driver, NOBODY) is None

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

    # facet: HostMetrics

    def test_host_metrics(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, HostMetrics)
        for _ in range(2):
            found = facet.host_metrics()
            assert all(0.0 <= part <= 1.0 for name, part in found.items() if name.endswith(".percent")), found
        assert "memory.percent" in found
