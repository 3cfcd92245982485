"""What images and flavors may ask that this driver does not give: refused, so that nobody believes he has it."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.errors import NotSupported
from .wish import FALSE, Wishes

IMAGE: Mapping[str, frozenset[str]] = {
    "hw_architecture": frozenset(("x86_64", "i686", "")),
    "hw_firmware_stateless": FALSE,
    "hw_pci_numa_affinity_policy": frozenset(("preferred", "legacy")),
}
EITHER: Mapping[str, frozenset[str]] = {
    "cpu_realtime": FALSE, "cpu_realtime_mask": frozenset(), "cpu_thread_policy": frozenset(("prefer",)),
    "emulator_threads_policy": frozenset(("share",)), "ephemeral_encryption": FALSE, "locked_memory": FALSE,
    "maxphysaddr_mode": frozenset(), "maxphysaddr_bits": frozenset(), "mem_encryption": FALSE, "pmem": frozenset(),
    "serial_port_count": frozenset(("1",)), "viommu_model": frozenset(), "virtio_packed_ring": FALSE,
}
"""By the names that follow ``hw_`` and ``hw:``; the values are those that ask for nothing."""
FLAVOR: Mapping[str, frozenset[str]] = {
    "accel:device_profile": frozenset(), "hw:cpu_dedicated_mask": frozenset(), "pci_passthrough:alias": frozenset(),
    "hw:pci_numa_affinity_policy": frozenset(("preferred", "legacy")),
}


SEATED = frozenset(("hw_cpu_thread_policy", "hw:cpu_thread_policy", "hw:cpu_dedicated_mask", "pci_passthrough:alias",
                    "hw:pci_numa_affinity_policy", "hw_pci_numa_affinity_policy", "hw:cpu_realtime",
                    "hw:cpu_realtime_mask", "hw_cpu_realtime_mask", "hw:emulator_threads_policy"))
"""What whoever gave a guest its seat has kept."""


KEYED = frozenset(("hw_ephemeral_encryption", "hw:ephemeral_encryption"))
"""What is kept for a guest that comes with a key for its disks."""


def refuse(wishes: Wishes, seated: bool = False, keyed: bool = False) -> None:
    """:raises NotSupported: something is asked for that no guest of this driver has, or none without a seat or key."""
    kept = (SEATED if seated else frozenset()) | (KEYED if keyed else frozenset())
    found = [(f"hw_{name}", wishes.image(f"hw_{name}"), idle) for name, idle in EITHER.items()]
    found += [(f"hw:{name}", wishes.flavor(f"hw:{name}"), idle) for name, idle in EITHER.items()]
    found += [(name, wishes.image(name), idle) for name, idle in IMAGE.items()]
    found += [(name, wishes.flavor(name), idle) for name, idle in FLAVOR.items()]
    for name, value, idle in found:
        if value and value.strip().lower() not in idle and name not in kept:
            raise NotSupported(f"this hypervisor cannot keep {name}={value[:30]}")
