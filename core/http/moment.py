"""Moments as bodies and query strings write them. Within the product they are naive and in UTC."""

from __future__ import annotations

import datetime
from typing import overload

from ..errors import BadRequest

COMPARATORS = ("gt", "gte", "lt", "lte", "eq", "neq")


@overload
def to_second(value: datetime.datetime) -> str: ...
@overload
def to_second(value: None) -> None: ...
@overload
def to_second(value: datetime.datetime | None) -> str | None: ...
def to_second(value: datetime.datetime | None) -> str | None:
    """``2030-01-01T00:00:00Z``, or none."""
    return None if value is None else value.isoformat(timespec="seconds") + "Z"


@overload
def to_microsecond(value: datetime.datetime) -> str: ...
@overload
def to_microsecond(value: None) -> None: ...
@overload
def to_microsecond(value: datetime.datetime | None) -> str | None: ...
def to_microsecond(value: datetime.datetime | None) -> str | None:
    """``2030-01-01T00:00:00.000000``, without a zone, or none."""
    return None if value is None else value.isoformat(timespec="microseconds")


def parse(text: str, refusal: str) -> datetime.datetime:
    """A moment of a query; one without a zone is in UTC. :raises BadRequest: ``refusal``, as it is none."""
    try:
        found = datetime.datetime.fromisoformat(text)
        return found if found.tzinfo is None else found.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as exc:
        raise BadRequest(refusal) from exc


def comparison(text: str, refusal: str) -> tuple[str, datetime.datetime]:
    """Comparator and moment of ``gte:2030-01-01``; one without a comparator is to be equal. :raises BadRequest: as
    :func:`parse`."""
    comparator, colon, rest = text.partition(":")
    return (comparator, parse(rest, refusal)) if colon and comparator in COMPARATORS else ("eq", parse(text, refusal))
