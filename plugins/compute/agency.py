"""What the control side and the hosts' agents say to each other: two interfaces and their structs."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from ...core.context import Context
from ...core.drivers.hypervisor import ConsoleEndpoint, ConsoleKind, GuestUse, HypervisorFacts, MigrationProgress
from ...core.drivers.network import Vif
from ...core.drivers.topology import Seat
from ...core.drivers.volume import Connection, Encryption
from ...core.services.image import ImageRecord
from ...core.services.release import in_older_words

CONTROL_QUEUE = "compute.control"


def agent_queue(host: str) -> str:
    """The queue of a host's agent."""
    return f"agent.compute.{host}"


class DiskPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One disk of a guest to be: as :class:`~stratolith.core.drivers.hypervisor.Disk`, with the image by record."""

    device: str
    size_gib: int = 0
    size_mib: int = 0
    kind: str = "root"
    image: ImageRecord | None = None
    connection: Connection | None = None
    volume_id: str = ""
    bus: str = ""
    type: str = ""


class GuestPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All an agent needs to make a guest."""

    guest: str
    name: str
    vcpus: int
    memory_mib: int
    disks: list[DiskPlan]
    vifs: list[Vif] = []
    config_drive: dict[str, bytes] | None = None
    metadata: dict[str, str] = {}
    extra_specs: dict[str, str] = {}
    project_id: str = ""
    boot_device: str = ""
    seat: Seat | None = None
    encryption: Encryption | None = None


class Guest(msgspec.Struct, frozen=True):
    """A guest that exists, and its power state as :class:`~stratolith.core.drivers.hypervisor.Power`'s word."""

    guest: str
    power: str


class LiveReport(msgspec.Struct, frozen=True):
    """How a live migration goes: ``running``, ``done``, ``failed``, ``interrupted``, or ``unknown`` to the agent."""

    state: str
    message: str = ""
    progress: MigrationProgress | None = None


class Order(msgspec.Struct, frozen=True):
    """What an agent shall do with a guest after a comparison: ``stop`` or ``destroy``."""

    guest: str
    verb: str


class ConsoleGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Which console a token has opened."""

    host: str
    guest: str
    kind: ConsoleKind
    holder: str = ""
    """Whose console it is, sealed: what :meth:`Control.open_consoles` is asked with while it is open."""


class ComputeAgent(abc.ABC):
    """One host's guests. Each verb may be sent twice with the same arguments. Calls block."""

    api: ClassVar[tuple[int, int]] = (1, 0)

    @abc.abstractmethod
    def spawn(self, context: Context, plan: GuestPlan) -> None:
        """Make and start a guest. :raises CloudError: whatever the driver says; nothing is left then."""

    @abc.abstractmethod
    def destroy(self, context: Context, guest: str) -> None:
        """Remove a guest; nothing when there is none."""

    @abc.abstractmethod
    def act(self, context: Context, guest: str, verb: str) -> str:
        """Do one power verb (``start``, ``stop``, ``reboot``, ``reboot_hard``, ``pause``, ``unpause``,
        ``suspend``, ``resume``) and return the power state after it.

        :raises NotSupported: the driver has no such verb.
        """

    @abc.abstractmethod
    def console_log(self, context: Context, guest: str, max_bytes: int) -> bytes:
        """The end of the guest's console output. :raises NotFound: no such guest."""

    @abc.abstractmethod
    def console(self, context: Context, guest: str, kind: ConsoleKind) -> ConsoleEndpoint:
        """Where the guest's console listens on this host.

        :raises NotFound: no such guest, or it does not run. :raises NotSupported: it has no such console.
        """

    @abc.abstractmethod
    def uptime_s(self, context: Context) -> float:
        """How long the host has been up, in seconds."""

    @abc.abstractmethod
    def snapshot(self, context: Context, guest: str, image: ImageRecord) -> None:
        """Upload the guest's root disk as the queued ``image``. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def unlock(self, context: Context, guest: str, encryption: Encryption) -> None:
        """Let the host know the key of a guest's disks. :raises NotSupported: the driver encrypts none."""

    @abc.abstractmethod
    def plain_snapshot(self, context: Context, guest: str, image: ImageRecord, encryption: Encryption) -> None:
        """As ``snapshot`` of a guest whose disks are encrypted. :raises NotSupported: the driver encrypts none."""

    @abc.abstractmethod
    def resize(self, context: Context, plan: GuestPlan, verb: str) -> None:
        """``resize``, ``confirm`` or ``revert`` a guest. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def attach_volume(self, context: Context, guest: str, disk: DiskPlan) -> None:
        """Plug a volume in. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def detach_volume(self, context: Context, guest: str, volume_id: str) -> None:
        """Unplug a volume. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    @in_older_words
    def grow_volume(self, context: Context, guest: str, volume_id: str, size_gib: int) -> None:
        """Let the guest see that its volume is larger now; a driver that cannot shows it at the next start."""

    @abc.abstractmethod
    def create_volume_snapshot(self, context: Context, guest: str, volume_id: str, snapshot_id: str, new_file: str
                               ) -> None:
        """Have a guest write to a new file upon its volume. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def delete_volume_snapshot(self, context: Context, guest: str, volume_id: str, snapshot_id: str,
                               file_to_merge: str, merge_target_file: str) -> None:
        """Merge a file upon a guest's volume with another. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def attach_interface(self, context: Context, guest: str, vif: Vif) -> None:
        """Plug an interface in. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def detach_interface(self, context: Context, guest: str, port_id: str) -> None:
        """Unplug an interface. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def rescue(self, context: Context, plan: GuestPlan) -> None:
        """Boot a guest from the rescue disk of ``plan``. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def unrescue(self, context: Context, plan: GuestPlan) -> None:
        """Boot a guest from its own disk again. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def crash_dump(self, context: Context, guest: str) -> None:
        """Make a guest's kernel dump its memory. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def set_password(self, context: Context, guest: str, user: str, password: str) -> None:
        """Give a user inside of a guest a password. :raises NotSupported: the driver, or the guest, cannot."""

    @abc.abstractmethod
    def use(self, context: Context, guest: str) -> GuestUse:
        """What a running guest used. :raises NotSupported: the driver cannot say."""

    @abc.abstractmethod
    def swap_volume(self, context: Context, guest: str, old_volume_id: str, new: DiskPlan) -> None:
        """Put another volume in the place of one that is plugged in. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    @in_older_words
    def cache_image(self, context: Context, image: ImageRecord) -> None:
        """Fetch an image before a guest asks for it; a driver that keeps none does nothing."""

    @abc.abstractmethod
    def where(self, context: Context, guest: str) -> str:
        """The power state of a guest that is on this host, or nothing when it is not."""

    @abc.abstractmethod
    def depart(self, context: Context, guest: str) -> dict[str, str]:
        """Shut a guest down and offer its disks to another host. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def arrive(self, context: Context, plan: GuestPlan, offer: Mapping[str, str], start: bool) -> None:
        """Make a guest from the disks that another host offers. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def stay(self, context: Context, plan: GuestPlan, start: bool) -> None:
        """End the offer: the guest is here again. :raises NotSupported: the driver cannot."""

    @abc.abstractmethod
    def prepare_live(self, context: Context, plan: GuestPlan, block: bool) -> dict[str, str]:
        """Get ready to take in a guest that runs; ``destroy`` undoes it. :raises NotSupported: this host cannot."""

    @abc.abstractmethod
    def begin_live(self, context: Context, plan: GuestPlan, offer: Mapping[str, str], block: bool,
                   migration: str) -> None:
        """Begin to move a running guest to the host that made the offer; ``live`` tells how it goes.

        :raises NotSupported: the driver cannot.
        """

    @abc.abstractmethod
    def live(self, context: Context, guest: str, migration: str) -> LiveReport:
        """How a live migration that this host is the source of goes. :raises NotSupported: the driver has none."""

    @abc.abstractmethod
    def abort_live(self, context: Context, guest: str) -> None:
        """Stop the guest's live migration; nothing when there is none."""

    @abc.abstractmethod
    def force_live(self, context: Context, guest: str) -> None:
        """Make the guest's live migration end soon; nothing when there is none."""


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """One of many hosts that one process plays: what it offers, and the guests it has."""

    host: str
    provider: str
    facts: HypervisorFacts
    guests: list[Guest]


