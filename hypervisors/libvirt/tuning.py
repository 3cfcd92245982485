"""What a flavor lets a guest use of its host: shares of processors, rates of disks and interfaces.

Source: the compute reference's extra specs ``quota:``. Rates of interfaces are in KiB a second, bursts in KiB; times of
processors in microseconds.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection, Sequence

from ...core.errors import NotSupported
from .wish import Wishes, number

CPU = {"cpu_shares": ("shares", 1), "cpu_period": ("period", 1), "cpu_quota": ("quota", -(2 ** 62))}
RATES = tuple(f"{way}_{unit}_sec" for way in ("read", "write", "total") for unit in ("bytes", "iops"))
WAYS = ("inbound", "outbound")


def limit_processors(root: ET.Element, wishes: Wishes) -> None:
    """Say what share of the host's processors a domain gets."""
    for name, (tag, least) in CPU.items():
        value = wishes.flavor(f"quota:{name}")
        if value:
            ET.SubElement(_tune(root), tag).text = str(number(f"quota:{name}", value, least))


def tie(root: ET.Element, pins: Sequence[int], shared: Collection[int]) -> None:
    """Say which of the host's processors a domain runs on, in place of what was said before.

    Each virtual processor gets one of ``pins``; without those all run on ``shared``, and where that is empty, anywhere.
    An emulated guest's cannot be told apart: there all run on all of ``pins``.
    """
    tune, vcpu = root.find("cputune"), root.find("vcpu")
    if tune is not None:
        for old in [*tune.findall("vcpupin"), *tune.findall("emulatorpin")]:
            tune.remove(old)
        if not len(tune):
            root.remove(tune)
    cpuset = ",".join(map(str, sorted(pins or shared)))
    if vcpu is not None:
        vcpu.attrib.pop("cpuset", None)
        if cpuset:
            vcpu.set("cpuset", cpuset)
    if pins and root.get("type") != "qemu":
        for virtual, cpu in enumerate(pins):
            ET.SubElement(_tune(root), "vcpupin", vcpu=str(virtual), cpuset=str(cpu))
        ET.SubElement(_tune(root), "emulatorpin", cpuset=cpuset)


def _tune(root: ET.Element) -> ET.Element:
    found = root.find("cputune")
    return found if found is not None else ET.SubElement(root, "cputune")


def limit_disk(disk: ET.Element, wishes: Wishes) -> None:
    """Bound what a local disk may read and write. :raises NotSupported: a total beside its parts."""
    found: dict[str, int] = {}
    for rate in RATES:
        for suffix in ("", "_max", "_max_length"):
            name = f"quota:disk_{rate}{suffix}"
            value = number(name, wishes.flavor(name))
            if value:
                found[rate + suffix] = value
    for unit in ("bytes", "iops"):
        parts = [way for way in ("read", "write", "total") if f"{way}_{unit}_sec" in found]
        if "total" in parts and len(parts) > 1:
            raise NotSupported(f"quota:disk_total_{unit}_sec excludes quota:disk_{parts[0]}_{unit}_sec")
    if found:
        tune = ET.SubElement(disk, "iotune")
        for key, amount in found.items():
            ET.SubElement(tune, key).text = str(amount)


def limit_interface(interface: ET.Element, wishes: Wishes) -> None:
    """Bound what an interface may receive (inbound) and send (outbound)."""
    root = ET.Element("bandwidth")
    for way in WAYS:
        found = {kind: number(f"quota:vif_{way}_{kind}", wishes.flavor(f"quota:vif_{way}_{kind}"))
                 for kind in ("average", "peak", "burst")}
        if any(found.values()):
            if not found["average"]:
                raise NotSupported(f"quota:vif_{way}_peak and _burst need quota:vif_{way}_average")
            ET.SubElement(root, way, {kind: str(amount) for kind, amount in found.items() if amount})
    if len(root):
        interface.append(root)
