"""The host's cells of memory and its PCI devices, as libvirt tells of them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import libvirt

from ...core.drivers.topology import HostCell, Pages, PciDevice, cpu_list, cpu_text

SMALL_KIB = 4
ABSENT = (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_NO_NODE_DEVICE)


def cells(capabilities: str, memory_mib: int) -> tuple[HostCell, ...]:
    """The cells in libvirt's description of the host; an only one has all ``memory_mib``."""
    found = [_cell(element) for element in ET.fromstring(capabilities).iterfind("./host/topology/cells/cell")]
    found = [cell for cell in found if cell.cpus]
    if len(found) == 1:
        only = found[0]
        found = [HostCell(id=only.id, cpus=only.cpus, memory_mib=memory_mib, pages=only.pages, cores=only.cores,
                          socket=only.socket)]
    return tuple(found)


def _cell(element: ET.Element) -> HostCell:
    cpus = element.findall("./cpus/cpu")
    cores = sorted({siblings for cpu in cpus if len(siblings := cpu_list(cpu.get("siblings", ""))) > 1})
    pages = [Pages(int(page.get("size", "0")), int(page.text or "0")) for page in element.iterfind("pages")]
    return HostCell(
        id=int(element.get("id", "0")), cpus=cpu_text(int(cpu.get("id", "0")) for cpu in cpus),
        memory_mib=int(element.findtext("memory") or "0") // 1024,
        pages=tuple(page for page in pages if page.size_kib > SMALL_KIB and page.count),
        cores=tuple(cpu_text(core) for core in cores), socket=int(cpus[0].get("socket_id", "0")) if cpus else 0)


def devices(connection: libvirt.virConnect) -> tuple[PciDevice, ...]:
    """The host's PCI devices; none where libvirt has no driver for them."""
    try:
        listed = connection.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV)
    except libvirt.libvirtError as exc:
        if exc.get_error_code() in ABSENT:
            return ()
        raise
    return tuple(sorted(_described(listed), key=lambda device: device.address))


def _described(listed: list[libvirt.virNodeDevice]) -> Iterator[PciDevice]:
    for one in listed:
        try:
            found = device(one.XMLDesc(0))
        except libvirt.libvirtError as exc:
            if exc.get_error_code() == libvirt.VIR_ERR_NO_NODE_DEVICE:
                # It was unplugged meanwhile.
                continue
            raise
        if found is not None:
            yield found


def device(description: str) -> PciDevice | None:
    """The PCI device that libvirt describes so; none when it is none."""
    root = ET.fromstring(description).find("./capability[@type='pci']")
    if root is None:
        return None
    numbers = [int(root.findtext(name) or "0", 0) for name in ("domain", "bus", "slot", "function")]
    node = root.find("numa")
    parent = root.find("./capability[@type='phys_function']/address")
    physical = root.find("./capability[@type='virt_functions']")
    return PciDevice(
        address=_address(numbers), vendor_id=_id(root.find("vendor")), product_id=_id(root.find("product")),
        kind="type-VF" if parent is not None else "type-PF" if physical is not None else "type-PCI",
        node=int(node.get("node", "0")) if node is not None else None,
        parent="" if parent is None else _address(
            [int(parent.get(name, "0"), 0) for name in ("domain", "bus", "slot", "function")]))


def _address(numbers: list[int]) -> str:
    domain, bus, slot, function = numbers
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def _id(element: ET.Element | None) -> str:
    return f"{int(element.get('id', '0'), 0):04x}" if element is not None else ""
