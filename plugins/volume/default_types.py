"""Default volume types of single projects; they hold over the configured one."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import NotFound
from ...core.process.slice import Kit
from . import types
from .tables import default_types

ONE = sa.select(default_types).where(default_types.c.project_id == sa.bindparam("project_id"))
ALL = sa.select(default_types).order_by(default_types.c.project_id)


def show(kit: Kit, project_id: str) -> Row:
    """The default of a project. :raises NotFound: it has none of its own."""
    with kit.db.read() as tx:
        row = tx.row(ONE, {"project_id": project_id})
    if row is None:
        raise NotFound(f"Default volume type for project {project_id} could not be found.")
    return row


def listed(kit: Kit) -> Sequence[Row]:
    """The defaults of all projects."""
    with kit.db.read() as tx:
        return tx.rows(ALL)


def choose(kit: Kit, context: Context, project_id: str, text: str) -> Row:
    """Give a project a default type, by id or name. :raises NotFound: there is no such type."""
    with kit.db.write() as tx:
        kind = types.named(tx, context, text)
        tx.execute(default_types.delete().where(default_types.c.project_id == project_id))
        tx.insert(default_types, {"project_id": project_id, "type_id": kind.id})
    return show(kit, project_id)


def drop(kit: Kit, project_id: str) -> None:
    """Let a project have the configured default again. :raises NotFound: it has none of its own."""
    with kit.db.write() as tx:
        if not tx.execute(default_types.delete().where(default_types.c.project_id == project_id)):
            raise NotFound(f"Default volume type for project {project_id} could not be found.")
