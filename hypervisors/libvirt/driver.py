"""The libvirt hypervisor: its verbs."""

from __future__ import annotations

import contextlib
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import libvirt

from ...core.drivers.base import Surroundings
from ...core.drivers.hypervisor import (
    ConsoleEndpoint,
    ConsoleKind,
    Consoles,
    Disk,
    GuestSpec,
    HostMetrics,
    Hypervisor,
    HypervisorFacts,
    Interfaces,
    ObservedGuest,
    Pausable,
    Power,
    Resizable,
    Snapshots,
    Suspendable,
    VolumeGrowth,
    Volumes,
)
from ...core.drivers.network import Vif
from ...core.errors import BackendBusy, BadConfiguration, NoSpace, NotFound, WrongState
from . import fact
from .ability import unknown
from .attachment import fit_interface, put_on_bus
from .connection import Connection, translate, translated
from .console import tail
from .cpus import Dedicated, is_dedicated
from .device import find_interface, find_volume, interface, volume_disk
from .disks import GIB, Disks, GuestFolder, size_bytes
from .domain import NAMESPACE, PREFIX, domain_name, domain_xml, owner
from .export import Exports
from .firmware import EXPRESS
from .host import Host, dedicated_cpus, shared_cpus
from .images import ImageCache
from .inquiry import AbilityCache, prove_shares
from .live import Live
from .metrics import Gauge
from .moving import Moving
from .options import LibvirtOptions
from .paging import free_pages
from .qcow2 import read_header
from .qemu_img import QemuImg
from .quiesce import quiesce
from .screen import endpoint
from .state import power_of
from .tending import Tending
from .wish import Wishes

