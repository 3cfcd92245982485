"""The verbs of a host's agent that move guests between hosts; the rest of it is in ``agent.py``."""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from ...core.context import Context
from ...core.drivers.base import require
from ...core.drivers.hypervisor import GuestSpec, Hypervisor, LiveMigration, Movable
from ...core.errors import CloudError, Interrupted, NotFound
from ...core.process.slice import Kit
from .agency import ComputeAgent, GuestPlan, LiveReport

REMEMBERED = 1000
RUNNING = LiveReport("running")


def live_key(migration: str) -> str:
    """What an operation waits for while a live migration is under way."""
    return f"live:{migration}"


class LiveMoves:
    """The live migrations that this host's agent began, and how the last ones ended. Any thread may call."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._lock = threading.Lock()
        self._running: dict[str, str] = {}
        self._ended: dict[str, LiveReport] = {}

    def begin(self, guest: str, migration: str, work: Callable[[], None]) -> None:
        """Do ``work``, which may take hours, beside everything else; nothing while the guest is on its way."""
        with self._lock:
            if guest in self._running:
                return
            self._running[guest] = migration
            self._ended.pop(migration, None)
        executor = self._kit.executor
        if executor.loops:
            executor.loop(f"migration {migration}", lambda stop: self._do(guest, migration, work))
        else:
            executor.submit(lambda: self._do(guest, migration, work))

    def _do(self, guest: str, migration: str, work: Callable[[], None]) -> None:
        report = LiveReport("failed", "The migration ended in an unexpected way.")
        try:
            work()
            report = LiveReport("done")
        except Interrupted as stopped:
            report = LiveReport("interrupted", stopped.message)
        except CloudError as error:
            report = LiveReport("failed", error.message)
        finally:
            with self._lock:
                self._running.pop(guest, None)
                self._ended[migration] = report
                while len(self._ended) > REMEMBERED:
                    self._ended.pop(next(iter(self._ended)))
            self._kit.wake(live_key(migration))

    def report(self, guest: str, migration: str) -> LiveReport | None:
        """How a migration that was begun here goes, or went; none when it is not known."""
        with self._lock:
            return RUNNING if guest in self._running else self._ended.get(migration)


class MovingVerbs(ComputeAgent):
    """What an agent does with guests that come and go."""

    driver: Hypervisor
    shutdown_timeout_s: float
    lives: LiveMoves

    @abc.abstractmethod
    def _guest(self, guest: str) -> AbstractContextManager[None]:
        """Around each verb: one after another for one guest."""

    @abc.abstractmethod
    def _spec(self, context: Context, plan: GuestPlan) -> GuestSpec:
        """The plan in the driver's own words."""

    def where(self, context: Context, guest: str) -> str:
        try:
            return self.driver.power(guest).value
        except NotFound:
            return ""

    def depart(self, context: Context, guest: str) -> dict[str, str]:
        driver = require(self.driver, Movable)
        with self._guest(guest):
            return dict(driver.depart(guest, self.shutdown_timeout_s))

    def arrive(self, context: Context, plan: GuestPlan, offer: Mapping[str, str], start: bool) -> None:
        driver = require(self.driver, Movable)
        with self._guest(plan.guest):
            driver.arrive(self._spec(context, plan), offer, start)

    def stay(self, context: Context, plan: GuestPlan, start: bool) -> None:
        if isinstance(self.driver, Movable):
            with self._guest(plan.guest):
                self.driver.stay(self._spec(context, plan), start)

    def prepare_live(self, context: Context, plan: GuestPlan, block: bool) -> dict[str, str]:
        driver = require(self.driver, LiveMigration)
        with self._guest(plan.guest):
            return dict(driver.prepare_live(self._spec(context, plan), block))

    def begin_live(self, context: Context, plan: GuestPlan, offer: Mapping[str, str], block: bool,
                   migration: str) -> None:
        driver, spec = require(self.driver, LiveMigration), self._spec(context, plan)

        def work() -> None:
            with self._guest(plan.guest):
                driver.migrate_live(spec, offer, block)
        self.lives.begin(plan.guest, migration, work)

    def live(self, context: Context, guest: str, migration: str) -> LiveReport:
        driver = require(self.driver, LiveMigration)
        known = self.lives.report(guest, migration)
        if known is not None and known.state != "running":
            return known
        progress = driver.live_progress(guest)
        # A hypervisor goes on with what an agent began that has died since.
        state = "running" if known is not None or progress is not None else "unknown"
        return LiveReport(state, progress=progress)

    def abort_live(self, context: Context, guest: str) -> None:
        require(self.driver, LiveMigration).abort_live(guest)

    def force_live(self, context: Context, guest: str) -> None:
        require(self.driver, LiveMigration).force_live(guest)
