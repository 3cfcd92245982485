"""The hypervisor interface: what runs guests on one host."""

from __future__ import annotations

import abc
import dataclasses
import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from .base import Driver
from .network import Vif
from .topology import HostCell, PciDevice, Seat
from .volume import Connection, Encryption


class Power(enum.Enum):
    """What a guest is doing, whoever asked for it."""

    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    SHUTDOWN = "shutdown"
    CRASHED = "crashed"


@dataclasses.dataclass(frozen=True)
class HypervisorFacts:
    """What a host offers. Totals are what the machine has, before any reservation or ratio."""

    kind: str
    """OpenStack's hypervisor_type: ``QEMU``, ``fake``, ``LXC``, ..."""
    version: int
    """As libvirt counts: major * 1,000,000 + minor * 1,000 + release."""
    hostname: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    architecture: str = "x86_64"
    cpu_model: str = ""
    cpu_features: tuple[str, ...] = ()
    disk_formats: tuple[str, ...] = ("raw", "qcow2")
    traits: tuple[str, ...] = ()
    """Traits of placement this host has, e.g. ``HW_CPU_X86_AVX2``."""
    shared_disks: bool = False
    address: str = ""
    """Where the host's agent can be reached by other hosts, as its operator says; drivers leave it empty."""
    cells: tuple[HostCell, ...] = ()
    """The host's NUMA nodes, where the driver can bind guests to them."""
    devices: tuple[PciDevice, ...] = ()
    """The host's PCI devices, where the driver can hand them to guests."""
    dedicated_cpus: str = ""
    """Processors that guests may have for themselves, as a list, e.g. ``2-7,^4``; the rest is shared."""
    shared_cpus: str = ""
    """Processors that all other guests share; empty is every one that is not dedicated."""


@dataclasses.dataclass(frozen=True)
class Image:
    """The image a root disk is made from; its bytes are streamed when a driver asks."""

    id: str
    disk_format: str
    size_bytes: int
    virtual_size_bytes: int
    hash_algorithm: str
    hash_value: str
    chunks: Callable[[], Iterator[bytes]] = dataclasses.field(compare=False, repr=False)
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Disk:
    """One block device of a guest: local (``size_gib`` and perhaps an image) or a volume's connection."""

    device: str
    """Device name inside the guest, e.g. ``vda``."""
    size_gib: int
    image: Image | None = None
    """What a local disk is made from; for a root volume only what its properties say of the machine."""
    connection: Connection | None = None
    volume_id: str = ""
    kind: str = "root"
    """``root``, ``ephemeral``, ``swap``, ``volume`` or ``rescue``; swap's size is in ``size_mib``."""
    size_mib: int = 0
    bus: str = ""
    """The bus it is wanted on (``virtio``, ``scsi``, ...), before the image's wish; empty is the driver's choice."""
    type: str = ""
    """``disk``, ``cdrom``, ``floppy`` or ``lun``; empty is a disk."""


@dataclasses.dataclass(frozen=True)
class GuestSpec:
    """Everything a driver needs to make a guest. ``guest`` is the server's id and its key."""

    guest: str
    name: str
    """A label for people; not unique, any characters."""
    vcpus: int
    memory_mib: int
    disks: Sequence[Disk]
    vifs: Sequence[Vif] = ()
    config_drive: Mapping[str, bytes] | None = None
    """Files of the config drive by path (``openstack/latest/meta_data.json``), or none."""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The server's metadata: the simulated driver reads its faults here."""
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    project_id: str = ""
    boot_device: str = ""
    """The device to boot from when it is not the first of ``disks``: a rescue disk behind the others."""
    seat: Seat | None = None
    """Which cells, processors and PCI devices of the host are the guest's; none: it asked for nothing in particular.

    It is as good as a claim: whoever gives it out gives nothing twice. Drivers whose facts name neither cells nor
    devices are given none.
    """
    shared_cpus: tuple[int, ...] = ()
    """The processors that the guest shares with others; empty is all of the host's."""
    encryption: Encryption | None = None
    """How all local disks of the guest are encrypted; always the same for one guest. Only drivers with the facet
    :class:`DiskEncryption` are given one."""


