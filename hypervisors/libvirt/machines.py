"""Guests of QEMU: how a host describes them, and what it gives them."""

from __future__ import annotations

import contextlib
import os

import libvirt

from ...core.drivers.base import Surroundings
from ...core.drivers.hypervisor import GuestSpec, HypervisorFacts
from ...core.drivers.topology import HostCell
from ...core.errors import WrongState
from . import fact, topology
from .capability import may_close
from .connection import translated
from .cpus import Dedicated, is_dedicated
from .disks import Disks, GuestFolder
from .domain import NAMESPACE, domain_xml
from .domains import Domains
from .firmware import EXPRESS
from .host import Host, dedicated_cpus, shared_cpus
from .inquiry import AbilityCache, prove_shares
from .limited import Limits
from .options import LibvirtOptions
from .paging import free_pages
from .qemu_img import QemuImg
from .secret import Secrets
from .wish import Wishes

ACCESS_LIST = "system.posix_acl_access"
"""A folder with it may be open to QEMU's user, though closed to others."""
OWN = ("root-*.qcow2", "ephemeral-*.qcow2", "swap-*.qcow2", "rescue-*.qcow2", "config-drive.iso")
"""Files of a guest's own that older releases left open to all users of the host."""


class Machines(Domains):
    """What all facets of a host of QEMU share."""

    serves = ("QEMU",)
    undefine = (libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)

    def __init__(self, options: LibvirtOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._limits = Limits(options)
        self.disks = Disks(self.images, QemuImg(options, self._limits))
        self.secrets = Secrets(self.handle)
        self.dedicated = Dedicated(self.guests, dedicated_cpus(options, fact.vcpus()))
        self._abilities = AbilityCache(self.handle, options.virt_type)
        self._cpu: tuple[str, tuple[str, ...]] | None = None
        self._cells: tuple[HostCell, ...] | None = None

    def open(self) -> None:
        super().open()
        with translated():
            self._close_disks()
        if self.options.uri.startswith("qemu:///system") and not self.options.qemu_user:
            self._warn_of_closed_folders()

    def _close_disks(self) -> None:
        """Close guests' disks to all but their owner, where this process can still read those of guests that run.

        libvirt gives them to QEMU's user meanwhile.
        """
        closed = may_close(self.options.uri, self.handle().getCapabilities(), os.geteuid())
        self._limits.closed = closed
        for folder in self.guests.iterdir() if closed else ():
            for path in (path for kind in OWN for path in folder.glob(kind)):
                # A guest may go while it is looked at.
                with contextlib.suppress(FileNotFoundError):
                    path.chmod(0o600)

    def facts(self) -> HypervisorFacts:
        handle = self.handle()
        with translated():
            if self._cpu is None:
                self._cpu = fact.cpu(handle, self.options.virt_type)
            version = handle.getVersion()
            shown = {trait for machine in sorted({self.options.machine, EXPRESS})
                     for trait in self._abilities.of(machine).traits()}
            devices = topology.devices(handle)
        model, features = self._cpu
        return HypervisorFacts("QEMU", version, self.surroundings.host, fact.vcpus(), fact.memory_mib(),
                               fact.disk_gib(self.guests), cpu_model=model, cpu_features=features,
                               disk_formats=("raw", "qcow2"), traits=(*fact.traits(features), *sorted(shown)),
                               cells=self._topology(), devices=devices, dedicated_cpus=self.options.cpu_dedicated_set,
                               shared_cpus=self.options.cpu_shared_set)

    def learn(self, spec: GuestSpec) -> None:
        self.secrets.keep(spec)

    def furnish(self, folder: GuestFolder, spec: GuestSpec) -> None:
        self.learn(spec)
        self.disks.make(folder, spec)

    def spawn(self, spec: GuestSpec) -> None:
        if self.found(spec.guest) is not None:
            with translated():
                self.secrets.keep(spec)
        super().spawn(spec)

    def begin(self, domain: libvirt.virDomain) -> None:
        try:
            domain.create()
        except libvirt.libvirtError as exc:
            if exc.get_error_code() == libvirt.VIR_ERR_NO_SECRET:
                raise WrongState("the passphrase of an encrypted disk or volume is not known to this host any more",
                                 detail=str(exc)) from exc
            raise

    def prove(self, domain: libvirt.virDomain, spec: GuestSpec) -> None:
        prove_shares(domain, Wishes.of(spec))

    def release(self, folder: GuestFolder) -> None:
        self.secrets.drop_all(folder.path.name)

    def described(self, spec: GuestSpec) -> str:
        self.refuse_giants(spec)
        return domain_xml(spec, self.folder(spec.guest), self.options, self.host(spec))

    def host(self, spec: GuestSpec) -> Host:
        """This host as the guest of ``spec`` meets it.

        A guest that wants dedicated processors and comes without a seat gets some of those the options give away.
        """
        folder = self.folder(spec.guest)
        if spec.seat is not None:
            self.dedicated.see_free(folder, spec.seat.taken)
            if not folder.before_rescue.exists():
                self.dedicated.release(folder)
            return Host(self._abilities.of, (), frozenset(spec.shared_cpus), len(self._topology()), free_pages())
        if is_dedicated(Wishes.of(spec)):
            return Host(self._abilities.of, self.dedicated.take(folder, spec.vcpus), free_pages=free_pages())
        if not folder.before_rescue.exists():
            self.dedicated.release(folder)
        shared = frozenset(spec.shared_cpus) or shared_cpus(self.options, fact.vcpus())
        return Host(self._abilities.of, (), shared, free_pages=free_pages())

    def _topology(self) -> tuple[HostCell, ...]:
        if self._cells is None:
            with translated():
                self._cells = topology.cells(self.handle().getCapabilities(), fact.memory_mib())
        return self._cells

    def wishes(self, guest: str) -> Wishes:
        """What outlasts the guest's start of what its image and flavor ask. :raises NotFound: no such guest."""
        domain = self.domain(guest)
        return Wishes.kept(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE))

    def _warn_of_closed_folders(self) -> None:
        """QEMU runs as a user of libvirt's, who must be able to reach the disks."""
        for folder in (self.guests, *self.guests.absolute().parents):
            if not folder.stat().st_mode & 0o001 and ACCESS_LIST not in os.listxattr(folder):
                self.log.warning("QEMU may be unable to reach %s: other users may not enter %s", self.guests, folder)
