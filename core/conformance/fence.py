"""The suite of fences: subclass :class:`FenceSuite` and give it a fixture ``driver``.

The driver has to reach a host of the name :attr:`FenceSuite.host` that is the tests' own, since it is stopped and
released many times. :meth:`FenceSuite.runs` is for those who can see from outside whether the host runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from ..drivers.faults import Unreliable
from ..drivers.fence import Fence, FenceFacts, Keeping
from ..errors import BackendBusy, CloudError, NotSupported
from .cases import ABSENT, HOSTILE_NAMES, in_parallel, wants

PATIENCE_S = 300.0


def proving(driver: Fence) -> Fence:
    """``driver``; skips the case for one that says itself that it proves nothing."""
    if not driver.facts().proves:
        pytest.skip(f"{type(driver).__name__} {ABSENT} proof")
    return driver


def certain(driver: Fence, host: str) -> bool:
    """Ask until ``driver`` is certain that nothing runs on ``host``; fails after a time of the driver's clock."""
    end = driver.clock.monotonic() + PATIENCE_S
    pause_s = driver.every_s() / 20 if isinstance(driver, Keeping) else 0.1
    while driver.clock.monotonic() < end:
        with contextlib.suppress(BackendBusy):
            if driver.fence(host):
                return True
        driver.clock.sleep(pause_s)
    raise AssertionError("the host never counts as stopped")


class KeepingCases:
    """What holds for fences with a part on the hosts. Another instance is another process."""

    host = "conformance"

    def test_seconds_make_sense(self, driver: Fence) -> None:
        """A host may miss a call without being late, and has some time left to stop its guests."""
        keeping = wants(driver, Keeping)
        assert 0 < keeping.every_s() <= keeping.grace_s()
        assert driver.clock.monotonic() + keeping.every_s() < keeping.keep(self.host)

    def test_keeping_prolongs(self, driver: Fence) -> None:
        """Each call allows more."""
        keeping = wants(driver, Keeping)
        first = keeping.keep(self.host)
        driver.clock.sleep(keeping.every_s() / 10)
        assert keeping.keep(self.host) > first

    def test_a_host_that_keeps_is_not_disturbed(self, driver: Fence) -> None:
        """What is done to one host says nothing to another."""
        keeping = wants(driver, Keeping)
        with contextlib.suppress(CloudError):
            driver.fence(f"{self.host}-other")
        assert keeping.keep(self.host) > driver.clock.monotonic()
        with contextlib.suppress(CloudError):
            driver.release(f"{self.host}-other")

    def test_a_fenced_host_may_run_nothing(self, driver: Fence, other: Fence) -> None:
        """As soon as it asks; until it is released."""
        keeping = wants(other, Keeping)
        keeping.keep(self.host)
        driver.fence(self.host)
        assert keeping.keep(self.host) <= other.clock.monotonic()
        assert keeping.keep(self.host) <= other.clock.monotonic()
        driver.release(self.host)
        assert keeping.keep(self.host) > other.clock.monotonic()

    def test_nobody_is_believed_to_have_stopped_too_early(self, driver: Fence, other: Fence) -> None:
        """A host that hears of nothing may run its guests as long as it was told, and gets its time to stop them."""
        allowed = wants(other, Keeping).keep(self.host)
        certain(driver, self.host)
        # Both sides measure by the clock of one machine here.
        assert driver.clock.monotonic() >= allowed + wants(driver, Keeping).grace_s()

    def test_a_control_side_that_starts_anew_is_not_quicker(self, driver: Fence, other: Fence) -> None:
        """What another process saw is not known to this one: it watches for as long as is safe."""
        keeping = wants(driver, Keeping)
        driver.fence(self.host)
        driver.clock.sleep(keeping.every_s() / 3)
        driver.release(self.host)
        allowed = keeping.keep(self.host)
        certain(other, self.host)
        assert other.clock.monotonic() >= allowed + keeping.grace_s()

    def test_a_host_released_elsewhere_is_watched_anew(self, driver: Fence, other: Fence) -> None:
        """A process that was once certain does not stay so when another has released the host."""
        keeping = wants(other, Keeping)
        certain(driver, self.host)
        other.release(self.host)
        allowed = keeping.keep(self.host)
        certain(driver, self.host)
        assert driver.clock.monotonic() >= allowed


