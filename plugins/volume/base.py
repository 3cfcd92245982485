"""What the nouns of block storage share: the kit, the back ends, events, and rows of metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.process.slice import Kit
from .backends import Backends
from .tables import marks, services, snapshots, volumes

VOLUME = sa.select(volumes).where(volumes.c.id == sa.bindparam("id"))
SNAPSHOT = sa.select(snapshots).where(snapshots.c.id == sa.bindparam("id"))
CLOSED = sa.select(services.c.host).where(
    sa.or_(services.c.disabled, services.c.frozen), services.c.binary == "cinder-volume")

LONGEST = 255
"""Characters of a name or a value that lists can be filtered by."""


class Base:
    """Base of the nouns: one instance each, any thread may use it."""

    def __init__(self, kit: Kit, backends: Backends) -> None:
        self.kit = kit
        self.backends = backends

    def emit(self, tx: Transaction, context: Context, event: str, row: Any) -> None:
        """Tell that ``event`` happened to the volume or snapshot of ``row``; what it is now is read from ``tx``."""
        if event.startswith("snapshot."):
            name, now = "SnapshotPayload", tx.row(SNAPSHOT, {"id": row.id}) or row
            more = {"volume_id": row.volume_id}
        else:
            name, now = "VolumePayload", tx.row(VOLUME, {"id": row.id}) or row
            more = {"bootable": bool(now.bootable), "volume_type": now.type_id}
        self.kit.events.emit(tx, context, event, name, {
            "id": now.id, "display_name": now.name, "tenant_id": now.project_id, "user_id": now.user_id,
            "size": now.size, "status": now.status, "created_at": now.created_at.isoformat(), **more},
            priority="ERROR" if event.endswith(".error") else "INFO")

    def tell(self, tx: Transaction, context: Context, event: str, payload: str, row: Any, **more: Any) -> None:
        """Tell that ``event`` happened to something else of ``row``: a backup, a group, a group snapshot."""
        self.kit.events.emit(tx, context, event, payload, {
            "id": row.id, "display_name": row.name, "tenant_id": row.project_id, "user_id": row.user_id,
            "status": row.status, "created_at": row.created_at.isoformat(), **more},
            priority="ERROR" if event.endswith(".error") else "INFO")

    def mark(self, tx: Transaction, owner_id: str, metadata: Mapping[str, str], *, fresh: bool = False) -> None:
        """Keep metadata where lists can find it, in place of what was there; ``fresh``: nothing was."""
        if not fresh:
            tx.execute(marks.delete().where(marks.c.owner_id == owner_id))
        # What images say may be longer than any filter.
        tx.insert(marks, [{"owner_id": owner_id, "name": name, "value": value} for name, value in metadata.items()
                          if len(name) <= LONGEST and len(value) <= LONGEST])

    def closed(self, tx: Transaction) -> frozenset[str]:
        """The back ends that are disabled or frozen: nothing new goes there."""
        return frozenset(host.partition("@")[2] for host in tx.values(CLOSED))
