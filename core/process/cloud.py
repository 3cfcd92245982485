"""A cloud, or the part of one that this process hosts: made, started, drained and stopped."""

from __future__ import annotations

import dataclasses
import fcntl
import itertools
import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..bus.events import Events
from ..bus.mesh import Mesh
from ..clock import Clock
from ..config import Configuration, nearest, option
from ..context import Context
from ..db.engine import Database, Databases
from ..db.upgrade import check, upgrade
from ..drivers.base import Surroundings, make
from ..drivers.bus import Bus
from ..drivers.revocation import CHANGED_TOPIC
from ..errors import AlreadyExists, BadConfiguration
from ..executor import Executor
from ..http.app import Application, Edge, encode
from ..http.gate import Gates
from ..http.mount import Mount, Wsgi
from ..http.options import HttpOptions
from ..operations.engine import Engine
from ..operations.tables import SCHEMA as CORE_SCHEMA
from ..plugins import Registry
from ..policy.engine import Policy, read_file
from ..policy.rules import Rule
from ..services.base import Peers
from ..services.identity import IdentityService
from .metrics import Metrics
from .slice import SERVICES, Agent, Kit, Slice
from .tokens import Tokens

BUSES: Registry[Bus] = Registry("bus", Bus)
WAKE_TOPIC = "stratolith.wake"


