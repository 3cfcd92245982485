"""Providers as rows: reading, creating, changing and deleting them, and their place in a tree."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam

from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, BadRequest, ConcurrentUpdate, InUse, NotFound
from .standard import CUSTOM
from .tables import allocations, inventories, provider_aggregates, provider_traits, providers

encode = msgspec.json.Encoder().encode
NONE = "[]"
"""No traits, or no aggregates, as a provider's row has them."""
BY_ID = sa.select(providers).where(providers.c.id == bindparam("id"))
BY_NAME = sa.select(providers.c.id).where(providers.c.name == bindparam("name"))
TAKEN = sa.select(providers.c.id, providers.c.name).where(sa.or_(providers.c.id == bindparam("id"),
                                                                  providers.c.name == bindparam("name")))
_below = providers.alias()
LEAVING = sa.select(
    providers.c.traits, providers.c.aggregates,
    sa.exists().where(_below.c.parent_id == providers.c.id).label("above_others"),
    sa.exists().where(allocations.c.provider_id == providers.c.id).label("used"),
).where(providers.c.id == bindparam("id"))
TREE = sa.select(providers.c.id, providers.c.parent_id).where(providers.c.root_id == bindparam("root"))
NEXT_GENERATION = (sa.update(providers)
                   .where(providers.c.id == bindparam("key"), providers.c.generation == bindparam("seen"))
                   .values(generation=providers.c.generation + 1, updated_at=bindparam("now")))
USED_BY_ONE_MORE = (sa.update(providers).where(providers.c.id == bindparam("key"))
                    .values(generation=providers.c.generation + 1, updated_at=bindparam("now")))
INVENTORIES, TRAITS, AGGREGATES = (sa.delete(table).where(table.c.provider_id == bindparam("key"))
                                   for table in (inventories, provider_traits, provider_aggregates))
DROP = sa.delete(providers).where(providers.c.id == bindparam("key"))


def find(tx: Transaction, id: str) -> Row | None:
    """The row of a provider, or none."""
    return tx.row(BY_ID, {"id": id})


def get(tx: Transaction, id: str) -> Row:
    """The row of a provider. :raises NotFound: there is none."""
    row = tx.row(BY_ID, {"id": id})
    if row is None:
        raise NotFound(f"No resource provider with uuid {id} found")
    return row


class Provider(NamedTuple):
    """A provider as its row has it."""

    id: str
    name: str
    generation: int
    parent_id: str | None
    root_id: str
    traits: str
    aggregates: str
    created_at: datetime.datetime
    updated_at: datetime.datetime


def create(tx: Transaction, now: datetime.datetime, id: str, name: str, parent: str | None = None) -> Provider:
    """Make a provider, a root or a child of ``parent``; its row.

    :raises BadRequest: the parent is the provider itself or unknown.
    :raises AlreadyExists: the id or the name is taken.
    """
    root = id
    if parent is not None:
        root = _root_of_parent(tx, id, name, parent)
    _refuse_taken(tx, id, name)
    made = Provider(id, name, 0, parent, root, NONE, NONE, now, now)
    tx.insert(providers, made._asdict())
    return made


def _root_of_parent(tx: Transaction, id: str, name: str, parent: str) -> str:
    if parent == id:
        raise BadRequest(f"Unable to create resource provider \"{name}\", {id}: "
                         "parent provider UUID cannot be same as UUID.")
    row = find(tx, parent)
    if row is None:
        raise BadRequest(f"parent provider UUID {parent} does not exist.")
    return str(row.root_id)


def _refuse_taken(tx: Transaction, id: str, name: str) -> None:
    taken = tx.rows(TAKEN, {"id": id, "name": name})
    if any(one.name == name or one.id != id for one in taken):
        raise AlreadyExists(f"Conflicting resource provider name: {name} already exists.",
                            code="placement.duplicate_name")
    if taken:
        raise AlreadyExists(f"Conflicting resource provider uuid: {id} already exists.",
                            code="placement.duplicate_name")


def rename(tx: Transaction, now: datetime.datetime, id: str, name: str) -> None:
    """Give a provider another name. :raises AlreadyExists: another provider has it."""
    owner = tx.value(BY_NAME, {"name": name})
    if owner is not None and owner != id:
        raise AlreadyExists(f"Conflicting resource provider name: {name} already exists.",
                            code="placement.duplicate_name")
    tx.update(providers, id, name=name, updated_at=now)


