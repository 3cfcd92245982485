"""Adoptions: what lies in a pool and is nobody's becomes a volume or a snapshot, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers.base import require
from ...core.drivers.volume import Adoptions as AdoptionFacet
from ...core.errors import BadRequest, NotFound, WrongState
from ...core.process.slice import Kit
from . import access, quotas, types
from .backends import Backends
from .base import Base
from .hosts import Hosts
from .snapshots import SnapshotSet
from .tables import snapshots, volumes
from .volumes import Volumes

OF_BACKEND = sa.select(volumes.c.id, volumes.c.status).where(volumes.c.backend == sa.bindparam("backend"))
FROZEN_ON = sa.select(snapshots.c.id, snapshots.c.volume_id).join(
    volumes, volumes.c.id == snapshots.c.volume_id).where(volumes.c.backend == sa.bindparam("backend"))
UNMANAGEABLE = ("available", "error", "error_managing", "error_deleting", "error_extending", "error_restoring")


class NewAdoption(msgspec.Struct, kw_only=True):
    """What a caller may say of a volume that is taken over. ``ref`` names it as its back end does."""

    host: str
    ref: Mapping[str, str]
    name: str | None = None
    description: str | None = None
    volume_type: str = ""
    zone: str = ""
    metadata: dict[str, str] = {}
    bootable: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that lies in a pool. ``owner_id`` is the record it belongs to, or empty."""

    name: str
    size: int
    owner_id: str = ""
    volume: str = ""
    """Of a snapshot: the name of its volume."""
    managed: bool = True
    """Of a snapshot: whether its volume has a record."""