@dataclasses.dataclass(frozen=True)
class CloudOptions:
    """Options of ``[cloud]``."""

    region: str = option("RegionOne", "name of the region in the catalog")
    host: str = option("", "name of this machine in lists of services; empty means its host name")
    process: str = option("stratolith", "name of this process; leases of its earlier starts end when it starts")
    bus: str = option("local", "bus driver: local (one process) or kombu")
    token_cache_s: float = option(0.5, "seconds for which a process without identity believes a token unasked")
    policy_file: str = option("", "policy file whose rules replace the defaults, or a folder of one a service")
    cors_origins: tuple[str, ...] = option((), "origins that browsers may call from; * for all")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a process keeps its things and what runs in it.

    ``services`` none: all. ``agents`` none: all those of the services that run here.
    """

    state_dir: Path
    run_dir: Path
    services: Sequence[str] | None = None
    agents: Sequence[str] | None = None
    ephemeral: bool = False
    in_memory: bool = False
    """Keep the database in memory only."""
    migrate: bool = True
    """Bring the database to the newest revision at start; else only check it."""


class Cloud:
    """The services and agents of one process.

    ``wsgi`` answers for all of them; nothing runs before :meth:`start`.
    """

    def __init__(self, configuration: Configuration, clock: Clock, executor: Executor, place: Place) -> None:
        self.configuration = configuration
        self.clock = clock
        self.executor = executor
        self.place = place
        self.options = configuration.section("cloud", CloudOptions)
        self.host = self.options.host or socket.gethostname()
        self.log = logging.getLogger("stratolith")
        self.slices = _load(place.services)
        self.guests = _with_agents(place.agents or (), self.slices)
        """Slices that are served elsewhere and have agents here."""
        self.databases = Databases(configuration, None if place.in_memory else place.state_dir,
                                   executor.submit if executor.loops else None)
        self.policy = self._policy()
        self.peers = Peers()
        self.bus = self._bus()
        self.mesh = Mesh(self.bus)
        self.peers.remote = lambda kind: self.mesh.reach(kind.service, kind)
        self.metrics = Metrics()
        self._owner = f"{self.host}:{self.options.process}{_slot(place)}/{clock.hex_id()[:12]}"
        http = configuration.section("http", HttpOptions)
        self._gates = Gates(http.threads, http.at_once)
        self._tokens = Tokens(clock, self.options.token_cache_s)
        self.kits = {one.name: self._kit(one) for one in self.slices}
        self.agent_kits = {one.name: self._agent_kit(one) for one in self.guests}
        self.services: dict[str, Any] = {one.name: one.service(self.kits[one.name]) for one in self.slices}
        self._introduce()
        self.applications = [self._application(one) for one in self.slices if one.face is not None]
        self.pages = self._pages()
        self.wsgi = Mount(self.applications, self.pages, self.options.cors_origins)
        self.agents: dict[str, Agent] = {}
        self._refuse_half_hosts()
        self._ready = False

    # Making.

    def _refuse_half_hosts(self) -> None:
        """See that hosts which agents play here have all the agents they need, where this process runs those, too.

        :raises BadConfiguration: a host has but one of them.
        """
        kits = {**self.kits, **self.agent_kits}
        played = {one.name: dict.fromkeys(kits[one.name].options.hosts or (self.host,))
                  for one in (*self.slices, *self.guests)
                  if hasattr(kits[one.name].options, "hosts")
                  and any(self.place.agents is None or name in self.place.agents for name in one.agents)}
        for one in (*self.slices, *self.guests):
            for other in one.beside:
                missing = [host for host in played.get(one.name, ()) if host not in played.get(other, (host,))]
                if missing:
                    raise BadConfiguration(
                        f"[{one.name}] hosts names {', '.join(missing)}, and [{other}] hosts does not: each of these "
                        f"hosts needs an agent of both. Set [{other}] hosts = {', '.join(played[one.name])}")

    def _policy(self) -> Policy:
        file = self.options.policy_file
        if not file:
            return Policy(_rules(self.slices))
        # The file is the whole cloud's, so it is read against the rules of services elsewhere, too.
        policy = Policy(_rules(_load(None)), read_file(Path(file)))
        policy.validate()
        return policy

    def _bus(self) -> Bus:
        name = self.options.bus
        surroundings = Surroundings(clock=self.clock, log=self.log.getChild("bus"), executor=self.executor,
                                    state_dir=self.place.state_dir / "bus", run_dir=self.place.run_dir / "bus",
                                    host=self.host)
        bus = make(BUSES.load(name), f"bus.{name}", self.configuration, surroundings)
        bus.open()
        return bus

    def _kit(self, one: Slice) -> Kit:
        database = self.databases.of(one.name)
        return self._fitted(
            one, database, Engine(one.name, database, self.executor, self.clock, self._owner),
            Events(f"{one.namespace}-{one.name}:{self.host}", one.namespace, database, self.bus, self.executor,
                   self.clock))

    def _agent_kit(self, one: Slice) -> Kit:
        """What agents get where their service does not run: no database, and nothing that needs one."""
        absent: Any = Absent(one.name)
        return self._fitted(one, absent, absent, absent)

    def _fitted(self, one: Slice, database: Database, engine: Engine, events: Events) -> Kit:
        return Kit(
            name=one.name, configuration=self.configuration, clock=self.clock, executor=self.executor,
            policy=self.policy, peers=self.peers, mesh=self.mesh, log=self.log.getChild(one.name),
            state_dir=self.place.state_dir, run_dir=self.place.run_dir, host=self.host, region=self.options.region,
            db=database, engine=engine, events=events,
            options=self.configuration.section(one.name, one.Options), wake=self.wake,
            ephemeral=self.place.ephemeral)

    def _introduce(self) -> None:
        """Make the services known to each other, to the bus and to their engines."""
        for one in self.slices:
            service, kit = self.services[one.name], self.kits[one.name]
            self.peers.add(one.name, service)
            self.mesh.serve(one.name, one.interface, service)
            kit.engine.service = service
            kit.engine.register(one.workflows)

    def _application(self, one: Slice) -> Application:
        assert one.face is not None
        edge = Edge(self._authenticate, self.policy, self.clock, self.metrics.requests.observer(one.name),
                    self.place.ephemeral, self._gates)
        return Application(one.face, self.services[one.name], edge)

    def _authenticate(self, token: str, request_id: str) -> Context:
        identity = self.peers.of(IdentityService)
        if IdentityService.service in self.kits:
            return identity.authenticate(token, request_id)
        return self._tokens.context(token, request_id, identity.authenticate)

    def _pages(self) -> Mapping[str, Wsgi]:
        pages: dict[str, Wsgi] = {"/metrics": self.metrics.page, "/healthcheck": self._health}
        for one in self.slices:
            pages.update(one.pages(self.services[one.name], self.kits[one.name]))
        return pages

    def host_pages(self) -> Mapping[str, Wsgi]:
        """Pages for the guests of this host, where a process with agents has to answer them."""
        pages: dict[str, Wsgi] = {}
        for one in _load(None):
            kit = self.kits.get(one.name) or self.agent_kits.get(one.name) or self._agent_kit(one)
            pages.update(one.host_pages(kit))
        return pages

    def _health(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        data = encode({"ready": self._ready, "services": [one.name for one in self.slices],
                       "agents": sorted(self.agents)})
        start_response("200 OK" if self._ready else "503 Service Unavailable",
                       [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    # Running.

    def prepare(self) -> None:
        """Bring the databases up to date, or see that they are, and seed what a new cloud needs."""
        self._schemas(upgrade if self.place.migrate else check)
        for one in self.slices:
            try:
                one.seed(self.services[one.name], self.kits[one.name])
            except AlreadyExists:
                # Another process of the same service was quicker; what it left out is made now.
                one.seed(self.services[one.name], self.kits[one.name])

    def check(self) -> None:
        """See that the databases are there and of this release's revision, and change nothing."""
        self._schemas(check)

    def _schemas(self, act: Callable[[Database, Any], object]) -> None:
        seen: set[int] = set()
        for one in self.slices:
            database = self.kits[one.name].db
            if id(database) not in seen:
                seen.add(id(database))
                act(database, CORE_SCHEMA)
            for schema in one.schemas(self.configuration):
                act(database, schema)

    def start(self) -> None:
        """Begin periodic work, take up unfinished operations and start the agents."""
        self.bus.listen(WAKE_TOPIC, self._woken)
        self.bus.listen(CHANGED_TOPIC, self._tokens.forget)
        for one in self.slices:
            one.start(self.services[one.name], self.kits[one.name])
        self._start_agents()
        for kit in self.kits.values():
            kit.engine.resume()
            kit.events.hint()
        self.executor.every(3600.0, self._trim)
        self._ready = True

    def _start_agents(self) -> None:
        wanted = self.place.agents
        for one in (*self.slices, *self.guests):
            for name, make_agent in one.agents.items():
                if wanted is None or name in wanted:
                    agent = make_agent(self.kits.get(one.name) or self.agent_kits[one.name])
                    agent.start()
                    self.agents[name] = agent

    def _trim(self) -> None:
        for events in {id(kit.db): kit.events for kit in self.kits.values()}.values():
            events.trim()

    def wake(self, key: str) -> None:
        """Wake the operations that wait for ``key``, here and in the other processes."""
        if self.bus.facts().remote:
            self.bus.publish(WAKE_TOPIC, key.encode())
        else:
            self._woken(key.encode())

    def _woken(self, key: bytes) -> None:
        for one in self.slices:
            if one.workflows:
                self.kits[one.name].engine.wake(key.decode())

    def stop(self) -> None:
        """Drain: answer no health check, stop behind the present steps, close drivers and databases."""
        self._ready = False
        for kit in self.kits.values():
            kit.engine.stop()
        for agent in self.agents.values():
            agent.stop()
        self.executor.drain()
        for events in {id(kit.db): kit.events for kit in self.kits.values()}.values():
            events.publish()
        self.bus.close()
        self.executor.stop()
        self.databases.close()


