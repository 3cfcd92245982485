"""The cases of the hypervisor suite for guests that rest in memory or on disk."""

from __future__ import annotations

import pytest

from ..drivers.hypervisor import Hypervisor, Pausable, Power, Suspendable
from ..errors import NotFound, WrongState
from .cases import wants
from .hypervisor_guest import NOBODY, GuestCases, Specs


class RestCases(GuestCases):
    """Cases for guests that are paused and suspended."""

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
