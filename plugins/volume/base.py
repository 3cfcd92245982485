"""What the nouns of block storage share: the kit, the back ends, events, and rows of metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.process.slice import Kit
from .backends import Backends
from .tables import marks, services

CLOSED = sa.select(services.c.host).where(services.c.disabled, services.c.binary == "cinder-volume")


class Base:
    """Base of the nouns: one instance each, any thread may use it."""

    def __init__(self, kit: Kit, backends: Backends) -> None:
        self.kit = kit
        self.backends = backends

    def emit(self, tx: Transaction, context: Context, event: str, row: Any) -> None:
        """Tell that ``event`` happened to the volume or snapshot of ``row``."""
        self.kit.events.emit(tx, context, event, "VolumePayload", {
            "id": row.id, "display_name": row.name, "tenant_id": row.project_id, "user_id": row.user_id,
            "size": row.size, "status": row.status, "created_at": row.created_at.isoformat()})

    def mark(self, tx: Transaction, owner_id: str, metadata: Mapping[str, str], *, fresh: bool = False) -> None:
        """Keep metadata where lists can find it, in place of what was there; ``fresh``: nothing was."""
        if not fresh:
            tx.execute(marks.delete().where(marks.c.owner_id == owner_id))
        tx.insert(marks, [{"owner_id": owner_id, "name": name, "value": value} for name, value in metadata.items()])

    def closed(self, tx: Transaction) -> frozenset[str]:
        """The back ends that are disabled: nothing new goes there."""
        return frozenset(host.partition("@")[2] for host in tx.values(CLOSED))