@dataclasses.dataclass(frozen=True)
class ObservedGuest:
    """A guest that really exists, as the host sees it."""

    guest: str
    power: Power


class Hypervisor(Driver):
    """One host's hypervisor.

    Calls block. Any thread may call, but never two for one guest at a time. Every verb may
    be called twice with the same arguments and leaves the same world. After a failure
    nothing of a guest that was to be made is left, and a guest that was there is as it was
    or observably stopped. ``guest`` is a UUID with dashes.
    """

    @abc.abstractmethod
    def facts(self) -> HypervisorFacts:
        """What this host offers now."""

    @abc.abstractmethod
    def observe(self) -> Sequence[ObservedGuest]:
        """Every guest of ours that exists on this host, running or not."""

    @abc.abstractmethod
    def power(self, guest: str) -> Power:
        """What ``guest`` is doing.

        :raises NotFound: there is no such guest.
        """

    @abc.abstractmethod
    def spawn(self, spec: GuestSpec) -> None:
        """Make the guest and start it; if it is there with this id, see that it runs.

        :raises NoSpace: disk or memory do not suffice; nothing was left behind.
        :raises BackendFailed: anything else; nothing was left behind.
        """

    @abc.abstractmethod
    def destroy(self, guest: str) -> None:
        """Stop the guest and remove all of it: domain, local disks, config drive, console log.

        Volumes stay untouched. A guest that is not there is no error.
        """

    @abc.abstractmethod
    def start(self, guest: str) -> None:
        """Start a guest that is shut down; nothing if it runs.

        :raises NotFound: there is no such guest.
        """

    @abc.abstractmethod
    def stop(self, guest: str, timeout_s: float) -> None:
        """Ask the guest to shut down and cut its power after ``timeout_s``; 0 cuts at once.

        :raises NotFound: there is no such guest.
        """

    @abc.abstractmethod
    def reboot(self, guest: str, hard: bool) -> None:
        """Restart the guest: softly as a person would ask, or hard as a reset. It runs afterwards.

        :raises NotFound: there is no such guest.
        """

    @abc.abstractmethod
    def console_log(self, guest: str, max_bytes: int) -> bytes:
        """The last ``max_bytes`` of what the guest wrote to its serial console.

        :raises NotFound: there is no such guest.
        """


class Pausable(abc.ABC):
    """Facet: freeze a guest in memory."""

    @abc.abstractmethod
    def pause(self, guest: str) -> None:
        """Freeze the guest; nothing if it is frozen. :raises NotFound: no such guest."""

    @abc.abstractmethod
    def unpause(self, guest: str) -> None:
        """Let a frozen guest go on; nothing if it runs. :raises NotFound: no such guest."""


class Suspendable(abc.ABC):
    """Facet: save a guest's memory to disk and free the host's."""

    @abc.abstractmethod
    def suspend(self, guest: str) -> None:
        """Save and stop the guest; nothing if that is done. :raises NotFound: no such guest."""

    @abc.abstractmethod
    def resume(self, guest: str) -> None:
        """Restore a saved guest; nothing if it runs. :raises NotFound: no such guest."""


class Snapshots(abc.ABC):
    """Facet: read a guest's root disk as an image."""

    @abc.abstractmethod
    def snapshot(self, guest: str, target: Path) -> str:
        """Write a consistent copy of the root disk to the file ``target``; return its disk format.

        The guest is in the same power state afterwards. :raises NotFound: no such guest.
        """


