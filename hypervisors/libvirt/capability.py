"""What libvirt's capabilities say of a host: which kinds of guests it runs, and for which processors."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of guests a host can run, in libvirt's words."""

    os_type: str
    """``hvm``, ``xen``, ``exe``, ..."""
    domain_type: str
    """``qemu``, ``xen``, ``lxc``, ..."""
    architecture: str
    machine: str = ""
    """The machine type that is taken when none is named."""


def kinds(capabilities: str) -> list[Kind]:
    """The kinds of guests in libvirt's description of a host; those for the host's own processors come first."""
    root = ET.fromstring(capabilities)
    own = root.findtext("./host/cpu/arch") or ""
    return sorted(_kinds(root), key=lambda kind: kind.architecture != own)


def _kinds(root: ET.Element) -> Iterator[Kind]:
    for guest in root.iterfind("./guest"):
        for arch in guest.iterfind("arch"):
            for domain in arch.iterfind("domain"):
                yield Kind(guest.findtext("os_type") or "", domain.get("type", ""), arch.get("name", ""),
                           domain.findtext("machine") or arch.findtext("machine") or "")


def may_close(uri: str, capabilities: str, user: int) -> bool:
    """Tell whether a process of ``user`` can read guests' disks that only QEMU's own user may read."""
    if user == 0 or "///session" in uri:
        return True
    labels = ET.fromstring(capabilities).iterfind("./host/secmodel[model='dac']/baselabel")
    return any((label.text or "").startswith(f"+{user}:") for label in labels)
