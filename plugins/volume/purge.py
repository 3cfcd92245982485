"""What a cloud that ends has of volumes in its pools."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import sqlalchemy as sa

from ...core.process.slice import Belonging, Kit
from .backends import Backends
from .stores import BackupStore
from .tables import backups, snapshots, volumes

_VOLUMES = sa.select(volumes.c.id)
_BACKUPS = sa.select(backups.c.data_id).where(backups.c.driver == sa.bindparam("driver")).order_by(
    backups.c.data_at.desc(), backups.c.created_at.desc())
_SNAPSHOTS = sa.select(snapshots.c.id, snapshots.c.volume_id)


def data(kit: Kit, backends: Backends, store: BackupStore) -> Iterator[Belonging]:
    """Volumes with their snapshots, and backups, that are both in a pool or the store and in the records.

    Pools and stores may be shared with others.
    """
    yield from _kept(kit, store)
    with kit.db.read() as tx:
        known, frozen = set(tx.values(_VOLUMES)), [(row.id, row.volume_id) for row in tx.rows(_SNAPSHOTS)]
    for name, driver in backends.drivers.items():
        there = driver.observe()
        for snapshot, volume in frozen:
            if snapshot in there.snapshots:
                yield Belonging("snapshot", snapshot,
                                functools.partial(backends.delete_snapshot, name, volume, snapshot))
        for volume in sorted(known & set(there.volumes)):
            yield Belonging("volume", volume, functools.partial(backends.delete, name, volume))


def _kept(kit: Kit, store: BackupStore) -> Iterator[Belonging]:
    """Backups, the newest first: none goes before those that build upon it."""
    if not store.name:
        return
    with kit.db.read() as tx:
        known = dict.fromkeys(tx.values(_BACKUPS, {"driver": store.name}))
    there = set(store.driver.observe())
    for backup in known:
        if backup in there:
            yield Belonging("backup", backup, functools.partial(store.delete, store.name, backup))