class Control(abc.ABC):
    """What agents ask of the control side. Each call is about the caller's own host, or its own hosts."""

    api: ClassVar[tuple[int, int]] = (1, 0)

    @abc.abstractmethod
    def register(self, context: Context, host: str, provider: str, facts: HypervisorFacts) -> None:
        """A host is there and offers ``facts``; also counts as a beat."""

    @abc.abstractmethod
    def beat(self, context: Context, host: str, metrics: Mapping[str, float] | None = None) -> bool:
        """The host's agent lives, and measured ``metrics``.

        True when it was taken for dead: it has to compare its guests, then.
        """

    @abc.abstractmethod
    def compare(self, context: Context, host: str, guests: Sequence[Guest]) -> list[Order]:
        """What to do so that ``guests`` are as they should be; servers with an operation under way are left alone.

        Guests that should run and do not are started by operations of their own.
        """

    @abc.abstractmethod
    def observed(self, context: Context, host: str, powers: Mapping[str, str]) -> None:
        """The guests' present power states by guest."""

    @abc.abstractmethod
    @in_older_words
    def enlist(self, context: Context, enrolments: list[Enrolment]) -> dict[str, list[Order]]:
        """``register`` and then ``compare`` for many hosts: what to do, by host."""
        orders = {}
        for one in enrolments:
            self.register(context, one.host, one.provider, one.facts)
            orders[one.host] = self.compare(context, one.host, one.guests)
        return orders

    @abc.abstractmethod
    @in_older_words
    def beats(self, context: Context, metrics: dict[str, dict[str, float]]) -> list[str]:
        """``beat`` for many hosts, each with what it measured: those that were taken for dead."""
        return [host for host, measured in metrics.items() if self.beat(context, host, measured)]

    @abc.abstractmethod
    def console_proxy(self, context: Context, host: str, url: str) -> None:
        """The host's consoles are reached at ``url``; at none when it is empty."""

    @abc.abstractmethod
    def redeem_console(self, context: Context, hosts: list[str], token: str) -> ConsoleGrant:
        """Use a token up at the proxy of ``hosts``. :raises NotFound: it opens nothing there, or no longer."""

    @abc.abstractmethod
    @in_older_words
    def open_consoles(self, context: Context, holders: list[str]) -> list[bool]:
        """Whether consoles may stay open, by their holders and in their order: the server is where it was, and who
        opened the console still may. The release before lets all stay."""
        return [True] * len(holders)
