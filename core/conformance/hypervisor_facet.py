"""The cases of the hypervisor suite for facets; a case whose facet is not declared is skipped."""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from pathlib import Path

import pytest

from ..drivers.hypervisor import Disk, GuestSpec, HostMetrics, Hypervisor, Image, Pausable, Power, Resizable, Snapshots
from ..errors import CloudError, NotFound
from .cases import wants
from .hypervisor_devices import DeviceCases
from .hypervisor_guest import MIB, NOBODY, Specs
from .hypervisor_rest import RestCases


class FacetCases(RestCases, DeviceCases):
    """Cases for facets of :class:`~stratolith.core.drivers.hypervisor.Hypervisor`; others are beside this module."""

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

    # facet: HostMetrics

    def test_host_metrics(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, HostMetrics)
        for _ in range(2):
            found = facet.host_metrics()
            assert all(0.0 <= part <= 1.0 for name, part in found.items() if name.endswith(".percent")), found
        assert "memory.percent" in found
