"""Requests that are particular about processors, cells of memory and PCI devices of their host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...core.drivers.filter import Host, Request
from ...core.drivers.fitting import fit
from ...core.drivers.topology import Room
from ...core.errors import Conflict

HYPERTHREADING = "HW_CPU_HYPERTHREADING"


def particular(request: Request) -> bool:
    """Tell whether a request is."""
    return request.topology is not None or bool(request.pci_devices)


def traits(request: Request) -> tuple[set[str], set[str]]:
    """The traits of hosts that a thread policy requires and forbids: where cores have threads, and where not."""
    policy = request.topology.thread_policy if request.topology is not None else ""
    return {HYPERTHREADING} if policy == "require" else set(), {HYPERTHREADING} if policy == "isolate" else set()


def furnish(hosts: Sequence[Host], rooms: Mapping[str, Room]) -> None:
    """Give hosts what is left of them."""
    for host in hosts:
        host.room = rooms.get(host.provider)


def with_devices(allocations: Mapping[str, Mapping[str, int]], host: Host, request: Request
                 ) -> Mapping[str, Mapping[str, int]]:
    """``allocations`` with those of the devices that the guest would have on ``host``.

    :raises Conflict: the host has no room for the guest.
    """
    if not particular(request):
        return allocations
    seat = None if host.room is None else fit(host.room, request.topology, request.pci_devices)
    if seat is None:
        raise Conflict("the host has no room for the guest's cells, processors or devices")
    found = {provider: dict(amounts) for provider, amounts in allocations.items()}
    for device in seat.devices:
        amounts = found.setdefault(device.provider, {})
        amounts[device.resource_class] = amounts.get(device.resource_class, 0) + 1
    return found
