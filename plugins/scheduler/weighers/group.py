"""Prefer hosts as the server's group likes them, where its policy is only a wish."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.drivers.filter import Host, Request
from ....core.drivers.weigher import Weigher, WeigherFacts


class ServerGroupSoftAffinity(Weigher):
    """Prefers hosts with more members of a group of policy ``soft-affinity``."""

    aggregate_key = "soft_affinity_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with more members of the server's soft-affinity group.")

    def relevant(self, request: Request) -> bool:
        """Only for a group of this policy."""
        return request.group is not None and request.group.policy == "soft-affinity"

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """Members on each host."""
        members = request.group.hosts if request.group else {}
        return [members.get(host.host, 0) for host in hosts]


class ServerGroupSoftAntiAffinity(Weigher):
    """Prefers hosts with fewer members of a group of policy ``soft-anti-affinity``."""

    aggregate_key = "soft_anti_affinity_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with fewer members of the server's soft-anti-affinity group.")

    def relevant(self, request: Request) -> bool:
        """Only for a group of this policy."""
        return request.group is not None and request.group.policy == "soft-anti-affinity"

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """Members on each host, counted down from 0."""
        members = request.group.hosts if request.group else {}
        return [-members.get(host.host, 0) for host in hosts]
