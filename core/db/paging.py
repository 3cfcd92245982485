"""Keyset paging: pages that cost the same at any depth."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ..errors import BadRequest
from .engine import Transaction


@dataclasses.dataclass(frozen=True)
class Page:
    """What part of a list is wanted: at most ``limit`` rows behind the row ``marker``, in the
    order of ``sort``, (column name, ``asc`` or ``desc``) pairs. ``limit`` 0 gives no rows."""

    limit: int | None = None
    marker: str = ""
    sort: Sequence[tuple[str, str]] = ()
    reverse: bool = False


def paged(statement: sa.Select[Any], table: sa.FromClause, page: Page, tx: Transaction,
          id_name: str = "id") -> sa.Select[Any]:
    """``statement`` with order, start and limit of ``page``; the id column breaks ties.

    :raises BadRequest: the marker names no row, or a sort key no column.
    """
    order = _order(table, page, id_name)
    if page.marker:
        statement = statement.where(_behind(table, order, page.marker, tx, id_name))
    for column, descending in order:
        statement = statement.order_by(*_ordered(column, descending))
    return statement if page.limit is None else statement.limit(page.limit)


def ordered(statement: sa.Select[Any], table: sa.FromClause, sort: Sequence[tuple[str, str]]) -> sa.Select[Any]:
    """``statement`` in the order of ``sort``, as :func:`paged` has it, for statements that are kept."""
    for name, direction in sort:
        statement = statement.order_by(*_ordered(table.c[name], direction == "desc"))
    return statement


def _ordered(column: sa.ColumnElement[Any], descending: bool) -> list[Any]:
    """NULL sorts below every value on all databases, as SQLite and MySQL do by themselves."""
    by_value = column.desc() if descending else column.asc()
    if not getattr(column, "nullable", True):
        return [by_value]
    nulls = sa.case((column.is_(None), 0), else_=1)
    return [nulls.desc() if descending else nulls.asc(), by_value]


def _order(table: sa.FromClause, page: Page, id_name: str) -> list[tuple[sa.ColumnElement[Any], bool]]:
    order: list[tuple[sa.ColumnElement[Any], bool]] = []
    for name, direction in page.sort:
        if name not in table.c:
            raise BadRequest(f"Invalid sort key: {name}")
        order.append((table.c[name], (direction == "desc") != page.reverse))
    if all(column is not table.c[id_name] for column, _ in order):
        last = order[-1][1] if order else page.reverse
        order.append((table.c[id_name], last))
    return order


def _behind(table: sa.FromClause, order: list[tuple[sa.ColumnElement[Any], bool]], marker: str,
            tx: Transaction, id_name: str) -> sa.ColumnElement[bool]:
    row = tx.row(sa.select(*(column for column, _ in order)).where(table.c[id_name] == marker))
    if row is None:
        raise BadRequest(f"The marker {marker!r} could not be found", type="MarkerNotFound")
    result: sa.ColumnElement[bool] = sa.false()
    for (column, descending), value in reversed(list(zip(order, row, strict=True))):
        result = sa.or_(_beyond(column, descending, value), sa.and_(_same(column, value), result))
    return sa.and_(_bound(*order[0], row[0]), result)


def _bound(column: sa.ColumnElement[Any], descending: bool, value: Any) -> sa.ColumnElement[bool]:
    """What follows from the rest, said so that an index leads straight to the page, however deep it is."""
    if value is None or getattr(column, "nullable", True):
        return sa.true()
    bound: sa.ColumnElement[bool] = column <= value if descending else column >= value
    return bound


def _same(column: sa.ColumnElement[Any], value: Any) -> sa.ColumnElement[bool]:
    same: sa.ColumnElement[bool] = column.is_(None) if value is None else column == value
    return same


def _beyond(column: sa.ColumnElement[Any], descending: bool, value: Any) -> sa.ColumnElement[bool]:
    if value is None:
        return sa.false() if descending else column.is_not(None)
    beyond: sa.ColumnElement[bool] = sa.or_(column < value, column.is_(None)) if descending else column > value
    return beyond
