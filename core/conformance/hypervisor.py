"""The suite that proves a hypervisor driver.

Subclass :class:`HypervisorSuite`, give it a fixture ``driver`` that yields an opened driver,
and let pytest collect the subclass. A driver of real guests overrides the hooks: what image
they boot from, how large they are, and when a guest is ready to obey.
"""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Callable, Iterator, Sequence

import pytest

from ..drivers.hypervisor import (
    Disk,
    Hypervisor,
    HypervisorFacts,
    Image,
    Power,
)
from ..drivers.network import Vif
from ..errors import CloudError, NotFound, NotSupported
from .cases import HOSTILE_NAMES, in_parallel
from .hypervisor_consoles import ConsoleCases
from .hypervisor_encryption import EncryptionCases
from .hypervisor_facet import FacetCases
from .hypervisor_guest import NOBODY, Specs
from .hypervisor_move import MoveCases
from .hypervisor_tending import TendingCases


class HypervisorSuite(MoveCases, TendingCases, ConsoleCases, EncryptionCases, FacetCases):
    """Cases for every verb and facet of :class:`~stratolith.core.drivers.hypervisor.Hypervisor`."""

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

    def test_spawn_without_image(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        wanted = spec(disks=[self.deaf_disk(image)])
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

    def test_stop_of_a_deaf_guest(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        wanted = spec(disks=[self.deaf_disk(image)])
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
