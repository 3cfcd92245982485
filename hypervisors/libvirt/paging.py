"""The pages that back a guest's memory."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import NoSpace, NotSupported
from .wish import Wishes

HUGE = Path("/sys/kernel/mm/hugepages")
SMALL_KIB = 4
SIZE = re.compile(r"([0-9]{1,12})([kKMGT]?)i?([bB]|bit)?")
POWERS = {"": 0, "k": 0, "m": 1, "g": 2, "t": 3}


def free_pages(folder: Path = HUGE) -> dict[int, int]:
    """How many large pages the host has to spare, by their size in KiB."""
    found = {}
    for path in folder.glob("hugepages-*kB/free_hugepages"):
        found[int(path.parent.name.removeprefix("hugepages-").removesuffix("kB"))] = int(path.read_text())
    return found


def backing(memory_mib: int, wishes: Wishes, free: Mapping[int, int]) -> ET.Element | None:
    """The element that asks for large pages; None for those all memory has.

    ``large`` is the smallest large page that suffices, ``any`` that or, where there are too few, small ones. The image
    has a say only if the flavor is ``any`` or ``large``.

    :raises NotSupported: the host has no such pages, or the memory is no whole number of them.
    :raises NoSpace: too few of them are free.
    """
    flavor, image = wishes.flavor("hw:mem_page_size"), wishes.image("hw_mem_page_size")
    if image and flavor not in ("any", "large"):
        raise NotSupported("hw_mem_page_size needs a flavor whose hw:mem_page_size is any or large")
    if flavor == "large" and image in ("small", "any"):
        raise NotSupported(f"hw_mem_page_size={image} contradicts the flavor's large pages")
    asked = image or flavor
    if asked in ("", "small"):
        return None
    if asked in ("large", "any"):
        return _largish(memory_mib, asked == "large", free)
    size = kib(asked)
    if size == SMALL_KIB and flavor != "large":
        return None
    if size not in free:
        raise NotSupported(f"this host has no pages of {size} KiB")
    if memory_mib * 1024 % size:
        raise NotSupported(f"{memory_mib} MiB are no whole number of pages of {size} KiB")
    if free[size] * size < memory_mib * 1024:
        raise NoSpace(f"too few pages of {size} KiB are free on this host")
    return _element(size)


def _largish(memory_mib: int, needed: bool, free: Mapping[int, int]) -> ET.Element | None:
    for size, count in sorted(free.items()):
        if memory_mib * 1024 % size == 0 and count * size >= memory_mib * 1024:
            return _element(size)
    if needed:
        raise NoSpace("no large pages are free on this host for so much memory")
    return None


def kib(text: str) -> int:
    """A page size in KiB; a bare number is one already. :raises NotSupported: it is none."""
    match = SIZE.fullmatch(text)
    if match is None:
        raise NotSupported(f"{text[:30]} is no page size")
    amount = int(match[1]) << 10 * POWERS[match[2].lower()]
    return amount // 8 if match[3] == "bit" else amount


def _element(size_kib: int) -> ET.Element:
    root = ET.Element("memoryBacking")
    ET.SubElement(ET.SubElement(root, "hugepages"), "page", size=str(size_kib), unit="KiB")
    return root
