"""Bringing a database to the newest revision of a slice's tables, or seeing that it is there."""

from __future__ import annotations

import sqlalchemy as sa

from ..errors import BadConfiguration
from .engine import Database
from .schema import Schema


def current(database: Database, schema: Schema) -> str | None:
    """The revision the database is at, or none when it has never seen the slice."""
    with database.engine.connect() as connection:
        if not sa.inspect(connection).has_table(schema.version_table):
            return None
        value = connection.execute(sa.text(f"SELECT version_num FROM {schema.version_table}")).scalar()
        return None if value is None else str(value)


def upgrade(database: Database, schema: Schema) -> bool:
    """Bring the slice's tables to the newest revision; tell whether anything was done."""
    now = current(database, schema)
    if now is not None and now >= schema.head():
        return False
    from .migrate import run
    run(database, schema)
    return True


def check(database: Database, schema: Schema) -> None:
    """See that the database is at the newest revision or beyond.

    :raises BadConfiguration: it is behind; the message names the command that mends it.
    """
    now = current(database, schema)
    if now is None or now < schema.head():
        raise BadConfiguration(f"the database of {schema.name} is at revision {now or 'none'}, "
                               f"this release needs {schema.head()}; run: stratolith db upgrade")