POLL_S = 0.1
QEMU = "QEMU"
"""What libvirt calls those of its drivers that run machines of QEMU and KVM."""
ACCESS_LIST = "system.posix_acl_access"
"""A folder with it may be open to QEMU's user, though closed to others."""
ASK_AGAIN_S = 3.0
"""A guest that was still starting does not hear the first request."""
UNDEFINE = (libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
            | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


class Libvirt(Hypervisor, Pausable, Suspendable, Snapshots, Resizable, Volumes, VolumeGrowth, Interfaces, Consoles,
              HostMetrics, Tending, Moving, Live):
    """The guests of one libvirt daemon on this machine.

    A guest is the domain ``stratolith-<id>`` with the guest's id as its UUID and an element of
    our namespace in its metadata; its files lie in the driver's state under ``guests/<id>``. That
    folder is named in the element, so that several clouds may share a daemon.
    """

    Options = LibvirtOptions
    options: LibvirtOptions

    def __init__(self, options: LibvirtOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._connection = Connection(options.uri)
        state = surroundings.state_dir.absolute()
        self._guests = state / "guests"
        cache = Path(options.image_cache) if options.image_cache else state / "cache"
        self.images = ImageCache(cache, surroundings.clock, options.image_keep_s)
        self.disks = Disks(self.images, QemuImg(options))
        self.aborted: set[str] = set()
        self.exports = Exports(options, surroundings.clock)
        self._cpu: tuple[str, tuple[str, ...]] | None = None
        self._abilities = AbilityCache(self._connection.handle, options.virt_type)
        self.dedicated = Dedicated(self._guests, dedicated_cpus(options, fact.vcpus()))
        self._gauge = Gauge()

    def open(self) -> None:
        with translated():
            self._guests.mkdir(parents=True, exist_ok=True, mode=0o711)
            self.images.open()
        served = self._connection.handle().getType()
        if served != QEMU:
            raise BadConfiguration(f"the uri leads to {served}; this driver serves guests of {QEMU}")
        if self.options.uri.startswith("qemu:///system") and not self.options.qemu_user:
            self._warn_of_closed_folders()

    def close(self) -> None:
        self._connection.close()

    def facts(self) -> HypervisorFacts:
        handle = self._connection.handle()
        with translated():
            if self._cpu is None:
                self._cpu = fact.cpu(handle, self.options.virt_type)
            version = handle.getVersion()
            shown = {trait for machine in sorted({self.options.machine, EXPRESS})
                     for trait in self._abilities.of(machine).traits()}
        model, features = self._cpu
        return HypervisorFacts("QEMU", version, self.surroundings.host, fact.vcpus(), fact.memory_mib(),
                               fact.disk_gib(self._guests), cpu_model=model, cpu_features=features,
                               disk_formats=("raw", "qcow2"), traits=(*fact.traits(features), *sorted(shown)))

    def host_metrics(self) -> Mapping[str, float]:
        return self._gauge.read(self._connection.handle())

    def observe(self) -> Sequence[ObservedGuest]:
        with translated():
            domains = self._connection.handle().listAllDomains()
        seen = (self._observed(domain) for domain in domains if domain.name().startswith(PREFIX))
        return [guest for guest in seen if guest is not None]

    def power(self, guest: str) -> Power:
        with translated():
            return power_of(self._domain(guest))

    def spawn(self, spec: GuestSpec) -> None:
        if self._found(spec.guest) is not None:
            self.start(spec.guest)
            return
        self.described(spec)
        folder = GuestFolder(self._guests, spec.guest)
        with translated(), contextlib.ExitStack() as undo:
            undo.callback(folder.remove)
            folder.make()
            self.disks.make(folder, spec)
            domain = self.define(self.described(spec))
            undo.callback(domain.undefineFlags, UNDEFINE)
            domain.create()
            undo.callback(_cut_power, domain)
            prove_shares(domain, Wishes.of(spec))
            undo.pop_all()

    def destroy(self, guest: str) -> None:
        domain = self._found(guest)
        with translated():
            if domain is not None:
                _cut_power(domain)
                domain.undefineFlags(UNDEFINE)
            folder = GuestFolder(self._guests, guest)
            self.exports.close(folder)
            folder.remove()

    def start(self, guest: str) -> None:
        with translated():
            domain = self._domain(guest)
            if self.folder(guest).offered.exists():
                raise WrongState("the guest is offered to another host")
            power = power_of(domain)
            if power is Power.PAUSED:
                domain.resume()
            elif power is not Power.RUNNING:
                domain.create()

    def stop(self, guest: str, timeout_s: float) -> None:
        with translated():
            domain = self._domain(guest)
            power = power_of(domain)
            if power is Power.SUSPENDED:
                domain.managedSaveRemove()
            if timeout_s > 0 and power is Power.RUNNING:
                self._ask(domain.shutdown, lambda: not domain.isActive(), timeout_s)
            _cut_power(domain)

    def reboot(self, guest: str, hard: bool) -> None:
        self.stop(guest, 0 if hard else self.options.soft_reboot_s)
        self.start(guest)

    def console_log(self, guest: str, max_bytes: int) -> bytes:
        self._domain(guest)
        return tail(GuestFolder(self._guests, guest).console_log, max_bytes)

    def console(self, guest: str, kind: ConsoleKind) -> ConsoleEndpoint:
        with translated():
            domain = self._domain(guest)
            if not domain.isActive():
                raise NotFound("the guest does not run")
            return endpoint(domain.XMLDesc(0), kind)

    def pause(self, guest: str) -> None:
        with translated():
            self._pass(guest, Power.RUNNING, Power.PAUSED, lambda domain: domain.suspend())

    def unpause(self, guest: str) -> None:
        with translated():
            self._pass(guest, Power.PAUSED, Power.RUNNING, lambda domain: domain.resume())

    def suspend(self, guest: str) -> None:
        with translated():
            self._pass(guest, Power.RUNNING, Power.SUSPENDED, lambda domain: domain.managedSave())

    def resume(self, guest: str) -> None:
        with translated():
            self._pass(guest, Power.SUSPENDED, Power.RUNNING, lambda domain: domain.create())

    def snapshot(self, guest: str, target: Path) -> str:
        """A running guest is frozen while its disk is copied: QEMU writes out all it holds when it freezes."""
        with translated(), contextlib.ExitStack() as thaw:
            domain = self._domain(guest)
            folder = GuestFolder(self._guests, guest)
            if folder.layers() == 0:
                raise WrongState("the guest's root disk is a volume")
            if power_of(domain) is Power.RUNNING:
                quiesce(domain, self.wishes(guest), thaw)
                domain.suspend()
                thaw.callback(domain.resume)
            self.disks.copy_root(folder, target)
        return "qcow2"

    def resize(self, spec: GuestSpec) -> None:
        with translated(), contextlib.ExitStack() as undo:
            domain = self._domain(spec.guest)
            self._refuse_giants(spec)
            folder = GuestFolder(self._guests, spec.guest)
            self.stop(spec.guest, 0)
            if not folder.before.exists():
                undo.callback(self._put_back, spec.guest)
                folder.keep_before(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE))
            self._add_layer(folder, spec)
            self.disks.make(folder, spec)
            domain = self.define(self.described(spec))
            domain.create()
            undo.callback(_cut_power, domain)
            prove_shares(domain, Wishes.of(spec))
            undo.pop_all()

    def confirm_resize(self, guest: str) -> None:
        if self._found(guest) is not None:
            folder = GuestFolder(self._guests, guest)
            if folder.before.exists():
                self.dedicated.settle(folder, back=False)
                folder.before.unlink(missing_ok=True)

    def revert_resize(self, spec: GuestSpec) -> None:
        self._domain(spec.guest)
        if GuestFolder(self._guests, spec.guest).before.exists():
            self.stop(spec.guest, 0)
            self._put_back(spec.guest)
        self.start(spec.guest)

    def attach_volume(self, guest: str, disk: Disk) -> None:
        element, swapped = volume_disk(disk), self.folder(guest).swapped()
        with translated():
            put_on_bus(element, disk, self.wishes(guest), unknown(""))
        self._plug(guest, element, lambda text: find_volume(text, disk.volume_id, swapped))

    def detach_volume(self, guest: str, volume_id: str) -> None:
        swapped = self.folder(guest).swapped()
        self._unplug(guest, lambda text: find_volume(text, volume_id, swapped))
        if volume_id in swapped:
            self.folder(guest).swap(volume_id, "", "")

    def grow_volume(self, guest: str, volume_id: str, size_gib: int) -> None:
        with translated():
            domain = self._domain(guest)
            element = find_volume(domain.XMLDesc(0), volume_id, self.folder(guest).swapped())
            target = element.find("target") if element is not None else None
            if target is None:
                raise NotFound("the guest does not have the volume")
            if domain.isActive():
                domain.blockResize(target.get("dev"), size_gib * GIB, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)

    def attach_interface(self, guest: str, vif: Vif) -> None:
        with translated():
            element = fit_interface(interface(vif), self.wishes(guest), self._domain(guest).info()[3])
        self._plug(guest, element, lambda text: find_interface(text, vif.port_id))

    def detach_interface(self, guest: str, port_id: str) -> None:
        self._unplug(guest, lambda text: find_interface(text, port_id))

    def domain(self, guest: str) -> libvirt.virDomain:
        return self._domain(guest)

    def found(self, guest: str) -> libvirt.virDomain | None:
        return self._found(guest)

    def folder(self, guest: str) -> GuestFolder:
        return GuestFolder(self._guests, guest)

    def define(self, xml: str) -> libvirt.virDomain:
        return self._connection.handle().defineXML(xml)

    def described(self, spec: GuestSpec) -> str:
        self._refuse_giants(spec)
        return domain_xml(spec, self.folder(spec.guest), self.options, self.host(spec))

    def host(self, spec: GuestSpec) -> Host:
        """This host as the guest of ``spec`` meets it; dedicated processors are taken for it."""
        folder = self.folder(spec.guest)
        if is_dedicated(Wishes.of(spec)):
            return Host(self._abilities.of, self.dedicated.take(folder, spec.vcpus), free_pages=free_pages())
        if not folder.before_rescue.exists():
            self.dedicated.release(folder)
        return Host(self._abilities.of, (), shared_cpus(self.options, fact.vcpus()), free_pages())

    def wishes(self, guest: str) -> Wishes:
        """What outlasts the guest's start of what its image and flavor ask. :raises NotFound: no such guest."""
        domain = self.domain(guest)
        return Wishes.kept(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE))

    def _found(self, guest: str) -> libvirt.virDomain | None:
        try:
            return self._connection.handle().lookupByName(domain_name(guest))
        except libvirt.libvirtError as exc:
            error = translate(exc)
            if isinstance(error, NotFound):
                return None
            raise error from exc

    def _domain(self, guest: str) -> libvirt.virDomain:
        domain = self._found(guest)
        if domain is None or self.awaited(domain):
            raise NotFound("there is no such guest on this host")
        return domain

    def _observed(self, domain: libvirt.virDomain) -> ObservedGuest | None:
        """What there is to say of one domain; None when it is not ours or went away meanwhile."""
        try:
            element = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
            if owner(element) != str(self._guests) or self.awaited(domain):
                return None
            return ObservedGuest(domain.UUIDString(), power_of(domain))
        except libvirt.libvirtError as exc:
            if exc.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_METADATA):
                return None
            raise translate(exc) from exc

    def _pass(self, guest: str, source: Power, target: Power, step: Callable[[libvirt.virDomain], object]) -> None:
        domain = self._domain(guest)
        power = power_of(domain)
        if power is source:
            step(domain)
        elif power is not target:
            raise WrongState(f"the guest is {power.value}, not {source.value}")

    def _ask(self, request: Callable[[], object], done: Callable[[], bool], timeout_s: float) -> bool:
        """Make a request of a guest, now and again, until it is ``done`` or the time is over."""
        deadline = self.clock.monotonic() + timeout_s
        again = self.clock.monotonic()
        while not done():
            now = self.clock.monotonic()
            if now >= deadline:
                return False
            if now >= again:
                again = now + ASK_AGAIN_S
                _try(request)
            self.clock.sleep(POLL_S)
        return True

    def _plug(self, guest: str, element: ET.Element, find: Callable[[str], ET.Element | None]) -> None:
        with translated():
            domain = self._domain(guest)
            text = ET.tostring(element, encoding="unicode")
            for scope, present in self._scopes(domain):
                if find(present) is None:
                    domain.attachDeviceFlags(text, scope)

    def _unplug(self, guest: str, find: Callable[[str], ET.Element | None]) -> None:
        domain = self._found(guest)
        if domain is None:
            return
        with translated():
            for scope, present in self._scopes(domain):
                element = find(present)
                if element is not None:
                    self._unplug_one(domain, scope, element, find)

    def _unplug_one(self, domain: libvirt.virDomain, scope: int, element: ET.Element,
                    find: Callable[[str], ET.Element | None]) -> None:
        text = ET.tostring(element, encoding="unicode")
        if scope == libvirt.VIR_DOMAIN_AFFECT_CONFIG:
            domain.detachDeviceFlags(text, scope)
        elif not self._ask(lambda: domain.detachDeviceFlags(text, scope),
                           lambda: find(domain.XMLDesc(0)) is None, self.options.unplug_s):
            raise BackendBusy("the guest does not let go of the device")

    @staticmethod
    def _scopes(domain: libvirt.virDomain) -> list[tuple[int, str]]:
        """Where a device must come or go, with the description there: the running guest first, then its next start."""
        if power_of(domain) is Power.SUSPENDED:
            raise WrongState("the guest is suspended")
        config = (libvirt.VIR_DOMAIN_AFFECT_CONFIG, domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        return [(libvirt.VIR_DOMAIN_AFFECT_LIVE, domain.XMLDesc(0)), config] if domain.isActive() else [config]

    def _add_layer(self, folder: GuestFolder, spec: GuestSpec) -> None:
        """Put a layer on the root disk, unless that was done since the way back was kept."""
        below = _layer_in(folder.before.read_text())
        root = next((disk for disk in spec.disks if disk.kind == "root" and disk.connection is None), None)
        if below is not None and root is not None:
            present = read_header(folder.layer(below)).size_bytes
            self.disks.grow_root(folder, below + 1, size_bytes(root), present)

    def _put_back(self, guest: str) -> None:
        """Make the guest, which is off, what it was before its resize."""
        folder = GuestFolder(self._guests, guest)
        if not folder.before.exists():
            return
        text = folder.before.read_text()
        with translated():
            self._connection.handle().defineXML(text)
        below = _layer_in(text)
        if below is not None:
            folder.layer(below + 1).unlink(missing_ok=True)
        self.dedicated.settle(folder, back=True)
        folder.before.unlink()

    def _refuse_giants(self, spec: GuestSpec) -> None:
        local = sum(size_bytes(disk) for disk in spec.disks if disk.connection is None)
        if spec.memory_mib > fact.memory_mib() or local > (fact.disk_gib(self._guests) + 1) * GIB:
            raise NoSpace("the guest is larger than the host")

    def _warn_of_closed_folders(self) -> None:
        """QEMU runs as a user of libvirt's, who must be able to reach the disks."""
        for folder in (self._guests, *self._guests.absolute().parents):
            if not folder.stat().st_mode & 0o001 and ACCESS_LIST not in os.listxattr(folder):
                self.log.warning("QEMU may be unable to reach %s: other users may not enter %s", self._guests, folder)


def _cut_power(domain: libvirt.virDomain) -> None:
    """Make the domain inactive; one that ends by itself just then is as good."""
    try:
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError as exc:
        if exc.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise


def _try(request: Callable[[], object]) -> None:
    """Make a request that may come too late or too early; whoever asked looks at the outcome."""
    with contextlib.suppress(libvirt.libvirtError):
        request()


def _layer_in(text: str) -> int | None:
    """The number of the root disk's top layer in a domain's description; None when it has none."""
    for source in ET.fromstring(text).iterfind("./devices/disk/source"):
        name = Path(source.get("file", "")).name
        if name.startswith("root-"):
            return int(name.removeprefix("root-").removesuffix(".qcow2"))
    return None

