"""One life of a cloud: its events, its restarts, and what each of them leaves."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...clock import Virtual
from ..cloud import Response
from .checks import Checks
from .cradle import TENANTS, Broken, Child, Continued, Cradle
from .wires import Killed, Wires

MICROVERSION = "compute 2.79"
WAITS_S = (0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 5.0, 20.0)
LONGEST_WAIT_S = 90.0
CALM_S = (20.0, 40.0, 60.0)
CALM_TRIES = 150
REMEMBERED = 60
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclasses.dataclass(frozen=True)
class Plan:
    """One life: its seed, and for how many hours of its own time the events go on.

    ``bereaved``: hosts that have no power at the end do not get it back before all servers have come to rest.
    """

    seed: int
    hours: float = 0.09
    bereaved: bool = False


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that may happen, and how likely it is beside the others. ``kind``: tenant, operator or fault."""

    kind: str
    weight: int
    act: Callable[[Life], str]


@dataclasses.dataclass
class Record:
    """What came of a life: how often each event happened, and a digest of all that happened in it."""

    seed: int
    events: Counter[str]
    kinds: Counter[str]
    answers: Counter[str]
    digest: str


class Life:
    """One life of the cloud of ``cradle``, with the files of its hosts in ``folder``."""

    def __init__(self, cradle: Cradle, plan: Plan, folder: Path) -> None:
        self.cradle, self.plan, self.folder = cradle, plan, folder
        self.ids = cradle.ids
        self.chance = random.Random(plan.seed)
        self.history: list[str] = []
        self.events: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.trace = hashlib.sha256()
        self.down: dict[str, float] = {}
        """Hosts without power, and since when."""
        self.fenced: dict[str, float] = {}
        """Hosts that the fence was told to stop, and when first."""
        self.acknowledged: set[str] = set()
        self.given_up: set[str] = set()
        self.starts = 0
        self.writes_left = -1
        self.wires = Wires(self)
        cradle.lay(folder)
        self.checks = Checks(self)
        self.cloud = self._start(cradle.moment)

    # The life.

    def run(self) -> Record:
        """Live it to the end. :raises Broken: something does not hold."""
        from .events import EVENTS
        names, weights = zip(*((name, event.weight) for name, event in EVENTS.items()), strict=True)
        end = self.time + self.plan.hours * 3600
        try:
            while self.time < end:
                name = self.chance.choices(names, weights)[0]
                self.event(name, EVENTS[name])
            if self.plan.bereaved and self.down:
                self.mourn()
            self.calm_down()
            self._leave()
        finally:
            self._abandon()
            shutil.rmtree(self.folder, ignore_errors=True)
        return Record(self.plan.seed, self.events, self.kinds, self.answers, self.digest)

    @property
    def time(self) -> float:
        """The moment of the cloud."""
        return self.cloud.clock.time()

    @property
    def digest(self) -> str:
        """Of all notes, and of all writes with their moments."""
        told = self.trace.copy()
        told.update("\n".join(self.history).encode())
        return told.hexdigest()

    def event(self, name: str, event: Event) -> None:
        """Let one event happen and some time pass, and see that what must always hold holds."""
        self.living(name, lambda: self._happen(name, event))
        self.events[name] += 1
        self.kinds[event.kind] += 1
        self.checks.always()

    def _happen(self, name: str, event: Event) -> None:
        self.note(f"{name} {event.act(self)}".rstrip())
        self.cloud.run(self.chance.choice((*WAITS_S, self.chance.uniform(0, LONGEST_WAIT_S))))

    def living(self, name: str, work: Callable[[], None]) -> None:
        """Do ``work``; the process that is killed within it is started again."""
        try:
            work()
        except Killed as killed:
            self.note(f"killed at {killed} within {name}")
            self._restart()

    def note(self, what: str) -> None:
        """Write down what happened."""
        self.history.append(f"{self.time:.3f} {what}")

    def broken(self, what: str) -> Broken:
        """The error that says what does not hold and what had happened lately."""
        return Broken("\n".join([f"seed {self.plan.seed}: {what}", *self.history[-REMEMBERED:],
                                 *self.checks.told(UUID.findall(what))]))

    def _leave(self) -> None:
        """The tenants delete all they have: nothing of it may be left anywhere."""
        from .tenants import delete_all
        self.note("leave")
        delete_all(self)
        self.calm_down()
        self.checks.empty()

    def mourn(self) -> None:
        """No more faults, but hosts without power never return: no server may wait for them for ever."""
        self.note("mourn")
        self.writes_left = -1
        self.wires.heal()
        self._heal_drivers()
        for _ in range(CALM_TRIES):
            self.cloud.run(CALM_S[-1])
            self.checks.always()
            if not self.checks.passing():
                return
        raise self.broken("; ".join(self.checks.passing()))

    def calm_down(self) -> None:
        """No more faults: hosts return, and all that was begun comes to its end."""
        self.note("calm")
        self.writes_left = -1
        self.wires.heal()
        self.heal()
        for turn in range(CALM_TRIES):
            self.cloud.run(CALM_S[min(turn, len(CALM_S) - 1)])
            self.checks.always()
            wrong = self.checks.restless() or self.checks.at_rest()
            if self._heal_fences():
                wrong.append("hosts are not released")
            if not wrong:
                return
        raise self.broken("; ".join(wrong))

    def _heal_drivers(self) -> None:
        for agent in (*self.agents("compute"), *self.agents("network")):
            agent.driver.heal()
        for driver in self.volume_drivers():
            driver.heal()

    def heal(self) -> None:
        """Drivers fail no longer, and hosts without power get it back."""
        self._heal_drivers()
        self._heal_fences()
        for host in sorted(self.down):
            if host not in self.fenced:
                self.power_on(host)

    def _heal_fences(self) -> bool:
        """Release the hosts whose recovery is over; tell whether there are some still."""
        for host in sorted(self.fenced):
            if self.release(host) == 204:
                self.power_on(host)
        for host in self.checks.forced_down():
            self.release(host)
        return bool(self.fenced or self.down)

    # Starting and ending.

    def _start(self, moment: float) -> Child:
        self.starts += 1
        clock = Virtual(self.plan.seed * 1000 + self.starts)
        clock.advance(moment)
        child = self.cradle.go_on(self.folder, clock, tuple(self.down), self._meet)
        child.executor.after = self._behind
        return child

    def _meet(self, cloud: Continued) -> None:
        """See all that the process does, before it starts."""
        for database in cloud.databases.all():
            database.probe = lambda point: self._written(cloud.clock.time(), point)
        cloud.services["compute"].fence.since = self.fenced
        self.wires.span(cloud)

    def _written(self, moment: float, point: str) -> None:
        self.trace.update(f"{moment:.3f} {point}\n".encode())
        if self.writes_left >= 0:
            self.writes_left -= 1
            if self.writes_left < 0:
                # What a dead process writes is lost, too.
                self.writes_left = 0
                raise Killed(point)

    def _restart(self) -> None:
        while True:
            moment = self.cloud.clock.monotonic()
            self._abandon()
            try:
                self.cloud = self._start(moment)
            except Killed as killed:
                self.note(f"killed at {killed} within the start")
            else:
                self.note("started again")
                return

    def end(self) -> None:
        """The process comes to its end in order, and starts again."""
        self.cloud.run()
        self._restart()

    def _abandon(self) -> None:
        """End the process without a word to anybody."""
        self.writes_left = -1
        self.cloud.executor.stop()
        for database in self.cloud.cloud.databases.all():
            database.probe = None

    def _behind(self) -> None:
        """What is seen behind each task: whom the fence has stopped is stopped, and no guest runs twice."""
        for host, since in self.fenced.items():
            if host not in self.down and self.time - since >= self.fence_takes_s:
                self.note(f"fenced {host}")
                self.power_off(host)
        self.checks.twice()

    # Hosts.

    @property
    def fence_takes_s(self) -> float:
        """Seconds from the fence's first call until a host has stopped."""
        return float(self.cloud.cloud.services["compute"].fence.options.takes_s)

    def agents(self, kind: str) -> list[Any]:
        """The agents of all hosts."""
        group: Any = self.cloud.cloud.agents.get(kind)
        return list(group.hosts) if group is not None else []

    def agent(self, kind: str, host: str) -> Any:
        """The agent of one host."""
        return next(one for one in self.agents(kind) if one.kit.host == host)

    def volume_drivers(self) -> list[Any]:
        """The drivers of the volume service."""
        return list(self.cloud.cloud.services["volume"].backends.drivers.values())

    def power_off(self, host: str) -> None:
        """A host loses its power, with all that runs on it."""
        self.down[host] = self.time
        for kind in ("compute", "network"):
            self.agent(kind, host).stop()
        self.agent("compute", host).driver.power_off()

    def crash(self, host: str) -> bool:
        """A host loses its power, unless it is the last that has some; tell whether it did."""
        if host in self.down or len(self.down) + 1 >= len(self.cradle.hosts):
            return False
        self.note(f"crash {host}")
        self.power_off(host)
        return True

    def power_on(self, host: str) -> None:
        """A host has its power back, with its disks as they were."""
        self.down.pop(host)
        for kind in ("network", "compute"):
            group: Any = self.cloud.cloud.agents[kind]
            fleet = group.hosts
            old = self.agent(kind, host)
            fresh = type(old)(old.kit)
            fleet[fleet.index(old)] = fresh
            self.wires.reach_out(fresh)
            fresh.start()

    def release(self, host: str) -> int:
        """An operator lets a host run servers again; the answer's status."""
        status = self.ask("DELETE", f"/compute/v2.1/os-hosts/{host}/recovery", as_="admin").status
        if status == 204:
            self.fenced.pop(host, None)
        return status

    # What tenants and operators ask.

    def ask(self, method: str, path: str, body: Any = None, as_: str = "demo") -> Response:
        """One request. A fault of the cloud's own is none of the answers it may give."""
        version = MICROVERSION if path.startswith("/compute/") else ""
        answer = self.cloud.request(method, path, body, as_=as_, version=version, project=as_)
        self.answers[f"{method} {answer.status}"] += 1
        if answer.status >= 500 and answer.status != 503 or answer.status == 401:
            raise self.broken(f"{method} {path} {body}: {answer}")
        return answer

    def tenant(self) -> str:
        """One of the tenants."""
        return self.chance.choice(TENANTS)

    def pick(self, tenant: str, *states: str, idle: bool = True) -> str:
        """The id of a tenant's server in one of these states, or in any; nothing where there is none."""
        found = [row.id for row in self.checks.servers() if row.tenant == tenant
                 and (not states or row.vm_state in states) and not (idle and states and row.task_state)]
        return self.chance.choice(sorted(found)) if found else ""

    def act(self, tenant: str, server: str, action: str, value: Any = None, as_: str = "") -> str:
        """One action on a server; what came of it."""
        if not server:
            return f"{action}: nobody"
        answer = self.ask("POST", f"/compute/v2.1/servers/{server}/action", {action: value}, as_ or tenant)
        return f"{action} {server} {answer.status}"


def described(events: Mapping[str, int]) -> str:
    """Counts in words, the most frequent first."""
    return ", ".join(f"{name} {count}" for name, count in sorted(events.items(), key=lambda one: (-one[1], one[0])))
