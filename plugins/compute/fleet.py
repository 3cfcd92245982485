"""The hosts as compute keeps them: who registered, who beats, and the list the scheduler reads.

The list is kept in memory, brought up to date at most once a second, and at once after a change made here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.drivers.hypervisor import HypervisorFacts, Power
from ...core.errors import CloudError, InUse
from ...core.process.slice import Kit
from ...core.services.scheduler import Host
from . import enlisting, journeys, records, states
from .agency import ConsoleGrant, Control, Enrolment, Guest, Order
from .consoles import standing, tokens
from .event import emit
from .options import Options
from .picture import BINARY, UP_S, Picture
from .sealing import PasswordSeal
from .tables import hosts, servers, services

WRITE_BEAT_S = 25.0
REREAD_S = 1.0

ON_HOST = sa.select(servers.c.id, servers.c.vm_state, servers.c.task_state, servers.c.power_state).where(
    servers.c.host == sa.bindparam("host"), servers.c.deleted.is_(False))
MOVED = sa.select(servers.c.host, servers.c.move, servers.c.task_state).where(servers.c.id == sa.bindparam("id"),
                                                        servers.c.deleted.is_(False))


BEATEN = (services.update().where(services.c.binary == BINARY,
                                  services.c.host.in_(sa.bindparam("names", expanding=True)))
          .values(beat_at=sa.bindparam("beat"), updated_at=sa.bindparam("now")))
MEASURED = (hosts.update().where(hosts.c.host == sa.bindparam("name"))
            .values(metrics=sa.bindparam("measured")))


class Fleet:
    """The cached list of hosts. Any thread may ask."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._lock = threading.Lock()
        self._read_at = -REREAD_S
        self._news = object()
        self._known: object = None
        self._beats: dict[str, float] = {}
        self._metrics: dict[str, Mapping[str, float]] = {}
        self._heard: set[str] = set()
        self._written: dict[str, float] = {}
        self._kept: dict[str, Mapping[str, float]] = {}
        self._away: set[str] = set()
        self._picture = Picture(kit.clock, cast(Options, kit.options).zone, self._beats, self._metrics)

    def changed(self) -> None:
        """Read the list anew at the next question: hosts, services or aggregates have changed."""
        self._news = object()

    def all(self) -> list[Host]:
        """All hosts; the same list until it is read anew, so change nothing in it."""
        now = self._kit.clock.monotonic()
        if self._known is not self._news or now - self._read_at >= REREAD_S:
            with self._lock:
                if self._known is not self._news or now - self._read_at >= REREAD_S:
                    self._read()
                    self._read_at = now
        return self._picture.hosts

    def _read(self) -> None:
        # What changes from here on may not be seen by this reading, and asks for another.
        news = self._news
        if self._known is not news:
            self._picture.recount()
        heard, self._heard = self._heard, set()
        with self._kit.db.read() as tx:
            self._picture.read(tx, heard)
        self._known = news

    def host(self, name: str) -> Host | None:
        """A host by name, or none."""
        self.all()
        return self._picture.by_name.get(name)

    def up(self, name: str) -> bool:
        """Tell whether a host lives."""
        found = self.host(name)
        return found is not None and found.up

    def share_disks(self, one: str, other: str) -> bool:
        """Tell whether the guests' local disks on a host are the same on another, as the drivers of both say."""
        self.all()
        return {one, other} <= self._picture.sharing

    def status(self, name: str) -> str:
        """The ``host_status`` of servers on ``name``."""
        found = self.host(name) if name else None
        if found is None:
            return ""
        if not found.up:
            return "DOWN"
        return "UP" if found.enabled else "MAINTENANCE"

    def zone(self, name: str) -> str:
        """The availability zone of a host."""
        found = self.host(name)
        return found.zone if found is not None else ""

    def zones(self) -> set[str]:
        """The names of all zones that have hosts."""
        return {one.zone for one in self.all()}

    def beat_at(self, name: str) -> float:
        """When the host last beat, as far as this process heard; 0 for never."""
        return self._beats.get(name, 0.0)

    def look_again(self, name: str) -> None:
        """Have the host compared once more, at one of its next beats."""
        self._away.add(name)

    def beat(self, host: str, metrics: Mapping[str, float] | None = None) -> bool:
        """A host lives and measured ``metrics``; the database hears of it only now and then.

        Tell whether it was taken for dead.
        """
        return bool(self.beats({host: metrics or {}}))

    def beats(self, told: Mapping[str, Mapping[str, float]]) -> list[str]:
        """The same for many hosts, each with what it measured: those that were taken for dead."""
        now = self._kit.clock.time()
        fresh = {host for host in told if now - self._beats.get(host, 0.0) > UP_S}
        back = {host for host in fresh if not self.up(host)}
        self._beats.update(dict.fromkeys(told, now))
        for host, metrics in told.items():
            if metrics != self._metrics.get(host, {}):
                self._metrics[host] = metrics
                self._heard.add(host)
            if self.up(host):
                if host in self._away:
                    back.add(host)
                    self._away.discard(host)
            elif host not in fresh:
                self._away.add(host)
        due = [host for host in told if now - self._written.get(host, 0.0) >= WRITE_BEAT_S]
        if due:
            self._write(due, now)
        if not fresh.isdisjoint(due):
            self.changed()
        return [host for host in told if host in back]

    def _write(self, names: Sequence[str], now: float) -> None:
        """Let the database know that hosts beat, and what those measured for which that is new."""
        self._written.update(dict.fromkeys(names, now))
        news = {name: dict(found) for name in names
                if (found := self._metrics.get(name)) and found != self._kept.get(name)}
        self._kept.update(news)
        with self._kit.db.write() as tx:
            tx.execute(BEATEN, {"names": list(names), "beat": now, "now": self._kit.clock.now()})
            if news:
                tx.execute(MEASURED, [{"name": name, "measured": found} for name, found in news.items()])

    def failed(self, tx: Transaction, host: str) -> None:
        """Count a boot that failed on ``host``."""
        tx.execute(hosts.update().where(hosts.c.host == host).values(failures=hosts.c.failures + 1))
        tx.after_commit(self.changed)

    def succeeded(self, tx: Transaction, host: str) -> None:
        """Forget the failures of ``host``."""
        found = self._picture.by_name.get(host)
        if found is not None and found.failures:
            tx.execute(hosts.update().where(hosts.c.host == host).values(failures=0))
            tx.after_commit(self.changed)


