"""Prefer hosts with the most left of a resource."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.drivers.filter import Host, Request
from ....core.drivers.weigher import Weigher, WeigherFacts


def free(hosts: Sequence[Host], class_: str) -> list[int]:
    """What each host has left of a resource class."""
    return [host.capacity.get(class_, 0) - host.used.get(class_, 0) for host in hosts]


class Ram(Weigher):
    """Prefers hosts with more memory left, so that servers spread."""

    aggregate_key = "ram_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with more memory left.")

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """MiB left."""
        return free(hosts, "MEMORY_MB")


class Cpu(Weigher):
    """Prefers hosts with more virtual processors left."""

    aggregate_key = "cpu_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with more virtual processors left.")

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """Processors left."""
        return free(hosts, "VCPU")


class Disk(Weigher):
    """Prefers hosts with more disk left."""

    aggregate_key = "disk_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with more disk left.")

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """GiB left."""
        return free(hosts, "DISK_GB")
