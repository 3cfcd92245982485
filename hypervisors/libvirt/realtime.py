"""Virtual processors that run in real time, and where the emulator's own threads run.

Source: the compute reference's extra specs ``hw:cpu_realtime``, ``hw:cpu_realtime_mask`` and
``hw:emulator_threads_policy``.
"""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET

from ...core.drivers.hypervisor import GuestSpec
from ...core.drivers.topology import Seat, cpu_mask, cpu_text
from ...core.errors import NotSupported
from .options import LibvirtOptions
from .wish import Wishes, one_of, truth

SHARE, ISOLATE = "share", "isolate"


@dataclasses.dataclass(frozen=True)
class Threads:
    """How the threads of a guest differ from others'."""

    realtime: frozenset[int] = frozenset()
    """The virtual processors that run in real time."""
    emulator: str = ""
    """``share``, ``isolate``, or nothing: beside the guest's processors."""

    def __bool__(self) -> bool:
        return bool(self.realtime or self.emulator)


NONE = Threads()


def threads(spec: GuestSpec) -> Threads:
    """What is asked for. :raises NotSupported: it cannot be had on the guest's seat."""
    wishes = Wishes.of(spec)
    policy = wishes.flavor("hw:emulator_threads_policy")
    if policy:
        one_of("hw:emulator_threads_policy", policy, (SHARE, ISOLATE))
    if policy == ISOLATE and not (spec.seat is not None and any(cell.emulator for cell in spec.seat.cells)):
        raise NotSupported("the guest has no processor for the emulator's threads on this host")
    if not truth("hw:cpu_realtime", wishes.flavor("hw:cpu_realtime")):
        return Threads(emulator=policy)
    mask = wishes.image("hw_cpu_realtime_mask") or wishes.flavor("hw:cpu_realtime_mask")
    try:
        realtime = frozenset(cpu_mask(mask, spec.vcpus) if mask else range(spec.vcpus))
    except ValueError as exc:
        raise NotSupported(f"hw:cpu_realtime_mask: {exc}") from exc
    if spec.seat is None or not realtime or not realtime <= spec.seat.pins.keys():
        raise NotSupported("processors that run in real time need one of the host's each")
    return Threads(realtime, policy)


def emulator_cpus(seat: Seat, asked: Threads, everywhere: frozenset[int], shared: frozenset[int]) -> frozenset[int]:
    """The host's processors for the emulator's threads: never those of processors in real time, if there are others."""
    if asked.emulator == ISOLATE:
        return frozenset(cpu for cell in seat.cells for cpu in cell.emulator)
    if asked.emulator == SHARE and shared:
        return shared
    busy = {cpu for virtual, cpu in seat.pins.items() if virtual in asked.realtime}
    return everywhere - busy or everywhere


def schedule(root: ET.Element, asked: Threads, options: LibvirtOptions) -> None:
    """Give a domain's processors their scheduling class, and keep its memory from being moved meanwhile."""
    tune = root.find("cputune")
    if not asked.realtime or tune is None:
        return
    ET.SubElement(tune, "vcpusched", vcpus=cpu_text(asked.realtime), scheduler="fifo",
                  priority=str(options.realtime_priority))
    memory = root.find("memoryBacking")
    if memory is None:
        memory = ET.SubElement(root, "memoryBacking")
    ET.SubElement(memory, "nosharepages")
    if options.realtime_lock_memory:
        ET.SubElement(memory, "locked")
