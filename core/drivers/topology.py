"""Processors, cells of memory and PCI devices: what hosts have, what guests want of them, and what a guest got."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

PART = re.compile(r"(\^?)([0-9]{1,5})(?:-([0-9]{1,5}))?")
KINDS = ("type-PCI", "type-PF", "type-VF")
"""What a PCI device may be: neither of the other two, a physical function of SR-IOV, or a virtual one."""


def cpu_list(text: str) -> tuple[int, ...]:
    """The numbers of a list such as ``0-3,^2,8``, in order. :raises ValueError: it is none."""
    found: set[int] = set()
    without: set[int] = set()
    for part in (part.strip() for part in text.split(",") if part.strip()):
        match = PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:30]!r} is no list of processors")
        first = int(match[2])
        (without if match[1] else found).update(range(first, int(match[3] or first) + 1))
    return tuple(sorted(found - without))


def cpu_mask(text: str, count: int) -> tuple[int, ...]:
    """Which of so many virtual processors a mask means: one that only excludes means all others.

    :raises ValueError: it is none.
    """
    return cpu_list(text if re.search(r"(^|,)\s*[0-9]", text) else f"0-{count - 1},{text}")


def cpu_text(cpus: Iterable[int]) -> str:
    """The shortest list of these numbers: ``0-3,8``."""
    runs: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in runs)


class Pages(msgspec.Struct, frozen=True):
    """Large pages of one size, in KiB, and how many of them a cell has."""

    size_kib: int
    count: int


class HostCell(msgspec.Struct, frozen=True, kw_only=True):
    """A NUMA node of a host. Processors are lists such as ``0-3,8``."""

    id: int
    cpus: str
    memory_mib: int
    """All of its memory, large pages among it."""
    pages: tuple[Pages, ...] = ()
    cores: tuple[str, ...] = ()
    """The threads of each core that has several."""
    socket: int = 0


class PciDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A PCI device of a host. Ids are four hexadecimal digits, in small letters."""

    address: str
    """``0000:81:00.0``."""
    vendor_id: str
    product_id: str
    kind: str = "type-PCI"
    node: int | None = None
    """The host's cell it is next to, if known."""
    parent: str = ""
    """The address of a virtual function's physical one."""
    resource_class: str = ""
    """As what it is offered; drivers leave this, ``traits`` and ``provider`` empty."""
    traits: tuple[str, ...] = ()
    provider: str = ""
    """The resource provider that offers it."""


class CellWish(msgspec.Struct, frozen=True, kw_only=True):
    """A cell of memory that a guest wants: its virtual processors, those of them with one of the host's each."""

    cpus: tuple[int, ...]
    dedicated: tuple[int, ...] = ()
    memory_mib: int


class TopologyWish(msgspec.Struct, frozen=True, kw_only=True):
    """How a guest wants to lie on its host."""

    cells: tuple[CellWish, ...]
    thread_policy: str = ""
    """``prefer``, ``isolate``, ``require``, or nothing, which is ``prefer``."""
    page: str = ""
    """``small``, ``large``, ``any``, a size in KiB, or nothing: pages as they come."""
    emulator: bool = False
    """Whether the threads of the emulator want a processor of their own, beside the guest's first cell."""


class DeviceWish(msgspec.Struct, frozen=True, kw_only=True):
    """PCI devices that a guest wants. What is empty may be anything."""

    alias: str
    count: int
    resource_class: str
    vendor_id: str = ""
    product_id: str = ""
    kind: str = ""
    traits: tuple[str, ...] = ()
    affinity: str = "legacy"
    """``required``, ``preferred``, ``legacy`` or ``socket``: how near to the guest's cells."""


class FreeCell(msgspec.Struct, frozen=True, kw_only=True):
    """What a host's cell has left."""

    id: int
    socket: int = 0
    dedicated: tuple[int, ...] = ()
    """Processors that a guest may have for itself."""
    cores: tuple[tuple[int, ...], ...] = ()
    """The threads of each core that has several, free or not."""
    shared: tuple[int, ...] = ()
    """Processors that guests share."""
    vcpus: int = 0
    """Virtual processors that these still take."""
    memory_mib: int = 0
    most_memory_mib: int = 0
    """What the largest guest may have of an empty cell."""
    pages: tuple[Pages, ...] = ()


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What a host has left for guests that are particular about cells and devices."""

    cells: tuple[FreeCell, ...] = ()
    devices: tuple[PciDevice, ...] = ()


class SeatCell(msgspec.Struct, frozen=True, kw_only=True):
    """A guest's cell of memory, and where it lies on the host."""

    id: int
    node: int
    """The host's cell."""
    cpus: tuple[int, ...]
    memory_mib: int
    page_kib: int = 0
    """Size of its pages; 0 are the host's small ones, which nobody asked for."""
    pins: tuple[tuple[int, int], ...] = ()
    """Virtual processors with the host's processor that each has for itself."""
    kept: tuple[int, ...] = ()
    """Processors of the host that nobody may use, as they share a core with one of ``pins``."""
    shared: tuple[int, ...] = ()
    """Processors of the host that all other virtual processors of the cell run on."""
    siblings: tuple[tuple[int, ...], ...] = ()
    """Virtual processors that share a core."""
    emulator: tuple[int, ...] = ()
    """The host's processors that the emulator's threads have for themselves."""


class SeatDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A PCI device that a guest has."""

    address: str
    alias: str
    vendor_id: str
    product_id: str
    kind: str
    resource_class: str
    provider: str
    node: int | None = None


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """What of its host a guest has for itself, or is bound to."""

    cells: tuple[SeatCell, ...] = ()
    devices: tuple[SeatDevice, ...] = ()

    @property
    def pins(self) -> dict[int, int]:
        """The host's processor of each virtual one that has one."""
        return {virtual: cpu for cell in self.cells for virtual, cpu in cell.pins}

    @property
    def taken(self) -> frozenset[int]:
        """The host's processors that nobody else may use."""
        return frozenset(cpu for cell in self.cells
                         for cpu in (*(one for _, one in cell.pins), *cell.kept, *cell.emulator))
