"""What a guest used, as the API shows it: freely named figures at first, the same fields everywhere since 2.48."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.drivers.hypervisor import GuestUse, NicUse

NICS = ("octets", "packets", "errors", "drop")


def older(memory_mib: int, use: GuestUse) -> Mapping[str, int]:
    """Figures by processor, disk and interface. Memory is in KiB, processor times in nanoseconds."""
    found: dict[str, int] = {f"cpu{number}_time": time for number, time in enumerate(use.cpu_times_ns)}
    for device, disk in use.disks.items():
        found |= {f"{device}_read": disk.read_bytes, f"{device}_read_req": disk.read_requests,
                  f"{device}_write": disk.write_bytes, f"{device}_write_req": disk.write_requests,
                  f"{device}_errors": disk.errors_count}
    for number, nic in enumerate(use.nics):
        found |= {f"vnet{number}_{way}" + ("" if what == "octets" else f"_{what}"): getattr(nic, f"{way}_{what}")
                  for way in ("rx", "tx") for what in NICS}
    found["memory"] = memory_mib * 1024
    if use.memory_used_mib is not None:
        found["memory-rss"] = use.memory_used_mib * 1024
    return found


def standard(row: Row, use: GuestUse, state: str, hypervisor: str | None) -> Mapping[str, Any]:
    """The fields of all hypervisors; what is not known is none."""
    busy = use.uptime_s * 1e9
    return {
        "state": state, "driver": "libvirt", "hypervisor": hypervisor, "hypervisor_os": None,
        "uptime": int(use.uptime_s), "config_drive": bool(row.config_drive), "num_cpus": len(use.cpu_times_ns),
        "num_nics": len(use.nics), "num_disks": len(use.disks),
        "memory_details": {"maximum": row.memory_mib, "used": use.memory_used_mib},
        "cpu_details": [{"id": number, "time": time, "utilisation": min(100, int(100 * time / busy)) if busy else 0}
                        for number, time in enumerate(use.cpu_times_ns)],
        "nic_details": [_nic(one) for one in use.nics],
        "disk_details": [{"read_bytes": one.read_bytes, "read_requests": one.read_requests,
                          "write_bytes": one.write_bytes, "write_requests": one.write_requests,
                          "errors_count": one.errors_count} for one in use.disks.values()]}


def _nic(nic: NicUse) -> Mapping[str, Any]:
    found: dict[str, Any] = {"mac_address": nic.mac_address}
    for way in ("rx", "tx"):
        found |= {f"{way}_{what}": getattr(nic, f"{way}_{what}") for what in NICS}
        found[f"{way}_rate"] = None
    return found
