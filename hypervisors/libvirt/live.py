"""Guests that go from one libvirt host to another while they run.

The source's libvirt reaches the target's, peer to peer, so that a migration goes on when this process ends. A guest
that is expected has a mark in its folder; it counts as there once its domain is kept for good, which libvirt does when
it has come.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from urllib.parse import urlsplit

import libvirt

from ...core.drivers.base import Surroundings
from ...core.drivers.hypervisor import GuestSpec, LiveMigration, MigrationProgress, Offer, Power
from ...core.errors import BackendFailed, Interrupted, NotFound, NotSupported, WrongState
from .adapting import adapted
from .connection import translate, translated
from .disks import GuestFolder
from .machines import Machines
from .options import LibvirtOptions
from .state import power_of

FORCED_DOWNTIME_MS = 1_000_000
FLAGS = (libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER | libvirt.VIR_MIGRATE_PERSIST_DEST
         | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE | libvirt.VIR_MIGRATE_AUTO_CONVERGE | libvirt.VIR_MIGRATE_UNSAFE)
"""libvirt takes volumes in files for unsafe unless it knows the file system; here both hosts were told how to reach
each, and neither caches what is written."""


class Live(Machines, LiveMigration):
    """The facet of a libvirt host that moves running guests."""

    def __init__(self, options: LibvirtOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._aborted: set[str] = set()

    def prepare_live(self, spec: GuestSpec, block: bool) -> Offer:
        if not self.options.live_uri:
            raise NotSupported("this host takes in no guest that runs: its option live_uri is empty")
        self.described(spec)
        self.destroy(spec.guest)
        with translated():
            folder = self.folder(spec.guest)
            folder.make()
            folder.expected.touch()
            if block:
                self.disks.empty(folder, spec)
            self.disks.make_config_drive(folder, spec)
            self.secrets.keep(spec)
            host = self.host(spec)
        address = self.options.live_address or urlsplit(self.options.live_uri).hostname or ""
        return {"uri": self.options.live_uri, "address": address, "folder": str(folder.path),
                "tls": "yes" if self.options.live_tls else "",
                "pins": ",".join(map(str, host.pins)), "shared": ",".join(map(str, sorted(host.shared))),
                "cells": str(host.cells)}

    def migrate_live(self, spec: GuestSpec, offer: Offer, block: bool) -> None:
        with translated():
            domain, folder = self.domain(spec.guest), self.folder(spec.guest)
            if power_of(domain) not in (Power.RUNNING, Power.PAUSED):
                raise WrongState("the guest does not run")
            if folder.swapped():
                raise BackendFailed("the guest has swapped volumes; it can migrate live once it was started anew")
            self._aborted.discard(spec.guest)
            flags = FLAGS | (libvirt.VIR_MIGRATE_NON_SHARED_DISK if block else 0)
            flags |= libvirt.VIR_MIGRATE_TLS if offer.get("tls") else 0
            try:
                domain.migrateToURI3(offer["uri"], parameters(domain, folder, spec, offer, block), flags)
            except libvirt.libvirtError as exc:
                if spec.guest in self._aborted or exc.get_error_code() == libvirt.VIR_ERR_OPERATION_ABORTED:
                    raise Interrupted("the migration was aborted") from exc
                raise BackendFailed("the guest could not be moved", detail=str(exc)) from exc
            self.release(folder)
            folder.remove()

    def live_progress(self, guest: str) -> MigrationProgress | None:
        found = self._job(guest)
        if found.get("operation") != libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT:
            return None
        amounts = [int(found.get(f"{kind}_{what}", 0)) for kind in ("memory", "disk")
                   for what in ("total", "processed", "remaining")]
        return MigrationProgress(*amounts)

    def _job(self, guest: str) -> Mapping[str, int]:
        """What libvirt does with the guest at present."""
        try:
            found: dict[str, int] = self.domain(guest).jobStats()
        except (libvirt.libvirtError, NotFound):
            return {}
        return found if found.get("type") else {}

    def abort_live(self, guest: str) -> None:
        if self.live_progress(guest) is not None:
            self._aborted.add(guest)
            _unless_over(self.domain(guest).abortJob)

    def force_live(self, guest: str) -> None:
        if self.live_progress(guest) is not None:
            domain = self.domain(guest)
            _unless_over(lambda: domain.migrateSetMaxDowntime(FORCED_DOWNTIME_MS))

    def awaited(self, domain: libvirt.virDomain) -> bool:
        """Whether a domain is of a guest that is expected and has not come yet."""
        folder = self.folder(domain.UUIDString())
        if not folder.expected.exists():
            return False
        if not domain.isPersistent():
            return True
        folder.expected.unlink(missing_ok=True)
        return False


def _unless_over(call: object) -> None:
    """Make a call about a migration, which may have ended meanwhile."""
    assert callable(call)
    try:
        call()
    except libvirt.libvirtError as exc:
        if exc.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN):
            raise translate(exc) from exc


def parameters(domain: libvirt.virDomain, folder: GuestFolder, spec: GuestSpec, offer: Offer,
               block: bool) -> dict[str, object]:
    """What libvirt is told of the target: its address, and the domain as it has to be there, now and later."""
    secure = libvirt.VIR_DOMAIN_XML_SECURE
    live = ET.fromstring(domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_MIGRATABLE))
    later = ET.fromstring(domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_INACTIVE))
    found: dict[str, object] = {
        libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{offer['address']}",
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: ET.tostring(adapted(live, folder, spec, offer), encoding="unicode"),
        libvirt.VIR_MIGRATE_PARAM_PERSIST_XML: ET.tostring(adapted(later, folder, spec, offer), encoding="unicode")}
    if block:
        found[libvirt.VIR_MIGRATE_PARAM_MIGRATE_DISKS] = _own_disks(live, offer)
    return found


def _own_disks(root: ET.Element, offer: Offer) -> list[str]:
    """The device names of the disks that come along, in a domain adapted to the target."""
    names = []
    for disk in root.iterfind("./devices/disk[@device='disk']"):
        source, target = disk.find("source"), disk.find("target")
        if source is not None and target is not None and source.get("file", "").startswith(offer["folder"] + "/"):
            names.append(target.get("dev", ""))
    return names