class Resizable(abc.ABC):
    """Facet: give a guest another size on the same host, with a way back."""

    @abc.abstractmethod
    def resize(self, spec: GuestSpec) -> None:
        """Stop the guest, give it ``spec``'s size and start it; keep what is needed to go back.

        The root disk never shrinks. :raises NotFound: no such guest.
        """

    @abc.abstractmethod
    def confirm_resize(self, guest: str) -> None:
        """Forget the way back; nothing if there is none."""

    @abc.abstractmethod
    def revert_resize(self, spec: GuestSpec) -> None:
        """Go back to the guest as it was before :meth:`resize`; ``spec`` is its old self."""


class DiskEncryption(abc.ABC):
    """Facet: keep the local disks of guests encrypted, as ``GuestSpec.encryption`` says.

    The key is never on the host's disk. What the driver was told is as good as gone when the host starts anew.
    :meth:`Snapshots.snapshot` of such a guest is ``NotSupported``.
    """

    @abc.abstractmethod
    def encryption_formats(self) -> Sequence[str]:
        """The formats it has, in the compute reference's words: ``luks``."""

    @abc.abstractmethod
    def unlock(self, guest: str, encryption: Encryption) -> None:
        """Learn the key of the guest's disks, which the host may have forgotten, before a verb that names no key.

        :raises NotFound: there is no such guest.
        """

    @abc.abstractmethod
    def plain_snapshot(self, guest: str, target: Path, encryption: Encryption) -> str:
        """As :meth:`Snapshots.snapshot` of a guest whose disks are encrypted; the copy is not.

        :raises NotFound: there is no such guest. :raises BackendFailed: the key is another.
        """


class Volumes(abc.ABC):
    """Facet: plug volumes into a guest that exists, running or not."""

    @abc.abstractmethod
    def attach_volume(self, guest: str, disk: Disk) -> None:
        """Plug the volume in; nothing if it is in. :raises NotFound: no such guest."""

    @abc.abstractmethod
    def detach_volume(self, guest: str, volume_id: str) -> None:
        """Unplug the volume; nothing if it is out or the guest is gone."""


class VolumeGrowth(abc.ABC):
    """Facet: let a guest see that a volume it has became larger."""

    @abc.abstractmethod
    def grow_volume(self, guest: str, volume_id: str, size_gib: int) -> None:
        """Show the volume with ``size_gib``; nothing if the guest does not run, as it sees that at its start.

        :raises NotFound: there is no such guest, or it does not have the volume.
        """


class VolumeSnapshots(abc.ABC):
    """Facet: help a back end whose volumes are files with their snapshots, while a guest uses the volume.

    Files are named as the back end names them, without a folder: they are beside the volume's own.
    """

    @abc.abstractmethod
    def create_volume_snapshot(self, guest: str, volume_id: str, snapshot_id: str, new_file: str) -> None:
        """Have the guest write to ``new_file`` from now on, a qcow2 file upon the one it used; nothing if it does.

        :raises NotFound: there is no such guest, or it does not have the volume.
        """

    @abc.abstractmethod
    def delete_volume_snapshot(self, guest: str, volume_id: str, snapshot_id: str, file_to_merge: str,
                               merge_target_file: str) -> None:
        """Make ``file_to_merge`` part of ``merge_target_file``, which it lies upon.

        Where there is no ``merge_target_file``, the guest's own file takes in all that lies between it and
        ``file_to_merge``, and where there is neither, all that lies under it.
        Nothing when it was merged before. :raises NotFound: as :meth:`create_volume_snapshot`.
        """


class Interfaces(abc.ABC):
    """Facet: plug network interfaces into a guest that exists."""

    @abc.abstractmethod
    def attach_interface(self, guest: str, vif: Vif) -> None:
        """Plug the interface in; nothing if it is in. :raises NotFound: no such guest."""

    @abc.abstractmethod
    def detach_interface(self, guest: str, port_id: str) -> None:
        """Unplug the interface; nothing if it is out or the guest is gone."""


Offer = Mapping[str, str]
"""Where another driver of the same kind finds what it is to fetch, in words only this kind understands."""