class Adoptions(Base):
    """What pools have, seen from outside the records."""

    def __init__(self, kit: Kit, backends: Backends, hosts: Hosts, made_volumes: Volumes,
                 made_snapshots: SnapshotSet) -> None:
        super().__init__(kit, backends)
        self.hosts = hosts
        self.volumes = made_volumes
        self.snapshots = made_snapshots

    def _backend(self, host: str) -> str:
        """The back end of a host as pools are named. :raises BadRequest: there is none."""
        name = host.partition("#")[0]
        backend = name.partition("@")[2]
        if backend not in self.backends.drivers or name.partition("@")[0] != self.kit.host:
            raise BadRequest(f"Invalid input received: Service cinder-volume could not be found on host {host[:100]}.")
        return backend

    # Volumes.

    def manage(self, context: Context, new: NewAdoption) -> Row:
        """Begin to take over a volume that lies in a pool.

        :raises BadRequest: nothing of this name is there, it is a volume already, or the type does not fit.
        :raises QuotaExceeded: the project may not have it.
        """
        backend = self._backend(new.host)
        driver = self.backends.driver(backend)
        require(driver, AdoptionFacet)
        sizes = driver.observe().volumes
        name = _resolved(new.ref, "volume-", sizes)
        if not name:
            raise BadRequest(f"Manage existing volume failed due to invalid backend reference {dict(new.ref)}: "
                             "there is no such volume")
        size = max(1, sizes[name])
        with self.kit.db.write() as tx:
            if tx.row(access.VOLUME, {"id": name}) is not None:
                raise BadRequest(f"Unable to manage existing volume. Volume {name} already managed.")
            kind = (types.named(tx, context, new.volume_type) if new.volume_type
                    else types.default(self.kit, tx, context))
            self._check_type(kind, backend, new)
            quotas.check(self.kit, tx, context.project_id, volumes=1, gigabytes=size, size=size, type_id=kind.id,
                         type_name=kind.name)
            row = self._insert(tx, context, new, kind, backend, size)
            self.emit(tx, context, "volume.manage.start", row)
            self.kit.engine.start(tx, "volume.manage", row.id, context, {
                "backend": backend, "name": name, "bootable": new.bootable})
        return row

    def _check_type(self, kind: Row, backend: str, new: NewAdoption) -> None:
        types.check_encryption(kind)
        if new.zone and new.zone != self.kit.options.zone:
            raise BadRequest(f"Invalid input received: Availability zone '{new.zone}' is invalid.")
        if not self.backends.fits(backend, kind.extra_specs):
            raise BadRequest("Manage existing volume failed due to volume type mismatch: the back end is not what the "
                             "type asks for")

    def _insert(self, tx: Transaction, context: Context, new: NewAdoption, kind: Row, backend: str, size: int) -> Row:
        volume_id = self.kit.clock.uuid()
        tx.insert(volumes, {
            "id": volume_id, "project_id": context.project_id, "user_id": context.user_id, "name": new.name,
            "description": new.description, "size": size, "status": "creating", "zone": self.kit.options.zone,
            "type_id": kind.id, "host": self.backends.host(backend), "backend": backend, "bootable": False,
            "multiattach": types.multiattach(kind), "metadata": new.metadata, "created_at": self.kit.clock.now()})
        self.mark(tx, volume_id, new.metadata, fresh=True)
        return access.volume(tx, context, volume_id)

    def unmanage(self, context: Context, volume_id: str) -> None:
        """Forget a volume; it stays in its pool under its id.

        :raises WrongState: it is attached, in a group, has snapshots or is being worked on.
        """
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            if row.status not in UNMANAGEABLE or row.group_id or access.attached(tx, volume_id):
                raise WrongState(f"Invalid volume: Volume {volume_id} status must be available or error and must not "
                                 f"be attached or belong to a group to be unmanaged. It is {row.status}.")
            if tx.rows(access.SNAPSHOTS_OF, {"volume_id": volume_id}):
                raise WrongState(f"Invalid volume: Volume {volume_id} still has dependent snapshots.")
            self.volumes.erase(tx, context, row, "volume.unmanage.end")
        self.backends.forget(volume_id)

    def volumes_on(self, host: str) -> Sequence[Found]:
        """What volumes lie on a host's back end. :raises BadRequest: there is no such host."""
        backend = self._backend(host)
        driver = self.backends.driver(backend)
        require(driver, AdoptionFacet)
        with self.kit.db.read() as tx:
            known = {row.id for row in tx.rows(OF_BACKEND, {"backend": backend})}
        return [Found(name=name, size=size, owner_id=name if name in known else "")
                for name, size in sorted(driver.observe().volumes.items())]

    # Snapshots.

    def manage_snapshot(self, context: Context, volume_id: str, ref: Mapping[str, str], name: str | None,
                        description: str | None, metadata: Mapping[str, str]) -> Row:
        """Begin to take over a snapshot of a volume that lies in the volume's pool.

        :raises BadRequest: nothing of this name is there, or it is a snapshot already.
        :raises QuotaExceeded: the project may not have it.
        """
        with self.kit.db.read() as tx:
            volume = access.volume(tx, context, volume_id)
        facet = require(self.backends.driver(volume.backend), AdoptionFacet)
        sizes = facet.snapshot_sizes(volume_id)
        found = _resolved(ref, "snapshot-", sizes)
        if not found:
            raise BadRequest(f"Manage existing snapshot failed due to invalid backend reference {dict(ref)}: there is "
                             "no such snapshot")
        with self.kit.db.write() as tx:
            if tx.row(access.SNAPSHOT, {"id": found}) is not None:
                raise BadRequest(f"Unable to manage existing snapshot. Snapshot {found} already managed.")
            quotas.check(self.kit, tx, context.project_id, snapshots=1, gigabytes=sizes[found])
            snapshot_id = self.kit.clock.uuid()
            tx.insert(snapshots, {
                "id": snapshot_id, "volume_id": volume_id, "project_id": volume.project_id,
                "user_id": context.user_id, "name": name, "description": description, "size": sizes[found],
                "status": "creating", "metadata": dict(metadata), "created_at": self.kit.clock.now()})
            self.mark(tx, snapshot_id, metadata, fresh=True)
            row = access.snapshot(tx, context, snapshot_id)
            self.emit(tx, context, "snapshot.manage.start", row)
            self.kit.engine.start(tx, "volume.manage_snapshot", volume_id, context, {
                "snapshot": snapshot_id, "name": found})
        return row

    def unmanage_snapshot(self, context: Context, snapshot_id: str) -> None:
        """Forget a snapshot; it stays in the pool of its volume under its id. :raises WrongState: it is in use."""
        with self.kit.db.write() as tx:
            row = access.snapshot(tx, context, snapshot_id)
            if row.status not in ("available", "error", "error_deleting") or row.group_snapshot_id:
                raise WrongState(f"Invalid snapshot: Snapshot {snapshot_id} status must be available or error and must "
                                 f"not belong to a group snapshot to be unmanaged. It is {row.status}.")
            self.snapshots.erase(tx, context, row, "snapshot.unmanage.end")

    def snapshots_on(self, host: str) -> Sequence[Found]:
        """What snapshots lie on a host's back end. :raises BadRequest: there is no such host."""
        backend = self._backend(host)
        driver = self.backends.driver(backend)
        facet = require(driver, AdoptionFacet)
        with self.kit.db.read() as tx:
            known = {row.id for row in tx.rows(FROZEN_ON, {"backend": backend})}
            records = {row.id for row in tx.rows(OF_BACKEND, {"backend": backend})}
        there = driver.observe()
        return [Found(name=name, size=size, owner_id=name if name in known else "", volume=volume,
                      managed=volume in records)
                for volume in (sorted(there.volumes) if there.snapshots else ())
                for name, size in _sizes(facet, volume)]


def _sizes(facet: AdoptionFacet, volume: str) -> list[tuple[str, int]]:
    try:
        return sorted(facet.snapshot_sizes(volume).items())
    except NotFound:
        # It went while the others were looked at.
        return []


def _resolved(ref: Mapping[str, Any], prefix: str, there: Mapping[str, int]) -> str:
    """The name in the pool that a reference means, or nothing: names may bear the word that other clouds put
    before an id.

    :raises BadRequest: the reference has neither ``source-name`` nor ``source-id``.
    """
    name = str(ref.get("source-name") or ref.get("source-id") or "")
    if not name:
        raise BadRequest("Manage existing failed due to invalid backend reference: Reference must contain source-name "
                         "or source-id")
    plain = name.lstrip("_").removeprefix(prefix)
    return name if name in there else plain if plain in there else ""
