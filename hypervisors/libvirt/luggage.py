"""Which files go along when a machine moves, and what they are called on the way."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from .disks import GuestFolder

PROPER_NAME = re.compile(r"root-0|nvram|(ephemeral|swap)-[a-z]{2,4}")
WHOLE_FILE = re.compile(r"root-[0-9]{1,4}\.qcow2|(ephemeral|swap)-[a-z]{2,4}\.qcow2|base\.(raw|qcow2)")
"""Names of files that come as they are: encrypted disks, whose keys are not at hand where they leave."""


def local_disks(description: ET.Element, folder: GuestFolder) -> dict[str, Path]:
    """The files of a guest's own disks by the names they have after a move; layers of the root disk become one.

    Encrypted disks go as they are, all their layers and the image under them.
    What its firmware remembers goes along like a disk.
    """
    found = {folder.nvram.stem: folder.nvram} if folder.nvram.exists() else {}
    if any(path.parent == folder.path for path in _encrypted(description)):
        return found | folder.whole_files()
    for disk in description.iterfind("./devices/disk"):
        source = disk.find("source")
        path = Path(source.get("file", "")) if source is not None else Path()
        if disk.get("device") == "disk" and path.parent == folder.path:
            found["root-0" if path.name.startswith("root-") else path.stem] = path
    return found


def _encrypted(description: ET.Element) -> Iterator[Path]:
    """The files of a domain that are encrypted."""
    for source in description.iterfind("./devices/disk/source[encryption]"):
        yield Path(source.get("file", ""))
