"""The links that compute's bodies carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ....core.http.call import Call
from .versions import ROOT


def links(call: Call, collection: str, id: str) -> list[dict[str, str]]:
    """``self`` and ``bookmark`` of the resource ``id`` of ``collection`` (``flavors``)."""
    name = f"/{collection}/{quote(id, safe='')}"
    return [{"rel": "self", "href": call.base + ROOT + name}, {"rel": "bookmark", "href": call.base + name}]


def next_links(call: Call, rows: Sequence[Any], limit: int, path: str, marker: str) -> list[dict[str, str]]:
    """The link to the page behind ``marker`` when ``rows`` fill the present one; no link otherwise."""
    if not limit or len(rows) < limit:
        return []
    query = [(name, value) for name, values in call.query.items() if name != "marker" for value in values]
    query.append(("marker", marker))
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    return [{"rel": "next", "href": f"{call.base}{ROOT}{path}?{text}"}]
