"""What is done to a guest in need: rescue, crash dumps, passwords, figures of use, volumes swapped."""

from __future__ import annotations

import contextlib
import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import libvirt

from ...core.drivers.hypervisor import (
    CrashDump,
    Diagnostics,
    Disk,
    DiskUse,
    GuestAgent,
    GuestUse,
    NicUse,
    Power,
    VolumeSwap,
)
from ...core.errors import BackendBusy, NotFound, NotSupported, WrongState
from .connection import translated
from .copying import caught_up
from .device import find_volume, target_of, volume_disk
from .encryption import lock
from .machines import Machines
from .rescuing import Rescuing
from .state import power_of

POLL_S = 0.1
AGENT_S = 5
"""How long an agent inside a guest gets to answer."""
COPY_S = 3600.0
NO_AGENT = (libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
            libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_NO_SUPPORT,
            libvirt.VIR_ERR_AGENT_UNSYNCED)
STATS = (libvirt.VIR_DOMAIN_STATS_VCPU | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL | libvirt.VIR_DOMAIN_STATS_BALLOON
         | libvirt.VIR_DOMAIN_STATS_BLOCK | libvirt.VIR_DOMAIN_STATS_INTERFACE)
COPY = libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB


class Tending(Machines, Rescuing, CrashDump, GuestAgent, Diagnostics, VolumeSwap):
    """The facets of a libvirt host that tend to a guest in need."""

    # What only its host can do to it.

    def crash_dump(self, guest: str) -> None:
        with translated():
            self.domain(guest).injectNMI(0)

    def set_password(self, guest: str, user: str, password: str) -> None:
        with translated():
            domain = self.domain(guest)
            if power_of(domain) is not Power.RUNNING:
                raise WrongState("the guest does not run")
            try:
                domain.agentSetResponseTimeout(AGENT_S)
                domain.setUserPassword(user, password, 0)
            except libvirt.libvirtError as exc:
                if exc.get_error_code() in NO_AGENT:
                    raise NotSupported("QEMU guest agent is not enabled") from exc
                raise

    # Figures.

    def use(self, guest: str) -> GuestUse:
        with translated():
            domain = self.domain(guest)
            if power_of(domain) is not Power.RUNNING:
                raise NotFound("the guest does not run")
            found = domain.connect().domainListGetStats([domain], STATS)[0][1]
            text = domain.XMLDesc(0)
        memory_kib = found.get("balloon.rss")
        return GuestUse(uptime_s(guest), _processors(found), memory_kib // 1024 if memory_kib is not None else None,
                        _nics(found, text), _disks(found))

    # Volumes.

    def swap_volume(self, guest: str, old_volume_id: str, new: Disk) -> None:
        with translated():
            domain, folder = self.domain(guest), self.folder(guest)
            text = domain.XMLDesc(0)
            old = find_volume(text, old_volume_id, folder.swapped())
            if old is None:
                if find_volume(text, new.volume_id, folder.swapped()) is None:
                    raise NotFound("the guest has neither volume")
                return
            if not domain.isActive():
                raise WrongState("the guest does not run")
            target = target_of(old)
            folder.swap(old_volume_id, new.volume_id, target)
            try:
                self.secrets.keep_one(guest, new)
                self._copy(guest, domain, target, new)
            except BaseException:
                folder.swap(new.volume_id, old_volume_id, target)
                self.secrets.drop(guest, new.volume_id)
                raise
            self.secrets.drop(guest, old_volume_id)

    def _copy(self, guest: str, domain: libvirt.virDomain, target: str, new: Disk) -> None:
        """Copy what the guest writes to ``new`` until both are the same, then use ``new``."""
        domain.blockCopy(target, ET.tostring(lock(volume_disk(new), new, guest), encoding="unicode"), {}, COPY)
        try:
            deadline = self.clock.monotonic() + COPY_S
            while not caught_up(domain, target):
                if self.clock.monotonic() > deadline:
                    raise BackendBusy("the volume could not be copied in time")
                self.clock.sleep(POLL_S)
            domain.blockJobAbort(target, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
        except BaseException:
            with contextlib.suppress(libvirt.libvirtError):
                domain.blockJobAbort(target, 0)
            raise


def _processors(found: Mapping[str, Any]) -> Sequence[int]:
    """The time of each virtual processor; where only their sum is known, even shares of it."""
    count = int(found.get("vcpu.current", 1))
    share = int(found.get("cpu.time", 0)) // count
    return [int(found.get(f"vcpu.{number}.time", share)) for number in range(count)]


def _nics(found: Mapping[str, Any], text: str) -> list[NicUse]:
    """The figures of each interface; one without a device of the host has none."""
    by_device = {found[f"net.{number}.name"]: number for number in range(found.get("net.count", 0))
                 if f"net.{number}.name" in found}
    nics = []
    for element in ET.fromstring(text).iterfind("./devices/interface"):
        mac, target = element.find("mac"), element.find("target")
        number = by_device.get(target.get("dev", "") if target is not None else "", -1)
        figures = {f"{way}_{ours}": int(found.get(f"net.{number}.{way}.{theirs}", 0)) for way in ("rx", "tx")
                   for ours, theirs in (("octets", "bytes"), ("packets", "pkts"), ("errors", "errs"), ("drop", "drop"))}
        nics.append(NicUse(mac.get("address", "") if mac is not None else "", **figures))
    return nics


def _disks(found: Mapping[str, Any]) -> dict[str, DiskUse]:
    def figure(number: int, name: str) -> int:
        return int(found.get(f"block.{number}.{name}", 0))
    return {found[f"block.{number}.name"]: DiskUse(
        figure(number, "rd.bytes"), figure(number, "rd.reqs"), figure(number, "wr.bytes"), figure(number, "wr.reqs"),
        figure(number, "errors")) for number in range(found.get("block.count", 0)) if f"block.{number}.name" in found}


def uptime_s(guest: str, proc: Path = Path("/proc")) -> float:
    """How long the guest's QEMU has been running, as the kernel counts; 0 when it is not seen from here."""
    wanted = guest.encode()
    for entry in proc.glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError, ValueError, IndexError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if wanted in words and b"qemu" in words[0]:
                began = int((entry / "stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
                return max(0.0, float((proc / "uptime").read_text().split()[0]) - began)
    return 0.0
