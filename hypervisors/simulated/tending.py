"""What is done to a simulated guest in need: rescue, crash dumps, passwords, figures, and volumes swapped."""

from __future__ import annotations

import abc
import hashlib
from contextlib import AbstractContextManager

from ...core.clock import Clock
from ...core.drivers.hypervisor import (
    CrashDump,
    Diagnostics,
    Disk,
    DiskUse,
    GuestAgent,
    GuestSpec,
    GuestUse,
    HostMetrics,
    Image,
    ImageCaching,
    NicUse,
    Power,
    Rescuable,
    VolumeSnapshots,
    VolumeSwap,
)
from ...core.drivers.volume import Encryption
from ...core.errors import NotFound, NotSupported, WrongState
from .guest import Guest

BUSY = 0.01
"""The part of its processors that a simulated guest keeps busy."""


class Tending(Rescuable, CrashDump, GuestAgent, Diagnostics, VolumeSwap, VolumeSnapshots, ImageCaching, HostMetrics):
    """The facets of a simulated host that tend to a guest in need; what a guest is, the driver knows."""

    clock: Clock
    cached: set[str]
    """Ids of the images that were fetched before a guest asked."""

    @abc.abstractmethod
    def guest(self, guest: str) -> Guest:
        """What is remembered of ``guest``. :raises NotFound: there is no such guest."""

    @abc.abstractmethod
    def keep(self, record: Guest) -> None:
        """Remember ``record`` as it is now."""

    @abc.abstractmethod
    def learn(self, record: Guest, encryption: Encryption | None) -> None:
        """Know the key of a guest's disks. :raises BackendFailed: the guest has another, or none."""

    @abc.abstractmethod
    def verb(self, verb: str, guest: str) -> AbstractContextManager[None]:
        """Around each verb: its delay and its fault."""

    def rescue(self, spec: GuestSpec) -> None:
        with self.verb("rescue", spec.guest):
            record = self.guest(spec.guest)
            self.learn(record, spec.encryption)
            device = next(disk.device for disk in spec.disks if disk.kind == "rescue")
            if record.rescue != device or record.power is not Power.RUNNING:
                record.rescue = device
                record.boot(self.clock.time())
                self.keep(record)

    def unrescue(self, spec: GuestSpec) -> None:
        with self.verb("unrescue", spec.guest):
            record = self.guest(spec.guest)
            self.learn(record, spec.encryption)
            if record.rescue or record.power is not Power.RUNNING:
                record.rescue = ""
                record.boot(self.clock.time())
                self.keep(record)

    def crash_dump(self, guest: str) -> None:
        with self.verb("crash_dump", guest):
            record = self.guest(guest)
            if record.power not in (Power.RUNNING, Power.PAUSED):
                raise WrongState(f"the guest is {record.power.value}, not running")
            record.interrupts += 1
            self.keep(record)

    def set_password(self, guest: str, user: str, password: str) -> None:
        with self.verb("set_password", guest):
            record = self.guest(guest)
            if not record.agent:
                raise NotSupported("QEMU guest agent is not enabled")
            if record.power is not Power.RUNNING:
                raise WrongState(f"the guest is {record.power.value}, not running")
            record.passwords = {**record.passwords, user: hashlib.sha256(password.encode()).hexdigest()}
            self.keep(record)

    def use(self, guest: str) -> GuestUse:
        with self.verb("use", guest):
            record = self.guest(guest)
            if record.power is not Power.RUNNING:
                raise NotFound(f"the guest is {record.power.value}, not running")
            uptime_s = self.clock.time() - record.boots[-1]
            busy_ns = int(uptime_s * BUSY * 1e9)
            disks = [f"vd{chr(ord('a') + number)}" for number in range(1 + len(record.volumes))]
            return GuestUse(uptime_s, (busy_ns,) * record.size.vcpus, record.size.memory_mib // 2,
                            [NicUse(mac) for mac in record.macs.values()], {disk: DiskUse() for disk in disks})

    def swap_volume(self, guest: str, old_volume_id: str, new: Disk) -> None:
        with self.verb("swap_volume", guest):
            record = self.guest(guest)
            if old_volume_id in record.volumes:
                others = [one for one in record.volumes if one != new.volume_id]
                record.volumes = [new.volume_id if one == old_volume_id else one for one in others]
                self.keep(record)
            elif new.volume_id not in record.volumes:
                raise NotFound("the guest has neither volume")

    def create_volume_snapshot(self, guest: str, volume_id: str, snapshot_id: str, new_file: str) -> None:
        with self.verb("create_volume_snapshot", guest):
            record = self._with_volume(guest, volume_id)
            mine = {**record.snapshots.get(volume_id, {}), snapshot_id: new_file}
            record.snapshots = {**record.snapshots, volume_id: mine}
            self.keep(record)

    def delete_volume_snapshot(self, guest: str, volume_id: str, snapshot_id: str, file_to_merge: str,
                               merge_target_file: str) -> None:
        with self.verb("delete_volume_snapshot", guest):
            record = self._with_volume(guest, volume_id)
            mine = {one: file for one, file in record.snapshots.get(volume_id, {}).items()
                    if one != snapshot_id and file != (file_to_merge or None)}
            record.snapshots = {**record.snapshots, volume_id: mine}
            self.keep(record)

    def _with_volume(self, guest: str, volume_id: str) -> Guest:
        record = self.guest(guest)
        if volume_id not in record.volumes:
            raise NotFound("the guest does not have the volume")
        return record

    def cache_image(self, image: Image) -> None:
        with self.verb("cache_image", ""):
            self.cached.add(image.id)
