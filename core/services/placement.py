"""What placement promises the other services."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence

import msgspec

from ..context import Context
from .base import ServiceInterface
from .release import in_older_words

Amounts = Mapping[str, int]
"""Amounts by resource class: ``{"VCPU": 2, "MEMORY_MB": 512}``."""


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider has of one resource class."""

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = 2147483647
    step_size: int = 1
    allocation_ratio: float = 1.0


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A provider below a root: a part of it that is given away by itself."""

    id: str
    name: str
    """The root's name, an underscore, and the part's own."""
    inventories: dict[str, Inventory]
    traits: list[str] = []


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a root provider shall be: as the arguments of :meth:`PlacementService.apply_provider`."""

    provider: str
    name: str
    inventories: dict[str, Inventory]
    traits: list[str]
    children: list[Child] = []
    aggregates: list[str] = []
    """It is to be a member of these, besides those that it is in."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider of the tree has to give alone, beside the rest of a request. It may ask for traits only."""

    resources: dict[str, int] = {}
    required: list[str] = []
    forbidden: list[str] = []
    in_tree: str = ""


class ResourceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer needs from one provider (or its tree)."""

    resources: dict[str, int]
    required: list[str] = []
    any_of: list[list[str]] = []
    """Traits: a provider must have one of each inner list."""
    forbidden: list[str] = []
    member_of: list[list[str]] = []
    """Aggregates: a provider must be in one of each inner list."""
    forbidden_aggregates: list[str] = []
    in_tree: str = ""
    limit: int = 0
    """At most this many candidates; 0 means all."""
    groups: dict[str, Group] = {}
    """Further groups, by a suffix (``1``, ``_NIC``) that is not empty."""
    isolate: bool = False
    """No provider may meet two of ``groups``."""
    subtrees: list[list[str]] = []
    """Suffixes whose providers must all be one of themselves or below it."""


class Tenancy(msgspec.Struct, frozen=True, kw_only=True):
    """Root providers that are not free for a project: those others have to themselves, and those others use."""

    held: list[str] = []
    used: list[str] = []


class Candidate(msgspec.Struct, frozen=True):
    """A provider that can take the request now, and how full it is."""

    provider: str
    allocations: dict[str, dict[str, int]]
    """Amounts by provider id, to be given to ``claim`` as they are."""
    capacity: dict[str, int]
    used: dict[str, int]


class Holding(msgspec.Struct, frozen=True):
    """All that one consumer has: amounts by provider, and the root provider it holds for its project alone."""

    allocations: dict[str, dict[str, int]]
    sole: str = ""


class PlacementService(ServiceInterface):
    """Inventories, candidates and claims."""

    service = "placement"

    @abc.abstractmethod
    def apply_provider(self, context: Context, provider: str, name: str, inventories: Mapping[str, Inventory],
                       traits: Sequence[str], children: Sequence[Child] | None = None) -> None:
        """Make the root provider as given, creating it, classes and custom traits at need.

        ``children`` are all providers below it whose names begin with its own; none leaves them as they are. One that
        is to go and has allocations stays, and gives no more. One that cannot be as given stays as it is; the log says
        why, and the next call tries it again.
        Allocations stay. :raises InUse: an inventory of the root that is to go has allocations.
        """

    @abc.abstractmethod
    @in_older_words
    def apply_providers(self, context: Context, offers: Sequence[Offer]) -> None:
        """The same for many root providers, all or none; new ones are made by a few queries, however many they are.

        :raises InUse: an inventory of one that is to go has allocations.
        """
        for one in offers:
            self.apply_provider(context, one.provider, one.name, one.inventories, one.traits, one.children)
            if one.aggregates:
                self.change_provider(context, one.provider, {}, dict.fromkeys(one.aggregates, True))

    @abc.abstractmethod
    def delete_provider(self, context: Context, provider: str) -> None:
        """Remove a provider and all below it; nothing when it is gone. :raises InUse: one of them has allocations."""

    @abc.abstractmethod
    def candidates(self, context: Context, request: ResourceRequest) -> list[Candidate]:
        """The providers that can take the request now."""

    @abc.abstractmethod
    def change_provider(self, context: Context, provider: str, traits: Mapping[str, bool],
                        aggregates: Mapping[str, bool]) -> None:
        """Give the provider those ``traits`` and ``aggregates`` that are true, and take away those that are not.

        Nothing when there is no such provider.
        """

    @abc.abstractmethod
    def claim(self, context: Context, consumer: str, allocations: Mapping[str, Amounts], project_id: str,
              user_id: str, consumer_type: str, sole: str = "") -> None:
        """Give ``consumer`` exactly ``allocations``, all or nothing; the same again changes nothing.

        While it lives, the tree of the root provider ``sole`` is for consumers of its project only.
        :raises Conflict: a provider has not enough left, or belongs to another project alone, or is to be the
            project's alone and is not; what the consumer had it still has.
        """

    @abc.abstractmethod
    @in_older_words
    def tenancy(self, context: Context, project_id: str, used: bool) -> Tenancy:
        """Which root providers other projects have to themselves and, if ``used``, which they have allocations of."""
        return Tenancy()

    @abc.abstractmethod
    def move(self, context: Context, source: str, target: str) -> None:
        """Hand all allocations of consumer ``source`` to consumer ``target``; nothing when it has none."""

    @abc.abstractmethod
    def release(self, context: Context, consumer: str) -> None:
        """Take back all of ``consumer``'s allocations; nothing when it has none."""

    @abc.abstractmethod
    def allocations(self, context: Context, consumer: str) -> dict[str, dict[str, int]]:
        """What ``consumer`` has: amounts by provider id."""

    @abc.abstractmethod
    @in_older_words
    def sole(self, context: Context, consumer: str) -> str:
        """The root provider that ``consumer`` holds for its project alone; empty when it holds none."""
        return ""

    @abc.abstractmethod
    def consumers(self, context: Context, provider: str) -> list[str]:
        """Who has allocations of ``provider``."""

    @abc.abstractmethod
    @in_older_words
    def holdings(self, context: Context, providers: Sequence[str]) -> dict[str, Holding]:
        """Who has allocations of one of ``providers``, each with all that it has, there and elsewhere."""
        holders = {holder: None for one in providers for holder in self.consumers(context, one)}
        return {one: Holding(self.allocations(context, one), self.sole(context, one)) for one in holders}
