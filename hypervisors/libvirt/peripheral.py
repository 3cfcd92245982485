"""Devices that images and flavors may ask for: watchdog, source of chance, screen, pointer, TPM."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ...core.errors import NotSupported
from .ability import Abilities
from .options import LibvirtOptions
from .wish import Wishes, number, one_of, truth

WATCHDOG_MODEL = "i6300esb"
ENTROPY = "/dev/urandom"


def add_all(devices: ET.Element, wishes: Wishes, options: LibvirtOptions, abilities: Abilities) -> None:
    """Every device of this module that is asked for. :raises NotSupported: one cannot be given."""
    add_video(devices, wishes, options, abilities)
    add_watchdog(devices, wishes)
    add_chance(devices, wishes)
    add_pointer(devices, wishes)
    add_tpm(devices, wishes, abilities)


def add_watchdog(devices: ET.Element, wishes: Wishes) -> None:
    """A card that acts when the guest no longer feeds it."""
    known = ("disabled", "reset", "poweroff", "pause", "none")
    action = one_of("hw_watchdog_action", wishes.either("watchdog_action") or "disabled", known)
    if action != "disabled":
        ET.SubElement(devices, "watchdog", model=WATCHDOG_MODEL, action=action)


def add_chance(devices: ET.Element, wishes: Wishes) -> None:
    """A source of chance, unless the flavor forbids it; the flavor may bound it in bytes a period of milliseconds."""
    one_of("hw_rng_model", wishes.image("hw_rng_model") or "virtio", ("virtio",))
    if not truth("hw_rng:allowed", wishes.flavor("hw_rng:allowed") or "true"):
        return
    device = ET.SubElement(devices, "rng", model="virtio")
    rate = number("hw_rng:rate_bytes", wishes.flavor("hw_rng:rate_bytes"))
    period_ms = number("hw_rng:rate_period", wishes.flavor("hw_rng:rate_period"))
    if rate:
        ET.SubElement(device, "rate", {"bytes": str(rate), **({"period": str(period_ms)} if period_ms else {})})
    ET.SubElement(device, "backend", model="random").text = ENTROPY


def add_video(devices: ET.Element, wishes: Wishes, options: LibvirtOptions, abilities: Abilities) -> None:
    """The card behind the screens. Its memory is the image's to ask and the flavor's to allow."""
    asked = wishes.image("hw_video_model")
    if asked:
        abilities.need("devices/video", "modelType", asked, "video card")
    model = ET.Element("model", type=asked or ("vga" if options.vnc or options.spice else "none"))
    ram_mib = number("hw_video_ram", wishes.image("hw_video_ram"))
    limit_mib = number("hw_video:ram_max_mb", wishes.flavor("hw_video:ram_max_mb"))
    if ram_mib > limit_mib:
        raise NotSupported(f"the image asks for {ram_mib} MiB of video memory; the flavor allows {limit_mib}")
    if ram_mib:
        model.set("vram", str(ram_mib * 1024))
    ET.SubElement(devices, "video").append(model)


def add_pointer(devices: ET.Element, wishes: Wishes) -> None:
    """A tablet, which knows where it points; a mouse is there anyway."""
    bus = one_of("hw_input_bus", wishes.image("hw_input_bus") or "usb", ("usb", "virtio"))
    model = one_of("hw_pointer_model", wishes.image("hw_pointer_model") or "ps2mouse", ("ps2mouse", "usbtablet"))
    if model == "usbtablet" or wishes.image("hw_input_bus"):
        ET.SubElement(devices, "input", type="tablet", bus=bus)
    if wishes.image("hw_input_bus"):
        ET.SubElement(devices, "input", type="keyboard", bus=bus)


def add_tpm(devices: ET.Element, wishes: Wishes, abilities: Abilities) -> None:
    """A TPM of software; libvirt keeps its state by the guest's id and removes it with the domain."""
    version, model = wishes.agreed("tpm_version"), wishes.agreed("tpm_model")
    if not version:
        if model:
            raise NotSupported("hw_tpm_model needs hw_tpm_version")
        return
    one_of("hw_tpm_version", version, ("1.2", "2.0"))
    one_of("hw_tpm_model", model or "tpm-tis", ("tpm-tis", "tpm-crb"))
    if model == "tpm-crb" and version == "1.2":
        raise NotSupported("a TPM 1.2 has no interface tpm-crb")
    abilities.need("devices/tpm", "backendModel", "emulator", "TPM")
    abilities.need("devices/tpm", "backendVersion", version, "TPM of version")
    device = ET.SubElement(devices, "tpm", model=model or "tpm-tis")
    ET.SubElement(device, "backend", type="emulator", version=version)
