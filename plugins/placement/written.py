"""Candidates of a world without trees, written as JSON by the database itself: one row for a thousand providers.

A row a provider costs a turn of the interpreter each, and with many clients a wait for one another, too.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from ...core.db.engine import Transaction
from .candidate import Ask, Shape, statement
from .tables import inventories

FIELD = re.compile(r"%[sd]")
FUNCTIONS = {"sqlite": ("printf", "group_concat"), "postgresql": ("format", "string_agg")}
"""What fills a template and what joins many texts, in databases that do not cut them off."""


def able(tx: Transaction) -> bool:
    """Tell whether this database can write texts of any length."""
    return tx.connection.dialect.name in FUNCTIONS


def is_all(tx: Transaction, ask: Ask) -> bool:
    """Tell whether no provider has anything but the classes of ``ask``."""
    names = sorted(ask.resources)
    return tx.value(_others(len(names)), {f"name{number}": name for number, name in enumerate(names)}) is None


@functools.lru_cache(maxsize=64)
def _others(count: int) -> sa.Select[Any]:
    """Whether there is another class than ``count`` names in order: a look into each gap between them."""
    names = [bindparam(f"name{number}", type_=sa.String) for number in range(count)]
    class_ = inventories.c.resource_class
    gaps = [class_ < names[0], class_ > names[-1]]
    gaps += [sa.and_(class_ > low, class_ < high) for low, high in zip(names, names[1:], strict=False)]
    looks = [sa.select(sa.literal(1)).select_from(inventories).where(gap).limit(1).subquery().select() for gap in gaps]
    return sa.select(sa.literal(1)).select_from(sa.union_all(*looks).subquery()).limit(1)


def texts(tx: Transaction, ask: Ask, request: str, summary: str, ends: tuple[bool, bool]) -> tuple[str, str]:
    """What ``request`` and ``summary`` say of each provider that fits, joined by commas.

    Both are templates: ``request`` with the id once or more, ``summary`` with the id, capacity and use of each class,
    and then, as ``ends`` has it, the traits and the root, which is the provider.
    """
    request, summary = (FIELD.sub("%s", one) for one in (request, summary))
    writing = _writing(ask.shape, tx.connection.dialect.name, request.count("%s"), ends)
    row: Any = tx.row(writing, {**ask.parameters(), "request": request, "summary": summary})
    return ("", "") if row is None or row[0] is None else (row[0], row[1])


@functools.lru_cache(maxsize=128)
def _writing(shape: Shape, dialect: str, ids: int, ends: tuple[bool, bool]) -> sa.Select[Any]:
    found = statement(shape).subquery()
    columns = list(found.c)
    id, amounts = columns[0], columns[1:1 + 2 * shape.classes]
    tail = [column for column, wanted in zip((found.c.traits, id), ends, strict=True) if wanted]
    fill, join = [getattr(sa.func, name) for name in FUNCTIONS[dialect]]

    def written(template: str, *columns: sa.ColumnElement[Any]) -> Any:
        return join(fill(bindparam(template, type_=sa.Text), *columns), sa.literal(",", sa.Text), type_=sa.Text)
    texts = written("request", *[id] * ids), written("summary", id, *amounts, *tail)
    return sa.select(*texts)
