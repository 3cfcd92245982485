"""Consoles of a domain: the elements that give it some, and where the running domain has them."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

from ...core.drivers.hypervisor import ConsoleEndpoint, ConsoleKind
from ...core.errors import NotSupported
from .options import LibvirtOptions

SUN_PATH_BYTES = 107
"""Longer paths of sockets are not taken by the system."""


def add_serial(devices: ET.Element, log: Path, socket: Path) -> None:
    """The serial line: on a Unix socket where its path is short enough, and in the log always."""
    if len(os.fsencode(socket)) <= SUN_PATH_BYTES:
        serial = ET.SubElement(devices, "serial", type="unix")
        ET.SubElement(serial, "source", mode="bind", path=str(socket))
    else:
        serial = ET.SubElement(devices, "serial", type="pty")
    ET.SubElement(serial, "log", file=str(log), append="on")
    ET.SubElement(serial, "target", port="0")


def add_screens(devices: ET.Element, options: LibvirtOptions) -> None:
    """The screens that the options want, on Unix sockets for which libvirt finds a place."""
    if options.vnc:
        vnc = ET.SubElement(devices, "graphics", type="vnc", autoport="yes")
        if options.vnc_listen:
            ET.SubElement(vnc, "listen", type="address", address=options.vnc_listen)
        else:
            ET.SubElement(vnc, "listen", type="socket")
    if options.spice:
        ET.SubElement(ET.SubElement(devices, "graphics", type="spice"), "listen", type="socket")


def endpoint(domain_xml: str, kind: ConsoleKind) -> ConsoleEndpoint:
    """Where the running domain of this description has a console. :raises NotSupported: it has no such console."""
    root = ET.fromstring(domain_xml)
    if kind is ConsoleKind.SERIAL:
        source = root.find("./devices/serial/source[@mode='bind']")
        if source is not None and source.get("path"):
            return ConsoleEndpoint(kind, path=source.get("path", ""))
    else:
        graphics = root.find(f"./devices/graphics[@type='{kind.value}']")
        listen = graphics.find("listen") if graphics is not None else None
        if graphics is not None and listen is not None:
            if listen.get("type") == "socket" and listen.get("socket"):
                return ConsoleEndpoint(kind, path=listen.get("socket", ""))
            if listen.get("type") == "address" and int(graphics.get("port", "-1")) > 0:
                return ConsoleEndpoint(kind, host=listen.get("address", ""), port=int(graphics.get("port", "")))
    raise NotSupported(f"the guest has no console of kind {kind.value}")
