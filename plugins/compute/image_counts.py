"""How many servers on each host are of images with a property, for weighers that bring alike servers together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

import sqlalchemy as sa

from ...core.db.engine import Transaction
from ...core.process.slice import Kit
from .tables import server_details, servers

RECOUNT_S = 5.0
REMEMBERED = 10_000
"""Images whose properties are kept in memory."""
COUNTS = (sa.select(servers.c.host, servers.c.image_id, sa.func.count().label("number"))
          .where(servers.c.deleted.is_(False), servers.c.host != "", servers.c.image_id != "")
          .group_by(servers.c.host, servers.c.image_id))
ONE = (sa.select(server_details.c.image).join(servers, servers.c.id == server_details.c.server_id)
       .where(servers.c.image_id == sa.bindparam("image"), servers.c.deleted.is_(False)).limit(1))

Counts = Mapping[str, Mapping[str, int]]
"""By host and ``name=value``."""


class ImageCounts:
    """The counts, read anew when they are some seconds old. An image's properties are those of a first server."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._lock = threading.Lock()
        self._counts: Counts = {}
        self._read_at = -RECOUNT_S
        self._properties: OrderedDict[str, list[str]] = OrderedDict()

    def all(self) -> Counts:
        """By host; the same object until it is read anew, so change nothing in it."""
        now = self._kit.clock.monotonic()
        with self._lock:
            if now - self._read_at >= RECOUNT_S:
                self._counts, self._read_at = self._read(), now
            return self._counts

    def _read(self) -> Counts:
        found: dict[str, dict[str, int]] = {}
        with self._kit.db.read() as tx:
            for row in tx.rows(COUNTS):
                of_host = found.setdefault(row.host, {})
                for words in self._of_image(tx, row.image_id):
                    of_host[words] = of_host.get(words, 0) + row.number
        return found

    def _of_image(self, tx: Transaction, image_id: str) -> list[str]:
        known = self._properties.get(image_id)
        if known is None:
            image = tx.value(ONE, {"image": image_id}) or {}
            known = [f"{name}={value}" for name, value in (image.get("properties") or {}).items()]
            self._properties[image_id] = known
            if len(self._properties) > REMEMBERED:
                self._properties.popitem(last=False)
        return known
