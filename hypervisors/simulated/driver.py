"""The simulated hypervisor: a host with no machine behind it."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...core.config import option
from ...core.drivers.base import Surroundings
from ...core.drivers.faults import Faults, Unreliable
from ...core.drivers.hypervisor import (
    ConsoleEndpoint,
    ConsoleKind,
    Consoles,
    Disk,
    GuestSpec,
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
from ...core.errors import BackendBusy, BackendFailed, NoSpace, NotFound, NotSupported, WrongState
from . import board, latency
from .console import boot_log, hostname
from .encrypting import Encrypting
from .guest import DELAY, FAULT, Files, Guest, Size, guest_of, parts, size_of
from .moving import HOSTS, Journey, Moving
from .remote import NAMES, Remote
from .tending import BUSY, Tending

SNAPSHOT_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class SimulatedOptions:
    """Options of the simulated hypervisor."""

    vcpus: int = option(64, "Processors the host claims to have.")
    memory_mib: int = option(262_144, "Memory the host claims to have, in MiB.")
    disk_gib: int = option(8_192, "Local disk the host claims to have, in GiB.")
    hostname: str = option("", "Name the host claims to have; empty takes the process's host name.")
    traits: tuple[str, ...] = option((), "Traits of placement the host claims to have.")
    numa_cells: int = option(1, "Cells that processors and memory are shared out to; 0 tells of none.")
    threads_per_core: int = option(1, "Processors that are threads of one core.")
    large_pages: tuple[str, ...] = option((), "Large pages of each cell by size in KiB, e.g. 2048:512,1048576:2.")
    pci_devices: tuple[str, ...] = option((), "PCI devices of the host, an entry each: address=0000:81:00.0 "
                                              "vendor_id=10de product_id=1db6 node=0 kind=type-PCI.")
    shared_disks: bool = option(False, "Claim that the guests' disks are the same on all such hosts.")
    persist: bool = option(True, "Keep guests on file, so that a restarted cloud finds them.")
    latency: str = option("instant", "How long verbs take: instant, brief, laptop, datacenter or slow.")
    failures: tuple[str, ...] = option((), "Part of the calls of single verbs that fail, e.g. spawn=0.01.")
    delay_s: float = option(0.0, "Seconds that every verb on a guest takes.")
    delays: tuple[str, ...] = option((), "Seconds that single verbs take, e.g. spawn=2.5,stop=1.")


class Simulated(Hypervisor, Pausable, Suspendable, Snapshots, Resizable, Volumes, VolumeGrowth, Interfaces, Consoles,
                Encrypting, Tending, Moving, Unreliable):
    """A host whose guests are only remembered.

    Verbs return at once unless the profile of ``latency``, other options or the guest's metadata
    (``stratolith:delay``, e.g. ``spawn=2.5``) make them wait. Faults come from :meth:`fail` or from the metadata key
    ``stratolith:fault``: ``spawn=NoSpace`` raises that error at each spawn, ``spawn=NoSpace*2``
    at the first two, ``spawn=lost`` does the work and loses the answer once.
    """

    Options = SimulatedOptions
    options: SimulatedOptions

    def __init__(self, options: SimulatedOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._guests: dict[str, Guest] = {}
        self.cached: set[str] = set()
        self._faults = Faults("hypervisor", self.clock, options.delay_s, options.delays,
                              latency.drawn(self.clock, options.latency), latency.chances(options.failures))
        self._files = Files(surroundings.state_dir / "guests") if options.persist else None
        self._remote = Remote(surroundings.run_dir / "consoles", surroundings.executor)
        self.address = f"{surroundings.host} {surroundings.state_dir}"
        self.journeys: dict[str, Journey] = {}
        self.expected: set[str] = set()
        HOSTS[self.address] = self
        self._powerless = False
        self.unlocked: set[str] = set()
        self._facts = HypervisorFacts(
            "fake", 1_000_000, options.hostname or surroundings.host, options.vcpus, options.memory_mib,
            options.disk_gib, cpu_model="simulated", disk_formats=("raw", "qcow2", "iso", "vmdk", "vhd", "vdi", "ami"),
            traits=options.traits, shared_disks=options.shared_disks, devices=board.devices(options.pci_devices),
            cells=board.cells(options.vcpus, options.memory_mib, options.numa_cells, options.threads_per_core,
                              options.large_pages))

    def open(self) -> None:
        if self._files is not None:
            self._files.open()
            self._guests.update((guest.id, guest) for guest in self._files.read())

    def outside(self, guest: str, power: Power | None) -> None:
        """Let happen to ``guest`` behind the cloud's back: another power state, or None for its loss."""
        if power is None:
            self._forget(guest)
        else:
            record = self._guest(guest)
            record.power = power
            self._keep(record)

    def power_off(self) -> None:
        """The host loses its power: no guest runs, and no verb is answered any more.

        A new instance is the host that has its power back; what is on disk is there then.
        """
        for record in tuple(self._guests.values()):
            if record.power is not Power.SUSPENDED:
                self._become(record, Power.SHUTDOWN)
        self.expected.clear()
        HOSTS.pop(self.address, None)
        self._powerless = True

    def guests(self) -> Sequence[Guest]:
        """What is remembered of all guests, past all faults and delays."""
        return tuple(self._guests.values())

    def facts(self) -> HypervisorFacts:
        return self._facts

    def host_metrics(self) -> Mapping[str, float]:
        """The part of its processors and memory that running guests keep busy."""
        running = [guest for guest in tuple(self._guests.values()) if guest.power is Power.RUNNING]
        return {"cpu.percent": min(1.0, BUSY * sum(guest.size.vcpus for guest in running) / self._facts.vcpus),
                "memory.percent": min(1.0, sum(guest.size.memory_mib for guest in running) / self._facts.memory_mib)}

    def observe(self) -> Sequence[ObservedGuest]:
        with self._verb("observe"):
            return [ObservedGuest(guest.id, guest.power) for guest in tuple(self._guests.values())]

    def power(self, guest: str) -> Power:
        return self._guest(guest).power

    def spawn(self, spec: GuestSpec) -> None:
        with self._verb("spawn", spec.guest, spec.metadata.get(FAULT, ""), spec.metadata.get(DELAY, "")):
            record = self._guests.get(spec.guest)
            if record is None:
                self._refuse_giants(spec)
                record = guest_of(spec)
            self._refuse_offered(record)
            self.learn(record, spec.encryption)
            if record.power is not Power.RUNNING:
                record.boot(self.clock.time())
                self._keep(record)

    def destroy(self, guest: str) -> None:
        with self._verb("destroy", guest):
            self._forget(guest)

    def start(self, guest: str) -> None:
        with self._verb("start", guest):
            record = self._guest(guest)
            self._refuse_offered(record)
            if record.power is not Power.PAUSED:
                self.see_unlocked(record)
            if record.power in (Power.SUSPENDED, Power.PAUSED):
                self._become(record, Power.RUNNING)
            elif record.power is not Power.RUNNING:
                record.boot(self.clock.time())
                self._keep(record)

    def stop(self, guest: str, timeout_s: float) -> None:
        with self._verb("stop", guest):
            self._become(self._guest(guest), Power.SHUTDOWN)

    def reboot(self, guest: str, hard: bool) -> None:
        with self._verb("reboot", guest):
            record = self._guest(guest)
            self._refuse_offered(record)
            self.see_unlocked(record)
            record.boot(self.clock.time())
            self._keep(record)

    def console_log(self, guest: str, max_bytes: int) -> bytes:
        text = boot_log(self._guest(guest)).encode()
        return text[-max_bytes:] if max_bytes > 0 else b""

    def console(self, guest: str, kind: ConsoleKind) -> ConsoleEndpoint:
        record = self._guest(guest)
        if kind not in NAMES:
            raise NotSupported(f"simulated guests have no console of kind {kind.value}")
        if record.power not in (Power.RUNNING, Power.PAUSED):
            raise NotFound("the guest does not run")
        name = record.name if kind is ConsoleKind.VNC else hostname(record.name)
        return ConsoleEndpoint(kind, path=str(self._remote.path(guest, name, kind)))

    def pause(self, guest: str) -> None:
        with self._verb("pause", guest):
            self._pass(guest, Power.RUNNING, Power.PAUSED)

    def unpause(self, guest: str) -> None:
        with self._verb("unpause", guest):
            self._pass(guest, Power.PAUSED, Power.RUNNING)

    def suspend(self, guest: str) -> None:
        with self._verb("suspend", guest):
            self._pass(guest, Power.RUNNING, Power.SUSPENDED)

    def resume(self, guest: str) -> None:
        with self._verb("resume", guest):
            self.see_unlocked(self._guest(guest))
            self._pass(guest, Power.SUSPENDED, Power.RUNNING)

    def snapshot(self, guest: str, target: Path) -> str:
        with self._verb("snapshot", guest):
            record = self._guest(guest)
            self.see_plain(record)
            return self.write_disk(record, target)

    def write_disk(self, record: Guest, target: Path) -> str:
        with target.open("wb") as file:
            file.write(f"Stratolith simulated disk of {record.id}\n".encode())
            file.truncate(SNAPSHOT_BYTES)
        return "raw"

    def resize(self, spec: GuestSpec) -> None:
        with self._verb("resize", spec.guest):
            record = self._guest(spec.guest)
            self._refuse_giants(spec)
            self.learn(record, spec.encryption)
            wanted = _grown(size_of(spec), record.size)
            if wanted != record.size or parts(spec.seat) != record.parts:
                record.parts_before = record.parts_before if record.before is not None else record.parts
                record.before = record.before or record.size
                record.size, record.parts = wanted, parts(spec.seat)
            record.boot(self.clock.time())
            self._keep(record)

    def confirm_resize(self, guest: str) -> None:
        with self._verb("confirm_resize", guest):
            record = self._guests.get(guest)
            if record is not None and record.before is not None:
                record.before, record.parts_before = None, []
                self._keep(record)

    def revert_resize(self, spec: GuestSpec) -> None:
        with self._verb("revert_resize", spec.guest):
            record = self._guest(spec.guest)
            self.learn(record, spec.encryption)
            if record.before is not None:
                record.size, record.before = record.before, None
                record.parts, record.parts_before = record.parts_before, []
                record.boot(self.clock.time())
            elif record.power is not Power.RUNNING:
                record.boot(self.clock.time())
            self._keep(record)

    def attach_volume(self, guest: str, disk: Disk) -> None:
        with self._verb("attach_volume", guest):
            record = self._guest(guest)
            if disk.volume_id not in record.volumes:
                record.volumes = [*record.volumes, disk.volume_id]
                self._keep(record)

    def detach_volume(self, guest: str, volume_id: str) -> None:
        with self._verb("detach_volume", guest):
            record = self._guests.get(guest)
            if record is not None and volume_id in record.volumes:
                record.volumes = [kept for kept in record.volumes if kept != volume_id]
                self._keep(record)

    def grow_volume(self, guest: str, volume_id: str, size_gib: int) -> None:
        with self._verb("grow_volume", guest):
            if volume_id not in self._guest(guest).volumes:
                raise NotFound("the guest does not have the volume")

    def attach_interface(self, guest: str, vif: Vif) -> None:
        with self._verb("attach_interface", guest):
            record = self._guest(guest)
            record.macs = {**record.macs, vif.port_id: vif.mac}
            self._keep(record)

    def detach_interface(self, guest: str, port_id: str) -> None:
        with self._verb("detach_interface", guest):
            record = self._guests.get(guest)
            if record is not None and port_id in record.macs:
                record.macs = {port: mac for port, mac in record.macs.items() if port != port_id}
                self._keep(record)

    def guest(self, guest: str) -> Guest:
        return self._guest(guest)

    def keep(self, record: Guest) -> None:
        self._keep(record)

    def forget(self, guest: str) -> None:
        self._forget(guest)

    def fits(self, spec: GuestSpec) -> None:
        self._refuse_giants(spec)

    def copy_s(self, guest: str) -> float:
        return self._faults.delay_of("copy_live", self._guest(guest).delays)

    def verb(self, verb: str, guest: str, faults: str = "",
             delays: str = "") -> contextlib.AbstractContextManager[None]:
        return self._verb(verb, guest, faults, delays)

    @contextlib.contextmanager
    def _verb(self, verb: str, guest: str = "", faults: str = "", delays: str = "") -> Iterator[None]:
        """Around each verb: its delay, its fault, and the translation of what the disk says."""
        if self._powerless:
            raise BackendBusy("the simulated host has no power")
        record = self._guests.get(guest)
        if record is not None:
            faults, delays = faults or record.faults, delays or record.delays
        try:
            with self._faults.around(verb, guest, faults, delays):
                yield
        except OSError as exc:
            kind = NoSpace if exc.errno in (errno.ENOSPC, errno.EDQUOT) else BackendFailed
            raise kind(f"the simulated host cannot write: {os.strerror(exc.errno or 0)}") from exc

    def _guest(self, guest: str) -> Guest:
        record = self._guests.get(guest)
        if record is None:
            raise NotFound(f"there is no guest {guest} on this host")
        return record

    def _keep(self, record: Guest) -> None:
        if self._files is not None:
            self._files.write(record)
        self._guests[record.id] = record
        if record.power not in (Power.RUNNING, Power.PAUSED):
            self._remote.drop(record.id)

    def _forget(self, guest: str) -> None:
        if self._files is not None:
            self._files.remove(guest)
        self._guests.pop(guest, None)
        self.expected.discard(guest)
        self.unlocked.discard(guest)
        self._remote.drop(guest)
        self._faults.forget(guest)

    def _become(self, record: Guest, power: Power) -> None:
        if record.power is not power:
            record.power = power
            self._keep(record)

    def _pass(self, guest: str, source: Power, target: Power) -> None:
        record = self._guest(guest)
        if record.power not in (source, target):
            raise WrongState(f"the guest is {record.power.value}, not {source.value}")
        self._become(record, target)

    def _refuse_offered(self, record: Guest) -> None:
        if record.offered:
            raise WrongState("the guest is offered to another host")

    def _refuse_giants(self, spec: GuestSpec) -> None:
        size = size_of(spec)
        if size.memory_mib > self.options.memory_mib or size.disk_gib > self.options.disk_gib:
            raise NoSpace("the guest is larger than the host")
        board.refuse_doubles(tuple(self._guests.values()), spec, self.options.vcpus, self._facts.devices)


def _grown(wanted: Size, present: Size) -> Size:
    """``wanted`` with a disk that does not shrink."""
    return Size(wanted.vcpus, wanted.memory_mib, max(wanted.disk_gib, present.disk_gib))

