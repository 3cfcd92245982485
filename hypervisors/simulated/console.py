"""The text a simulated guest has written to its serial console."""

from __future__ import annotations

import datetime
import re

from .guest import Guest

LINES = (
    (0.0, "Linux version 6.1.0-simulated (x86_64) #1 SMP"),
    (0.0, "Command line: root=LABEL=guestroot console=tty0 console=ttyS0 quiet"),
    (0.004, "Hypervisor detected: Stratolith simulated"),
    (0.011, "Memory: {memory_kib}K/{memory_kib}K available"),
    (0.023, "smp: Brought up 1 node, {vcpus} CPUs"),
    (0.214, "virtio-pci 0000:00:03.0: enabled"),
    (0.305, "virtio_blk virtio1: [vda] {sectors} 512-byte logical blocks"),
    (0.412, "EXT4-fs (vda1): mounted filesystem with ordered data mode"),
    (0.533, "random: crng init done"),
    (0.701, "init: entering runlevel 3"),
)


def hostname(name: str) -> str:
    """``name`` as a host name: letters, digits and hyphens, at most 63."""
    cleaned = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:63]
    return cleaned or "guest"


def boot_log(guest: Guest) -> str:
    """Everything ``guest`` wrote at the starts that are remembered."""
    return "".join(_one_boot(guest, moment) for moment in guest.boots)


def _one_boot(guest: Guest, moment: float) -> str:
    values = {"memory_kib": guest.size.memory_mib * 1024, "vcpus": guest.size.vcpus,
              "sectors": max(guest.size.disk_gib * 2_097_152, 2048)}
    name = hostname(guest.name)
    lines = [f"[{after:12.6f}] {text.format_map(values)}" for after, text in LINES]
    lines += [f"[{0.8 + place / 10:12.6f}] eth{place}: link up, address {mac}"
              for place, mac in enumerate(guest.macs.values())]
    when = datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    lines += [f"cloud: hostname {name}, instance {guest.id}, {when}", "cloud: ready", "", f"{name} login: "]
    return "\n".join(lines) + "\n"