class Absent:
    """Stands where a process that runs only agents of a slice has no database."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        raise BadConfiguration(f"this process runs agents of {self._name} only: it has no database")


def _with_agents(names: Sequence[str], hosted: Sequence[Slice]) -> list[Slice]:
    """The slices beyond those hosted whose agents are named.

    :raises BadConfiguration: nobody has an agent of a name.
    """
    missing = set(names) - {name for one in hosted for name in one.agents}
    if not missing:
        return []
    known = {name: one for one in _load(None) for name in one.agents}
    for name in missing - set(known):
        raise BadConfiguration(f"there is no agent {name!r}{nearest(name, sorted(known))}")
    return list({known[name].name: known[name] for name in sorted(missing)}.values())


def _slot(place: Place) -> str:
    """A number for this process among those that share its run folder, kept as long as it lives.

    So the leases of two workers do not look as if one were an earlier start of the other.
    """
    if place.in_memory or place.ephemeral:
        return ""
    place.run_dir.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        handle = open(place.run_dir / f"worker-{number}.lock", "w")  # noqa: SIM115
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            continue
        _LOCKS.append(handle)
        return f".{number}" if number else ""
    raise AssertionError


_LOCKS: list[Any] = []
"""Open for as long as this process lives."""


def _rules(slices: Iterable[Slice]) -> Iterator[Rule]:
    """The rules of all slices; each says whose it is."""
    return (dataclasses.replace(rule, service=one.name) for one in slices for rule in one.rules)


def _load(names: Sequence[str] | None) -> list[Slice]:
    return [SERVICES.load(name)() for name in (SERVICES.names() if names is None else names)]
