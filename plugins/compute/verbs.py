"""The verbs of a host's agent: what it does with the guests of its host. How it lives is in ``agent.py``."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from ...core.context import Context
from ...core.drivers.base import require
from ...core.drivers.hypervisor import (
    ConsoleEndpoint,
    ConsoleKind,
    Consoles,
    CrashDump,
    Diagnostics,
    Disk,
    DiskEncryption,
    GuestAgent,
    GuestSpec,
    GuestUse,
    Hypervisor,
    HypervisorFacts,
    ImageCaching,
    Pausable,
    Rescuable,
    Resizable,
    Snapshots,
    Suspendable,
)
from ...core.drivers.volume import Encryption
from ...core.errors import BackendBusy, NotSupported
from ...core.plugins import Registry
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord, ImageService
from . import offer, pci
from .agency import DiskPlan, GuestPlan
from .keeper import Keeper
from .moving import LiveMoves, MovingVerbs
from .options import Options
from .plan_reader import CHUNK, PlanReader
from .plugging import PluggingVerbs

HYPERVISORS: Registry[Hypervisor] = Registry("hypervisors", Hypervisor)


class GuestVerbs(MovingVerbs, PluggingVerbs):
    """One host's guests. Verbs on one guest run one after another, on different guests side by side."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        options = cast(Options, kit.options)
        self.shutdown_timeout_s = options.shutdown_timeout_s
        self.driver: Hypervisor = kit.driver(HYPERVISORS, options.hypervisor)
        self.pci = kit.configuration.section("pci", pci.PciOptions)
        self.keeper = Keeper(kit, self.driver)
        self.lives = LiveMoves(kit)
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._plans = PlanReader(kit, self.driver, self._facts)

    def _facts(self) -> HypervisorFacts:
        """What the host offers, with what its options set apart."""
        found = offer.settled(cast(Options, self.kit.options), self.driver.facts())
        return dataclasses.replace(found, devices=pci.offered(self.pci, found.devices))

    @contextlib.contextmanager
    def _guest(self, guest: str) -> Iterator[None]:
        if self.keeper.held:
            raise BackendBusy("this host may not run servers now")
        with self._locks[guest]:
            yield
        if self.keeper.held:
            # The time was over while this went on: what it started must not stay.
            self.keeper.stop_all()
            raise BackendBusy("this host may not run servers now")

    def _spec(self, context: Context, plan: GuestPlan) -> GuestSpec:
        return self._plans.spec(context, plan)

    def _disk(self, context: Context, plan: DiskPlan) -> Disk:
        return self._plans.disk(context, plan)

    def spawn(self, context: Context, plan: GuestPlan) -> None:
        with self._guest(plan.guest):
            self.driver.spawn(self._spec(context, plan))

    def destroy(self, context: Context, guest: str) -> None:
        with self._guest(guest):
            self.driver.destroy(guest)
        self._locks.pop(guest, None)

    def act(self, context: Context, guest: str, verb: str) -> str:
        with self._guest(guest):
            self._verb(verb)(guest)
            return self.driver.power(guest).value

    def _verb(self, verb: str) -> Callable[[str], None]:
        driver = self.driver
        if verb == "stop":
            return lambda guest: driver.stop(guest, self.shutdown_timeout_s)
        if verb in ("reboot", "reboot_hard"):
            return lambda guest: driver.reboot(guest, verb == "reboot_hard")
        if verb == "start":
            return driver.start
        if verb in ("pause", "unpause"):
            pausable = require(driver, Pausable)
            return pausable.pause if verb == "pause" else pausable.unpause
        if verb in ("suspend", "resume"):
            suspendable = require(driver, Suspendable)
            return suspendable.suspend if verb == "suspend" else suspendable.resume
        raise NotSupported(f"there is no verb {verb}")

    def console_log(self, context: Context, guest: str, max_bytes: int) -> bytes:
        return self.driver.console_log(guest, max_bytes)

    def console(self, context: Context, guest: str, kind: ConsoleKind) -> ConsoleEndpoint:
        return require(self.driver, Consoles).console(guest, kind)

    def uptime_s(self, context: Context) -> float:
        # On Linux the monotonic clock begins with the machine.
        return self.kit.clock.monotonic()

    def snapshot(self, context: Context, guest: str, image: ImageRecord) -> None:
        driver = require(self.driver, Snapshots)
        self._upload(context, guest, image, lambda target: driver.snapshot(guest, target))

    def plain_snapshot(self, context: Context, guest: str, image: ImageRecord, encryption: Encryption) -> None:
        driver = require(self.driver, DiskEncryption)
        self._upload(context, guest, image, lambda target: driver.plain_snapshot(guest, target, encryption))

    def unlock(self, context: Context, guest: str, encryption: Encryption) -> None:
        driver = require(self.driver, DiskEncryption)
        with self._guest(guest):
            driver.unlock(guest, encryption)

    def _upload(self, context: Context, guest: str, image: ImageRecord, copy: Callable[[Path], str]) -> None:
        """Give ``image`` the data that ``copy`` writes to a file; it tells their format."""
        folder = self.kit.run_dir / "snapshots"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / image.id
        try:
            with self._guest(guest):
                disk_format = copy(target)
            images = self.kit.peers.of(ImageService)
            images.create(context, image.id, image.name, disk_format, "bare", image.properties,
                          image.min_disk, image.min_ram)
            images.upload(context, image.id, _chunks(target))
        finally:
            target.unlink(missing_ok=True)

    def resize(self, context: Context, plan: GuestPlan, verb: str) -> None:
        if verb != "resize" and not isinstance(self.driver, Resizable):
            # What a driver cannot do need not be undone either; an undoing that fails is tried for ever.
            return
        driver = require(self.driver, Resizable)
        with self._guest(plan.guest):
            if verb == "resize":
                driver.resize(self._spec(context, plan))
            elif verb == "confirm":
                driver.confirm_resize(plan.guest)
            else:
                driver.revert_resize(self._spec(context, plan))

    def rescue(self, context: Context, plan: GuestPlan) -> None:
        driver = require(self.driver, Rescuable)
        with self._guest(plan.guest):
            driver.rescue(self._spec(context, plan))

    def unrescue(self, context: Context, plan: GuestPlan) -> None:
        if isinstance(self.driver, Rescuable):
            with self._guest(plan.guest):
                self.driver.unrescue(self._spec(context, plan))

    def crash_dump(self, context: Context, guest: str) -> None:
        driver = require(self.driver, CrashDump)
        with self._guest(guest):
            driver.crash_dump(guest)

    def set_password(self, context: Context, guest: str, user: str, password: str) -> None:
        driver = require(self.driver, GuestAgent)
        with self._guest(guest):
            driver.set_password(guest, user, password)

    def use(self, context: Context, guest: str) -> GuestUse:
        return require(self.driver, Diagnostics).use(guest)

    def cache_image(self, context: Context, image: ImageRecord) -> None:
        if isinstance(self.driver, ImageCaching):
            self.driver.cache_image(self._plans.image(context, image))


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield chunk