class ControlSide(Control):
    """What answers the agents."""

    def __init__(self, kit: Kit, fleet: Fleet, seal: PasswordSeal) -> None:
        self._kit = kit
        self._fleet = fleet
        self._seal = seal

    def register(self, context: Context, host: str, provider: str, facts: HypervisorFacts) -> None:
        try:
            enlisting.register(self._kit, context,
                               [Enrolment(host=host, provider=provider, facts=facts, guests=[])])
        except InUse as used:
            self._kit.log.error("host %s has no longer what is claimed of it, so that placement keeps what it said "
                                "before: %s", host, used.message)
        finally:
            self._fleet.changed()

    def beat(self, context: Context, host: str, metrics: Mapping[str, float] | None = None) -> bool:
        return self._fleet.beat(host, metrics)

    def enlist(self, context: Context, enrolments: list[Enrolment]) -> dict[str, list[Order]]:
        try:
            enlisting.register(self._kit, context, enrolments)
        except CloudError:
            # One of them is at fault: the others shall not suffer.
            for one in enrolments:
                self.register(context, one.host, one.provider, one.facts)
        self._fleet.changed()
        return {one.host: self.compare(context, one.host, one.guests)
                for one in enlisting.to_compare(self._kit, enrolments)}

    def beats(self, context: Context, metrics: dict[str, dict[str, float]]) -> list[str]:
        return self._fleet.beats(metrics)

    def compare(self, context: Context, host: str, guests: Sequence[Guest]) -> list[Order]:
        found = {one.guest: one.power for one in guests}
        with self._kit.db.read() as tx:
            known = {row.id: row for row in tx.rows(ON_HOST, {"host": host})}
            strangers = [guest for guest in found if guest not in known and not self._kept(tx, guest, host)]
            orphans = [guest for guest in strangers if self._kit.engine.unfinished(tx, guest) is None]
            orders = [Order(guest, "destroy") for guest in orphans]
            # A delete that found the host down does not come back to it.
            orders += [Order(guest, "destroy") for guest, row in known.items()
                       if guest in found and row.task_state == "deleting"]
            wrong = {guest: verb for guest, row in known.items() if (verb := _repair(row, found.get(guest)))}
            repairs = {guest: verb for guest, verb in wrong.items() if known[guest].task_state is None
                       and self._kit.engine.unfinished(tx, guest) is None}
            orders += [Order(guest, verb) for guest, verb in repairs.items() if verb == "stop"]
            lost = [guest for guest, row in known.items() if guest not in found
                    and row.vm_state not in (states.ERROR, states.BUILDING)
                    and self._kit.engine.unfinished(tx, guest) is None]
        with self._kit.db.write() as tx:
            journeys.cleaned(self._kit, tx, host)
            for guest in orphans:
                # Its ports may be wired here still.
                if records.present(tx, guest) is not None:
                    self._kit.engine.start(tx, "compute.clean_up", guest, context, {"host": host, "again": True})
        if len(orphans) < len(strangers) or len(repairs) < len(wrong):
            # What is done to the others now does not look at this guest, and nobody would afterwards.
            self._fleet.look_again(host)
        self._lost(lost)
        self._start(context, [guest for guest, verb in repairs.items() if verb == "start"])
        return orders

    def _start(self, context: Context, guests: Sequence[str]) -> None:
        """Begin to start servers whose guests have stopped: an operation each, as their ports may need wiring."""
        with self._kit.db.write() as tx:
            for guest in guests:
                if states.move(tx, guest, None, task_state="powering-on", updated_at=self._kit.clock.now()):
                    self._kit.engine.start(tx, "compute.start", guest, context)

    def _kept(self, tx: Transaction, guest: str, host: str) -> bool:
        """Whether a guest belongs on a host: while a move waits to be confirmed, its old host keeps the guest, and
        both hosts of a live migration do while nobody can tell where it is."""
        alive = tx.row(MOVED, {"id": guest})
        if alive is None:
            return False
        sides = {alive.host, (alive.move or {}).get("old_host")}
        if states.in_doubt(alive):
            sides.add(alive.move["new"]["host"])
        return host in sides

    def _lost(self, guests: Sequence[str]) -> None:
        """Servers whose guest vanished from its host are in error."""
        now = self._kit.clock.now()
        fault = {"code": 500, "message": "The server's guest is no longer on its host.",
                 "created": f"{now:%Y-%m-%dT%H:%M:%SZ}", "details": ""}
        with self._kit.db.write() as tx:
            for guest in guests:
                if states.move(tx, guest, None, vm_state=states.ERROR, power_state=0, fault=fault, updated_at=now):
                    self._tell(tx, guest, fault)

    def _tell(self, tx: Transaction, guest: str, fault: Mapping[str, Any] | None = None) -> None:
        """Write the event of a change that nobody asked for."""
        row = records.present(tx, guest)
        if row is not None:
            emit(self._kit, tx, self._kit.context(), "instance.update", row, fault)

    def observed(self, context: Context, host: str, powers: Mapping[str, str]) -> None:
        now = self._kit.clock.now()
        with self._kit.db.read() as tx:
            known = {row.id: row for row in tx.rows(ON_HOST, {"host": host})}
        changes = [(guest, values) for guest, word in powers.items()
                   if guest in known and (values := _news(known[guest], Power(word)))]
        if not changes:
            return
        with self._kit.db.write() as tx:
            for guest, values in changes:
                if states.move(tx, guest, None, updated_at=now, **values):
                    self._tell(tx, guest)

    def console_proxy(self, context: Context, host: str, url: str) -> None:
        tokens.register_proxy(self._kit, host, url)

    def redeem_console(self, context: Context, hosts: list[str], token: str) -> ConsoleGrant:
        return tokens.redeem(self._kit, hosts, token)

    def open_consoles(self, context: Context, holders: list[str]) -> list[bool]:
        return standing.judged(self._kit, self._seal, holders)


def _repair(row: Any, power: str | None) -> str:
    """What makes the guest of a server as the server says: ``start``, ``stop`` or nothing."""
    if row.vm_state == states.ACTIVE and power in (Power.SHUTDOWN.value, Power.CRASHED.value):
        return "start"
    if row.vm_state == states.STOPPED and power == Power.RUNNING.value:
        return "stop"
    return ""


FOLLOWING = {Power.RUNNING: states.ACTIVE, Power.PAUSED: states.PAUSED, Power.SUSPENDED: states.SUSPENDED,
             Power.SHUTDOWN: states.STOPPED, Power.CRASHED: states.STOPPED}
"""What a server is whose guest is so, where it is not shelved, rescued or resized."""


def _news(row: Any, power: Power) -> dict[str, Any]:
    """What an observed power state changes in a quiet server's row."""
    if row.task_state is not None or row.vm_state == states.BUILDING:
        return {}
    values: dict[str, Any] = {"power_state": states.POWER[power]} if row.power_state != states.POWER[power] else {}
    if row.vm_state in FOLLOWING.values() and row.vm_state != FOLLOWING[power]:
        values["vm_state"] = FOLLOWING[power]
    return values
