"""Which providers can take a request that one provider alone must meet: one query.

The statement is prepared once for each shape of request: how many classes, traits, aggregates.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from ...core.db.engine import Row, Transaction
from .tables import inventories, provider_aggregates, provider_traits, providers

WEIGHED = ("VCPU", "MEMORY_MB", "DISK_GB")
"""Classes whose use is always told, because the scheduler weighs by them."""
FEW = 200
"""Up to so many providers their further inventories are looked up one by one."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """What decides the text of the statement: sizes, no values."""

    classes: int
    told: int = 0
    """Further classes whose capacity and use come along."""
    any_traits: tuple[int, ...] = ()
    forbidden: int = 0
    member_of: tuple[int, ...] = ()
    forbidden_aggregates: int = 0
    in_tree: bool = False
    limit: bool = False


@dataclasses.dataclass(frozen=True)
class Ask:
    """One group of resources with its conditions. Each inner list means: one of these."""

    resources: Mapping[str, int]
    any_traits: Sequence[Sequence[str]] = ()
    forbidden: Sequence[str] = ()
    member_of: Sequence[Sequence[str]] = ()
    forbidden_aggregates: Sequence[str] = ()
    in_tree: str = ""
    limit: int = 0
    told: Sequence[str] = ()

    @property
    def shape(self) -> Shape:
        """The shape of the statement that finds it."""
        return Shape(len(self.resources), len(self.told), tuple(map(len, self.any_traits)), len(self.forbidden),
                     tuple(map(len, self.member_of)), len(self.forbidden_aggregates), bool(self.in_tree),
                     bool(self.limit))

    def parameters(self) -> dict[str, Any]:
        """The values behind the statement's names."""
        found: dict[str, Any] = {"tree": self.in_tree, "limit": self.limit}
        for number, (class_, amount) in enumerate(self.resources.items()):
            found[f"class{number}"], found[f"amount{number}"] = class_, amount
        _fill(found, "told", self.told)
        _fill(found, "no_trait", self.forbidden)
        _fill(found, "no_aggregate", self.forbidden_aggregates)
        for number, names in enumerate(self.any_traits):
            _fill(found, f"trait{number}_", names)
        for number, ids in enumerate(self.member_of):
            _fill(found, f"aggregate{number}_", ids)
        return found


def _fill(parameters: dict[str, Any], stem: str, values: Sequence[str]) -> None:
    for number, value in enumerate(values):
        parameters[f"{stem}{number}"] = value


def _names(stem: str, count: int) -> list[sa.BindParameter[str]]:
    return [bindparam(f"{stem}{number}", type_=sa.String) for number in range(count)]


@functools.lru_cache(maxsize=512)
def statement(shape: Shape) -> sa.Select[Any]:
    """The providers that fit: id, then capacity and use of each class asked for and told, in order of id."""
    first = inventories.alias("i0")
    columns: list[Any] = [first.c.provider_id, first.c.capacity, first.c.used]
    source: Any = first.join(providers, providers.c.id == first.c.provider_id)
    conditions = _room(first, 0)
    for number in range(1, shape.classes):
        other = inventories.alias(f"i{number}")
        source = source.join(other, sa.and_(other.c.provider_id == first.c.provider_id, *_room(other, number)))
        columns += [other.c.capacity, other.c.used]
    for number, name in enumerate(_names("told", shape.told)):
        other = inventories.alias(f"t{number}")
        source = source.outerjoin(other, sa.and_(other.c.provider_id == first.c.provider_id,
                                                 other.c.resource_class == name))
        columns += [other.c.capacity, other.c.used]
    columns += [providers.c.traits, providers.c.parent_id, providers.c.root_id]
    query = sa.select(*columns).select_from(source).where(*conditions, *_kept(shape, first.c.provider_id))
    query = query.order_by(first.c.provider_id)
    return query.limit(bindparam("limit", type_=sa.Integer)) if shape.limit else query


def _room(table: Any, number: int) -> list[sa.ColumnElement[bool]]:
    amount: Any = bindparam(f"amount{number}", type_=sa.BigInteger)
    c = table.c
    return [c.resource_class == bindparam(f"class{number}", type_=sa.String), c.capacity - c.used >= amount,
            c.min_unit <= amount, c.max_unit >= amount, amount % c.step_size == 0]


def _kept(shape: Shape, id: Any) -> list[sa.ColumnElement[bool]]:
    """The conditions on traits, aggregates and tree."""
    found: list[sa.ColumnElement[bool]] = []
    for number, count in enumerate(shape.any_traits):
        found.append(_has(provider_traits, provider_traits.c.trait, id, _names(f"trait{number}_", count)))
    if shape.forbidden:
        found.append(~_has(provider_traits, provider_traits.c.trait, id, _names("no_trait", shape.forbidden)))
    aggregate = provider_aggregates.c.aggregate_id
    for number, count in enumerate(shape.member_of):
        found.append(_has(provider_aggregates, aggregate, id, _names(f"aggregate{number}_", count)))
    if shape.forbidden_aggregates:
        found.append(~_has(provider_aggregates, aggregate, id, _names("no_aggregate", shape.forbidden_aggregates)))
    if shape.in_tree:
        tree = providers.alias("tree")
        found.append(providers.c.root_id == sa.select(tree.c.root_id).where(tree.c.id == bindparam("tree"))
                     .scalar_subquery())
    return found


def _has(table: sa.Table, column: sa.ColumnElement[str], id: Any, names: Sequence[Any]) -> sa.ColumnElement[bool]:
    return sa.exists().where(table.c.provider_id == id, column.in_(names))


def find(tx: Transaction, ask: Ask) -> Sequence[Row]:
    """The rows of :func:`statement` for ``ask``."""
    return tx.rows(statement(ask.shape), ask.parameters())


@functools.lru_cache(maxsize=256)
def _listing(shape: Shape, by_name: bool, by_id: bool) -> sa.Select[Any]:
    query = sa.select(providers)
    for number in range(shape.classes):
        table = inventories.alias(f"i{number}")
        query = query.where(sa.exists().where(table.c.provider_id == providers.c.id, *_room(table, number)))
    query = query.where(*_kept(shape, providers.c.id))
    if by_name:
        query = query.where(providers.c.name == bindparam("name"))
    if by_id:
        query = query.where(providers.c.id == bindparam("id"))
    return query.order_by(providers.c.id)


def listed(tx: Transaction, ask: Ask, name: str, id: str) -> Sequence[Row]:
    """The providers, whole rows, that fit ``ask`` each by itself and have the name and id, where given."""
    return tx.rows(_listing(ask.shape, bool(name), bool(id)), {**ask.parameters(), "name": name, "id": id})


@functools.lru_cache(maxsize=256)
def _others(shape: Shape, few: bool) -> sa.Select[Any]:
    query = sa.select(inventories.c.provider_id, inventories.c.resource_class, inventories.c.capacity,
                      inventories.c.used)
    if few:
        found = statement(shape).subquery()
        query = query.join_from(found, inventories, inventories.c.provider_id == found.c.provider_id)
    return query.where(inventories.c.resource_class.not_in(_names("class", shape.classes)))


def other_amounts(tx: Transaction, ask: Ask, count: int) -> Sequence[Any]:
    """Provider, class, capacity and use of what :func:`find` does not tell of the ``count`` providers it finds.

    When they are many, rows of other providers come along: to read all is then cheaper.
    """
    return tx.rows(_others(ask.shape, count <= FEW), ask.parameters())


def limited(ask: Ask, limit: int) -> Ask:
    """``ask`` for at most ``limit`` providers."""
    return dataclasses.replace(ask, limit=limit)
