"""Providers that one project has to itself: a consumer may hold the tree of a root provider alone for its project."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from ...core.db.engine import Transaction
from ...core.errors import Conflict
from ...core.services.placement import Tenancy
from .tables import allocations, consumers, providers

SOLE = sa.select(consumers.c.sole).where(consumers.c.id == bindparam("id"))
HELD = (sa.select(consumers.c.sole).distinct()
        .where(consumers.c.sole.is_not(None), consumers.c.project_id != bindparam("project")))
USED = (sa.select(providers.c.root_id).distinct()
        .join_from(consumers, allocations, allocations.c.consumer_id == consumers.c.id)
        .join(providers, providers.c.id == allocations.c.provider_id)
        .where(consumers.c.project_id != bindparam("project")))
STRANGER = USED.where(providers.c.root_id == bindparam("root")).limit(1)


@functools.lru_cache(maxsize=64)
def _holder(count: int) -> sa.Select[Any]:
    """Finds a consumer of another project that holds the root of one of ``count`` providers."""
    ids = [bindparam(f"id{number}", type_=sa.String) for number in range(count)]
    roots = sa.select(providers.c.root_id).where(providers.c.id.in_(ids))
    return (sa.select(consumers.c.id).where(consumers.c.sole.in_(roots), consumers.c.project_id != bindparam("project"))
            .limit(1))


def sole_of(tx: Transaction, consumer: str) -> str:
    """The root provider that a consumer holds for its project alone; empty when it holds none."""
    return str(tx.value(SOLE, {"id": consumer}) or "")


def of_others(tx: Transaction, project: str, used: bool) -> Tenancy:
    """Root providers that other projects hold alone and, if ``used``, those they have allocations of."""
    return Tenancy(held=tx.values(HELD, {"project": project}),
                   used=tx.values(USED, {"project": project}) if used else [])


def refuse_strangers(tx: Transaction, project: str, sole: str, claimed: Collection[str]) -> None:
    """See that the providers ``claimed`` are open to a project that has just claimed them, ``sole`` for itself alone.

    :raises Conflict: another project holds one alone, or others use ``sole``.
    """
    ids = {f"id{number}": id for number, id in enumerate(claimed)}
    if tx.row(_holder(len(ids)), {**ids, "project": project}) is not None:
        raise Conflict("Unable to allocate inventory: Another project has a resource provider to itself.")
    if sole and tx.row(STRANGER, {"root": sole, "project": project}) is not None:
        raise Conflict(f"Unable to allocate inventory: Resource provider '{sole}' is used by other projects.")
