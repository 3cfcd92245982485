"""Lists of all nouns: filters, order and pages.

A statement depends only on the shape of the question, so each shape is built once and kept;
the values travel as parameters.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.db.engine import Row, Transaction
from ...core.db.matching import order_match
from ...core.db.paging import Page, ordered, paged
from ...core.errors import BadRequest, NotFound
from .tables import attachments, backups, group_snapshots, groups, marks, messages, snapshots, transfers, volumes

TABLES = {"volumes": volumes, "snapshots": snapshots, "attachments": attachments, "backups": backups,
          "groups": groups, "group_snapshots": group_snapshots, "messages": messages, "transfers": transfers}
DEFAULT_SORT = (("created_at", "desc"), ("id", "desc"))

Term = tuple[str, str, str]
"""The column or metadata key, how it is compared, and the name of the parameter."""
IMAGE = "image:"
"""What stands before a volume's id where rows say what it remembers of its image."""
MOST_TERMS = 128
"""With some hundreds of them a database thinks for minutes about how to go about it."""


class Question(msgspec.Struct):
    """A list that is asked for: terms and their parameters, order, start and length."""

    table: str
    terms: list[Term] = []
    values: dict[str, Any] = {}
    sort: tuple[tuple[str, str], ...] = DEFAULT_SORT
    marker: str = ""
    limit: int = 1000
    offset: int = 0

    def add(self, name: str, how: str, value: Any) -> None:
        """Ask for rows whose ``name`` compares ``how`` (``eq``, ``like``, ``in``, ``metadata``, ``image``, ``gt``...)
        with ``value``."""
        if len(self.terms) >= MOST_TERMS:
            raise BadRequest(f"A list can be asked for {MOST_TERMS} things at most.")
        parameter = f"p{len(self.terms)}"
        self.terms.append((name, how, parameter))
        self.values[parameter] = value


def rows(tx: Transaction, question: Question) -> Sequence[Row]:
    """The page that was asked for. :raises NotFound: the marker names nothing."""
    terms = tuple(question.terms)
    values = {**question.values, "offset": question.offset}
    if not question.marker:
        return tx.rows(_statement(question.table, terms, question.sort, True), {**values, "limit": question.limit})
    table = TABLES[question.table]
    if tx.row(sa.select(table.c.id).where(table.c.id == question.marker)) is None:
        raise NotFound(f"marker {question.marker} could not be found.")
    page = Page(question.limit, question.marker, question.sort)
    statement = _statement(question.table, terms, question.sort, False)
    return tx.rows(paged(statement, table, page, tx).offset(sa.bindparam("offset")), values)


def count(tx: Transaction, question: Question) -> int:
    """How many rows there are on all pages together."""
    inner = _statement(question.table, tuple(question.terms), (), False).subquery()
    return int(tx.value(sa.select(sa.func.count()).select_from(inner), question.values))


@functools.lru_cache(512)
def _statement(name: str, terms: tuple[Term, ...], sort: tuple[tuple[str, str], ...],
               first: bool) -> sa.Select[Any]:
    table = TABLES[name]
    statement = sa.select(table)
    for term in terms:
        statement = statement.where(_condition(table, *term))
    if not first:
        return statement
    return ordered(statement, table, sort).limit(sa.bindparam("limit")).offset(sa.bindparam("offset"))


def _condition(table: sa.Table, name: str, how: str, parameter: str) -> sa.ColumnElement[bool]:
    value: sa.BindParameter[Any] = sa.bindparam(parameter)
    if how == "metadata":
        return table.c.id.in_(sa.select(marks.c.owner_id).where(marks.c.name == name, marks.c.value == value))
    if how == "image":
        of_image = sa.select(marks.c.owner_id).where(marks.c.name == name, marks.c.value == value)
        return sa.literal(IMAGE).concat(table.c.id).in_(of_image)
    column = table.c[name]
    if how == "in":
        return column.in_(sa.bindparam(parameter, expanding=True))
    if how == "like":
        return column.contains(value, autoescape=False)
    return order_match(column, how, value)
