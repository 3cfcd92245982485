"""What the scheduler promises the other services."""

from __future__ import annotations

import abc
from collections.abc import Mapping

import msgspec

from ..context import Context
from .base import ServiceInterface


class Aggregate(msgspec.Struct, frozen=True, kw_only=True):
    """A host aggregate, as filters see it."""

    id: int
    uuid: str
    name: str
    metadata: Mapping[str, str] = {}


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
    capacity: Mapping[str, int] = {}
    used: Mapping[str, int] = {}

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


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server goes: claimed already. ``explanation`` is for the operation's record."""

    provider: str
    host: str
    node: str
    zone: str
    explanation: list[str] = []


class SchedulerService(ServiceInterface):
    """One decision at a time, with its reasons."""

    service = "scheduler"

    @abc.abstractmethod
    def select(self, context: Context, request: Request) -> Selection:
        """Choose a host and claim its resources for ``request.server_id`` in placement.

        Asked again for a server that has its claim, it gives the same host.
        :raises NoValidHost: none fits; the fact ``explanation`` holds survivors per filter.
        """

    @abc.abstractmethod
    def explain(self, context: Context, request: Request) -> list[str]:
        """What :meth:`select` would say now, a line a step, claiming nothing."""