class FenceSuite(KeepingCases):
    """What every fence keeps to: silence proves nothing, and certainty stays until the host is released."""

    def runs(self, driver: Any) -> bool | None:
        """Whether :attr:`host` runs as seen from outside; none where that cannot be seen. Subclasses override it."""
        return None

    @pytest.fixture
    def other(self, driver: Fence) -> Iterator[Fence]:
        """The same fence as another process has it."""
        made = type(driver)(driver.options, driver.surroundings)
        made.open()
        yield made
        made.close()

    @pytest.fixture(autouse=True)
    def released(self, driver: Fence) -> Iterator[None]:
        """Each case begins and ends with a host that may run."""
        if driver.facts().proves:
            driver.release(self.host)
        yield
        if driver.facts().proves:
            driver.release(self.host)

    def stopped(self, driver: Fence) -> None:
        """Fence the host, and see that it is stopped once the driver says so."""
        certain(driver, self.host)
        assert self.runs(driver) in (None, False), "it is said to be stopped, and runs"

    def test_facts_are_told_and_stay(self, driver: Fence) -> None:
        facts = driver.facts()
        assert isinstance(facts, FenceFacts) and isinstance(facts.proves, bool)
        assert driver.facts() == facts

    def test_open_twice(self, driver: Fence) -> None:
        driver.open()
        assert isinstance(driver.facts(), FenceFacts)

    def test_who_proves_nothing_says_so(self, driver: Fence) -> None:
        """A fence that proves nothing refuses, whatever the host; one that does answers with a truth value."""
        if driver.facts().proves:
            assert driver.fence(self.host) in (True, False)
            return
        for _ in range(3):
            with pytest.raises(NotSupported):
                driver.fence(self.host)
        driver.release(self.host)

    def test_a_host_is_stopped(self, driver: Fence) -> None:
        self.stopped(proving(driver))

    def test_certainty_stays(self, driver: Fence) -> None:
        """Asked again, a fence that was certain is so still."""
        self.stopped(proving(driver))
        assert [driver.fence(self.host) for _ in range(5)] == [True] * 5
        assert self.runs(driver) in (None, False)

    def test_it_is_true_from_the_first_word_on(self, driver: Fence) -> None:
        """Never is a host said to be stopped that runs."""
        proving(driver)
        for _ in range(3):
            if driver.fence(self.host):
                assert self.runs(driver) in (None, False)
                return

    def test_a_released_host_may_run(self, driver: Fence) -> None:
        self.stopped(proving(driver))
        driver.release(self.host)
        if isinstance(driver, Keeping):
            assert driver.keep(self.host) > driver.clock.monotonic()

    def test_release_twice(self, driver: Fence) -> None:
        """A host that is not held may be released, more than once."""
        proving(driver)
        driver.release(self.host)
        driver.release(self.host)

    def test_again_and_again(self, driver: Fence) -> None:
        """A host that was released can be stopped again."""
        for _ in range(2):
            self.stopped(proving(driver))
            driver.release(self.host)

    def test_another_process_comes_to_the_same(self, driver: Fence, other: Fence) -> None:
        """A process that takes over becomes certain, too, and may release."""
        self.stopped(proving(driver))
        self.stopped(other)
        other.release(self.host)
        if isinstance(driver, Keeping):
            assert driver.keep(self.host) > driver.clock.monotonic()

    def test_from_many_threads(self, driver: Fence) -> None:
        proving(driver)

        def patiently(number: int) -> bool:
            return certain(driver, self.host)
        assert in_parallel(patiently, range(4)) == [True] * 4
        assert self.runs(driver) in (None, False)

    @pytest.mark.parametrize("name", (*HOSTILE_NAMES, "../conformance", "conformance\n", "CONFORMANCE", ""))
    def test_names_that_nobody_should_have(self, driver: Fence, name: str) -> None:
        """Refused, or a host like any other; nobody else is stopped by it."""
        with contextlib.suppress(CloudError):
            driver.fence(name)
        if isinstance(driver, Keeping):
            assert driver.keep(self.host) > driver.clock.monotonic()
        with contextlib.suppress(CloudError):
            driver.release(name)
        assert self.runs(driver) in (None, True)

    def test_an_answer_that_is_lost(self, driver: Fence) -> None:
        """A failure proves nothing, and is got over by asking again."""
        faults = wants(driver, Unreliable)
        faults.fail("fence", 2)
        faults.fail("fence", 1, lost=True)
        for _ in range(3):
            with pytest.raises(CloudError):
                driver.fence(self.host)
        self.stopped(driver)

    def test_a_release_that_fails(self, driver: Fence) -> None:
        """A host whose release failed can be released again."""
        faults = wants(driver, Unreliable)
        self.stopped(driver)
        faults.fail("release", 1, error=BackendBusy("not now"))
        with pytest.raises(BackendBusy):
            driver.release(self.host)
        driver.release(self.host)
