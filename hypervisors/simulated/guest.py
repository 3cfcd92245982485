"""What the simulated host remembers of a guest, in memory and as one small file each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ...core.drivers.hypervisor import GuestSpec, Power
from ...core.drivers.topology import Seat
from ...core.drivers.volume import Encryption
from ...core.errors import NotSupported

BOOTS_KEPT = 8

FAULT = "stratolith:fault"
DELAY = "stratolith:delay"
AGENT = "hw_qemu_guest_agent"
"""Keys of a guest's metadata: which verbs fail on it, and which take their time; and of its image: it has an agent."""


class Size(msgspec.Struct, frozen=True):
    """What a resize changes."""

    vcpus: int
    memory_mib: int
    disk_gib: int


class Guest(msgspec.Struct):
    """One remembered guest."""

    id: str
    name: str
    size: Size
    power: Power
    disk_format: str = ""
    volumes: list[str] = []
    macs: dict[str, str] = {}
    """MAC addresses by port id."""
    boots: list[float] = []
    """Moments of the last starts, seconds since the Unix epoch."""
    faults: str = ""
    delays: str = ""
    before: Size | None = None
    """The way back from a resize."""
    agent: bool = False
    """Whether an agent inside of it takes passwords."""
    rescue: str = ""
    """The device of its rescue disk while it is rescued."""
    interrupts: int = 0
    """How often it was told to dump its memory."""
    passwords: dict[str, str] = {}
    """SHA-256 of the passwords that were set, by user."""

    snapshots: dict[str, dict[str, str]] = {}
    """The files upon its volumes, by volume and snapshot id."""
    parts: list[str] = []
    """What of the host it has for itself: ``cpu 3``, ``device 0000:81:00.0``."""
    parts_before: list[str] = []
    """What it had before a resize, and keeps until that is confirmed."""
    offered: bool = False
    """Whether it waits, shut down, to be taken over by another host."""
    disk_key: str = ""
    """A digest of the key of its disks; empty when they are not encrypted."""

    def boot(self, moment: float) -> None:
        """Run, from a fresh start at ``moment``."""
        self.power = Power.RUNNING
        self.boots = [*self.boots[1 - BOOTS_KEPT:], moment]


def size_of(spec: GuestSpec) -> Size:
    """The part of ``spec`` that a resize changes."""
    local = sum(disk.size_gib for disk in spec.disks if disk.connection is None)
    return Size(spec.vcpus, spec.memory_mib, local)


def parts(seat: Seat | None) -> list[str]:
    """What nobody else may have of a seat: ``cpu 3``, ``device 0000:81:00.0``."""
    if seat is None:
        return []
    return [*(f"cpu {cpu}" for cpu in sorted(seat.taken)), *(f"device {one.address}" for one in seat.devices)]


def digest(encryption: Encryption | None) -> str:
    """What is remembered of a key; empty for none. :raises NotSupported: the format is unknown."""
    if encryption is None:
        return ""
    if encryption.format != "luks":
        raise NotSupported(f"simulated guests have no disks encrypted as {encryption.format[:30]}")
    return hashlib.sha256(encryption.passphrase.encode()).hexdigest()


def guest_of(spec: GuestSpec) -> Guest:
    """A guest as specified, not started yet."""
    image = next((disk.image for disk in spec.disks if disk.image is not None), None)
    return Guest(
        spec.guest, spec.name, size_of(spec), Power.SHUTDOWN, image.disk_format if image else "",
        [disk.volume_id for disk in spec.disks if disk.volume_id], {vif.port_id: vif.mac for vif in spec.vifs},
        faults=spec.metadata.get(FAULT, ""), delays=spec.metadata.get(DELAY, ""), parts=parts(spec.seat),
        disk_key=digest(spec.encryption),
        agent=image is not None and image.properties.get(AGENT, "").lower() in ("yes", "true", "1"))


def adapted(record: Guest, spec: GuestSpec) -> Guest:
    """The guest that came from another host as this one has it: of ``spec``'s size, on its volumes and ports."""
    fresh, size = guest_of(spec), size_of(spec)
    disk_gib = max(size.disk_gib, record.size.disk_gib)
    return msgspec.structs.replace(
        record, name=spec.name, size=Size(size.vcpus, size.memory_mib, disk_gib), volumes=fresh.volumes,
        macs=fresh.macs, parts=fresh.parts, parts_before=[],
        faults=fresh.faults, delays=fresh.delays, offered=False, before=None)


class Files:
    """One JSON file a guest in ``folder``; a file is there wholly or not at all.

    Files are not forced to disk: after a power cut of the machine the newest may be missing,
    as a guest of a real host would be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._encoder = msgspec.json.Encoder()

    def open(self) -> None:
        """Make the folder and drop what a killed writer left."""
        os.makedirs(self._folder, exist_ok=True)
        for name in os.listdir(self._folder):
            if name.endswith(".new"):
                os.unlink(f"{self._folder}/{name}")

    def read(self) -> Iterator[Guest]:
        """All guests on file."""
        for name in os.listdir(self._folder):
            if name.endswith(".json"):
                yield msgspec.json.decode(Path(self._folder, name).read_bytes(), type=Guest)

    def write(self, guest: Guest) -> None:
        """Keep ``guest``. :raises OSError: the disk refuses; what was kept before still is."""
        path = f"{self._folder}/{guest.id}.json"
        handle = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, self._encoder.encode(guest))
        finally:
            os.close(handle)
        os.rename(path + ".new", path)

    def remove(self, guest: str) -> None:
        """Forget ``guest``; nothing if there is no file."""
        try:
            os.unlink(f"{self._folder}/{guest}.json")
        except FileNotFoundError:
            return
