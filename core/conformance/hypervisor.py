"""The suite that proves a hypervisor driver.

Subclass :class:`HypervisorSuite`, give it a fixture ``driver`` that yields an opened driver,
and let pytest collect the subclass. A driver of real guests overrides the hooks: what image
they boot from, how large they are, and when a guest is ready to obey.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..drivers.hypervisor import (
    Disk,
    GuestSpec,
    Hypervisor,
    HypervisorFacts,
    Image,
    Interfaces,
    Pausable,
    Power,
    Resizable,
    Snapshots,
    Suspendable,
    Volumes,
)
from ..drivers.network import Vif
from ..drivers.volume import Connection
from ..errors import CloudError, NotFound, NotSupported, WrongState
from .cases import HOSTILE_NAMES, in_parallel, until, wants

MIB = 1 << 20
NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that no guest bears."""

Specs = Callable[..., GuestSpec]


def empty_image(folder: Path) -> Image:
    """A raw image of 1 MiB that holds nothing a machine could boot."""
    content = b"nothing to boot here\n".ljust(MIB, b"\0")
    return Image("f0000000-0000-4000-8000-000000000001", "raw", MIB, MIB, "sha512",
                 hashlib.sha512(content).hexdigest(), lambda: iter((content,)))


class HypervisorSuite:
    """Cases for every verb and facet of :class:`~stratolith.core.drivers.hypervisor.Hypervisor`."""

    memory_mib = 128
    """Memory of the guests."""
    disk_gib = 1
    """Root disk of the guests."""
    parallel = 10
    """Guests made at once in the parallel cases."""
    soft_stop_s = 20.0
    """Time a guest gets to obey a polite stop."""
    patience_s = 30.0
    """Time the host gets until what a verb did can be observed."""

    @classmethod
    def make_image(cls, folder: Path) -> Image:
        """The image the guests boot from; override for guests that must really run something."""
        return empty_image(folder)

    @classmethod
    def make_bootable(cls, folder: Path) -> Image:
        """The image for cases that need a guest that really obeys; by default the image of all."""
        return cls.make_image(folder)

    def ready(self, driver: Hypervisor, guest: str) -> None:
        """Return when ``guest`` can obey a stop or a hot-plug; at once where nothing really boots."""

    def make_volume(self, folder: Path, number: int) -> Connection:
        """A connection to an empty volume of 1 GiB the driver can attach."""
        return Connection("simulated")

    @pytest.fixture(scope="class")
    @classmethod
    def image(cls, tmp_path_factory: pytest.TempPathFactory) -> Image:
        """The image of all guests."""
        return cls.make_image(tmp_path_factory.mktemp("image"))

    @pytest.fixture(scope="class")
    @classmethod
    def bootable(cls, tmp_path_factory: pytest.TempPathFactory) -> Image:
        """The image of the guests that must obey."""
        return cls.make_bootable(tmp_path_factory.mktemp("bootable"))

    @pytest.fixture
    def spec(self, driver: Hypervisor, image: Image) -> Iterator[Specs]:
        """Makes specifications; every guest made from one is destroyed after the case."""
        made: list[str] = []

        def factory(**changes: Any) -> GuestSpec:
            guest = str(uuid.uuid4())
            made.append(guest)
            disk = Disk("vda", self.disk_gib, image=image)
            return dataclasses.replace(GuestSpec(guest, "case", 1, self.memory_mib, [disk]), **changes)

        yield factory
        for guest in made:
            driver.destroy(guest)
        left = {seen.guest for seen in driver.observe()}.intersection(made)
        assert not left, f"destroyed guests are still observed: {left}"

    @pytest.fixture
    def guest(self, driver: Hypervisor, spec: Specs) -> str:
        """A running guest."""
        wanted = spec()
        driver.spawn(wanted)
        return wanted.guest

    @pytest.fixture
    def obedient(self, driver: Hypervisor, spec: Specs, bootable: Image) -> str:
        """A running guest that can obey a polite stop and a hot-plug."""
        wanted = spec(disks=[Disk("vda", self.disk_gib, image=bootable)])
        driver.spawn(wanted)
        self.ready(driver, wanted.guest)
        return wanted.guest

    def observed(self, driver: Hypervisor, guest: str) -> Power | None:
        """What ``observe`` says of ``guest``, which must not contradict ``power``."""
        seen = [found.power for found in driver.observe() if found.guest == guest]
        assert len(seen) <= 1, "one guest is observed more than once"
        if seen:
            assert driver.power(guest) is seen[0]
        else:
            with pytest.raises(NotFound):
                driver.power(guest)
        return seen[0] if seen else None

    def becomes(self, driver: Hypervisor, guest: str, power: Power | None) -> None:
        """Wait until ``guest`` is seen to be ``power``; None means gone."""
        until(lambda: self.observed(driver, guest) is power, self.patience_s, f"{guest} is {power}")

    # facts and observation

    def test_facts_are_sane(self, driver: Hypervisor) -> None:
        facts = driver.facts()
        assert isinstance(facts, HypervisorFacts)
        assert facts.vcpus > 0 and facts.memory_mib > 0 and facts.disk_gib > 0
        assert facts.kind and facts.hostname and facts.architecture and facts.version > 0
        assert facts.disk_formats

    def test_facts_are_totals_that_guests_do_not_change(self, driver: Hypervisor, guest: str) -> None:
        before = driver.facts()
        driver.destroy(guest)
        after = driver.facts()
        assert (before.vcpus, before.memory_mib, before.disk_gib) == (after.vcpus, after.memory_mib, after.disk_gib)

    def test_traits_are_proper_names(self, driver: Hypervisor) -> None:
        assert all(trait.isidentifier() and trait.isupper() for trait in driver.facts().traits)

    def test_open_twice(self, driver: Hypervisor, guest: str) -> None:
        driver.open()
        assert self.observed(driver, guest) is Power.RUNNING

    def test_observe_of_nothing_ours(self, driver: Hypervisor) -> None:
        assert NOBODY not in {seen.guest for seen in driver.observe()}
        assert isinstance(driver.observe(), Sequence)

    def test_observe_knows_each_guest_once(self, driver: Hypervisor, spec: Specs) -> None:
        wanted = [spec() for _ in range(3)]
        for one in wanted:
            driver.spawn(one)
        assert [self.observed(driver, one.guest) for one in wanted] == [Power.RUNNING] * 3

    # unknown ids

    @pytest.mark.parametrize("verb", ["power", "start", "stop", "reboot", "console_log"])
    def test_unknown_guest(self, driver: Hypervisor, verb: str) -> None:
        calls: dict[str, Callable[[], object]] = {
            "power": lambda: driver.power(NOBODY),
            "start": lambda: driver.start(NOBODY),
            "stop": lambda: driver.stop(NOBODY, 0),
            "reboot": lambda: driver.reboot(NOBODY, hard=True),
            "console_log": lambda: driver.console_log(NOBODY, 100),
        }
        with pytest.raises(NotFound):
            calls[verb]()
        assert self.observed(driver, NOBODY) is None

    def test_destroy_unknown_guest(self, driver: Hypervisor) -> None:
        driver.destroy(NOBODY)
        assert self.observed(driver, NOBODY) is None

    # spawn

    def test_spawn_runs(self, driver: Hypervisor, guest: str) -> None:
        assert self.observed(driver, guest) is Power.RUNNING

    def test_spawn_twice(self, driver: Hypervisor, spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_spawn_of_a_stopped_guest_starts_it(self, driver: Hypervisor, spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        driver.stop(wanted.guest, 0)
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_spawn_again_after_destroy(self, driver: Hypervisor, spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        driver.destroy(wanted.guest)
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    @pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
    def test_hostile_name(self, driver: Hypervisor, spec: Specs, name: str) -> None:
        wanted = spec(name=name, metadata={"key": name})
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING
        driver.destroy(wanted.guest)
        assert self.observed(driver, wanted.guest) is None

    def test_same_name_twice(self, driver: Hypervisor, spec: Specs) -> None:
        first, second = spec(name="same"), spec(name="same")
        driver.spawn(first)
        driver.spawn(second)
        driver.destroy(first.guest)
        assert self.observed(driver, second.guest) is Power.RUNNING

    def test_spawn_without_image(self, driver: Hypervisor, spec: Specs) -> None:
        wanted = spec(disks=[Disk("vda", 1)])
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_spawn_with_several_disks(self, driver: Hypervisor, spec: Specs) -> None:
        disks = [*spec().disks, Disk("vdb", 1, kind="ephemeral"), Disk("vdc", 0, kind="swap", size_mib=16)]
        wanted = spec(disks=disks)
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_spawn_with_config_drive(self, driver: Hypervisor, spec: Specs) -> None:
        files = {"openstack/latest/meta_data.json": b'{"uuid": "x"}', "openstack/latest/user_data": b"#!/bin/sh\n",
                 "openstack/content/0000": bytes(range(256)), "ec2/latest/meta-data.json": b"{}"}
        wanted = spec(config_drive=files)
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_spawn_with_interfaces(self, driver: Hypervisor, spec: Specs) -> None:
        vifs = [Vif(str(uuid.uuid4()), "none", f"fa:16:3e:00:00:0{number}") for number in range(2)]
        wanted = spec(vifs=vifs)
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_too_large_a_guest_leaves_nothing(self, driver: Hypervisor, spec: Specs) -> None:
        wanted = spec(memory_mib=driver.facts().memory_mib * 64)
        with pytest.raises(CloudError) as caught:
            driver.spawn(wanted)
        assert not isinstance(caught.value, NotSupported)
        assert self.observed(driver, wanted.guest) is None
        driver.spawn(dataclasses.replace(wanted, memory_mib=self.memory_mib))
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_many_in_parallel(self, driver: Hypervisor, spec: Specs) -> None:
        wanted = [spec(name=f"parallel {number}") for number in range(self.parallel)]
        in_parallel(driver.spawn, wanted)
        assert all(self.observed(driver, one.guest) is Power.RUNNING for one in wanted)
        in_parallel(lambda one: driver.stop(one.guest, 0), wanted)
        assert all(self.observed(driver, one.guest) is Power.SHUTDOWN for one in wanted)
        in_parallel(lambda one: driver.destroy(one.guest), wanted)
        assert all(self.observed(driver, one.guest) is None for one in wanted)

    # destroy

    def test_destroy_removes(self, driver: Hypervisor, guest: str) -> None:
        driver.destroy(guest)
        assert self.observed(driver, guest) is None
        with pytest.raises(NotFound):
            driver.console_log(guest, 10)

    def test_destroy_twice(self, driver: Hypervisor, guest: str) -> None:
        driver.destroy(guest)
        driver.destroy(guest)
        assert self.observed(driver, guest) is None

    def test_destroy_of_a_stopped_guest(self, driver: Hypervisor, guest: str) -> None:
        driver.stop(guest, 0)
        driver.destroy(guest)
        assert self.observed(driver, guest) is None

    # power

    def test_stop_cuts_power(self, driver: Hypervisor, guest: str) -> None:
        driver.stop(guest, 0)
        assert self.observed(driver, guest) is Power.SHUTDOWN

    def test_stop_twice(self, driver: Hypervisor, guest: str) -> None:
        driver.stop(guest, 0)
        driver.stop(guest, 0)
        assert self.observed(driver, guest) is Power.SHUTDOWN

    def test_stop_politely(self, driver: Hypervisor, obedient: str) -> None:
        driver.stop(obedient, self.soft_stop_s)
        assert self.observed(driver, obedient) is Power.SHUTDOWN

    def test_stop_of_a_deaf_guest(self, driver: Hypervisor, spec: Specs) -> None:
        wanted = spec(disks=[Disk("vda", 1)])
        driver.spawn(wanted)
        driver.stop(wanted.guest, 0.2)
        assert self.observed(driver, wanted.guest) is Power.SHUTDOWN

    def test_start_of_a_running_guest(self, driver: Hypervisor, guest: str) -> None:
        driver.start(guest)
        assert self.observed(driver, guest) is Power.RUNNING

    def test_stop_and_start(self, driver: Hypervisor, guest: str) -> None:
        driver.stop(guest, 0)
        driver.start(guest)
        driver.start(guest)
        assert self.observed(driver, guest) is Power.RUNNING

    def test_reboot_hard(self, driver: Hypervisor, guest: str) -> None:
        driver.reboot(guest, hard=True)
        driver.reboot(guest, hard=True)
        assert self.observed(driver, guest) is Power.RUNNING

    def test_reboot_softly(self, driver: Hypervisor, obedient: str) -> None:
        driver.reboot(obedient, hard=False)
        self.becomes(driver, obedient, Power.RUNNING)

    def test_reboot_hard_of_a_stopped_guest(self, driver: Hypervisor, guest: str) -> None:
        driver.stop(guest, 0)
        driver.reboot(guest, hard=True)
        assert self.observed(driver, guest) is Power.RUNNING

    # console

    def test_console_log_speaks(self, driver: Hypervisor, obedient: str) -> None:
        assert isinstance(driver.console_log(obedient, 100_000), bytes)

    def test_console_log_is_a_tail(self, driver: Hypervisor, obedient: str) -> None:
        driver.stop(obedient, 0)
        whole = driver.console_log(obedient, 1_000_000)
        for length in (0, 1, 10, 1_000):
            assert driver.console_log(obedient, length) == (whole[-length:] if length else b"")

    def test_console_log_of_a_stopped_guest(self, driver: Hypervisor, guest: str) -> None:
        driver.stop(guest, 0)
        driver.console_log(guest, 1_000)

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
        assert facet.snapshot(guest, target) in ("raw", "qcow2")
        assert target.stat().st_size > 0
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

    # failures

    def test_broken_image_leaves_nothing(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        def broken() -> Iterator[bytes]:
            yield b"half"
            raise ConnectionError("the image store went away")

        other = dataclasses.replace(image, id=str(uuid.uuid4()), chunks=broken)
        wanted = spec(disks=[Disk("vda", self.disk_gib, image=other)])
        with contextlib.suppress(CloudError):
            driver.spawn(wanted)
        seen = self.observed(driver, wanted.guest)
        assert seen in (None, Power.RUNNING), "a guest whose image could not be read is neither absent nor running"
