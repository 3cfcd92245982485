"""The simulated host's cells, cores and PCI devices, and who has which of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...core.drivers.hypervisor import GuestSpec
from ...core.drivers.topology import KINDS, HostCell, Pages, PciDevice, cpu_text
from ...core.errors import BackendFailed, BadConfiguration
from .guest import Guest, parts

KEYS = ("address", "vendor_id", "product_id", "node", "kind", "parent")


def cells(vcpus: int, memory_mib: int, count: int, threads: int, pages: Sequence[str]) -> tuple[HostCell, ...]:
    """Processors and memory shared out to ``count`` cells, each a socket; ``threads`` of its processors are a core.

    :raises BadConfiguration: they cannot be shared out evenly, or ``pages`` are no sizes with counts.
    """
    if count < 1:
        return ()
    each = vcpus // count
    if threads < 1 or vcpus % count or each % threads:
        raise BadConfiguration(f"{vcpus} processors cannot be shared out to {count} cells with cores of {threads}")
    found = tuple(_pages(entry) for entry in pages)
    return tuple(HostCell(
        id=number, socket=number, cpus=cpu_text(range(number * each, number * each + each)),
        memory_mib=memory_mib // count, pages=found, cores=tuple(
            cpu_text(range(first, first + threads))
            for first in range(number * each, number * each + each, threads)) if threads > 1 else ())
        for number in range(count))


def _pages(entry: str) -> Pages:
    size, _, count = entry.partition(":")
    if not (size.isdecimal() and count.isdecimal()):
        raise BadConfiguration(f"{entry!r} is no size of pages in KiB with a count, such as 2048:512")
    return Pages(int(size), int(count))


def devices(entries: Iterable[str]) -> tuple[PciDevice, ...]:
    """Devices as the options have them. :raises BadConfiguration: an entry is improper."""
    return tuple(_device(entry) for entry in entries)


def _device(entry: str) -> PciDevice:
    given = dict(word.partition("=")[::2] for word in entry.split())
    if not given.keys() <= set(KEYS) or not all(given.get(key) for key in KEYS[:3]):
        raise BadConfiguration(f"{entry!r} is no PCI device: it needs {', '.join(KEYS[:3])}, and may have "
                               f"{', '.join(KEYS[3:])}")
    node, kind = given.get("node", ""), given.get("kind", KINDS[0])
    if (node and not node.isdecimal()) or kind not in KINDS:
        raise BadConfiguration(f"{entry!r}: node is a number, kind one of {', '.join(KINDS)}")
    return PciDevice(address=given["address"], vendor_id=given["vendor_id"], product_id=given["product_id"],
                     node=int(node) if node else None, kind=kind, parent=given.get("parent", ""))


def refuse_doubles(guests: Iterable[Guest], spec: GuestSpec, vcpus: int, known: Iterable[PciDevice]) -> None:
    """See that nobody has what a guest is to have for itself, and that the host has it.

    :raises BackendFailed: somebody has, or it does not exist.
    """
    wanted = set(parts(spec.seat))
    exist = {*(f"cpu {cpu}" for cpu in range(vcpus)), *(f"device {one.address}" for one in known)}
    if strange := sorted(wanted - exist):
        raise BackendFailed(f"this host has no {strange[0]}")
    for guest in guests:
        if guest.id != spec.guest and (both := sorted(wanted.intersection((*guest.parts, *guest.parts_before)))):
            raise BackendFailed(f"{both[0]} is another guest's already")
    if spec.seat is not None and spec.shared_cpus:
        floating = {cpu for cell in spec.seat.cells for cpu in cell.shared}
        if floating - set(spec.shared_cpus):
            raise BackendFailed(f"the processors {cpu_text(floating)} are not all for sharing")
