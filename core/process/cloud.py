"""A cloud, or the part of one that this process hosts: made, started, drained and stopped."""

from __future__ import annotations

import dataclasses
import logging
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..bus.events import Events
from ..bus.mesh import Mesh
from ..clock import Clock
from ..config import Configuration, option
from ..context import Context
from ..db.engine import Database, Databases
from ..db.upgrade import check, upgrade
from ..drivers.base import Surroundings, make
from ..drivers.bus import Bus
from ..executor import Executor
from ..http.app import Application, Edge, encode
from ..http.mount import Mount, Wsgi
from ..operations.engine import Engine
from ..operations.tables import SCHEMA as CORE_SCHEMA
from ..plugins import Registry
from ..policy.engine import Policy, read_file
from ..services.base import Peers
from ..services.identity import IdentityService
from .metrics import Metrics
from .slice import SERVICES, Agent, Kit, Slice

BUSES: Registry[Bus] = Registry("bus", Bus)
WAKE_TOPIC = "stratolith.wake"


@dataclasses.dataclass(frozen=True)
class CloudOptions:
    """Options of ``[cloud]``."""

    region: str = option("RegionOne", "name of the region in the catalog")
    host: str = option("", "name of this machine in lists of services; empty means its host name")
    process: str = option("stratolith", "name of this process; leases of its earlier starts end when it starts")
    bus: str = option("local", "bus driver: local (one process) or kombu")
    policy_file: str = option("", "policy file whose rules replace the defaults")
    cors_origins: tuple[str, ...] = option((), "origins that browsers may call from; * for all")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a process keeps its things and what runs in it. ``services`` and ``agents`` none: all."""

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
        self.databases = Databases(configuration, None if place.in_memory else place.state_dir)
        self.policy = self._policy()
        self.peers = Peers()
        self.bus = self._bus()
        self.mesh = Mesh(self.bus)
        self.peers.remote = lambda kind: self.mesh.reach(kind.service, kind)
        self.metrics = Metrics()
        self._incarnation = clock.hex_id()[:12]
        self.kits = {one.name: self._kit(one) for one in self.slices}
        self.services: dict[str, Any] = {one.name: one.service(self.kits[one.name]) for one in self.slices}
        self._introduce()
        self.applications = [self._application(one) for one in self.slices if one.face is not None]
        self.pages = self._pages()
        self.wsgi = Mount(self.applications, self.pages, self.options.cors_origins)
        self.agents: dict[str, Agent] = {}
        self._ready = False

    # Making.

    def _policy(self) -> Policy:
        rules = [rule for one in self.slices for rule in one.rules]
        file = self.options.policy_file
        policy = Policy(rules, read_file(Path(file)) if file else None)
        if file:
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
        owner = f"{self.host}:{self.options.process}/{self._incarnation}"
        return Kit(
            name=one.name, configuration=self.configuration, clock=self.clock, executor=self.executor,
            policy=self.policy, peers=self.peers, mesh=self.mesh, log=self.log.getChild(one.name),
            state_dir=self.place.state_dir, run_dir=self.place.run_dir, host=self.host, region=self.options.region,
            db=database, engine=Engine(one.name, database, self.executor, self.clock, owner),
            events=Events(f"{one.namespace}-{one.name}:{self.host}", one.namespace, database, self.bus,
                          self.executor, self.clock),
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
                    self.place.ephemeral)
        return Application(one.face, self.services[one.name], edge)

    def _authenticate(self, token: str, request_id: str) -> Context:
        return self.peers.of(IdentityService).authenticate(token, request_id)

    def _pages(self) -> Mapping[str, Wsgi]:
        pages: dict[str, Wsgi] = {"/metrics": self.metrics.page, "/healthcheck": self._health}
        for one in self.slices:
            pages.update(one.pages(self.services[one.name], self.kits[one.name]))
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
            one.seed(self.services[one.name], self.kits[one.name])

    def _schemas(self, act: Callable[[Database, Any], object]) -> None:
        seen: set[int] = set()
        for one in self.slices:
            database = self.kits[one.name].db
            if id(database) not in seen:
                seen.add(id(database))
                act(database, CORE_SCHEMA)
            if one.schema is not None:
                act(database, one.schema)

    def start(self) -> None:
        """Begin periodic work, take up unfinished operations and start the agents."""
        self.bus.listen(WAKE_TOPIC, self._woken)
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
        for one in self.slices:
            for name, make_agent in one.agents.items():
                if wanted is None or name in wanted:
                    agent = make_agent(self.kits[one.name])
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
        self.executor.stop()
        for events in {id(kit.db): kit.events for kit in self.kits.values()}.values():
            events.publish()
        self.bus.close()
        self.databases.close()


def _load(names: Sequence[str] | None) -> list[Slice]:
    return [SERVICES.load(name)() for name in (SERVICES.names() if names is None else names)]
