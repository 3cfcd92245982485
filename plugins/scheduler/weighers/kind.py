"""Prefer hosts by what they run: fewer servers, newer hypervisors, servers of images alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ....core.config import option
from ....core.drivers.filter import Host, Request
from ....core.drivers.weigher import Weigher, WeigherFacts


@dataclasses.dataclass(frozen=True)
class OffOptions:
    """Options of a weigher that does nothing until told."""

    multiplier: float = option(0.0, "how much this weigher counts; 0 turns it off")


class NumInstances(Weigher):
    """Prefers hosts with more servers; a negative multiplier prefers those with fewer."""

    Options = OffOptions
    aggregate_key = "num_instances_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with more servers, or with fewer by a negative multiplier.")

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """Servers."""
        return [host.servers for host in hosts]


class HypervisorVersion(Weigher):
    """Prefers hosts with newer hypervisors, so that servers move on as hosts are upgraded."""

    aggregate_key = "hypervisor_version_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with newer hypervisors.")

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """Versions as numbers."""
        return [host.hypervisor_version for host in hosts]