class Movable(abc.ABC):
    """Facet: hand a stopped guest over to another host; the source keeps it until it is destroyed there.

    Both hosts have drivers of the same kind. Volumes and interfaces are not the driver's to move: ``spec`` names
    them as the host concerned reaches them.
    """

    @abc.abstractmethod
    def depart(self, guest: str, timeout_s: float) -> Offer:
        """Shut the guest down as :meth:`Hypervisor.stop` does and offer its local disks to another host.

        Nothing starts it while it is offered. :raises NotFound: there is no such guest.
        """

    @abc.abstractmethod
    def arrive(self, spec: GuestSpec, offer: Offer, start: bool) -> None:
        """Make the guest, of ``spec``'s size, from the disks offered, and start it if told.

        :raises NoSpace: disk or memory do not suffice; nothing was left behind.
        :raises BackendFailed: anything else; nothing was left behind.
        """

    @abc.abstractmethod
    def stay(self, spec: GuestSpec, start: bool) -> None:
        """End the offer: the guest is here again as ``spec`` says, and runs if told. Nothing offered is no error.

        :raises NotFound: there is no such guest.
        """


@dataclasses.dataclass(frozen=True)
class MigrationProgress:
    """How far a live migration has come; amounts are zero where they are not known."""

    memory_total_bytes: int = 0
    memory_processed_bytes: int = 0
    memory_remaining_bytes: int = 0
    disk_total_bytes: int = 0
    disk_processed_bytes: int = 0
    disk_remaining_bytes: int = 0


class LiveMigration(abc.ABC):
    """Facet: move a guest to another host while it runs."""

    @abc.abstractmethod
    def prepare_live(self, spec: GuestSpec, block: bool) -> Offer:
        """On the target: get ready to take the guest in; ``block`` says that its local disks come along.

        The guest does not exist here before it has come; :meth:`Hypervisor.destroy` undoes this.
        :raises NoSpace: disk or memory do not suffice. :raises NotSupported: this host cannot run it.
        """

    @abc.abstractmethod
    def migrate_live(self, spec: GuestSpec, offer: Offer, block: bool) -> None:
        """On the source: move the guest; returns when it runs on the target and nothing of it is left here.

        ``spec`` is the guest as the target reaches its volumes and interfaces.
        :raises Interrupted: :meth:`abort_live` was called; the guest runs here on.
        :raises BackendFailed: it could not be moved; the guest runs here on.
        """

    @abc.abstractmethod
    def live_progress(self, guest: str) -> MigrationProgress | None:
        """How far the migration under way has come; none when there is none."""

    @abc.abstractmethod
    def abort_live(self, guest: str) -> None:
        """Stop the migration under way; nothing when there is none."""

    @abc.abstractmethod
    def force_live(self, guest: str) -> None:
        """Make the migration under way end soon, at the price of a pause; nothing when there is none."""


class Rescuable(abc.ABC):
    """Facet: boot a guest from another disk, so that its own can be repaired."""

    @abc.abstractmethod
    def rescue(self, spec: GuestSpec) -> None:
        """Stop the guest and start it from the one disk of ``spec`` whose kind is ``rescue``, made from its image.

        The guest's own disks, which ``spec`` also names, are plugged in untouched.
        :raises NotFound: there is no such guest.
        """

    @abc.abstractmethod
    def unrescue(self, spec: GuestSpec) -> None:
        """Remove the rescue disk and start the guest from its own; nothing more if it was not rescued.

        :raises NotFound: there is no such guest.
        """


class ConsoleKind(enum.Enum):
    """A way to see a guest's screen or serial line from afar."""

    VNC = "vnc"
    SPICE = "spice"
    SERIAL = "serial"


@dataclasses.dataclass(frozen=True)
class ConsoleEndpoint:
    """Where a console's server listens: a TCP address, or the path of a Unix socket of this host."""

    kind: ConsoleKind
    host: str = ""
    port: int = 0
    path: str = ""


