"""What a guest's image and flavor ask of it: image properties and extra specs, read in one place.

Source: the compute reference's pages on extra specs and image properties.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping

from ...core.drivers.hypervisor import GuestSpec
from ...core.errors import NotSupported

TRUE = frozenset(("1", "t", "true", "on", "y", "yes"))
FALSE = frozenset(("", "0", "f", "false", "off", "n", "no"))
NUMBER = re.compile(r"-?[0-9]{1,18}")
WISH = "wish"
"""The name of an element that says what outlasts the start of a guest."""
LASTING = re.compile(r"hw_disk_bus|hw_vif_model|hw_vif_multiqueue_enabled|hw:vif_multiqueue_enabled|quota:vif_.*"
                     r"|hw_qemu_guest_agent|os_require_quiesce")
"""What is asked of a guest after its start: when a device is plugged in or its disk is copied."""


class Wishes:
    """Image properties and extra specs of one guest. Words that say nothing known are refused where they are read."""

    def __init__(self, properties: Mapping[str, str], specs: Mapping[str, str]) -> None:
        self.properties = properties
        self.specs = specs

    @classmethod
    def of(cls, spec: GuestSpec) -> Wishes:
        """Those of ``spec``; the image is its root disk's, never a rescue's."""
        found = (disk.image for disk in spec.disks if disk.kind != "rescue" and disk.image is not None)
        image = next(found, None)
        return cls(image.properties if image is not None else {}, spec.extra_specs)

    def image(self, name: str) -> str:
        """The image property ``name``, or nothing."""
        return str(self.properties.get(name) or "")

    def flavor(self, name: str) -> str:
        """The extra spec ``name``, or nothing."""
        return str(self.specs.get(name) or "")

    def either(self, name: str) -> str:
        """The image property ``hw_NAME``, which wins, or the extra spec ``hw:NAME``."""
        return self.image(f"hw_{name}") or self.flavor(f"hw:{name}")

    def agreed(self, name: str, scope: str = "hw") -> str:
        """What the image or the flavor says. :raises NotSupported: each says something else."""
        mine, theirs = self.image(f"{scope}_{name}"), self.flavor(f"{scope}:{name}")
        if mine and theirs and mine != theirs:
            raise NotSupported(f"the image's {scope}_{name} {mine[:30]} contradicts the flavor's {theirs[:30]}")
        return mine or theirs

    def keep(self, element: ET.Element, namespace: str) -> None:
        """Write what lasts into a domain's metadata, a child of ``element`` each."""
        for name, value in sorted({**self.properties, **self.specs}.items()):
            if LASTING.fullmatch(name):
                ET.SubElement(element, f"{{{namespace}}}{WISH}", name=name, value=str(value))

    @classmethod
    def kept(cls, element: str) -> Wishes:
        """What was written into the metadata ``element``, which libvirt gives back without its namespace.

        The names tell image properties and extra specs apart.
        """
        children = [one for one in ET.fromstring(element).iter() if one.tag.rpartition("}")[2] == WISH]
        found = {one.get("name", ""): one.get("value", "") for one in children}
        return cls({name: value for name, value in found.items() if ":" not in name},
                   {name: value for name, value in found.items() if ":" in name})


def truth(name: str, value: str) -> bool:
    """What a word means. :raises NotSupported: it is neither true nor false."""
    word = value.strip().lower()
    if word not in TRUE | FALSE:
        raise NotSupported(f"{name} must be a truth value, not {value[:30]}")
    return word in TRUE


def number(name: str, value: str, least: int = 0) -> int:
    """The number a word means; 0 for none. :raises NotSupported: it is none, or less than ``least``."""
    if not value:
        return 0
    if not NUMBER.fullmatch(value) or int(value) < least:
        raise NotSupported(f"{name} must be a number of at least {least}, not {value[:30]}")
    return int(value)


def one_of(name: str, value: str, known: Collection[str]) -> str:
    """``value`` if it is known. :raises NotSupported: it is not."""
    if value not in known:
        raise NotSupported(f"this hypervisor cannot keep {name}={value[:30]}; it knows {', '.join(sorted(known))}")
    return value
