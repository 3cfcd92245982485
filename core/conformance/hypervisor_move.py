"""The cases of the hypervisor suite for moves between hosts: two instances of a driver are two hosts."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..drivers.hypervisor import (
    DiskEncryption,
    GuestSpec,
    Hypervisor,
    LiveMigration,
    MigrationProgress,
    Movable,
    Offer,
    Pausable,
    Power,
)
from ..errors import CloudError, Interrupted, NotFound, WrongState
from .cases import until, wants
from .hypervisor_encryption import KEY
from .hypervisor_guest import NOBODY, GuestCases, Specs


class MoveCases(GuestCases):
    """Cases for the facets Movable and LiveMigration."""

    live_s = 120.0
    """Time that a live migration gets."""

    def make_other(self, driver: Hypervisor, folder: Path) -> Hypervisor:
        """A second host; override where two instances on one machine need more than folders of their own."""
        places = dataclasses.replace(driver.surroundings, host="conformance2", state_dir=folder / "state",
                                     run_dir=folder / "run")
        return type(driver)(driver.options, places)

    @pytest.fixture
    def other(self, driver: Hypervisor, tmp_path: Path) -> Iterator[Hypervisor]:
        """The second host, opened, with nothing on it."""
        if not isinstance(driver, Movable | LiveMigration):
            wants(driver, Movable)
        made = self.make_other(driver, tmp_path / "other")
        made.open()
        yield made
        for seen in made.observe():
            made.destroy(seen.guest)
        made.close()

    def away(self, driver: Hypervisor, guest: str) -> Offer:
        """The offer of a guest that departs, twice asked for."""
        facet = wants(driver, Movable)
        facet.depart(guest, 0)
        offer = facet.depart(guest, 0)
        assert all(isinstance(key, str) and isinstance(value, str) for key, value in offer.items())
        return offer

    # facet: Movable

    def test_move_and_leave(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        offer = self.away(driver, wanted.guest)
        assert self.observed(driver, wanted.guest) is Power.SHUTDOWN
        for _ in range(2):
            wants(other, Movable).arrive(wanted, offer, start=True)
        assert self.observed(other, wanted.guest) is Power.RUNNING
        assert self.observed(driver, wanted.guest) is Power.SHUTDOWN
        driver.destroy(wanted.guest)
        assert self.observed(driver, wanted.guest) is None
        other.reboot(wanted.guest, hard=True)
        assert self.observed(other, wanted.guest) is Power.RUNNING

    def test_move_of_a_stopped_guest_to_a_larger_size(self, driver: Hypervisor, other: Hypervisor,
                                                      spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        driver.stop(wanted.guest, 0)
        offer = self.away(driver, wanted.guest)
        root = dataclasses.replace(wanted.disks[0], size_gib=wanted.disks[0].size_gib + 1)
        larger = dataclasses.replace(wanted, vcpus=2, memory_mib=wanted.memory_mib + 32, disks=[root])
        wants(other, Movable).arrive(larger, offer, start=False)
        assert self.observed(other, wanted.guest) is Power.SHUTDOWN
        other.start(wanted.guest)
        assert self.observed(other, wanted.guest) is Power.RUNNING

    def test_move_of_an_encrypted_guest(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wants(driver, DiskEncryption)
        wanted = spec(encryption=KEY)
        driver.spawn(wanted)
        offer = self.away(driver, wanted.guest)
        assert KEY.passphrase not in str(offer), "an offer is kept where keys are not"
        root = dataclasses.replace(wanted.disks[0], size_gib=wanted.disks[0].size_gib + 1)
        wants(other, Movable).arrive(dataclasses.replace(wanted, disks=[root]), offer, start=True)
        driver.destroy(wanted.guest)
        other.reboot(wanted.guest, hard=True)
        assert self.observed(other, wanted.guest) is Power.RUNNING

    def test_move_of_an_encrypted_guest_taken_back(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wants(driver, DiskEncryption)
        wanted = spec(encryption=KEY)
        driver.spawn(wanted)
        self.away(driver, wanted.guest)
        wants(driver, Movable).stay(wanted, start=True)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_live_migration_of_an_encrypted_guest(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wants(driver, LiveMigration)
        wants(driver, DiskEncryption)
        wanted = spec(encryption=KEY)
        driver.spawn(wanted)
        self.live(driver, other, wanted)
        self.becomes(other, wanted.guest, Power.RUNNING)
        assert self.observed(driver, wanted.guest) is None
        other.reboot(wanted.guest, hard=True)
        assert self.observed(other, wanted.guest) is Power.RUNNING

    def test_move_taken_back(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        offer = self.away(driver, wanted.guest)
        wants(other, Movable).arrive(wanted, offer, start=True)
        other.destroy(wanted.guest)
        for _ in range(2):
            wants(driver, Movable).stay(wanted, start=True)
        assert self.observed(driver, wanted.guest) is Power.RUNNING
        assert self.observed(other, wanted.guest) is None

    def test_an_offered_guest_is_not_started(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        self.away(driver, wanted.guest)
        with pytest.raises(WrongState):
            driver.start(wanted.guest)
        with pytest.raises(WrongState):
            driver.reboot(wanted.guest, hard=True)
        with pytest.raises(WrongState):
            driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.SHUTDOWN
        wants(driver, Movable).stay(wanted, start=False)
        driver.start(wanted.guest)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_stay_of_a_guest_that_was_not_offered(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        wants(driver, Movable).stay(wanted, start=True)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_a_giant_does_not_arrive(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wanted = spec()
        driver.spawn(wanted)
        offer = self.away(driver, wanted.guest)
        giant = dataclasses.replace(wanted, memory_mib=other.facts().memory_mib * 64)
        with pytest.raises(CloudError):
            wants(other, Movable).arrive(giant, offer, start=True)
        assert self.observed(other, wanted.guest) is None
        wants(driver, Movable).stay(wanted, start=True)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_move_unknown_guest(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Movable)
        with pytest.raises(NotFound):
            facet.depart(NOBODY, 0)
        with pytest.raises(NotFound):
            facet.stay(spec(guest=NOBODY), start=True)

    # facet: LiveMigration

    def live(self, driver: Hypervisor, other: Hypervisor, wanted: GuestSpec) -> None:
        """Move a running guest with its local disks."""
        target = wants(other, LiveMigration)
        target.prepare_live(wanted, block=True)
        offer = target.prepare_live(wanted, block=True)
        assert self.observed(other, wanted.guest) is None, "a guest that has not come yet is observed"
        wants(driver, LiveMigration).migrate_live(wanted, offer, block=True)

    def test_live_migration(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wants(driver, LiveMigration)
        wanted = spec()
        driver.spawn(wanted)
        self.live(driver, other, wanted)
        self.becomes(other, wanted.guest, Power.RUNNING)
        assert self.observed(driver, wanted.guest) is None
        assert wants(driver, LiveMigration).live_progress(wanted.guest) is None

    def test_live_migration_there_and_back(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wants(driver, LiveMigration)
        wanted = spec()
        driver.spawn(wanted)
        self.live(driver, other, wanted)
        self.live(other, driver, wanted)
        self.becomes(driver, wanted.guest, Power.RUNNING)
        assert self.observed(other, wanted.guest) is None

    def test_live_migration_of_a_paused_guest(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wants(driver, LiveMigration)
        pausable = wants(driver, Pausable)
        wanted = spec()
        driver.spawn(wanted)
        pausable.pause(wanted.guest)
        self.live(driver, other, wanted)
        self.becomes(other, wanted.guest, Power.PAUSED)
        wants(other, Pausable).unpause(wanted.guest)
        assert self.observed(other, wanted.guest) is Power.RUNNING

    def test_live_migration_that_nobody_expects(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        target = wants(other, LiveMigration)
        wanted = spec()
        driver.spawn(wanted)
        offer = target.prepare_live(wanted, block=True)
        other.destroy(wanted.guest)
        with pytest.raises(CloudError):
            wants(driver, LiveMigration).migrate_live(wanted, offer, block=True)
        assert self.observed(driver, wanted.guest) is Power.RUNNING
        assert self.observed(other, wanted.guest) is None

    def test_live_migration_of_a_stopped_guest(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        wants(driver, LiveMigration)
        wanted = spec()
        driver.spawn(wanted)
        driver.stop(wanted.guest, 0)
        with pytest.raises(CloudError):
            self.live(driver, other, wanted)
        other.destroy(wanted.guest)
        assert self.observed(driver, wanted.guest) is Power.SHUTDOWN

    def test_live_migration_aborted(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, LiveMigration)
        wanted = self.lengthy(spec)
        driver.spawn(wanted)
        ended = self.begun(driver, other, wanted)
        until(lambda: facet.live_progress(wanted.guest) is not None or ended, self.live_s, "the migration is under way")
        facet.abort_live(wanted.guest)
        facet.abort_live(wanted.guest)
        error = until(lambda: ended, self.live_s, "the migration has ended")[0]
        assert isinstance(error, Interrupted | None)
        other.destroy(wanted.guest) if error is not None else None
        assert self.observed(driver if error is not None else other, wanted.guest) is Power.RUNNING
        assert self.observed(other if error is not None else driver, wanted.guest) is None

    def test_live_migration_forced(self, driver: Hypervisor, other: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, LiveMigration)
        wanted = self.lengthy(spec)
        driver.spawn(wanted)
        ended = self.begun(driver, other, wanted)
        progress = facet.live_progress(wanted.guest)
        assert progress is None or isinstance(progress, MigrationProgress) and progress.memory_total_bytes >= 0
        facet.force_live(wanted.guest)
        assert until(lambda: ended, self.live_s, "the migration has ended")[0] is None
        assert self.observed(other, wanted.guest) is Power.RUNNING
        assert self.observed(driver, wanted.guest) is None

    def lengthy(self, spec: Specs) -> GuestSpec:
        """A guest whose live migration takes so long that it can be aborted; override where metadata says nothing."""
        return spec(metadata={"stratolith:delay": "copy_live=60"})

    def begun(self, driver: Hypervisor, other: Hypervisor, wanted: GuestSpec) -> list[CloudError | None]:
        """Begin a live migration on a thread; how it ended is put into the list."""
        facet, offer = wants(driver, LiveMigration), wants(other, LiveMigration).prepare_live(wanted, block=True)
        ended: list[CloudError | None] = []

        def work() -> None:
            try:
                facet.migrate_live(wanted, offer, block=True)
                ended.append(None)
            except CloudError as error:
                ended.append(error)
        threading.Thread(target=work, daemon=True).start()
        until(lambda: ended or facet.live_progress(wanted.guest) is not None, self.live_s, "the migration has begun")
        return ended

    def test_live_verbs_without_a_migration(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, LiveMigration)
        facet.abort_live(guest)
        facet.force_live(guest)
        assert facet.live_progress(guest) is None
        assert facet.live_progress(NOBODY) is None
        assert self.observed(driver, guest) is Power.RUNNING
