"""Compute's agent: the part that runs on a host beside its hypervisor."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

from ...core.context import Context
from ...core.drivers.base import require
from ...core.drivers.hypervisor import (
    ConsoleEndpoint,
    ConsoleKind,
    Consoles,
    CrashDump,
    Diagnostics,
    Disk,
    DiskEncryption,
    GuestAgent,
    GuestSpec,
    GuestUse,
    HostMetrics,
    Hypervisor,
    HypervisorFacts,
    Image,
    ImageCaching,
    Interfaces,
    Pausable,
    Rescuable,
    Resizable,
    Snapshots,
    Suspendable,
    VolumeGrowth,
    Volumes,
    VolumeSnapshots,
    VolumeSwap,
)
from ...core.drivers.network import Vif
from ...core.drivers.topology import cpu_list
from ...core.drivers.volume import Encryption
from ...core.errors import BackendBusy, CloudError, NotSupported
from ...core.plugins import Registry
from ...core.process.address import own_address
from ...core.process.slice import Agent, Kit
from ...core.services.image import ImageRecord, ImageService
from . import facets, offer, pci
from .agency import (
    CONTROL_QUEUE,
    ComputeAgent,
    Control,
    DiskPlan,
    Enrolment,
    Guest,
    GuestPlan,
    Order,
    agent_queue,
)
from .crew import TOGETHER, Crew
from .keeper import Keeper
from .moving import LiveMoves, MovingVerbs
from .options import Options

HYPERVISORS: Registry[Hypervisor] = Registry("hypervisors", Hypervisor)
BEAT_S = 10.0
RETRY_S = 2.0
CONTROL_S = 10.0
SYNC_S = 60.0
WHOLE_SYNC_S = 300.0
"""How often all power states are told anew: what came while a server was busy was not heeded then."""
CHUNK = 1 << 20


class HostAgents(Agent):
    """The agents of this process: one for its own host, or one for each host that the options name."""

    def __init__(self, kit: Kit) -> None:
        options = cast(Options, kit.options)
        self.hosts = [HostAgent(on_host(kit, host)) for host in options.hosts or (kit.host,)]
        self._kit = kit

    def start(self) -> None:
        if len(self.hosts) >= TOGETHER:
            crew = Crew(self._kit, self.hosts)
            crew.begin()
            self._kit.executor.every(BEAT_S, crew.beat)
            self._kit.executor.every(SYNC_S, crew.sync)
            return
        for one in self.hosts:
            one.start()

    def stop(self) -> None:
        for one in self.hosts:
            one.stop()


def on_host(kit: Kit, host: str) -> Kit:
    """The kit as the agent of ``host`` sees it: with folders of its own when the process plays several hosts."""
    if host == kit.host:
        return kit
    return dataclasses.replace(kit, host=host, state_dir=kit.state_dir / "hosts" / host,
                               run_dir=kit.run_dir / "hosts" / host)


class HostAgent(Agent, MovingVerbs):
    """One host. Verbs on one guest run one after another, on different guests side by side."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.host = kit.host
        self.log = kit.log
        options = cast(Options, kit.options)
        self.shutdown_timeout_s = options.shutdown_timeout_s
        self.driver: Hypervisor = kit.driver(HYPERVISORS, options.hypervisor)
        self.pci = kit.configuration.section("pci", pci.PciOptions)
        self.keeper = Keeper(kit, self.driver)
        self.lives = LiveMoves(kit)
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._seen: dict[str, str] = {}
        self._seen_all_at = 0.0
        self._tries = 0
        self._hosted = frozenset(kit.peers.local())
        self._shared: tuple[int, ...] | None = None
        self._stopped = False
        self.lost = True

    # Life.

    def start(self) -> None:
        self.serve()
        self._begin()
        self.kit.executor.every(BEAT_S, self._beat)
        self.kit.executor.every(SYNC_S, self.sync)

    def serve(self) -> None:
        """Take calls from now on, and keep what the host may run guests by."""
        self.kit.mesh.serve(agent_queue(self.host), ComputeAgent, self)
        self.keeper.start()

    def stop(self) -> None:
        self._stopped = True
        self.kit.mesh.withdraw(agent_queue(self.host))
        self.driver.close()

    def is_ready(self) -> bool:
        """Tell whether the host takes part: it was not stopped, and may run servers."""
        return not self._stopped and not self.keeper.held

    def control(self) -> Control:
        """The control side. :raises BackendBusy: it is out of reach."""
        return self._control()

    def _control(self) -> Control:
        return self.kit.mesh.reach(CONTROL_QUEUE, Control, CONTROL_S)

    def _begin(self) -> None:
        if self._stopped:
            return
        if self.keeper.held:
            # Nobody shall count on this host; the beat registers it once it may run servers again.
            return
        try:
            self._register()
        except BackendBusy as busy:
            self.log.warning("the control side is not there yet: %s", busy)
            self._tries += 1
            if self._tries * RETRY_S < BEAT_S:
                # From then on each beat tries it.
                self.kit.executor.later(RETRY_S, self._begin)

    def _register(self) -> None:
        context, control = self.kit.context(), self._control()
        control.register(context, self.host, self._provider(), self._offered())
        self.lost = False
        self.obey(context, control.compare(context, self.host, self._guests()))

    def enrolment(self) -> Enrolment:
        """What the control side is told of this host when it comes, or comes back."""
        return Enrolment(host=self.host, provider=self._provider(), facts=self._offered(), guests=self._guests())

    def _offered(self) -> HypervisorFacts:
        facts = self._facts()
        return dataclasses.replace(facts, address=cast(Options, self.kit.options).address or own_address(),
                                   traits=tuple(sorted({*facts.traits, *facets.traits(self.driver)})))

    def _guests(self) -> list[Guest]:
        return [Guest(one.guest, one.power.value) for one in self.driver.observe()]

    def obey(self, context: Context, orders: Sequence[Order]) -> None:
        """Do with guests what the control side says; what fails is asked for again at the next beat."""
        for order in orders:
            self.log.warning("guest %s: %s, as the control side says", order.guest, order.verb)
            try:
                self._obey(context, order.guest, order.verb)
            except CloudError as error:
                self.log.error("guest %s: %s failed: %s", order.guest, order.verb, error)
                self.lost = True

    def _facts(self) -> HypervisorFacts:
        """What the host offers, with what its options set apart."""
        found = offer.settled(cast(Options, self.kit.options), self.driver.facts())
        return dataclasses.replace(found, devices=pci.offered(self.pci, found.devices))

    def _obey(self, context: Context, guest: str, verb: str) -> None:
        if verb == "destroy":
            self.destroy(context, guest)
        else:
            self.act(context, guest, verb)

    def _provider(self) -> str:
        """The id of this host's resource provider: made once, then kept in a file."""
        file = self.kit.state_dir / f"compute-provider-{self.host}"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_suffix(".new")
            fresh.write_text(self.kit.clock.uuid())
            fresh.rename(file)
        return file.read_text().strip()

    def _beat(self) -> None:
        """Tell that the host lives; after a time without contact it is compared again."""
        if self._stopped or self.keeper.held:
            self.lost = True
            return
        try:
            if self.lost:
                self._register()
            if self._control().beat(self.kit.context(), self.host, self.metrics()):
                self._register()
        except BackendBusy as busy:
            self.lost = True
            self.log.warning("the control side cannot be told that this host lives: %s", busy)

    def metrics(self) -> dict[str, float]:
        """How busy the host is, where its driver can tell."""
        return dict(self.driver.host_metrics()) if isinstance(self.driver, HostMetrics) else {}

    def sync(self) -> None:
        """Tell the control side which guests changed their power state since the last time."""
        if self._stopped or self.lost or self.keeper.held:
            # What a host out of touch did to its guests is compared first.
            return
        now = {one.guest: one.power.value for one in self.driver.observe()}
        if self.kit.clock.monotonic() - self._seen_all_at >= WHOLE_SYNC_S:
            self._seen, self._seen_all_at = {}, self.kit.clock.monotonic()
        changed = {guest: power for guest, power in now.items() if self._seen.get(guest) != power}
        self._seen = now
        if changed:
            self._control().observed(self.kit.context(), self.host, changed)

    @contextlib.contextmanager
    def _guest(self, guest: str) -> Iterator[None]:
        if self.keeper.held:
            raise BackendBusy("this host may not run servers now")
        with self._locks[guest]:
            yield
        if self.keeper.held:
            # The time was over while this went on: what it started must not stay.
            self.keeper.stop_all()
            raise BackendBusy("this host may not run servers now")

    # Guests.

    def spawn(self, context: Context, plan: GuestPlan) -> None:
        with self._guest(plan.guest):
            self.driver.spawn(self._spec(context, plan))

    def destroy(self, context: Context, guest: str) -> None:
        with self._guest(guest):
            self.driver.destroy(guest)
        self._locks.pop(guest, None)

    def act(self, context: Context, guest: str, verb: str) -> str:
        with self._guest(guest):
            self._verb(verb)(guest)
            return self.driver.power(guest).value

    def _verb(self, verb: str) -> Callable[[str], None]:
        driver = self.driver
        if verb == "stop":
            return lambda guest: driver.stop(guest, self.shutdown_timeout_s)
        if verb in ("reboot", "reboot_hard"):
            return lambda guest: driver.reboot(guest, verb == "reboot_hard")
        if verb == "start":
            return driver.start
        if verb in ("pause", "unpause"):
            pausable = require(driver, Pausable)
            return pausable.pause if verb == "pause" else pausable.unpause
        if verb in ("suspend", "resume"):
            suspendable = require(driver, Suspendable)
            return suspendable.suspend if verb == "suspend" else suspendable.resume
        raise NotSupported(f"there is no verb {verb}")

    def console_log(self, context: Context, guest: str, max_bytes: int) -> bytes:
        return self.driver.console_log(guest, max_bytes)

    def console(self, context: Context, guest: str, kind: ConsoleKind) -> ConsoleEndpoint:
        return require(self.driver, Consoles).console(guest, kind)

    def uptime_s(self, context: Context) -> float:
        # On Linux the monotonic clock begins with the machine.
        return self.kit.clock.monotonic()

    def snapshot(self, context: Context, guest: str, image: ImageRecord) -> None:
        driver = require(self.driver, Snapshots)
        self._upload(context, guest, image, lambda target: driver.snapshot(guest, target))

    def plain_snapshot(self, context: Context, guest: str, image: ImageRecord, encryption: Encryption) -> None:
        driver = require(self.driver, DiskEncryption)
        self._upload(context, guest, image, lambda target: driver.plain_snapshot(guest, target, encryption))

    def unlock(self, context: Context, guest: str, encryption: Encryption) -> None:
        driver = require(self.driver, DiskEncryption)
        with self._guest(guest):
            driver.unlock(guest, encryption)

    def _upload(self, context: Context, guest: str, image: ImageRecord, copy: Callable[[Path], str]) -> None:
        """Give ``image`` the data that ``copy`` writes to a file; it tells their format."""
        folder = self.kit.run_dir / "snapshots"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / image.id
        try:
            with self._guest(guest):
                disk_format = copy(target)
            images = self.kit.peers.of(ImageService)
            images.create(context, image.id, image.name, disk_format, "bare", image.properties,
                          image.min_disk, image.min_ram)
            images.upload(context, image.id, _chunks(target))
        finally:
            target.unlink(missing_ok=True)

    def resize(self, context: Context, plan: GuestPlan, verb: str) -> None:
        if verb != "resize" and not isinstance(self.driver, Resizable):
            # What a driver cannot do need not be undone either; an undoing that fails is tried for ever.
            return
        driver = require(self.driver, Resizable)
        with self._guest(plan.guest):
            if verb == "resize":
                driver.resize(self._spec(context, plan))
            elif verb == "confirm":
                driver.confirm_resize(plan.guest)
            else:
                driver.revert_resize(self._spec(context, plan))

    def attach_volume(self, context: Context, guest: str, disk: DiskPlan) -> None:
        driver = require(self.driver, Volumes)
        with self._guest(guest):
            driver.attach_volume(guest, self._disk(context, disk))

    def detach_volume(self, context: Context, guest: str, volume_id: str) -> None:
        if isinstance(self.driver, Volumes):
            with self._guest(guest):
                self.driver.detach_volume(guest, volume_id)

    def grow_volume(self, context: Context, guest: str, volume_id: str, size_gib: int) -> None:
        if isinstance(self.driver, VolumeGrowth):
            with self._guest(guest):
                self.driver.grow_volume(guest, volume_id, size_gib)

    def create_volume_snapshot(self, context: Context, guest: str, volume_id: str, snapshot_id: str, new_file: str
                               ) -> None:
        driver = require(self.driver, VolumeSnapshots)
        with self._guest(guest):
            driver.create_volume_snapshot(guest, volume_id, snapshot_id, new_file)

    def delete_volume_snapshot(self, context: Context, guest: str, volume_id: str, snapshot_id: str,
                               file_to_merge: str, merge_target_file: str) -> None:
        driver = require(self.driver, VolumeSnapshots)
        with self._guest(guest):
            driver.delete_volume_snapshot(guest, volume_id, snapshot_id, file_to_merge, merge_target_file)

    def attach_interface(self, context: Context, guest: str, vif: Vif) -> None:
        driver = require(self.driver, Interfaces)
        with self._guest(guest):
            driver.attach_interface(guest, vif)

    def detach_interface(self, context: Context, guest: str, port_id: str) -> None:
        if isinstance(self.driver, Interfaces):
            with self._guest(guest):
                self.driver.detach_interface(guest, port_id)

    def rescue(self, context: Context, plan: GuestPlan) -> None:
        driver = require(self.driver, Rescuable)
        with self._guest(plan.guest):
            driver.rescue(self._spec(context, plan))

    def unrescue(self, context: Context, plan: GuestPlan) -> None:
        if isinstance(self.driver, Rescuable):
            with self._guest(plan.guest):
                self.driver.unrescue(self._spec(context, plan))

    def crash_dump(self, context: Context, guest: str) -> None:
        driver = require(self.driver, CrashDump)
        with self._guest(guest):
            driver.crash_dump(guest)

    def set_password(self, context: Context, guest: str, user: str, password: str) -> None:
        driver = require(self.driver, GuestAgent)
        with self._guest(guest):
            driver.set_password(guest, user, password)

    def use(self, context: Context, guest: str) -> GuestUse:
        return require(self.driver, Diagnostics).use(guest)

    def swap_volume(self, context: Context, guest: str, old_volume_id: str, new: DiskPlan) -> None:
        driver = require(self.driver, VolumeSwap)
        with self._guest(guest):
            driver.swap_volume(guest, old_volume_id, self._disk(context, new))

    def cache_image(self, context: Context, image: ImageRecord) -> None:
        if isinstance(self.driver, ImageCaching):
            self.driver.cache_image(self._image(context, image))

    # Turning plans into the driver's own words.

    def _spec(self, context: Context, plan: GuestPlan) -> GuestSpec:
        if plan.encryption is not None:
            require(self.driver, DiskEncryption)
        return GuestSpec(
            guest=plan.guest, name=plan.name, vcpus=plan.vcpus, memory_mib=plan.memory_mib,
            disks=[self._disk(context, disk) for disk in plan.disks], vifs=plan.vifs,
            config_drive=plan.config_drive, metadata=plan.metadata, extra_specs=plan.extra_specs,
            project_id=plan.project_id, boot_device=plan.boot_device, seat=plan.seat, shared_cpus=self._shared_cpus(),
            encryption=plan.encryption)

    def _shared_cpus(self) -> tuple[int, ...]:
        """The processors that guests share; the host is asked once."""
        if self._shared is None:
            self._shared = cpu_list(self._facts().shared_cpus)
        return self._shared

    def _disk(self, context: Context, plan: DiskPlan) -> Disk:
        image = self._image(context, plan.image) if plan.image is not None else None
        return Disk(device=plan.device, size_gib=plan.size_gib, image=image, connection=plan.connection,
                    volume_id=plan.volume_id, kind=plan.kind, size_mib=plan.size_mib, bus=plan.bus, type=plan.type)

    def _image(self, context: Context, record: ImageRecord) -> Image:
        return Image(id=record.id, disk_format=record.disk_format, size_bytes=record.size,
                     virtual_size_bytes=record.virtual_size, hash_algorithm=record.hash_algorithm,
                     hash_value=record.hash_value, chunks=lambda: self._image_data(context, record.id),
                     properties=record.properties)

    def _image_data(self, context: Context, image_id: str) -> Iterator[bytes]:
        """The image's bytes: streamed in this process, else fetched piece by piece."""
        images = self.kit.peers.of(ImageService)
        if ImageService.service in self._hosted:
            yield from images.chunks(context, image_id)
            return
        offset = 0
        while piece := images.read(context, image_id, offset, CHUNK):
            offset += len(piece)
            yield piece


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield chunk

