"""The filter interface: which hosts a server may go to. Also what filters and weighers look at."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from .base import Driver
from .topology import DeviceWish, Room, TopologyWish

TRUE = frozenset(("1", "t", "true", "on", "y", "yes"))
EXCLUSIVE = "exclusive"
"""The metadata of aggregates, and the hint, by which a host is for one project alone."""


def truth(text: str) -> bool:
    """Tell whether a word of metadata, a hint or an extra spec says yes."""
    return text.strip().lower() in TRUE


class Aggregate(msgspec.Struct, frozen=True, kw_only=True):
    """A host aggregate, as filters see it."""

    id: int
    uuid: str
    name: str
    metadata: Mapping[str, str] = {}

    @property
    def exclusive(self) -> bool:
        """Whether whoever has servers on a host of it has that host to itself."""
        return EXCLUSIVE in self.metadata and truth(self.metadata[EXCLUSIVE])


class Host(msgspec.Struct, kw_only=True):
    """One compute host as filters and weighers see it. Free amounts are after ratios and reservations."""

    provider: str
    """Id of its resource provider; the same as its hypervisor's id."""
    host: str
    node: str
    zone: str = "nova"
    enabled: bool = True
    up: bool = True
    disabled_reason: str = ""
    hypervisor_type: str = ""
    hypervisor_version: int = 0
    architecture: str = "x86_64"
    aggregates: list[Aggregate] = []
    servers: int = 0
    building: int = 0
    """Servers in the making here: the io_ops of weighers."""
    failures: int = 0
    """Boots that failed here since the last one that went well."""
    stats: Mapping[str, str] = {}
    metrics: Mapping[str, float] = {}
    """What the host measures: ``cpu.percent`` from 0 to 1, ..."""
    images: Mapping[str, int] = {}
    """How many servers here are of images with ``name=value``; told only where a weigher reads it."""
    address: str = ""
    """Where the host's agent is, if known."""
    capacity: Mapping[str, int] = {}
    used: Mapping[str, int] = {}
    pci_devices: int = 0
    """PCI devices that the host offers, taken or not."""
    room: Room | None = None
    """What is left of cells, processors and devices; told only where a request is particular about them."""

    @property
    def exclusive(self) -> bool:
        """Whether an aggregate says that whoever has servers here has the host to itself."""
        return any(one.exclusive for one in self.aggregates)

    def free(self, resource_class: str) -> int:
        """What is left of a resource class."""
        return self.capacity.get(resource_class, 0) - self.used.get(resource_class, 0)


class ServerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The server group of a request, with where its members are."""

    id: str
    policy: str
    """``affinity``, ``anti-affinity``, ``soft-affinity`` or ``soft-anti-affinity``."""
    max_server_per_host: int = 1
    hosts: Mapping[str, int] = {}
    """Members by host."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What one server needs of a host."""

    server_id: str
    project_id: str
    user_id: str
    resources: dict[str, int]
    flavor_name: str = ""
    extra_specs: Mapping[str, str] = {}
    image_id: str = ""
    image_properties: Mapping[str, str] = {}
    image_metadata: Mapping[str, str] = {}
    zone: str = ""
    forced_host: str = ""
    forced_node: str = ""
    ignored_hosts: list[str] = []
    hints: Mapping[str, list[str]] = {}
    """Scheduler hints, each a list of texts."""
    hint_hosts: Mapping[str, str] = {}
    """Host of each server that a hint names, by server id."""
    group: ServerGroup | None = None
    exclusive: bool = False
    """The host must be the project's alone."""
    held_elsewhere: frozenset[str] = frozenset()
    """Providers of hosts that other projects have to themselves."""
    used_elsewhere: frozenset[str] = frozenset()
    """Providers of hosts where other projects have servers; told only where exclusive hosts are asked for."""
    topology: TopologyWish | None = None
    """How the guest wants to lie in cells and on processors of its host, if it cares."""
    pci_devices: list[DeviceWish] = []
    image_format: str = ""
    """The disk format of the image that a local root disk is made from."""


@dataclasses.dataclass(frozen=True)
class FilterFacts:
    """What of a request a filter reads, for listings and checks. ``sentence`` says what it keeps.

    ``hints`` are scheduler hints, ``extra_specs`` flavor keys or scopes that end with a colon,
    ``image_properties`` names of image properties.
    """

    sentence: str
    hints: tuple[str, ...] = ()
    extra_specs: tuple[str, ...] = ()
    image_properties: tuple[str, ...] = ()


class Filter(Driver):
    """One condition on hosts; an instance stands for the condition, not for a host or a request.

    Calls must not block: no file, network or database is read, everything needed is in the
    hosts and the request. Any thread may call, several at once, so a filter keeps no state
    between calls. It changes neither hosts nor request; after an exception the decision has
    failed and nothing else has happened.
    """

    reads_rooms: ClassVar[bool] = False
    """Whether it looks at :attr:`Host.room`. Rooms are found out for the best hosts first and only for requests that
    are particular about cells or devices, so that such filters come after all others and need not see every host."""

    @abc.abstractmethod
    def facts(self) -> FilterFacts:
        """What this filter reads and keeps. Always the same."""

    @abc.abstractmethod
    def survivors(self, hosts: Sequence[Host], request: Request) -> list[Host]:
        """Those of ``hosts`` that the request may use, in the order given.

        The answer for one host does not depend on which others are in ``hosts``.
        """

    @abc.abstractmethod
    def reason(self, host: Host, request: Request) -> str:
        """Why ``host`` does not survive, in a few words that name no host; empty when it does."""


class HostFilter(Filter):
    """A filter that looks at one host at a time: give :meth:`passes`, and :meth:`relevant` for speed.

    The first line of the class's docstring is its sentence (``Hosts that ...``), unless :meth:`facts` says more.
    """

    def facts(self) -> FilterFacts:
        """The docstring's first line; nothing in particular is read."""
        return FilterFacts((type(self).__doc__ or "Hosts that pass.").strip().splitlines()[0])

    def relevant(self, request: Request) -> bool:
        """Tell whether the request can lose any host here; when not, no host is looked at."""
        return True

    @abc.abstractmethod
    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether ``host`` survives."""

    def complaint(self, host: Host, request: Request) -> str:
        """Why a host that does not pass does not, in a few words that name no host."""
        return "it is none of these: " + self.facts().sentence.rstrip(".")

    def survivors(self, hosts: Sequence[Host], request: Request) -> list[Host]:
        """Those that pass; all of them at once when the request is not relevant."""
        if not self.relevant(request):
            return list(hosts)
        passes = self.passes
        return [host for host in hosts if passes(host, request)]

    def reason(self, host: Host, request: Request) -> str:
        """The complaint, for a host that does not pass."""
        if not self.relevant(request) or self.passes(host, request):
            return ""
        return self.complaint(host, request)
