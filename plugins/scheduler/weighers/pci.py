"""Keeps hosts with PCI devices for the guests that want some."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.drivers.filter import Host, Request
from ....core.drivers.weigher import Weigher, WeigherFacts


class Pci(Weigher):
    """Prefers hosts with fewer PCI devices: those without any for guests that want none, those with many last.

    Hosts that have too few for a guest are not there any more when hosts are weighed.
    """

    aggregate_key = "pci_weight_multiplier"

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with fewer PCI devices, so that those with many are left for guests that want them.")

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """The number of devices, fewer being better."""
        return [-host.pci_devices for host in hosts]
