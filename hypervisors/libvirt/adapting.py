"""The description of a guest on its way to another host: what it sees stays, where its things are changes."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from ...core.drivers.hypervisor import Disk, GuestSpec, Offer
from .device import INTERFACE_ALIAS, interface, volume_disk
from .disks import GuestFolder
from .domain import NAMESPACE
from .encryption import lock
from .realtime import threads
from .seating import bind
from .tuning import tie


def adapted(root: ET.Element, folder: GuestFolder, spec: GuestSpec, offer: Offer) -> ET.Element:
    """The domain with its files, volumes and wires as the target has them; what the guest sees stays."""
    old, new = str(folder.path), offer["folder"]
    for element in root.iter():
        for name, value in element.attrib.items():
            if value.startswith(old + "/"):
                element.set(name, new + value[len(old):])
        if element.tag == "nvram" and element.text and element.text.startswith(old + "/"):
            element.text = new + element.text[len(old):]
    if spec.seat is not None:
        bind(root, spec.seat, _numbers(offer.get("shared", "")), int(offer.get("cells", "1")), threads(spec))
    else:
        tie(root, _numbers(offer.get("pins", "")), _numbers(offer.get("shared", "")))
    for guest in root.iter(f"{{{NAMESPACE}}}guest"):
        guest.set("folder", str(Path(new).parent))
    volumes = {disk.volume_id: disk for disk in spec.disks if disk.connection is not None}
    for disk in root.iterfind("./devices/disk"):
        _adapt_disk(disk, volumes, spec.guest)
    vifs = {INTERFACE_ALIAS + vif.port_id: vif for vif in spec.vifs}
    for element in root.iterfind("./devices/interface"):
        alias = element.find("alias")
        vif = vifs.get(alias.get("name", "")) if alias is not None else None
        if vif is not None:
            _replace(element, interface(vif), ("source", "target"))
    return root


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]


def _adapt_disk(disk: ET.Element, volumes: Mapping[str, Disk], guest: str) -> None:
    for backing in disk.findall("backingStore"):
        disk.remove(backing)
    source = disk.find("source")
    path = Path(source.get("file", "")) if source is not None else Path()
    if source is not None and path.name.startswith("root-"):
        # Its layers become one.
        source.set("file", str(path.with_name("root-0.qcow2")))
    volume = volumes.get(disk.findtext("serial") or "")
    if volume is not None:
        fresh = lock(volume_disk(volume), volume, guest)
        disk.set("type", fresh.get("type", ""))
        _replace(disk, fresh, ("source",))


def _replace(element: ET.Element, fresh: ET.Element, tags: tuple[str, ...]) -> None:
    for tag in tags:
        old, new = element.find(tag), fresh.find(tag)
        if old is not None:
            place = list(element).index(old)
            element.remove(old)
            if new is not None:
                element.insert(place, copy.deepcopy(new))
