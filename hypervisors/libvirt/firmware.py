"""How a guest boots: machine type, BIOS or UEFI, Secure Boot, boot menu."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path

from ...core.errors import NotSupported
from .ability import AbilitiesOf
from .wish import Wishes, one_of, truth

EXPRESS = "q35"
"""The machine with PCI Express and the system management mode that Secure Boot needs."""


@dataclasses.dataclass(frozen=True)
class Firmware:
    """What was chosen for a guest."""

    machine: str
    uefi: bool = False
    secure: bool = False

    @property
    def express(self) -> bool:
        """Whether the machine has PCI Express, and so no IDE."""
        return EXPRESS in self.machine


def chosen(wishes: Wishes, default_machine: str, abilities_of: AbilitiesOf) -> Firmware:
    """The firmware that is asked for. :raises NotSupported: the host does not have it."""
    kind = one_of("hw_firmware_type", wishes.image("hw_firmware_type") or "bios", ("bios", "uefi"))
    machine = wishes.image("hw_machine_type") or default_machine
    abilities = abilities_of(machine)
    wanted = one_of("os_secure_boot", wishes.agreed("secure_boot", "os") or "disabled",
                    ("disabled", "optional", "required"))
    if kind == "bios":
        if wanted == "required":
            raise NotSupported("Secure Boot needs hw_firmware_type=uefi")
        return Firmware(machine)
    abilities.need("os", "firmware", "efi", "firmware")
    if wanted == "required" and EXPRESS not in machine and not wishes.image("hw_machine_type"):
        machine, abilities = EXPRESS, abilities_of(EXPRESS)
    secure = EXPRESS in machine and abilities.has("os/loader", "secure", "yes")
    if wanted == "required" and not secure:
        raise NotSupported(f"this host has no Secure Boot for the machine type {machine[:30]}")
    return Firmware(machine, True, secure and wanted != "disabled")


def system(firmware: Firmware, wishes: Wishes, nvram: Path, boot: bool) -> ET.Element:
    """The element that says how to boot; UEFI keeps its variables in ``nvram``, made by libvirt at the first start."""
    root = ET.Element("os")
    if firmware.uefi:
        root.set("firmware", "efi")
    ET.SubElement(root, "type", arch="x86_64", machine=firmware.machine).text = "hvm"
    if firmware.uefi:
        answer = "yes" if firmware.secure else "no"
        features = ET.SubElement(root, "firmware")
        for name in ("enrolled-keys", "secure-boot"):
            ET.SubElement(features, "feature", enabled=answer, name=name)
        ET.SubElement(root, "nvram").text = str(nvram)
    if boot:
        ET.SubElement(root, "boot", dev="hd")
    if truth("hw_boot_menu", wishes.either("boot_menu")):
        ET.SubElement(root, "bootmenu", enable="yes")
    return root


def features(firmware: Firmware, wishes: Wishes, virt_type: str, translation_cache_mib: int) -> ET.Element:
    """What the machine can do beside computing."""
    root = ET.Element("features")
    ET.SubElement(root, "acpi")
    ET.SubElement(root, "apic")
    if firmware.secure:
        ET.SubElement(root, "smm", state="on")
    pmu = wishes.agreed("pmu")
    if pmu:
        ET.SubElement(root, "pmu", state="on" if truth("hw_pmu", pmu) else "off")
    if virt_type == "kvm" and truth("hide_hypervisor_id", _hiding(wishes)):
        ET.SubElement(ET.SubElement(root, "kvm"), "hidden", state="on")
    if virt_type == "qemu" and translation_cache_mib:
        ET.SubElement(ET.SubElement(root, "tcg"), "tb-cache", unit="MiB").text = str(translation_cache_mib)
    return root


def _hiding(wishes: Wishes) -> str:
    return wishes.image("img_hide_hypervisor_id") or wishes.flavor("hw:hide_hypervisor_id")
