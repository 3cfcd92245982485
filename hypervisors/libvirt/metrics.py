"""How busy the host is, from libvirt's counters: what happened between two readings."""

from __future__ import annotations

from collections.abc import Mapping

import libvirt

from .connection import translated

KINDS = ("user", "kernel", "idle", "iowait")


class Gauge:
    """Remembers the last reading of the host's processor times."""

    def __init__(self) -> None:
        self._before: Mapping[str, int] = {}

    def read(self, handle: libvirt.virConnect) -> dict[str, float]:
        """What part of its time the host spent on what since the last reading, and how full its memory is."""
        with translated():
            times = handle.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS)
            memory = handle.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
        before, self._before = self._before, {kind: int(times.get(kind, 0)) for kind in KINDS}
        found = parts(before, self._before) if before else {}
        if memory.get("total"):
            free = memory.get("free", 0) + memory.get("cached", 0) + memory.get("buffers", 0)
            found["memory.percent"] = max(0.0, 1.0 - free / memory["total"])
        return found


def parts(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, float]:
    """The part of each kind in the time between two readings; nothing when none has passed."""
    spent = {kind: after[kind] - before[kind] for kind in KINDS}
    whole = sum(spent.values())
    if whole <= 0:
        return {}
    found = {f"cpu.{kind}.percent": spent[kind] / whole for kind in KINDS}
    found["cpu.percent"] = 1.0 - found["cpu.idle.percent"] - found["cpu.iowait.percent"]
    return found
