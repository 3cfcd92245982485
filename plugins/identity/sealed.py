"""All secrets that the database keeps sealed, and how they follow a rotation of the keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Database
from .keys import Seal
from .tables import access_tokens, consumers, credentials, domain_options, request_tokens

SEALED = ((credentials, "sealed_blob"), (domain_options, "sealed_value"), (consumers, "sealed_secret"),
          (request_tokens, "sealed_secret"), (access_tokens, "sealed_secret"))
BATCH = 500


def of_older_keys(database: Database, seal: Seal) -> int:
    """How many secrets are sealed with another key than the primary one."""
    return sum(not seal.is_primary(value) for table, column in SEALED
               for rows in _batches(database, table, column) for *_, value in rows)


def seal_anew(database: Database, seal: Seal) -> int:
    """Seal with the primary key what is sealed with another one; tell how many that were.

    A secret that is changed meanwhile keeps its new value.
    """
    count = 0
    for table, column in SEALED:
        for rows in _batches(database, table, column):
            with database.write() as tx:
                for *key, value in rows:
                    if not seal.is_primary(value):
                        mine = [one == at for one, at in zip(table.primary_key.columns, key, strict=True)]
                        count += tx.execute(table.update().where(*mine, table.c[column] == value)
                                            .values({column: seal.close(seal.open(value))}))
    return count


def _batches(database: Database, table: sa.Table, column: str) -> Iterator[list[Any]]:
    """All rows of a table whose ``column`` is set: primary key and value."""
    keys = list(table.primary_key.columns)
    behind: list[sa.ColumnElement[bool]] = []
    while True:
        statement = sa.select(*keys, table.c[column]).where(table.c[column].is_not(None), *behind)
        with database.read() as tx:
            rows = list(tx.rows(statement.order_by(*keys).limit(BATCH)))
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        behind = [sa.tuple_(*keys) > sa.tuple_(*rows[-1][:-1])]
