"""Server groups: servers that shall share a host, or shall not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import NotFound
from ...core.process.slice import Kit
from . import quotas
from .tables import server_group_members, server_groups, servers

_ONE = sa.select(server_groups).where(server_groups.c.id == sa.bindparam("group_id"))
_ALL = sa.select(server_groups).order_by(server_groups.c.created_at, server_groups.c.id)
_OF_PROJECT = _ALL.where(server_groups.c.project_id == sa.bindparam("project_id"))
_COUNT = (sa.select(sa.func.count()).select_from(server_groups)
          .where(server_groups.c.project_id == sa.bindparam("project_id")))
_MEMBERS = (sa.select(server_group_members.c.group_id, servers.c.id.label("server_id"), servers.c.host)
            .join(servers, servers.c.id == server_group_members.c.server_id).where(servers.c.deleted.is_(False))
            .order_by(servers.c.created_at, servers.c.id))


def find(tx: Transaction, context: Context, group_id: str) -> Row:
    """A group of the caller's project, any for administrators. :raises NotFound: there is none."""
    row = tx.row(_ONE, {"group_id": group_id})
    if row is None or (row.project_id != context.project_id and not context.is_admin):
        raise NotFound(f"Instance group {group_id} could not be found.")
    return row


def members(tx: Transaction, group_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The servers of groups with their hosts, by group; one query for all."""
    found: dict[str, list[Row]] = {group_id: [] for group_id in group_ids}
    if group_ids:
        for row in tx.rows(_MEMBERS.where(server_group_members.c.group_id.in_(group_ids))):
            found[row.group_id].append(row)
    return found


def show(kit: Kit, context: Context, group_id: str) -> tuple[Row, list[str]]:
    """A group and the ids of its servers. :raises NotFound: there is none for the caller."""
    with kit.db.read() as tx:
        row = find(tx, context, group_id)
        return row, [one.server_id for one in members(tx, [group_id])[group_id]]


def page(kit: Kit, project_id: str, limit: int, offset: int) -> list[tuple[Row, list[str]]]:
    """Groups of a project, or of all projects when it is empty, each with the ids of its servers."""
    statement = (_OF_PROJECT if project_id else _ALL).limit(limit).offset(offset)
    with kit.db.read() as tx:
        rows = tx.rows(statement, {"project_id": project_id} if project_id else None)
        inside = members(tx, [row.id for row in rows])
    return [(row, [one.server_id for one in inside[row.id]]) for row in rows]


def create(kit: Kit, context: Context, name: str, policy: str, rules: Mapping[str, Any]) -> Row:
    """Make an empty group. :raises QuotaExceeded: the project may have no more."""
    group_id = kit.clock.uuid()
    with kit.db.write() as tx:
        count = int(tx.value(_COUNT, {"project_id": context.project_id}))
        quotas.see_room(kit, tx, context.project_id, "server_groups", count + 1,
                        "Quota exceeded, too many server groups.", context.user_id)
        tx.insert(server_groups, {"id": group_id, "project_id": context.project_id, "user_id": context.user_id,
                                  "name": name, "policy": policy, "rules": rules, "created_at": kit.clock.now()})
        row = find(tx, context, group_id)
        _tell(kit, tx, context, "create", row)
    return row


def delete(kit: Kit, context: Context, group_id: str) -> None:
    """Remove a group; its servers stay where they are. :raises NotFound: there is none for the caller."""
    with kit.db.write() as tx:
        row = find(tx, context, group_id)
        tx.execute(server_group_members.delete().where(server_group_members.c.group_id == group_id))
        tx.delete(server_groups, group_id)
        _tell(kit, tx, context, "delete", row)


def _tell(kit: Kit, tx: Transaction, context: Context, verb: str, row: Row) -> None:
    kit.events.emit(tx, context, f"server_group.{verb}", "ServerGroupPayload", {
        "uuid": row.id, "name": row.name, "user_id": row.user_id, "project_id": row.project_id,
        "policy": row.policy, "policies": [row.policy], "rules": row.rules}, version="1.1")
