"""Keeps hosts that are not crowded: by servers in the making, or by servers at all; per host or per aggregate."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any

from ....core.config import option
from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request


@dataclasses.dataclass(frozen=True)
class MaxOptions:
    """Options of a filter with one bound for all hosts."""

    max_a_host: int = option(8, "largest number on one host")


@dataclasses.dataclass(frozen=True)
class ManyOptions:
    """Options of a filter with one bound for all hosts."""

    max_a_host: int = option(50, "largest number on one host")


class Crowd(HostFilter):
    """Hosts below a bound. ``key`` is the aggregates' metadata that bounds their hosts, the smallest of several."""

    key = ""
    words = ""

    @abc.abstractmethod
    def count(self, host: Host) -> int:
        """What is counted."""

    def bound(self, host: Host) -> int:
        """The largest number this host may have."""
        options: Any = self.options
        found = [int(text) for one in host.aggregates if (text := one.metadata.get(self.key, "").strip()).isdecimal()]
        return min(found) if found else int(options.max_a_host)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether there is room for one more."""
        return self.count(host) < self.bound(host)

    def complaint(self, host: Host, request: Request) -> str:
        """What there is and what there may be."""
        return f"it has {self.count(host)} {self.words} and may have {self.bound(host)}"


class IoOps(Crowd):
    """Fewer servers are in the making than the bound, one for all hosts."""

    Options = MaxOptions
    words = "servers in the making"

    def facts(self) -> FilterFacts:
        """It reads nothing of the request."""
        return FilterFacts("Hosts on which fewer servers are in the making than a bound.")

    def count(self, host: Host) -> int:
        """Servers in the making."""
        return host.building


class AggregateIoOps(IoOps):
    """As IoOps, with aggregates' metadata ``max_io_ops_per_host`` before the bound for all."""

    key = "max_io_ops_per_host"

    def facts(self) -> FilterFacts:
        """It reads nothing of the request."""
        return FilterFacts("Hosts on which fewer servers are in the making than their aggregates' bound.")


class NumInstances(Crowd):
    """Fewer servers are on the host than the bound, one for all hosts."""

    Options = ManyOptions
    words = "servers"

    def facts(self) -> FilterFacts:
        """It reads nothing of the request."""
        return FilterFacts("Hosts with fewer servers than a bound.")

    def count(self, host: Host) -> int:
        """Servers."""
        return host.servers


class AggregateNumInstances(NumInstances):
    """As NumInstances, with aggregates' metadata ``max_instances_per_host`` before the bound for all."""

    key = "max_instances_per_host"

    def facts(self) -> FilterFacts:
        """It reads nothing of the request."""
        return FilterFacts("Hosts with fewer servers than their aggregates' bound.")
