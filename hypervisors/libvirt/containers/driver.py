"""The containers of one libvirt daemon: its verbs and facets."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

import libvirt

from ....core.drivers.base import Surroundings
from ....core.drivers.hypervisor import (
    ConsoleEndpoint,
    ConsoleKind,
    Consoles,
    GuestSpec,
    HypervisorFacts,
    Interfaces,
    Power,
    Resizable,
    Snapshots,
)
from ....core.drivers.network import Vif
from ....core.errors import BadConfiguration, CloudError, NotFound, NotSupported
from .. import fact
from ..capability import kinds
from ..connection import translated
from ..disks import GuestFolder
from ..domains import Measuring, Pausing, cut_power
from ..killing import Killing
from ..limited import Limits
from ..options import LibvirtOptions
from ..qemu_img import QemuImg
from ..rescuing import Rescuing
from ..screen import SUN_PATH_BYTES
from ..state import power_of
from .domain import container_xml, find_interface, interface
from .folder import ContainerFolder, Roots
from .inside import still, thaw
from .moving import ContainerMoving
from .recording import record
from .volume_device import path_of, volumes_of
from .volumes import ContainerVolumes

WATCH_S = 5.0
INIT = 1
"""The number of a container's first process, inside."""
LOOP_TAKEN = "to loop device: Device or resource busy"
LOOP_TRIES = 10
LOOP_AGAIN_S = 0.2


