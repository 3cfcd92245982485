"""Prefer hosts that are not busy and did not fail lately."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ....core.config import option
from ....core.drivers.filter import Host, Request
from ....core.drivers.weigher import Weigher, WeigherFacts


@dataclasses.dataclass(frozen=True)
class IoOpsOptions:
    """Options of the weigher of work in the making."""

    multiplier: float = option(-1.0, "how much this weigher counts; negative prefers hosts with less work")


class IoOps(Weigher):
    """Prefers, with its negative multiplier, hosts on which fewer servers are in the making."""

    Options = IoOpsOptions
    aggregate_key = "io_ops_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts on which fewer servers are in the making.")

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """Servers in the making."""
        return [host.building for host in hosts]


@dataclasses.dataclass(frozen=True)
class BuildFailureOptions:
    """Options of the weigher of failures."""

    multiplier: float = option(1000000.0, "how much this weigher counts; by default it outweighs all others")


class BuildFailure(Weigher):
    """Prefers hosts where fewer boots have failed since the last one that went well."""

    Options = BuildFailureOptions
    aggregate_key = "build_failure_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts where fewer boots failed since the last good one.")

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """Failures, counted down from 0."""
        return [-host.failures for host in hosts]
