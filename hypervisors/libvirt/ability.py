"""What QEMU and libvirt of this host can give a guest, as libvirt's domain capabilities say."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

from ...core.errors import NotSupported

GRAPHICS = ("bochs", "cirrus", "none", "qxl", "vga", "virtio", "vmvga")
BUSES = ("ide", "sata", "scsi", "usb", "virtio")
NICS = ("e1000", "e1000e", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3")


class Abilities:
    """The abilities for one machine type; of an empty description nothing is known, and libvirt decides."""

    def __init__(self, text: str = "") -> None:
        self._root = ET.fromstring(text) if text else None

    def values(self, place: str, kind: str) -> frozenset[str]:
        """The values of one list, e.g. of ``devices/video`` and ``modelType``."""
        if self._root is None:
            return frozenset()
        return frozenset(one.text or "" for one in self._root.iterfind(f"./{place}/enum[@name='{kind}']/value"))

    def has(self, place: str, kind: str, value: str) -> bool:
        """Tell whether a value is in a list, or nothing is known."""
        return self._root is None or value in self.values(place, kind)

    def need(self, place: str, kind: str, value: str, what: str) -> None:
        """:raises NotSupported: the host does not have ``value``."""
        if not self.has(place, kind, value):
            raise NotSupported(f"this host has no {what} {value[:30]}")

    def processor_usable(self, model: str) -> bool:
        """Tell whether a guest can have the processor ``model``, or nothing is known."""
        if self._root is None:
            return True
        models = self._root.iterfind("./cpu/mode[@name='custom']/model[@usable='yes']")
        return model in [one.text for one in models]

    def traits(self) -> set[str]:
        """Placement's traits for what the host can give."""
        found = {"COMPUTE_FIRMWARE_BIOS", "COMPUTE_RESCUE_BFV"}
        found |= {"COMPUTE_NET_VIF_MODEL_" + one.upper() for one in NICS}
        if "efi" in self.values("os", "firmware"):
            found.add("COMPUTE_FIRMWARE_UEFI")
            if "yes" in self.values("os/loader", "secure"):
                found.add("COMPUTE_SECURITY_UEFI_SECURE_BOOT")
        if "emulator" in self.values("devices/tpm", "backendModel"):
            versions, models = self.values("devices/tpm", "backendVersion"), self.values("devices/tpm", "model")
            found |= {"COMPUTE_SECURITY_TPM_" + one.replace(".", "_") for one in versions & {"1.2", "2.0"}}
            found |= {"COMPUTE_SECURITY_" + one.upper().replace("-", "_") for one in models & {"tpm-tis", "tpm-crb"}}
        shown, buses = self.values("devices/video", "modelType"), self.values("devices/disk", "bus")
        found |= {"COMPUTE_GRAPHICS_MODEL_" + one.upper() for one in GRAPHICS if one in shown}
        return found | {"COMPUTE_STORAGE_BUS_" + one.upper() for one in BUSES if one in buses}


AbilitiesOf = Callable[[str], Abilities]
"""The abilities by machine type. :raises NotSupported: the host has no such machine."""


def unknown(machine: str) -> Abilities:
    """Abilities of which nothing is known."""
    return Abilities()
