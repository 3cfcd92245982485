"""Guests that are rescued: they start from another disk for a while, with their own beside it."""

from __future__ import annotations

import contextlib

import libvirt

from ...core.drivers.hypervisor import GuestSpec, Power, Rescuable
from .connection import translated
from .disks import GuestFolder
from .domains import Domains
from .state import power_of

KEPT = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


class Rescuing(Domains, Rescuable):
    """The facet of hosts that rescue guests."""

    def rescue(self, spec: GuestSpec) -> None:
        with translated(), contextlib.ExitStack() as undo:
            domain, folder = self.domain(spec.guest), self.folder(spec.guest)
            if folder.before_rescue.exists() and power_of(domain) is Power.RUNNING:
                return
            self.stop(spec.guest, 0)
            undo.callback(self._own_disks, folder)
            if not folder.before_rescue.exists():
                folder.keep(folder.before_rescue, domain.XMLDesc(KEPT))
            self.furnish(folder, spec)
            self.begin(self.define(self.described(spec)))
            undo.pop_all()

    def unrescue(self, spec: GuestSpec) -> None:
        with translated():
            self.domain(spec.guest)
            self.learn(spec)
            folder = self.folder(spec.guest)
            if folder.before_rescue.exists():
                self.stop(spec.guest, 0)
                self._own_disks(folder)
        self.start(spec.guest)

    def _own_disks(self, folder: GuestFolder) -> None:
        """Make the guest, which is off, what it was before its rescue."""
        if folder.before_rescue.exists():
            self.define(folder.before_rescue.read_text())
            folder.forget_rescue()
