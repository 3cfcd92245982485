"""What part of a list a client wants: filters, fields, order and page, turned into SQL."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.db.paging import Page
from ...core.errors import BadRequest
from ...core.http.validation import as_integer
from . import tables

TRUE = frozenset(("true", "1", "yes", "on", "t", "y"))
FALSE = frozenset(("false", "0", "no", "off", "f", "n"))
TAG_FILTERS = frozenset(("tags", "tags-any", "not-tags", "not-tags-any"))
RESERVED = frozenset(("fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"))


@dataclasses.dataclass(frozen=True)
class Listing:
    """One question: ``filters`` by attribute (several values are alternatives), ``fields`` wanted
    (none: all), and the page. ``base`` is the list's own address for links."""

    filters: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    fields: Sequence[str] = ()
    page: Page = Page()
    base: str = ""


ALL = Listing()


def parse(query: Mapping[str, list[str]], base: str = "") -> Listing:
    """The question behind a query string.

    :raises BadRequest: the page or the order makes no sense.
    """
    if not query:
        return Listing(base=base)
    filters = {name: values for name, values in query.items() if name not in RESERVED}
    return Listing(filters, query.get("fields", ()), _page(query), base)


def _page(query: Mapping[str, list[str]]) -> Page:
    keys = query.get("sort_key", [])
    directions = query.get("sort_dir", [])
    if directions and len(directions) != len(keys):
        raise BadRequest("The number of sort_keys and sort_dirs must be same")
    if any(one not in ("asc", "desc") for one in directions):
        raise BadRequest("The only permitted values for sort_dir are 'asc' and 'desc'.")
    sort = [(name, directions[place] if directions else "asc") for place, name in enumerate(keys)]
    text = query.get("limit", [""])[-1]
    limit = None
    if text:
        if not re.fullmatch("[0-9]{1,18}", text):
            raise BadRequest(f"Limit must be an integer 0 or greater and not '{text}'")
        limit = int(text) or None
    reverse = query.get("page_reverse", [""])[-1].lower() in TRUE
    return Page(limit, query.get("marker", [""])[-1], sort, reverse)


def column_of(table: sa.Table, attribute: str) -> sa.Column[Any] | None:
    """The column that holds an attribute, or none."""
    name = "project_id" if attribute == "tenant_id" else attribute.replace(":", "_")
    return table.c.get(name)


def condition(column: sa.Column[Any], values: Sequence[str], name: str) -> sa.ColumnElement[bool]:
    """The attribute has one of ``values``. :raises BadRequest: they are of the wrong kind."""
    if isinstance(column.type, sa.Boolean):
        flags = [_flag(value, name) for value in values]
        return column.in_(flags) if len(flags) > 1 else column.is_(flags[0])
    if isinstance(column.type, sa.Integer):
        numbers = [as_integer(value) for value in values]
        if None in numbers:
            raise BadRequest(f"Invalid input for {name}: it is no number", type="InvalidInput")
        return column.in_(numbers)
    if len(values) == 1:
        return column == values[0]
    return column.in_(list(values))


def _flag(value: str, name: str) -> bool:
    lowered = value.lower()
    if lowered in TRUE:
        return True
    if lowered in FALSE:
        return False
    raise BadRequest(f"Invalid input for {name}. Reason: '{value}' cannot be converted to boolean.",
                     type="InvalidInput")


def tag_condition(table: sa.Table, name: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Rows whose tags are as the filter ``name`` (tags, tags-any, not-tags, not-tags-any) says."""
    wanted = {tag for value in values for tag in value.split(",") if tag}
    having = sa.select(tables.tags.c.resource_id).where(tables.tags.c.tag.in_(wanted))
    if not name.endswith("any"):
        having = having.group_by(tables.tags.c.resource_id).having(sa.func.count() == len(wanted))
    found = table.c.id.in_(having)
    return sa.not_(found) if name.startswith("not") else found
