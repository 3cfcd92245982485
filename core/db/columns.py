"""Column types of all tables: one word per kind of value, right on all three databases."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
"""A moment, naive and in UTC, to the microsecond."""

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number that the database counts up: the primary key of what is kept in order."""

BigText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
"""Text of any length (user data, documents)."""

Bytes = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
"""Bytes of any length."""


class Json(TypeDecorator[Any]):
    """A JSON value, kept as text; never filter inside it, give what is filtered a column."""

    impl = BigText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        """The value as JSON text."""
        return None if value is None else _encode(value).decode()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """The JSON text as a value."""
        return None if value is None else _decode(value)


def text(length: int = 255) -> sa.String:
    """Text of at most ``length`` characters, compared by code point on all databases."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def key() -> sa.String:
    """An id: a UUID with or without dashes, or another ASCII word of at most 64 characters."""
    return sa.String(64).with_variant(mysql.VARCHAR(64, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")


def id_column() -> sa.Column[str]:
    """The primary key ``id``."""
    return sa.Column("id", key(), primary_key=True)
