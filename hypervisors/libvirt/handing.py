"""Guests that are handed over, shut down, from one libvirt host to another: their disks are fetched over NBD."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Mapping
from pathlib import Path

import libvirt

from ...core.drivers.base import Surroundings
from ...core.drivers.hypervisor import GuestSpec, Movable, Offer, Power
from .connection import translated
from .disks import GuestFolder
from .domains import Domains
from .export import Exports, sources
from .options import LibvirtOptions
from .qemu_img import Source
from .state import power_of


class Handing(Domains, Movable):
    """The facet of hosts that hand guests over, whatever their disks are."""

    def __init__(self, options: LibvirtOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._exports = Exports(options, surroundings.clock)

    @abc.abstractmethod
    def offered(self, domain: libvirt.virDomain) -> Mapping[str, Path]:
        """The files that make up a guest that is off, by the names they have after a move.

        :raises NotSupported: it cannot leave.
        """

    @abc.abstractmethod
    def take_in(self, spec: GuestSpec, name: str, source: Source) -> None:
        """Fetch one file that another host offers. :raises BackendFailed: its name is improper."""

    @abc.abstractmethod
    def fit(self, spec: GuestSpec) -> None:
        """See that the root disk fetched is as large as ``spec`` says."""

    def release(self, folder: GuestFolder) -> None:
        self._exports.close(folder)
        super().release(folder)

    def depart(self, guest: str, timeout_s: float) -> Offer:
        with translated():
            domain = self.domain(guest)
            self.offered(domain)
            self.stop(guest, timeout_s)
            return self._exports.open(self.folder(guest), self.offered(domain))

    def arrive(self, spec: GuestSpec, offer: Offer, start: bool) -> None:
        with translated(), contextlib.ExitStack() as undo:
            domain = self.found(spec.guest)
            if domain is None:
                undo.callback(self.destroy, spec.guest)
                self.described(spec)
                domain = self._made(spec, offer)
            if start and power_of(domain) is not Power.RUNNING:
                self.begin(domain)
                self.prove(domain, spec)
            undo.pop_all()

    def _made(self, spec: GuestSpec, offer: Offer) -> libvirt.virDomain:
        folder = self.folder(spec.guest)
        folder.make()
        keys = folder.path / "keys"
        keys.mkdir(mode=0o700)
        for name, source in sources(offer, keys).items():
            self.take_in(spec, name, source)
        for file in (*keys.iterdir(), keys):
            file.unlink() if file.is_file() else file.rmdir()
        self.fit(spec)
        self.furnish(folder, spec)
        return self.define(self.described(spec))

    def stay(self, spec: GuestSpec, start: bool) -> None:
        with translated():
            domain, folder = self.domain(spec.guest), self.folder(spec.guest)
            self._exports.close(folder)
            self.furnish(folder, spec)
            if power_of(domain) in (Power.SHUTDOWN, Power.CRASHED):
                domain = self.define(self.described(spec))
                if start:
                    self.begin(domain)
