"""The domain of a container, as libvirt wants it described."""

from __future__ import annotations

import shlex
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from ....core.drivers.hypervisor import GuestSpec
from ....core.drivers.network import Vif
from ....core.errors import NotSupported
from ..domain import ON_EVENTS, named, text
from ..plain_wish import refuse_all
from ..wish import Wishes, number
from .folder import ContainerFolder
from .volume_device import local, volume, volumes_of

INIT = "/sbin/init"
SEED = "/var/lib/cloud/seed/config_drive"
"""Where cloud-init looks for a config drive before it looks for devices."""
EPHEMERAL = "/mnt"
PERIOD_US = 100_000
WITHOUT = ("block_suspend", "dac_read_search", "mac_override", "sys_pacct", "sys_rawio", "syslog", "wake_alarm")
"""Rights over the machine that a container's root goes without, beside those that libvirt takes from it."""
KEPT = frozenset(("quota:cpu_shares", "quota:cpu_period", "quota:cpu_quota"))


def container_xml(spec: GuestSpec, folder: ContainerFolder, architecture: str) -> str:
    """The whole domain of ``spec`` over the files in ``folder``.

    :raises NotSupported: the guest asks for what a container cannot have.
    """
    wishes = Wishes.of(spec)
    refuse_all(wishes, KEPT)
    volumes = [*volumes_of(spec)]
    root = ET.Element("domain", type="lxc")
    named(root, spec, folder, wishes)
    text(root, "memory", str(spec.memory_mib), unit="MiB")
    swap_mib = sum(disk.size_mib or disk.size_gib * 1024 for disk in spec.disks if disk.kind == "swap")
    if swap_mib:
        # A container has no swap of its own: it may use so much of the machine's.
        text(ET.SubElement(root, "memtune"), "swap_hard_limit", str(spec.memory_mib + swap_mib), unit="MiB")
    text(root, "vcpu", str(spec.vcpus))
    root.append(_share(spec, wishes))
    system = ET.SubElement(root, "os")
    text(system, "type", "exe", arch=architecture)
    for number_of, word in enumerate(command(wishes)):
        text(system, "initarg" if number_of else "init", word)
    features = ET.SubElement(root, "features")
    # Without it a container without interfaces has all of the machine's.
    ET.SubElement(features, "privnet")
    rights = ET.SubElement(features, "capabilities", policy="default")
    for right in WITHOUT:
        ET.SubElement(rights, right, state="off")
    ET.SubElement(root, "clock", offset="utc")
    for event, action in ON_EVENTS:
        text(root, f"on_{event}", action)
    devices = ET.SubElement(root, "devices")
    devices.extend([*_file_systems(spec, folder)])
    if rescued(spec):
        # It may be damaged, so that the kernel could not mount it: whoever rescues it looks first.
        devices.extend(local(disk.device, folder.short(folder.root)) for disk in spec.disks if disk.kind == "root")
    devices.extend([volume(disk, folder) for disk in volumes])
    devices.extend([interface(vif) for vif in spec.vifs])
    ET.SubElement(devices, "console", type="pty")
    return ET.tostring(root, encoding="unicode")


def command(wishes: Wishes) -> list[str]:
    """What a container starts: of the image's ``os_command_line``, as a kernel reads it, ``init=`` and the other words.

    :raises NotSupported: its quotes do not match.
    """
    try:
        words = shlex.split(wishes.image("os_command_line"))
    except ValueError as exc:
        raise NotSupported("os_command_line cannot be read") from exc
    inits = [word.removeprefix("init=") for word in words if word.startswith("init=")]
    return [inits[-1] if inits else INIT, *(word for word in words if not word.startswith("init="))]


def _share(spec: GuestSpec, wishes: Wishes) -> ET.Element:
    """The part of the machine's processors: as many as the flavor has, or as its quota says of each."""
    root = ET.Element("cputune")
    shares = number("quota:cpu_shares", wishes.flavor("quota:cpu_shares"), 1)
    if shares:
        text(root, "shares", str(shares))
    period = number("quota:cpu_period", wishes.flavor("quota:cpu_period"), 1) or PERIOD_US
    quota = number("quota:cpu_quota", wishes.flavor("quota:cpu_quota"), -1) or period
    text(root, "period", str(period))
    text(root, "quota", str(quota * spec.vcpus if quota > 0 else quota))
    return root


def rescued(spec: GuestSpec) -> bool:
    """Tell whether a container is to start from a rescue disk."""
    return any(disk.kind == "rescue" for disk in spec.disks)


def _file_systems(spec: GuestSpec, folder: ContainerFolder) -> Iterator[ET.Element]:
    root = "rescue" if rescued(spec) else "root"
    targets = {root: "/"}
    for disk in spec.disks:
        if disk.kind in (root, "ephemeral"):
            element = ET.Element("filesystem", type="file", accessmode="passthrough")
            ET.SubElement(element, "driver", type="loop", format="raw")
            ET.SubElement(element, "source", file=str(folder.short(folder.disk(disk))))
            ET.SubElement(element, "target", dir=targets.get(disk.kind, f"{EPHEMERAL}/{disk.device}"))
            yield element
    if spec.config_drive is not None:
        element = ET.Element("filesystem", type="mount", accessmode="passthrough")
        ET.SubElement(element, "source", dir=str(folder.drive(spec)))
        ET.SubElement(element, "target", dir=SEED)
        ET.SubElement(element, "readonly")
        yield element


def interface(vif: Vif) -> ET.Element:
    """A network interface, found again by its address. :raises NotSupported: the kind of wiring is unknown here."""
    if vif.kind == "bridge":
        element = ET.Element("interface", type="bridge")
        ET.SubElement(element, "mac", address=vif.mac)
        ET.SubElement(element, "source", bridge=vif.bridge)
        ET.SubElement(element, "target", dev=vif.device)
    elif vif.kind == "none":
        element = ET.Element("interface", type="ethernet")
        ET.SubElement(element, "mac", address=vif.mac)
    else:
        raise NotSupported(f"a container cannot be joined by an interface of kind {vif.kind}")
    return element


def find_interface(domain_xml: str, mac: str) -> ET.Element | None:
    """The interface with this address in a domain, or None."""
    for element in ET.fromstring(domain_xml).iterfind("./devices/interface"):
        address = element.find("mac")
        if address is not None and address.get("address", "").lower() == mac.lower():
            return element
    return None
