"""Query strings of lists as questions, and the links of pages."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ....core.db.engine import Row
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.moment import comparison
from .. import listing


def root(call: Call) -> str:
    """The address of the API's version, with the project's id where the client wrote it."""
    project = call.request.env.get("stratolith.project_id")
    return call.address(f"/v3/{project}" if project else "/v3")


def bookmark_root(call: Call) -> str:
    """As :func:`root`, without the version."""
    project = call.request.env.get("stratolith.project_id")
    return call.address(f"/{project}" if project else "")


def links(call: Call, kind: str) -> Callable[[str], list[dict[str, str]]]:
    """A function that gives the two links of an item by its id."""
    own, bookmark = f"{root(call)}/{kind}/", f"{bookmark_root(call)}/{kind}/"
    return lambda item: [{"rel": "self", "href": own + item}, {"rel": "bookmark", "href": bookmark + item}]


def question(call: Call, table: str, filters: Mapping[str, str], sort_keys: Mapping[str, str]) -> listing.Question:
    """The list that a query string asks for.

    ``filters`` and ``sort_keys`` give the column for each name that may be used; other filters are ignored.
    :raises BadRequest: a number, an order or a filter makes no sense.
    """
    asked = listing.Question(table)
    _project(call, asked)
    for name, column in filters.items():
        if name in call.query:
            _filter(call, asked, name, column, call.one(name))
        if call.since("3.34") and f"{name}~" in call.query and name in ("name", "display_name", "description"):
            asked.add(column, "like", call.one(f"{name}~"))
    if call.since("3.60"):
        for name in ("created_at", "updated_at"):
            for value in call.many(name):
                asked.add(name, *comparison(value, f"Invalid input received: {name}={value[:100]}"))
    most = int(asked.limit)
    asked.limit = min(natural(call, "limit", most), most)
    asked.offset = natural(call, "offset", 0)
    asked.marker = call.one("marker")
    asked.sort = _sort(call, sort_keys)
    return asked


def _project(call: Call, asked: listing.Question) -> None:
    everyone = call.context.is_admin and call.one("all_tenants").lower() in ("1", "true", "yes", "on")
    wanted = call.one("project_id") or call.one("tenant_id")
    if not everyone:
        asked.add("project_id", "eq", call.context.project_id)
    elif wanted:
        asked.add("project_id", "eq", wanted)


def _filter(call: Call, asked: listing.Question, name: str, column: str, value: str) -> None:
    if name == "glance_metadata":
        for key, one in pairs(name, value).items():
            asked.add(key, "image", one)
    elif name == "metadata":
        for key, one in pairs(name, value).items():
            asked.add(key, "metadata", one)
    elif name in ("bootable", "multiattach", "consumes_quota"):
        if name == "bootable" and not call.since("3.2"):
            asked.add(column, "eq", value.lower() != "false")
            return
        if value.lower() not in ("true", "false", "t", "f", "1", "0"):
            raise BadRequest(f"Invalid input received: {name}={value[:100]}")
        asked.add(column, "eq", value.lower() in ("true", "t", "1"))
    elif name == "size":
        asked.add(column, "eq", _number(name, value))
    elif len(call.many(name)) > 1:
        asked.add(column, "in", call.many(name))
    else:
        asked.add(column, "eq", value)


def pairs(name: str, text: str) -> dict[str, str]:
    """The filter ``name`` as clients write it: the text of a mapping. :raises BadRequest: it is none."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as exc:
        raise BadRequest(f"Invalid input received: {name}={text[:100]}") from exc
    if not isinstance(found, dict):
        raise BadRequest(f"Invalid input received: {name}={text[:100]}")
    return {str(key): str(value) for key, value in found.items()}


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadRequest(f"{name} param must be an integer of 0 or more")
    return int(text)


def natural(call: Call, name: str, default: int) -> int:
    """A number of 0 or more in the query string. :raises BadRequest: it is none."""
    text = call.one(name)
    return _number(name, text) if text else default


def _sort(call: Call, keys: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if not any(name in call.query for name in ("sort", "sort_key", "sort_dir")):
        return listing.DEFAULT_SORT
    if "sort" in call.query:
        if "sort_key" in call.query or "sort_dir" in call.query:
            raise BadRequest("The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the "
                             "'sort' parameter.")
        parts = [part.strip().partition(":") for part in call.one("sort").split(",")]
        pairs = [(name, direction or "desc") for name, _, direction in parts]
    else:
        pairs = [(call.one("sort_key", "created_at"), call.one("sort_dir", "desc"))]
    for name, direction in pairs:
        if name not in keys:
            raise BadRequest(f"Invalid input received: sort key {name[:100]} is not known")
        if direction not in ("asc", "desc"):
            raise BadRequest(f"Invalid input received: unknown sort direction {direction[:100]}, "
                             "must be 'desc' or 'asc'.")
    found = [(keys[name], direction) for name, direction in pairs]
    given = {column for column, _ in found}
    return (*found, *((name, found[-1][1]) for name in ("created_at", "id") if name not in given))


def page(call: Call, kind: str, path: str, items: Sequence[Mapping[str, Any]],
         asked: listing.Question) -> dict[str, Any]:
    """The body of a page, with the link to the next where there may be one."""
    return page_of(call, kind, path, items, asked.limit)


def page_of(call: Call, kind: str, path: str, items: Sequence[Mapping[str, Any]], limit: int) -> dict[str, Any]:
    """As :func:`page`, for at most ``limit`` items."""
    body: dict[str, Any] = {kind: items}
    if items and len(items) == limit:
        pairs = [(name, value) for name, values in call.query.items() if name not in ("marker", "offset")
                 for value in values]
        pairs.append(("marker", items[-1]["id"]))
        body[f"{kind}_links"] = [{"rel": "next", "href": f"{root(call)}{path}?{urlencode(pairs)}"}]
    return body


def sliced(call: Call, kind: str, path: str, rows: Sequence[Row], columns: Sequence[str],
           view: Callable[[Row], Mapping[str, Any]]) -> dict[str, Any]:
    """The body of a page of a short list that is at hand whole, in the order of one of ``columns`` if asked.

    :raises BadRequest: the order makes no sense. :raises NotFound: the marker names nothing.
    """
    limit, offset = natural(call, "limit", 1000), natural(call, "offset", 0)
    if any(name in call.query for name in ("sort", "sort_key", "sort_dir")):
        for name, direction in reversed(_sort(call, {name: name for name in columns})):
            if name in columns:
                rows = sorted(rows, key=operator.attrgetter(name), reverse=direction == "desc")
    if call.one("marker"):
        places = [place for place, row in enumerate(rows) if row.id == call.one("marker")]
        if not places:
            raise NotFound(f"marker {call.one('marker')[:100]} could not be found.")
        offset += places[0] + 1
    return page_of(call, kind, path, [view(row) for row in rows[offset:offset + limit]], limit)


def wants_count(call: Call) -> bool:
    """Tell whether the number of all items is asked for."""
    return call.since("3.45") and call.flag("with_count")
