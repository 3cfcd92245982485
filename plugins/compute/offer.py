"""What a host offers: its inventories and the providers below it in placement, and its room for particular guests."""

from __future__ import annotations

import dataclasses
import functools
import hashlib

import msgspec

from ...core.drivers.ability import DISABLED, image_type, untold
from ...core.drivers.hypervisor import HypervisorFacts
from ...core.drivers.topology import FreeCell, HostCell, Pages, PciDevice, Room, cpu_list, cpu_text
from ...core.errors import BadConfiguration
from ...core.services.placement import Child, Inventory
from .options import Options

HYPERTHREADING = "HW_CPU_HYPERTHREADING"
KEPT = 4096
"""Rooms that are kept of so many hosts."""


def settled(options: Options, facts: HypervisorFacts) -> HypervisorFacts:
    """``facts`` with the processors that ``options`` set apart, where they do; what the driver says counts else.

    :raises BadConfiguration: these are no lists, have processors in common, or go beyond the host's.
    """
    dedicated, shared = options.dedicated_cpus, options.shared_cpus
    if not dedicated and not shared:
        dedicated, shared = facts.dedicated_cpus, facts.shared_cpus
    try:
        own, common = set(cpu_list(dedicated)), set(cpu_list(shared))
    except ValueError as exc:
        raise BadConfiguration(f"[compute] dedicated_cpus, shared_cpus: {exc}") from exc
    if own & common:
        raise BadConfiguration("[compute] dedicated_cpus and shared_cpus have processors in common")
    has = {cpu for cell in facts.cells for cpu in cpu_list(cell.cpus)} or set(range(facts.vcpus))
    if not own | common <= has:
        raise BadConfiguration(f"[compute] dedicated_cpus or shared_cpus go beyond this host's {cpu_text(has)}")
    if own and not common:
        common = has - own
    return dataclasses.replace(facts, dedicated_cpus=cpu_text(own), shared_cpus=cpu_text(common))


def inventories(options: Options, facts: HypervisorFacts) -> dict[str, Inventory]:
    """What placement shall know of a host itself."""
    def one(total: int, reserved: int, ratio: float) -> Inventory:
        return Inventory(total=total, reserved=min(reserved, max(total - 1, 0)), max_unit=max(total, 1),
                         allocation_ratio=ratio)
    dedicated, shared = len(cpu_list(facts.dedicated_cpus)), len(cpu_list(facts.shared_cpus))
    found = {"MEMORY_MB": one(facts.memory_mib, options.reserved_memory_mib, options.memory_ratio)}
    if shared or not dedicated:
        found["VCPU"] = one(shared or facts.vcpus, options.reserved_vcpus, options.cpu_ratio)
    if dedicated:
        found["PCPU"] = one(dedicated, 0, 1.0)
    if facts.disk_gib > 0:
        found["DISK_GB"] = one(facts.disk_gib, options.reserved_disk_gib, options.disk_ratio)
    return found


def traits(facts: HypervisorFacts, closed: bool) -> list[str]:
    """The traits of a host itself: its driver's, those that follow from its facts, and marks of what it does not tell.

    ``closed`` is a host whose service an administrator has disabled.
    """
    found = {"COMPUTE_NODE", *facts.traits, *map(image_type, facts.disk_formats), *_untold(facts.traits)}
    if any(cell.cores for cell in facts.cells):
        found.add(HYPERTHREADING)
    if closed:
        found.add(DISABLED)
    return sorted(found - {""})


@functools.lru_cache(maxsize=64)
def _untold(traits: tuple[str, ...]) -> frozenset[str]:
    # Hosts of one kind say the same, and there may be many.
    return frozenset(untold(traits))


def children(provider: str, facts: HypervisorFacts) -> list[Child]:
    """The providers of a host's PCI devices: one an address, virtual functions together at their physical one's."""
    by_address: dict[str, list[PciDevice]] = {}
    for device in facts.devices:
        by_address.setdefault(device.parent or device.address, []).append(device)
    return [_child(provider, facts.hostname, address, devices) for address, devices in sorted(by_address.items())]


def _child(provider: str, hostname: str, address: str, devices: list[PciDevice]) -> Child:
    counts: dict[str, int] = {}
    for device in devices:
        counts[device.resource_class] = counts.get(device.resource_class, 0) + 1
    return Child(id=child_id(provider, address), name=f"{hostname}_{address}",
                 inventories={class_: Inventory(total=count, max_unit=count) for class_, count in counts.items()},
                 traits=sorted({trait for device in devices for trait in device.traits}))


def child_id(provider: str, address: str) -> str:
    """The id of the provider of a PCI address: always the same for the same host and address."""
    digits = hashlib.sha256(f"{provider} {address}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


class _Told(msgspec.Struct):
    """What a host's facts say of processors, cells and devices; hosts of older releases say nothing."""

    cells: tuple[HostCell, ...] = ()
    devices: tuple[PciDevice, ...] = ()
    dedicated_cpus: str = ""
    shared_cpus: str = ""


@functools.lru_cache(maxsize=KEPT)
def room(provider: str, facts: str, cpu_ratio: float, memory_ratio: float) -> Room:
    """The room of a host on which nobody is; ``facts`` are the text of its row, so that each is read once."""
    told = msgspec.json.decode(facts, type=_Told)
    dedicated, shared = set(cpu_list(told.dedicated_cpus)), set(cpu_list(told.shared_cpus))
    return Room(cells=tuple(_cell(cell, dedicated, shared, cpu_ratio, memory_ratio) for cell in told.cells),
                devices=tuple(msgspec.structs.replace(one, provider=child_id(provider, one.parent or one.address))
                              for one in told.devices))


def _cell(cell: HostCell, dedicated: set[int], shared: set[int], cpu_ratio: float, memory_ratio: float) -> FreeCell:
    cpus = set(cpu_list(cell.cpus))
    common = tuple(sorted(cpus & shared if shared else cpus - dedicated))
    small = cell.memory_mib - sum(pages.size_kib * pages.count for pages in cell.pages) // 1024
    return FreeCell(
        id=cell.id, socket=cell.socket, dedicated=tuple(sorted(cpus & dedicated)), shared=common,
        cores=tuple(cpu_list(core) for core in cell.cores), vcpus=int(len(common) * cpu_ratio),
        memory_mib=int(small * memory_ratio), most_memory_mib=small,
        pages=tuple(Pages(pages.size_kib, pages.count) for pages in cell.pages))
