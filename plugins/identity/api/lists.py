"""Lists: filters of the query as conditions, pages, and the links around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from ....core.db.matching import text_match
from ....core.db.paging import Page
from ....core.drivers.identity import COMPARATORS, Condition
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Query
from ..service import Identity

PAGING = {"limit": "natural", "marker": "text"}
LIST = Query(PAGING)


def query(**known: str) -> Query:
    """The query of a list: paging, and filters by kind."""
    return Query({**PAGING, **known})


def page(service: Identity, call: Call) -> Page:
    """The part of a list that was asked for."""
    return Page(limit=page_size(service, call), marker=call.one("marker"))


def page_size(service: Identity, call: Call) -> int | None:
    """The largest number of rows, none for all; lists that do not page ignore what is asked."""
    if not isinstance(call.operation.query, Query) or "limit" not in call.operation.query.known:
        return None
    largest = service.store.options.list_limit
    asked = call.number("limit")
    if asked is None or asked == 0:
        return largest or None
    return min(asked, largest) if largest else asked


def flag(text: str) -> bool:
    """A filter of a flag as Keystone reads it: all but 0 and false is true."""
    return text.lower() not in ("0", "false", "f", "no", "n", "off")


def conditions(call: Call, texts: Iterable[str], flags: Iterable[str] = ()) -> list[Condition]:
    """The filters of the query on attributes that are texts or flags, with comparators (``name__contains``).

    :raises BadRequest: there is no such comparator.
    """
    found = [Condition(name, "equals", flag(value)) for name in flags for value in call.many(name)]
    wanted = set(texts)
    for key, values in call.query.items():
        name, _, comparator = key.partition("__")
        if name in wanted:
            if any("\0" in value for value in values):
                raise BadRequest(f"The filter {name} holds a NUL character")
            if comparator and comparator not in COMPARATORS:
                raise BadRequest(f"There is no comparator {comparator!r}")
            found += [Condition(name, comparator or "equals", value) for value in values]
    return found


def in_sql(table: sa.Table, filters: Iterable[Condition]) -> list[sa.ColumnElement[bool]]:
    """Filters as conditions on the columns of ``table``."""
    return [table.c[one.attribute].is_(one.value) if isinstance(one.value, bool)
            else text_match(table.c[one.attribute], one.comparator, one.value) for one in filters]


def answer(service: Identity, call: Call, name: str, items: Sequence[Mapping[str, Any]],
           marker: str = "") -> dict[str, Any]:
    """The body of a list with its links; ``next`` is there when a full page was found.

    ``marker`` is the one behind the page where it is no item's id.
    """
    path = call.address(call.request.path)
    asked = call.request.query_string
    limit = page_size(service, call)
    following = None
    if limit and len(items) == limit:
        rest = [(key, value) for key, values in call.query.items() for value in values
                if key not in ("limit", "marker")]
        following = f"{path}?{urlencode([*rest, ('limit', limit), ('marker', marker or items[-1]['id'])])}"
    body: dict[str, Any] = {name: items, "links": {"self": f"{path}?{asked}" if asked else path, "previous": None,
                                                   "next": following}}
    if following and call.number("limit") != limit:
        body["truncated"] = True
    return body


def split(given: Mapping[str, Any], known: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes that are ``known``, and all others, which are kept as they are."""
    names = frozenset(known)
    return ({key: value for key, value in given.items() if key in names},
            {key: value for key, value in given.items() if key not in names and key not in ("id", "links")})


def stored(known: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, in the form of the table: empty where the API has null."""
    values = {key: "" if value is None else value for key, value in known.items()}
    if "name" in values:
        values["name"] = values["name"].strip()
    return values