def hang(tx: Transaction, now: datetime.datetime, row: Row, parent: str | None, may_move: bool) -> None:
    """Give a provider another parent, or none, and its whole subtree the new root.

    Without ``may_move`` only a root may get a parent, as it was before microversion 1.37.

    :raises BadRequest: the parent is unknown, is below the provider, or may not be changed.
    """
    if parent == row.parent_id:
        return
    if row.parent_id is not None and not may_move:
        raise BadRequest("re-parenting a provider is not currently allowed."
                         if parent is not None else "un-parenting a provider is not currently allowed.")
    below = subtree(tx, row.root_id, row.id)
    root = row.id
    if parent is not None:
        above = find(tx, parent)
        if above is None:
            raise BadRequest("parent provider UUID does not exist.")
        if parent in below:
            raise BadRequest("creating loop in the provider tree is not allowed.")
        root = above.root_id
    tx.update(providers, row.id, parent_id=parent, updated_at=now)
    tx.execute(sa.update(providers).where(providers.c.id.in_(below)).values(root_id=root))


def subtree(tx: Transaction, root: str, id: str) -> list[str]:
    """The ids of ``id`` and of all providers below it."""
    children: dict[str | None, list[str]] = {}
    for row in tx.rows(TREE, {"root": root}):
        children.setdefault(row.parent_id, []).append(row.id)
    found = [id]
    for one in found:
        found.extend(children.get(one, ()))
    return found


def delete(tx: Transaction, id: str) -> bool:
    """Remove a provider with its inventories, traits and aggregates; tell whether it was there.

    :raises InUse: it has allocations or children.
    """
    row = tx.row(LEAVING, {"id": id})
    if row is None:
        return False
    if row.above_others:
        raise InUse(f"Unable to delete parent resource provider {id}: It has child resource providers.",
                    code="placement.resource_provider.cannot_delete_parent")
    if row.used:
        raise InUse(f"Unable to delete resource provider {id}: Resource provider has allocations.",
                    code="placement.resource_provider.inuse")
    tx.execute(INVENTORIES, {"key": id})
    # The provider's own row repeats these.
    if row.traits != NONE:
        tx.execute(TRAITS, {"key": id})
    if row.aggregates != NONE:
        tx.execute(AGGREGATES, {"key": id})
    tx.execute(DROP, {"key": id})
    return True


def advance(tx: Transaction, now: datetime.datetime, id: str, seen: int) -> int:
    """Count the provider's generation up from ``seen``; the new one.

    :raises ConcurrentUpdate: it has another generation by now.
    """
    if tx.execute(NEXT_GENERATION, {"key": id, "seen": seen, "now": now}) != 1:
        raise ConcurrentUpdate(f"Unable to update resource provider {id}: resource provider generation conflict",
                               code="placement.concurrent_update")
    return seen + 1


def touch(tx: Transaction, now: datetime.datetime, ids: Sequence[str]) -> None:
    """Count up the generations of providers whose allocations changed."""
    for id in ids:
        tx.execute(USED_BY_ONE_MORE, {"key": id, "now": now})


def ordered(names: Iterable[str]) -> list[str]:
    """Traits as they are shown: the standard ones first, then by name."""
    return sorted(names, key=lambda name: (name.startswith(CUSTOM), name))


def set_traits(tx: Transaction, now: datetime.datetime, id: str, names: Collection[str]) -> None:
    """Give a provider exactly these traits."""
    _set(tx, provider_traits, "trait", id, names)
    tx.update(providers, id, traits=encode(ordered(names)).decode(), updated_at=now)


def set_aggregates(tx: Transaction, now: datetime.datetime, id: str, ids: Sequence[str]) -> None:
    """Make a provider a member of exactly these aggregates."""
    _set(tx, provider_aggregates, "aggregate_id", id, ids)
    tx.update(providers, id, aggregates=encode(list(ids)).decode(), updated_at=now)


def _set(tx: Transaction, table: sa.Table, column: str, id: str, values: Collection[str]) -> None:
    had = set(tx.values(sa.select(table.c[column]).where(table.c.provider_id == id)))
    if gone := had.difference(values):
        tx.execute(sa.delete(table).where(table.c.provider_id == id, table.c[column].in_(gone)))
    rows: list[dict[str, Any]] = [{"provider_id": id, column: value} for value in sorted(set(values) - had)]
    tx.insert(table, rows)
