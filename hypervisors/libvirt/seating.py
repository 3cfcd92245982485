"""A guest's seat in its domain: which of the host's processors, cells and PCI devices are its own."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterator, Sequence

from ...core.drivers.topology import Seat, SeatCell, SeatDevice, cpu_text
from .realtime import NONE, Threads, emulator_cpus

SMALL_KIB = 4
PINS = ("vcpupin", "emulatorpin")


def bind(root: ET.Element, seat: Seat, shared: Collection[int], cells: int, asked: Threads = NONE) -> None:
    """Tie a domain to its seat on a host of so many ``cells``, in place of what was said before.

    An emulated guest's processors are told apart by some QEMUs only: there all run on all of the seat's, unless it
    asks for their threads to differ. Virtual processors without one of the host's run on those of their cell that are
    shared; a guest without cells on all that are ``shared``.
    """
    vcpu = root.find("vcpu")
    tune = _emptied(root)
    places = {virtual: cpu_text([cpu]) for virtual, cpu in seat.pins.items()}
    for cell in seat.cells:
        places.update({virtual: cpu_text(cell.shared) for virtual in cell.cpus if virtual not in places})
    everywhere = {cpu for cell in seat.cells for cpu in (*(one for _, one in cell.pins), *cell.shared)} or set(shared)
    if vcpu is not None:
        vcpu.attrib.pop("cpuset", None)
        if everywhere:
            vcpu.set("cpuset", cpu_text(everywhere))
    if any(places.values()) and (asked or root.get("type") != "qemu"):
        for virtual, cpus in sorted(places.items()):
            if cpus:
                ET.SubElement(tune, "vcpupin", vcpu=str(virtual), cpuset=cpus)
        emulator = emulator_cpus(seat, asked, frozenset(everywhere), frozenset(shared))
        ET.SubElement(tune, "emulatorpin", cpuset=cpu_text(emulator))
    if not len(tune):
        root.remove(tune)
    _memory(root, seat.cells if cells > 1 else ())


def _emptied(root: ET.Element) -> ET.Element:
    """The element of processors' tuning without what ties them."""
    tune = root.find("cputune")
    if tune is None:
        tune = ET.Element("cputune")
        root.insert(_after(root, "vcpu"), tune)
    for old in [one for one in tune if one.tag in PINS]:
        tune.remove(old)
    return tune


def _after(root: ET.Element, tag: str) -> int:
    place = root.find(tag)
    return list(root).index(place) + 1 if place is not None else 0


def _memory(root: ET.Element, cells: Sequence[SeatCell]) -> None:
    """Take the memory of each of the guest's cells from the host's cell where it lies."""
    old = root.find("numatune")
    if old is not None:
        root.remove(old)
    if not cells:
        return
    tune = ET.Element("numatune")
    ET.SubElement(tune, "memory", mode="strict", nodeset=cpu_text(cell.node for cell in cells))
    if len(cells) > 1:
        for cell in cells:
            ET.SubElement(tune, "memnode", cellid=str(cell.id), mode="strict", nodeset=str(cell.node))
    root.insert(_after(root, "cputune") or _after(root, "vcpu"), tune)


def layout(seat: Seat) -> Sequence[tuple[Sequence[int], int]]:
    """Processors and memory, in MiB, of each of the guest's cells."""
    return [(cell.cpus, cell.memory_mib) for cell in seat.cells]


def pages(seat: Seat, several: bool) -> ET.Element | None:
    """The element that asks for the large pages of the seat's cells; None for those all memory has.

    ``several`` says that the guest itself has cells, so that each can have its own.
    """
    large = [cell for cell in seat.cells if cell.page_kib > SMALL_KIB]
    if not large:
        return None
    root = ET.Element("memoryBacking")
    sizes = ET.SubElement(root, "hugepages")
    for size in sorted({cell.page_kib for cell in large}):
        page = ET.SubElement(sizes, "page", size=str(size), unit="KiB")
        if several:
            page.set("nodeset", cpu_text(cell.id for cell in large if cell.page_kib == size))
    return root


def hostdevs(devices: Sequence[SeatDevice]) -> Iterator[ET.Element]:
    """The elements of a guest's PCI devices, which libvirt takes from the host and gives back to it."""
    for device in devices:
        element = ET.Element("hostdev", mode="subsystem", type="pci", managed="yes")
        domain, bus, rest = device.address.split(":")
        slot, _, function = rest.partition(".")
        ET.SubElement(ET.SubElement(element, "source"), "address", domain=f"0x{domain}", bus=f"0x{bus}",
                      slot=f"0x{slot}", function=f"0x{function}")
        yield element
