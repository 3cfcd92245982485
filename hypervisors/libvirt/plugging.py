"""Devices that come and go while a guest exists: into the running one, and into what it is at its next start."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import libvirt

from ...core.drivers.hypervisor import Power
from ...core.errors import BackendBusy, WrongState
from .connection import translated
from .domains import Domains
from .state import power_of

Find = Callable[[str], "ET.Element | None"]
"""Finds a device in a domain's description."""


class Plugging(Domains):
    """Guests into which devices can be plugged."""

    def plug(self, guest: str, element: ET.Element, find: Find) -> None:
        """Plug the device in wherever ``find`` does not see it. :raises NotFound: there is no such guest."""
        with translated():
            domain = self.domain(guest)
            text = ET.tostring(element, encoding="unicode")
            for scope, present in scopes(domain):
                if find(present) is None:
                    domain.attachDeviceFlags(text, scope)

    def unplug(self, guest: str, find: Find) -> None:
        """Unplug the device wherever ``find`` sees it; nothing if the guest is gone.

        :raises BackendBusy: the guest does not let go of it.
        """
        domain = self.found(guest)
        if domain is None:
            return
        with translated():
            for scope, present in scopes(domain):
                element = find(present)
                if element is not None:
                    self._unplug_one(domain, scope, element, find)

    def _unplug_one(self, domain: libvirt.virDomain, scope: int, element: ET.Element, find: Find) -> None:
        text = ET.tostring(element, encoding="unicode")
        if scope == libvirt.VIR_DOMAIN_AFFECT_CONFIG:
            domain.detachDeviceFlags(text, scope)
        elif not self.ask(lambda: domain.detachDeviceFlags(text, scope),
                          lambda: find(domain.XMLDesc(0)) is None, self.options.unplug_s):
            raise BackendBusy("the guest does not let go of the device")


def scopes(domain: libvirt.virDomain) -> list[tuple[int, str]]:
    """Where a device must come or go, with the description there: the running guest first, then its next start."""
    if power_of(domain) is Power.SUSPENDED:
        raise WrongState("the guest is suspended")
    config = (libvirt.VIR_DOMAIN_AFFECT_CONFIG, domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    return [(libvirt.VIR_DOMAIN_AFFECT_LIVE, domain.XMLDesc(0)), config] if domain.isActive() else [config]
