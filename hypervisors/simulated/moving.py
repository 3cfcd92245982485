"""Guests that come to a simulated host and leave it, cold or live.

Hosts of one process hand live guests over directly; a cold guest travels within the offer.
"""

from __future__ import annotations

import abc
import dataclasses
import weakref
from contextlib import AbstractContextManager

import msgspec

from ...core.clock import Clock
from ...core.drivers.hypervisor import GuestSpec, LiveMigration, MigrationProgress, Movable, Offer, Power
from ...core.drivers.volume import Encryption
from ...core.errors import BackendFailed, Interrupted, NotFound, WrongState
from .guest import DELAY, FAULT, Guest, adapted, guest_of, size_of

MIB = 1 << 20
SLICE_S = 1.0
HOSTS: weakref.WeakValueDictionary[str, Moving] = weakref.WeakValueDictionary()
"""The simulated hosts of this process by their address."""


@dataclasses.dataclass
class Journey:
    """A live migration under way."""

    total_bytes: int
    processed_bytes: int = 0
    aborted: bool = False
    forced: bool = False


class Moving(Movable, LiveMigration):
    """The facets of a simulated host that move guests; what a guest is, the driver knows."""

    clock: Clock
    address: str
    """Where the other hosts of this process find this one."""
    journeys: dict[str, Journey]
    unlocked: set[str]
    """The guests whose keys the host knows."""
    expected: set[str]
    """Guests that were announced and have not come yet."""

    @abc.abstractmethod
    def guest(self, guest: str) -> Guest:
        """What is remembered of ``guest``. :raises NotFound: there is no such guest."""

    @abc.abstractmethod
    def keep(self, record: Guest) -> None:
        """Remember ``record`` as it is now."""

    @abc.abstractmethod
    def forget(self, guest: str) -> None:
        """Remember nothing of ``guest``."""

    @abc.abstractmethod
    def fits(self, spec: GuestSpec) -> None:
        """See that the guest is no giant. :raises NoSpace: it is."""

    @abc.abstractmethod
    def verb(self, verb: str, guest: str, faults: str = "", delays: str = "") -> AbstractContextManager[None]:
        """Around each verb: its delay and its fault."""

    @abc.abstractmethod
    def learn(self, record: Guest, encryption: Encryption | None) -> None:
        """Know the key of a guest's disks. :raises BackendFailed: the guest has another, or none."""

    @abc.abstractmethod
    def copy_s(self, guest: str) -> float:
        """Seconds that the copy of a guest takes."""

    def depart(self, guest: str, timeout_s: float) -> Offer:
        with self.verb("depart", guest):
            record = self.guest(guest)
            if record.power is not Power.SHUTDOWN or not record.offered:
                record.power, record.offered = Power.SHUTDOWN, True
                self.keep(record)
            return {"guest": msgspec.json.encode(record).decode()}

    def arrive(self, spec: GuestSpec, offer: Offer, start: bool) -> None:
        with self.verb("arrive", spec.guest, *_texts(spec)):
            try:
                record = self.guest(spec.guest)
            except NotFound:
                self.fits(spec)
                record = adapted(msgspec.json.decode(offer["guest"], type=Guest), spec)
            self.learn(record, spec.encryption)
            self._end(record, start)

    def stay(self, spec: GuestSpec, start: bool) -> None:
        with self.verb("stay", spec.guest):
            record, fresh = self.guest(spec.guest), guest_of(spec)
            self.learn(record, spec.encryption)
            self._end(msgspec.structs.replace(record, volumes=fresh.volumes, macs=fresh.macs), start)

    def _end(self, record: Guest, start: bool) -> None:
        record.offered = False
        if start and record.power is not Power.RUNNING:
            record.boot(self.clock.time())
        self.keep(record)

    def prepare_live(self, spec: GuestSpec, block: bool) -> Offer:
        with self.verb("prepare_live", spec.guest, *_texts(spec)):
            self.fits(spec)
            self.forget(spec.guest)
            self.expected.add(spec.guest)
            if spec.encryption is not None:
                self.unlocked.add(spec.guest)
            return {"address": self.address}

    def migrate_live(self, spec: GuestSpec, offer: Offer, block: bool) -> None:
        with self.verb("migrate_live", spec.guest):
            record = self.guest(spec.guest)
            if record.power not in (Power.RUNNING, Power.PAUSED):
                raise WrongState(f"the guest is {record.power.value}, not running")
            self.learn(record, spec.encryption)
            target = HOSTS.get(offer.get("address", ""))
            if target is None or spec.guest not in target.expected:
                raise BackendFailed("the other simulated host does not expect the guest, or is in another process")
            journey = self.journeys.setdefault(spec.guest, Journey(size_of(spec).memory_mib * MIB))
            try:
                self._copy(spec.guest, journey)
            finally:
                self.journeys.pop(spec.guest, None)
            target.receive(adapted(record, spec))
            self.forget(spec.guest)

    def _copy(self, guest: str, journey: Journey) -> None:
        """Let the time of the copy pass, in pieces, so that it can be watched, aborted and forced."""
        whole = left = self.copy_s(guest)
        while left > 0 and not journey.forced:
            self.clock.sleep(min(SLICE_S, left))
            left -= SLICE_S
            journey.processed_bytes = int(journey.total_bytes * min(1.0, 1 - left / whole))
            if journey.aborted:
                raise Interrupted("the migration was aborted")

    def receive(self, record: Guest) -> None:
        """Take in a guest that was announced, as it runs."""
        self.keep(record)
        self.expected.discard(record.id)

    def live_progress(self, guest: str) -> MigrationProgress | None:
        journey = self.journeys.get(guest)
        if journey is None:
            return None
        return MigrationProgress(journey.total_bytes, journey.processed_bytes,
                                 journey.total_bytes - journey.processed_bytes)

    def abort_live(self, guest: str) -> None:
        journey = self.journeys.get(guest)
        if journey is not None:
            journey.aborted = True

    def force_live(self, guest: str) -> None:
        journey = self.journeys.get(guest)
        if journey is not None:
            journey.forced = True


def _texts(spec: GuestSpec) -> tuple[str, str]:
    return spec.metadata.get(FAULT, ""), spec.metadata.get(DELAY, "")