class Containers(Killing, Rescuing, ContainerMoving, ContainerVolumes, Pausing, Measuring, Snapshots, Resizable,
                 Interfaces, Consoles):
    """Containers: guests that share this machine's kernel. They start in a fraction of a second.

    A container's root disk is a raw file that the kernel mounts; its console is read by a process beside it, which
    is started anew within seconds when the container restarts itself.
    """

    serves = ("LXC",)

    def __init__(self, options: LibvirtOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self.limits = Limits(options)
        self.roots = Roots(self.images, QemuImg(options), self.limits)
        self._architecture = ""
        self._loops = threading.Lock()
        self._recording = threading.Lock()
        self._closed = False
        self._watching = False

    def open(self) -> None:
        super().open()
        with translated():
            found = [kind for kind in kinds(self.handle().getCapabilities()) if kind.domain_type == "lxc"]
        if not found:
            raise BadConfiguration("the libvirt that the uri leads to has no containers")
        self._architecture = found[0].architecture
        self._closed = False
        self._heed(stuck=True)
        executor = self.surroundings.executor
        if executor is not None and not self._watching:
            self._watching = True
            executor.every(WATCH_S, self._watch)

    def close(self) -> None:
        self._closed = True
        super().close()

    def _watch(self) -> None:
        """Find the consoles of containers that restarted themselves."""
        if not self._closed:
            # While the daemon is away there is nothing to find, and whoever needs it says so.
            with contextlib.suppress(CloudError):
                self._heed()

    def _heed(self, stuck: bool = False) -> None:
        """See that every running container is recorded, and that none stands still for a copy given up."""
        for seen in self.observe():
            if seen.power in (Power.RUNNING, Power.PAUSED):
                # A guest may go while it is looked at.
                with contextlib.suppress(CloudError), translated():
                    domain = self.domain(seen.guest)
                    if stuck:
                        thaw(domain.name(), self.folder(seen.guest).root)
                    self._record(domain, self.folder(seen.guest))

    def facts(self) -> HypervisorFacts:
        with translated():
            version = self.handle().getVersion()
        return HypervisorFacts("LXC", version, self.surroundings.host, fact.vcpus(), fact.memory_mib(),
                               fact.disk_gib(self.guests), architecture=self._architecture,
                               disk_formats=("raw", "qcow2"),
                               traits=("COMPUTE_IMAGE_TYPE_QCOW2", "COMPUTE_IMAGE_TYPE_RAW"))

    def folder(self, guest: str) -> ContainerFolder:
        return ContainerFolder(self.guests, guest)

    def described(self, spec: GuestSpec) -> str:
        self.refuse_giants(spec)
        return container_xml(spec, self.folder(spec.guest), self._architecture)

    def furnish(self, folder: GuestFolder, spec: GuestSpec) -> None:
        own = self.folder(spec.guest)
        self.roots.make(own, spec)
        own.keep_wires({vif.port_id: vif.mac for vif in spec.vifs})
        for disk in volumes_of(spec):
            own.link_volume(disk.device, path_of(disk))

    def begin(self, domain: libvirt.virDomain) -> None:
        folder = self.folder(domain.UUIDString())
        folder.link()
        self.rest(folder)
        self._create(domain)
        self._record(domain, folder)

    def _record(self, domain: libvirt.virDomain, folder: ContainerFolder) -> None:
        # Of two recorders each would hear a part.
        with self._recording:
            record(domain, folder)

    def _create(self, domain: libvirt.virDomain) -> None:
        """Start a container. Two that start at once may want the same loop device; so may strangers."""
        for left in reversed(range(LOOP_TRIES)):
            try:
                with self._loops:
                    domain.create()
                return
            except libvirt.libvirtError as exc:
                if LOOP_TAKEN not in str(exc) or not left:
                    raise
            self.clock.sleep(LOOP_AGAIN_S)

    def release(self, folder: GuestFolder) -> None:
        own = self.folder(folder.path.name)
        self.rest(own)
        own.unlink()
        super().release(folder)

    def end_politely(self, domain: libvirt.virDomain) -> None:
        # The one is heard by init systems that have runlevels, the other by all else.
        with contextlib.suppress(libvirt.libvirtError):
            domain.shutdown()
        domain.sendProcessSignal(INIT, signal.SIGTERM)

    # Facets.

    def console(self, guest: str, kind: ConsoleKind) -> ConsoleEndpoint:
        with translated():
            if not self.domain(guest).isActive():
                raise NotFound("the guest does not run")
            path = self.folder(guest).serial
            if kind is not ConsoleKind.SERIAL or not path.exists() or len(os.fsencode(path)) > SUN_PATH_BYTES:
                raise NotSupported(f"the guest has no console of kind {kind.value}")
            return ConsoleEndpoint(kind, path=str(path))

    def snapshot(self, guest: str, target: Path) -> str:
        with translated(), contextlib.ExitStack() as stack:
            domain, folder = self.domain(guest), self.folder(guest)
            if power_of(domain) in (Power.RUNNING, Power.PAUSED):
                stack.enter_context(still(domain.name(), folder.root))
            self.roots.copy_root(folder, target)
        return "qcow2"

    def resize(self, spec: GuestSpec) -> None:
        with translated(), contextlib.ExitStack() as undo:
            domain, folder = self.domain(spec.guest), self.folder(spec.guest)
            text = self.described(spec)
            self.stop(spec.guest, 0)
            if not folder.before.exists():
                undo.callback(self._put_back, folder)
                self.roots.keep_root(folder)
                folder.keep_before(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
            self.roots.grow(folder, spec)
            self.furnish(folder, spec)
            domain = self.define(text)
            undo.callback(cut_power, domain)
            self.begin(domain)
            undo.pop_all()

    def confirm_resize(self, guest: str) -> None:
        if self.found(guest) is not None:
            folder = self.folder(guest)
            folder.before.unlink(missing_ok=True)
            folder.before_root.unlink(missing_ok=True)

    def revert_resize(self, spec: GuestSpec) -> None:
        self.domain(spec.guest)
        folder = self.folder(spec.guest)
        if folder.before.exists():
            self.stop(spec.guest, 0)
            self._put_back(folder)
        self.start(spec.guest)

    def _put_back(self, folder: ContainerFolder) -> None:
        """Make the container, which is off, what it was before its resize."""
        if folder.before.exists():
            with translated():
                self.define(folder.before.read_text())
            if folder.before_root.exists():
                folder.before_root.replace(folder.root)
            folder.before.unlink()

    def attach_interface(self, guest: str, vif: Vif) -> None:
        self.domain(guest)
        folder = self.folder(guest)
        folder.keep_wires({**folder.wires(), vif.port_id: vif.mac})
        self.plug(guest, interface(vif), lambda text: find_interface(text, vif.mac))

    def detach_interface(self, guest: str, port_id: str) -> None:
        folder = self.folder(guest)
        wires = folder.wires()
        mac = wires.pop(port_id, "")
        if mac:
            self.unplug(guest, lambda text: find_interface(text, mac))
            folder.keep_wires(wires)
