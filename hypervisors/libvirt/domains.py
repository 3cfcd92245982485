"""What is common to the guests of every libvirt: each is a domain of ours, found, watched and started alike."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import libvirt

from ...core.drivers.base import Surroundings
from ...core.drivers.hypervisor import (
    GuestSpec,
    HostMetrics,
    Hypervisor,
    Image,
    ImageCaching,
    ObservedGuest,
    Pausable,
    Power,
    Suspendable,
)
from ...core.errors import BadConfiguration, NoSpace, NotFound, WrongState
from . import fact
from .connection import Connection, translate, translated
from .console import tail
from .disks import GIB, GuestFolder, size_bytes
from .domain import NAMESPACE, PREFIX, domain_name, owner
from .images import ImageCache
from .metrics import Gauge
from .options import LibvirtOptions
from .state import power_of

POLL_S = 0.1
ASK_AGAIN_S = 3.0
"""A guest that was still starting does not hear the first request."""


class Domains(Hypervisor, ImageCaching):
    """The guests of one libvirt daemon on this machine.

    A guest is the domain ``stratolith-<id>`` with the guest's id as its UUID and an element of
    our namespace in its metadata; its files lie in the driver's state under ``guests/<id>``. That
    folder is named in the element, so that several clouds may share a daemon.
    """

    Options = LibvirtOptions
    options: LibvirtOptions
    serves: ClassVar[tuple[str, ...]]
    """What libvirt calls those of its drivers whose guests this class can run."""
    undefine: ClassVar[int] = 0
    """Flags of libvirt that remove a domain with all it keeps of it."""

    def __init__(self, options: LibvirtOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self.connection = Connection(options.uri)
        state = surroundings.state_dir.absolute()
        self.guests = state / "guests"
        cache = Path(options.image_cache) if options.image_cache else state / "cache"
        self.images = ImageCache(cache, surroundings.clock, options.image_keep_s)

    # What a kind of guests adds.

    @abc.abstractmethod
    def described(self, spec: GuestSpec) -> str:
        """The domain of ``spec``. :raises NoSpace: it is larger than the host."""

    @abc.abstractmethod
    def furnish(self, folder: GuestFolder, spec: GuestSpec) -> None:
        """Make what of a guest is not there yet: its disks and its config drive."""

    def learn(self, spec: GuestSpec) -> None:
        """Take in the secrets that a guest's description holds; most kinds of guests have none."""

    def begin(self, domain: libvirt.virDomain) -> None:
        """Start a domain that is off."""
        domain.create()

    def prove(self, domain: libvirt.virDomain, spec: GuestSpec) -> None:
        """See that a guest just started got what it was promised. :raises NotSupported: it did not."""

    def release(self, folder: GuestFolder) -> None:
        """Give back what a guest that goes holds outside of its folder."""

    def awaited(self, domain: libvirt.virDomain) -> bool:
        """Whether a domain is of a guest that is expected from another host and has not come yet."""
        return False

    # Life.

    def open(self) -> None:
        with translated():
            self.guests.mkdir(parents=True, exist_ok=True, mode=0o711)
            self.images.open()
        served = self.handle().getType()
        if served not in self.serves:
            raise BadConfiguration(f"the uri leads to {served}; guests of {' and '.join(self.serves)} were expected")

    def close(self) -> None:
        self.connection.close()

    def handle(self) -> libvirt.virConnect:
        """libvirt's connection, alive. :raises BackendBusy: the daemon does not answer."""
        return self.connection.handle()

    def cache_image(self, image: Image) -> None:
        with translated():
            self.images.keep(image)

    # Which guests there are.

    def observe(self) -> Sequence[ObservedGuest]:
        with translated():
            domains = self.handle().listAllDomains()
        seen = (self._observed(domain) for domain in domains if domain.name().startswith(PREFIX))
        return [guest for guest in seen if guest is not None]

    def power(self, guest: str) -> Power:
        with translated():
            return power_of(self.domain(guest))

    def found(self, guest: str) -> libvirt.virDomain | None:
        """The guest's domain, or none."""
        try:
            return self.handle().lookupByName(domain_name(guest))
        except libvirt.libvirtError as exc:
            error = translate(exc)
            if isinstance(error, NotFound):
                return None
            raise error from exc

    def domain(self, guest: str) -> libvirt.virDomain:
        """The guest's domain. :raises NotFound: there is no such guest."""
        domain = self.found(guest)
        if domain is None or self.awaited(domain):
            raise NotFound("there is no such guest on this host")
        return domain

    def folder(self, guest: str) -> GuestFolder:
        """The guest's files."""
        return GuestFolder(self.guests, guest)

    def define(self, xml: str) -> libvirt.virDomain:
        """Make ``xml`` what its domain is at its next start."""
        return self.handle().defineXML(xml)

    def _observed(self, domain: libvirt.virDomain) -> ObservedGuest | None:
        """What there is to say of one domain; None when it is not ours or went away meanwhile."""
        try:
            element = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
            if owner(element) != str(self.guests) or self.awaited(domain):
                return None
            return ObservedGuest(domain.UUIDString(), power_of(domain))
        except libvirt.libvirtError as exc:
            if exc.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_METADATA):
                return None
            raise translate(exc) from exc

    # Verbs.

    def spawn(self, spec: GuestSpec) -> None:
        if self.found(spec.guest) is not None:
            self.start(spec.guest)
            return
        self.described(spec)
        folder = self.folder(spec.guest)
        with translated(), contextlib.ExitStack() as undo:
            undo.callback(self._drop, folder)
            folder.make()
            self.furnish(folder, spec)
            domain = self.define(self.described(spec))
            undo.callback(self._forget, domain)
            undo.callback(cut_power, domain)
            self.begin(domain)
            self.prove(domain, spec)
            undo.pop_all()

    def destroy(self, guest: str) -> None:
        domain = self.found(guest)
        with translated():
            if domain is not None:
                cut_power(domain)
                self._forget(domain)
            self._drop(self.folder(guest))

    def _forget(self, domain: libvirt.virDomain) -> None:
        """Remove the domain; one that was only to last while it ran is gone already."""
        try:
            domain.undefineFlags(self.undefine)
        except libvirt.libvirtError as exc:
            if exc.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise

    def _drop(self, folder: GuestFolder) -> None:
        self.release(folder)
        folder.remove()

    def start(self, guest: str) -> None:
        with translated():
            domain = self.domain(guest)
            if self.folder(guest).offered.exists():
                raise WrongState("the guest is offered to another host")
            power = power_of(domain)
            if power is Power.PAUSED:
                domain.resume()
            elif power is not Power.RUNNING:
                self.begin(domain)

    def stop(self, guest: str, timeout_s: float) -> None:
        with translated():
            domain = self.domain(guest)
            power = power_of(domain)
            if power is Power.SUSPENDED:
                domain.managedSaveRemove()
            if timeout_s > 0 and power is Power.RUNNING:
                self.ask(lambda: self.end_politely(domain), lambda: not domain.isActive(), timeout_s)
            cut_power(domain)

    def end_politely(self, domain: libvirt.virDomain) -> None:
        """Ask a guest to shut down."""
        domain.shutdown()

    def reboot(self, guest: str, hard: bool) -> None:
        self.stop(guest, 0 if hard else self.options.soft_reboot_s)
        self.start(guest)

    def console_log(self, guest: str, max_bytes: int) -> bytes:
        self.domain(guest)
        return tail(self.folder(guest).console_log, max_bytes)

    # Steps of verbs.

    def refuse_giants(self, spec: GuestSpec) -> None:
        """:raises NoSpace: the guest is larger than the host."""
        local = sum(size_bytes(disk) for disk in spec.disks if disk.connection is None)
        if spec.memory_mib > fact.memory_mib() or local > (fact.disk_gib(self.guests) + 1) * GIB:
            raise NoSpace("the guest is larger than the host")

    def ask(self, request: Callable[[], object], done: Callable[[], bool], timeout_s: float) -> bool:
        """Make a request of a guest, now and again, until it is ``done`` or the time is over."""
        deadline = self.clock.monotonic() + timeout_s
        again = self.clock.monotonic()
        while not done():
            now = self.clock.monotonic()
            if now >= deadline:
                return False
            if now >= again:
                again = now + ASK_AGAIN_S
                # It may come too late or too early; whoever asked looks at the outcome.
                with contextlib.suppress(libvirt.libvirtError):
                    request()
            self.clock.sleep(POLL_S)
        return True

    def turn(self, guest: str, source: Power, target: Power, step: Callable[[libvirt.virDomain], object]) -> None:
        """Bring a guest from one power state to another. :raises WrongState: it is in neither."""
        with translated():
            domain = self.domain(guest)
            power = power_of(domain)
            if power is source:
                step(domain)
            elif power is not target:
                raise WrongState(f"the guest is {power.value}, not {source.value}")


class Measuring(Domains, HostMetrics):
    """The facet of hosts whose libvirt counts how busy they are."""

    def __init__(self, options: LibvirtOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._gauge = Gauge()

    def host_metrics(self) -> Mapping[str, float]:
        return self._gauge.read(self.handle())


class Pausing(Domains, Pausable):
    """The facet of guests that can be frozen."""

    def pause(self, guest: str) -> None:
        self.turn(guest, Power.RUNNING, Power.PAUSED, lambda domain: domain.suspend())

    def unpause(self, guest: str) -> None:
        self.turn(guest, Power.PAUSED, Power.RUNNING, lambda domain: domain.resume())


class Saving(Domains, Suspendable):
    """The facet of guests whose memory can be saved."""

    def suspend(self, guest: str) -> None:
        self.turn(guest, Power.RUNNING, Power.SUSPENDED, lambda domain: domain.managedSave())

    def resume(self, guest: str) -> None:
        self.turn(guest, Power.SUSPENDED, Power.RUNNING, self.begin)


def cut_power(domain: libvirt.virDomain) -> None:
    """Make the domain inactive; one that ends by itself just then is as good."""
    try:
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError as exc:
        if exc.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