class Consoles(abc.ABC):
    """Facet: remote consoles. Who may connect is decided before anybody learns the endpoint."""

    @abc.abstractmethod
    def console(self, guest: str, kind: ConsoleKind) -> ConsoleEndpoint:
        """Where the guest's console can be reached now; it changes when the guest is started anew.

        :raises NotFound: there is no such guest, or it does not run. :raises NotSupported: it has no such console.
        """


class CrashDump(abc.ABC):
    """Facet: make a guest's kernel dump its memory."""

    @abc.abstractmethod
    def crash_dump(self, guest: str) -> None:
        """Inject a non-maskable interrupt. :raises NotFound: there is no such guest."""


class GuestAgent(abc.ABC):
    """Facet: speak to the agent inside a guest."""

    @abc.abstractmethod
    def set_password(self, guest: str, user: str, password: str) -> None:
        """Give a user inside of the guest a password.

        :raises NotFound: there is no such guest. :raises NotSupported: it has no agent, or its agent cannot.
        """


@dataclasses.dataclass(frozen=True)
class NicUse:
    """Octets and packets that went through an interface since the guest was started."""

    mac_address: str
    rx_octets: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_drop: int = 0
    tx_octets: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_drop: int = 0


@dataclasses.dataclass(frozen=True)
class DiskUse:
    """Bytes and requests that a disk served since the guest was started."""

    read_bytes: int = 0
    read_requests: int = 0
    write_bytes: int = 0
    write_requests: int = 0
    errors_count: int = 0


@dataclasses.dataclass(frozen=True)
class GuestUse:
    """What a guest used since it was started. Processor times are in nanoseconds, one a virtual CPU."""

    uptime_s: float = 0.0
    cpu_times_ns: Sequence[int] = ()
    memory_used_mib: int | None = None
    nics: Sequence[NicUse] = ()
    disks: Mapping[str, DiskUse] = dataclasses.field(default_factory=dict)
    """By device name."""


class Diagnostics(abc.ABC):
    """Facet: tell what a guest uses."""

    @abc.abstractmethod
    def use(self, guest: str) -> GuestUse:
        """What the guest used. :raises NotFound: there is no such guest, or it does not run."""


class HostMetrics(abc.ABC):
    """Facet: measure how busy the host is."""

    @abc.abstractmethod
    def host_metrics(self) -> Mapping[str, float]:
        """Numbers by name, parts of a whole from 0 to 1: ``cpu.percent``, ``cpu.user.percent``,
        ``cpu.kernel.percent``, ``cpu.idle.percent``, ``cpu.iowait.percent`` since the last call, ``memory.percent``.

        What cannot be told yet is left out.
        """


class VolumeSwap(abc.ABC):
    """Facet: put another volume in the place of one that a running guest uses."""

    @abc.abstractmethod
    def swap_volume(self, guest: str, old_volume_id: str, new: Disk) -> None:
        """Copy the old volume's contents to ``new`` while the guest writes on, then use ``new`` instead.

        The same call after it succeeded changes nothing. After a failure the guest uses the old one.
        :raises NotFound: there is no such guest, or it has neither volume.
        """


class ImageCaching(abc.ABC):
    """Facet: keep images, so that guests made from them are made sooner."""

    @abc.abstractmethod
    def cache_image(self, image: Image) -> None:
        """Fetch ``image`` if it is not kept; a guest made from it later fetches nothing.

        :raises BackendFailed: its bytes are not what was promised. :raises BackendBusy: they could not be read.
        """


class Killable(abc.ABC):
    """Facet: guests outlive the agent's process, and any other process of their host can end them."""

    @abc.abstractmethod
    def kill_guests(self) -> Sequence[str]:
        """End every guest of this host at once, waiting for nothing that may hang: no daemon, no shared storage.

        May be called on a driver that was never opened. Gives the ids of those that run on; to be asked again then.
        What the host knows of its guests stays, and so do their disks.
        """
