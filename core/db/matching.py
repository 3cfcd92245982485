"""Comparisons of texts that mean the same on all databases."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from ..errors import BadRequest

ORDERED: Mapping[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge, "eq": operator.eq, "neq": operator.ne}


def order_match(column: sa.ColumnElement[Any], comparator: str, value: Any) -> sa.ColumnElement[bool]:
    """A comparison by one of :data:`ORDERED`."""
    compared: sa.ColumnElement[bool] = ORDERED[comparator](column, value)
    return compared


def text_match(column: sa.ColumnElement[Any], comparator: str, value: str) -> sa.ColumnElement[bool]:
    """A comparison by ``equals``, ``contains``, ``startswith`` or ``endswith``; with ``i`` before it
    case is ignored. :raises BadRequest: there is no such comparator.

    LIKE ignores the case of ASCII letters on SQLite, so ``replace`` decides.
    """
    if comparator.startswith("i"):
        column, comparator, value = sa.func.lower(column), comparator[1:], value.lower()
    if comparator == "equals":
        return column == value
    if not value:
        return sa.true()
    exact = sa.func.replace(column, value, "") != column
    if comparator == "contains":
        return exact
    if comparator == "startswith":
        return sa.and_(column.startswith(value, autoescape=True), exact)
    if comparator == "endswith":
        return sa.and_(column.endswith(value, autoescape=True), exact)
    raise BadRequest(f"There is no comparator {comparator!r}")
