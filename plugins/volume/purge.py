"""What a cloud that ends has of volumes in its pools."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import sqlalchemy as sa

from ...core.process.slice import Belonging, Kit
from .backends import Backends
from .tables import snapshots, volumes

_VOLUMES = sa.select(volumes.c.id)
_SNAPSHOTS = sa.select(snapshots.c.id, snapshots.c.volume_id)


def data(kit: Kit, backends: Backends) -> Iterator[Belonging]:
    """Volumes with their snapshots that are both in a pool and in the records: a pool may be shared with others."""
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
