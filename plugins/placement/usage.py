"""How much is used: by provider, by project and user, by type of consumer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Transaction
from .tables import allocations, consumers

UNTYPED = "unknown"
ALL = "all"
AMOUNTS = (sa.select(allocations.c.resource_class, sa.func.sum(allocations.c.used))
           .join_from(allocations, consumers, consumers.c.id == allocations.c.consumer_id)
           .where(consumers.c.project_id == sa.bindparam("project")).group_by(allocations.c.resource_class))
BY_TYPE = (sa.select(consumers.c.type, allocations.c.resource_class, sa.func.sum(allocations.c.used))
           .join_from(allocations, consumers, consumers.c.id == allocations.c.consumer_id)
           .where(consumers.c.project_id == sa.bindparam("project"))
           .group_by(consumers.c.type, allocations.c.resource_class))
COUNTS = (sa.select(consumers.c.type, sa.func.count()).where(consumers.c.project_id == sa.bindparam("project"))
          .group_by(consumers.c.type))


def of_project(tx: Transaction, project: str, user: str) -> dict[str, int]:
    """What a project, or one user of it, uses of each class."""
    return {class_: int(amount) for class_, amount in _rows(tx, AMOUNTS, project, user)}


def by_type(tx: Transaction, project: str, user: str, wanted: str) -> dict[str, dict[str, int]]:
    """The same by type of consumer, with how many consumers there are.

    ``wanted`` is a type, ``unknown`` for those without one, ``all`` for all in one; or nothing.
    """
    found: dict[str, dict[str, int]] = {}
    counts = {kind or UNTYPED: int(count) for kind, count in _rows(tx, COUNTS, project, user)}
    for kind, class_, amount in _rows(tx, BY_TYPE, project, user):
        group = ALL if wanted == ALL else kind or UNTYPED
        if wanted in ("", ALL, group):
            of_group = found.setdefault(group, {})
            of_group[class_] = of_group.get(class_, 0) + int(amount)
    for group, of_group in found.items():
        of_group["consumer_count"] = sum(counts.values()) if group == ALL else counts.get(group, 0)
    return found


def _rows(tx: Transaction, statement: sa.Select[Any], project: str, user: str) -> Sequence[Any]:
    if user:
        statement = statement.where(consumers.c.user_id == sa.bindparam("user"))
    return tx.rows(statement, {"project": project, "user": user} if user else {"project": project})
