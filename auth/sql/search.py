"""Searches as SQL conditions."""

from __future__ import annotations

import sqlalchemy as sa

from ...core.db.matching import ORDERED, order_match, text_match
from ...core.drivers.identity import Condition
from ...core.errors import BadRequest


def where(table: sa.Table, condition: Condition) -> sa.ColumnElement[bool]:
    """``condition`` on a column of ``table``. :raises BadRequest: there is no such column or comparator."""
    if condition.attribute not in table.c:
        raise BadRequest(f"Users and groups cannot be searched by {condition.attribute}")
    column, value, comparator = table.c[condition.attribute], condition.value, condition.comparator
    if comparator == "equals":
        same: sa.ColumnElement[bool] = column == value
        return same
    if comparator in ORDERED:
        return order_match(column, comparator, value)
    return text_match(column, comparator, str(value))
