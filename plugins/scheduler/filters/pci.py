"""Keeps hosts with the PCI devices that the flavor asks for."""

from __future__ import annotations

from typing import ClassVar

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request
from ....core.drivers.fitting import fit


class PciPassthrough(HostFilter):
    """As many devices are free as the flavor's aliases ask for; how near they are the filter of cells looks at."""

    reads_rooms: ClassVar[bool] = True

    def facts(self) -> FilterFacts:
        """It reads the flavor's aliases."""
        return FilterFacts("Hosts with the PCI devices that the flavor asks for by alias.",
                           extra_specs=("pci_passthrough:alias",))

    def relevant(self, request: Request) -> bool:
        """Only when there are any."""
        return bool(request.pci_devices)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether they are free."""
        return host.room is not None and fit(host.room, None, request.pci_devices) is not None

    def complaint(self, host: Host, request: Request) -> str:
        """Which are wanted."""
        wanted = ", ".join(f"{wish.count} of {wish.alias}" for wish in request.pci_devices)
        return f"it has not {wanted} among its free PCI devices"
