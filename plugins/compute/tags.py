"""Servers' tags."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, NotFound
from ...core.process.slice import Kit
from . import records, states
from .event import emit
from .tables import server_tags, servers

MOST = 50


def replace(kit: Kit, context: Context, server_id: str, tags: Sequence[str]) -> list[str]:
    """Give a server exactly ``tags``."""
    with kit.db.write() as tx:
        return _write(kit, tx, context, records.find(tx, context, server_id), set(tags))


def add(kit: Kit, context: Context, server_id: str, tag: str) -> bool:
    """Add a tag; tell whether it is new. :raises BadRequest: the server has as many as it may."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        if tag in row.tags:
            return False
        if len(row.tags) >= MOST:
            raise BadRequest(f"The number of tags exceeded the per-server limit {MOST}")
        _write(kit, tx, context, row, {*row.tags, tag})
        return True


def remove(kit: Kit, context: Context, server_id: str, tag: str) -> None:
    """Remove a tag. :raises NotFound: the server does not have it."""
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        if tag not in row.tags:
            raise NotFound(f"Server {server_id} has no tag '{tag}'")
        _write(kit, tx, context, row, set(row.tags) - {tag})


def _write(kit: Kit, tx: Transaction, context: Context, row: Row, tags: set[str]) -> list[str]:
    states.check(row, "tags", context)
    wanted = sorted(tags)
    tx.execute(server_tags.delete().where(server_tags.c.server_id == row.id))
    tx.insert(server_tags, [{"server_id": row.id, "tag": tag} for tag in wanted])
    tx.update(servers, row.id, tags=wanted, updated_at=kit.clock.now())
    emit(kit, tx, context, "instance.update", row)
    return wanted
