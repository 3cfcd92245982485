"""Keeps hosts in whose cells the guest's can lie, with their processors, their memory and their pages."""

from __future__ import annotations

from typing import ClassVar

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request
from ....core.drivers.fitting import fit


class NumaTopology(HostFilter):
    """Each of the guest's cells has one of the host's, with processors, memory and pages, and devices as near as asked.

    A host without the devices is left to the filter of devices.
    """

    reads_rooms: ClassVar[bool] = True

    def facts(self) -> FilterFacts:
        """It reads what flavor and image say of processors and cells."""
        return FilterFacts(
            "Hosts with room for the cells, the dedicated processors and the pages of the guest.",
            extra_specs=("hw:cpu_policy", "hw:cpu_thread_policy", "hw:cpu_dedicated_mask", "hw:mem_page_size",
                         "hw:numa_nodes", "hw:numa_cpus.", "hw:numa_mem.", "hw:pci_numa_affinity_policy"),
            image_properties=("hw_cpu_policy", "hw_cpu_thread_policy", "hw_mem_page_size", "hw_numa_nodes",
                              "hw_pci_numa_affinity_policy"))

    def relevant(self, request: Request) -> bool:
        """Only when the guest cares."""
        return request.topology is not None

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether the guest has a seat there."""
        if host.room is None:
            return False
        devices = request.pci_devices
        if devices and fit(host.room, None, devices) is None:
            devices = []
        return fit(host.room, request.topology, devices) is not None

    def complaint(self, host: Host, request: Request) -> str:
        """That it tells nothing, or that too little is left."""
        if host.room is None or not host.room.cells:
            return "it tells nothing of its cells"
        return "its cells have not the processors, the memory or the pages left that the guest's need"
