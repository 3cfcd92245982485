"""What a slice is to the process that hosts it, and what the process hands it."""

from __future__ import annotations

import abc
import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec

from ..bus.events import Events
from ..bus.mesh import Mesh
from ..clock import Clock
from ..config import Configuration
from ..context import Context, service_context
from ..db.engine import Database
from ..db.schema import Schema
from ..drivers.asked import asked
from ..drivers.base import Driver, NoOptions, Surroundings, make
from ..executor import Executor
from ..http.mount import Wsgi
from ..http.table import Api
from ..operations.engine import Engine
from ..operations.workflow import Workflow
from ..plugins import Registry
from ..policy.engine import Policy
from ..policy.rules import Rule
from ..services.base import Peers, ServiceInterface

D = TypeVar("D", bound=Driver)


@dataclasses.dataclass
class Kit:
    """All that a slice's service and agents may use. One a slice.

    ``db`` and ``engine`` are absent (and must not be touched) in a process that runs only
    agents of the slice.
    """

    name: str
    configuration: Configuration
    clock: Clock
    executor: Executor
    policy: Policy
    peers: Peers
    mesh: Mesh
    log: logging.Logger
    state_dir: Path
    run_dir: Path
    host: str
    """This machine's name, as services and agents list it."""
    region: str
    db: Database
    engine: Engine
    events: Events
    options: Any
    wake: Callable[[str], None]
    """Wakes operations that wait for a key, in every slice and process of the cloud."""
    ephemeral: bool = False

    def driver(self, registry: Registry[D], name: str, section: str = "") -> D:
        """A driver by its entry-point name, made with the options of its section and opened.

        The section is ``<group>.<name>`` (``hypervisors.libvirt``) unless given. Its state lives in
        a folder of the section's name.
        """
        section = section or f"{registry.group.removeprefix('stratolith.')}.{name}"
        surroundings = Surroundings(clock=self.clock, log=self.log.getChild(section), host=self.host,
                                    state_dir=self.state_dir / section, run_dir=self.run_dir / section,
                                    executor=self.executor)
        driver = make(registry.load(name), section, self.configuration, surroundings)
        driver.open()
        return driver

    def context(self) -> Context:
        """The cloud's own voice, for work that no user asked for.

        The faults that a test asked for go on with the work that its request causes.
        """
        wanted = asked()
        if wanted is None:
            return service_context("req-" + self.clock.uuid(), self.name)
        return msgspec.structs.replace(service_context(wanted.request_id, self.name), faults=wanted.pairs)


class Agent(abc.ABC):
    """The part of a slice that runs on a host beside a driver. It never touches the database."""

    @abc.abstractmethod
    def start(self) -> None:
        """Open the driver, serve the host's queue, compare what is with what should be, begin to beat."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Serve no more; guests and wires stay."""


@dataclasses.dataclass(frozen=True)
class Belonging:
    """One thing outside the databases that is a cloud's own: a guest, a wired network, the data of a volume."""

    kind: str
    """``server``, ``network``, ..."""
    id: str
    remove: Callable[[], None]


@dataclasses.dataclass(frozen=True)
class Drift:
    """Two things that should say the same and do not."""

    kind: str
    """``usage``, ``claim``, ..."""
    id: str
    what: str
    mended: bool


class Slice(abc.ABC):
    """One service of the cloud: what the entry point of the group ``stratolith.services`` names.

    The class attributes say what the slice brings; an instance is made once a process.
    """

    api: ClassVar[tuple[int, int]] = (1, 0)
    name: ClassVar[str]
    interface: ClassVar[type[ServiceInterface]]
    namespace: ClassVar[str] = "stratolith"
    """The word that OpenStack's notifications carry for the service (``nova``)."""
    Options: ClassVar[type] = NoOptions
    beside: ClassVar[tuple[str, ...]] = ()
    """Names of slices whose agents have to play the hosts, too, that the option ``hosts`` names."""
    sections: ClassVar[Mapping[str, type]] = {}
    """Further sections of options, by name."""
    schema: ClassVar[Schema | None] = None
    face: ClassVar[Api | None] = None
    """The HTTP face, or none."""
    rules: ClassVar[Sequence[Rule]] = ()
    workflows: ClassVar[Sequence[Workflow]] = ()
    agents: ClassVar[Mapping[str, Callable[[Kit], Agent]]] = {}
    """Agents by name, e.g. ``compute``."""
    catalog: ClassVar[Sequence[tuple[str, str, str]]] = ()
    """(type, name, path) of the endpoints it wants in the catalog; ``path`` is behind the prefix."""

    def schemas(self, configuration: Configuration) -> Sequence[Schema]:
        """All tables that the slice needs in its database: its own, and those of drivers that keep some there."""
        return () if self.schema is None else (self.schema,)

    @abc.abstractmethod
    def service(self, kit: Kit) -> ServiceInterface:
        """The service itself. It must not call peers while it is made."""

    def start(self, service: Any, kit: Kit) -> None:
        """Begin periodic work with ``kit.executor.every``; called once all services are made."""

    def seed(self, service: Any, kit: Kit) -> None:
        """Write what a new cloud needs of this slice (default roles, resource classes); may run twice."""

    def pages(self, service: Any, kit: Kit) -> Mapping[str, Wsgi]:
        """Further WSGI pages by path prefix (the metadata service)."""
        return {}

    def host_pages(self, kit: Kit) -> Mapping[str, Wsgi]:
        """Pages that guests of a host read where the service itself may run elsewhere; ``kit`` may be an agent's."""
        return {}

    def audit(self, service: Any, kit: Kit, mend: bool) -> Iterator[Drift]:
        """What the slice has written down twice and differs, mended if that is wanted; the cloud may run meanwhile."""
        return iter(())

    def belongings(self, service: Any, kit: Kit) -> Iterator[Belonging]:
        """What the drivers of this host have of this cloud, in the order in which it has to go for the cloud to end.

        Nothing runs: no agent was started, and nobody else uses the drivers.
        """
        return iter(())


SERVICES: Registry[Slice] = Registry("services", Slice)
