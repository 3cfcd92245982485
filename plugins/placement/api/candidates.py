"""``/allocation_candidates``: the ways in which a request for resources can be met now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ....core.db.engine import Transaction
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from .. import candidate, name, provider, search, world, written
from . import flat, groups, queries
from .answer import dated

Amounts = Mapping[str, Mapping[str, int]]


def index(service: Any, call: Call) -> Any:
    """All ways, at most ``limit``, and the providers that take part in them."""
    wanted = groups.wanted(call)
    with service.db.read() as tx:
        _refuse_unknown(tx, wanted)
        if _is_simple(wanted) and world.is_flat(tx):
            body = _flat(tx, call, wanted)
        else:
            body = _searched(call, world.read(tx), wanted)
    return dated(service, call, body)


def _is_simple(wanted: search.Wanted) -> bool:
    return list(wanted.groups) == [""] and not (wanted.root_any_of or wanted.root_forbidden)


def _refuse_unknown(tx: Transaction, wanted: search.Wanted) -> None:
    asks = wanted.groups.values()
    classes = {class_ for ask in asks for class_ in ask.resources}
    traits = {one for ask in asks for names in (*ask.any_traits, ask.forbidden) for one in names}
    traits.update(one for names in (*wanted.root_any_of, wanted.root_forbidden) for one in names)
    queries.refuse_unknown(queries.NO_CLASS, name.unknown_classes(tx, classes))
    queries.refuse_unknown("No such trait(s)", name.unknown_traits(tx, traits))


def _allocation_requests(call: Call, ways: Sequence[Amounts], mappings: Sequence[Any]) -> list[dict[str, Any]]:
    if call.version < (1, 12):
        return [{"allocations": [{"resource_provider": {"uuid": id}, "resources": of} for id, of in way.items()]}
                for way in ways]
    if call.version < (1, 34):
        return [{"allocations": {id: {"resources": of} for id, of in way.items()}} for way in ways]
    return [{"allocations": {id: {"resources": of} for id, of in way.items()}, "mappings": of_way}
            for way, of_way in zip(ways, mappings, strict=True)]


def _flat(tx: Transaction, call: Call, wanted: search.Wanted) -> dict[str, Any]:
    """Every provider stands alone, so that two queries find all."""
    ask = wanted.groups[""]
    if wanted.limit:
        ask = candidate.limited(ask, wanted.limit)
    if written.able(tx) and (call.version < (1, 27) or written.is_all(tx, ask)):
        request = flat.request_template(call.version, ask.resources)
        summary = flat.summary_template(call.version, list(ask.resources))
        return flat.written(*written.texts(tx, ask, request, summary, flat.ends(call.version)))
    rows = candidate.find(tx, ask)
    others = candidate.other_amounts(tx, ask, len(rows)) if call.version >= (1, 27) else ()
    return {"allocation_requests": flat.requests(call.version, [row[0] for row in rows], ask.resources),
            "provider_summaries": flat.summaries(call.version, rows, list(ask.resources), others)}


def _summary(call: Call, amounts: Any, traits: str, parent: str | None, root: str) -> dict[str, Any]:
    """What a summary says of a provider; ``traits`` is JSON already."""
    if call.version < (1, 17):
        return {"resources": amounts}
    if call.version < (1, 29):
        return {"resources": amounts, "traits": msgspec.Raw(traits.encode())}
    return {"resources": amounts, "traits": msgspec.Raw(traits.encode()), "parent_provider_uuid": parent,
            "root_provider_uuid": root}


def _searched(call: Call, seen: world.World, wanted: search.Wanted) -> dict[str, Any]:
    found = search.ways(seen, wanted)
    asked = {class_ for ask in wanted.groups.values() for class_ in ask.resources}
    involved: dict[str, None] = {id: None for way in found for id in way.amounts}
    summaries: dict[str, Any] = {}
    for node in _shown(call, seen, involved):
        amounts = world.amounts(node.inventories)
        if call.version < (1, 27):
            amounts = {class_: one for class_, one in amounts.items() if class_ in asked}
        traits = msgspec.json.encode(provider.ordered(node.traits)).decode()
        summaries[node.id] = _summary(call, amounts, traits, node.parent, node.root)
    requests = _allocation_requests(call, [way.amounts for way in found], [way.mappings for way in found])
    return {"allocation_requests": requests, "provider_summaries": summaries}


def _shown(call: Call, seen: world.World, involved: Iterable[str]) -> Iterable[world.Node]:
    """The providers that take part, and from 1.29 all of their trees."""
    if call.version < (1, 29):
        return [seen.nodes[id] for id in involved]
    roots = dict.fromkeys(seen.nodes[id].root for id in involved)
    return [node for root in roots for node in seen.trees[root]]


def _query(since: str) -> Query:
    known = {"resources": "text", "limit": "*text"}
    later = {"1.17": {"required": "*text"}, "1.21": {"member_of": "*text"}, "1.25": {"group_policy": "*text"},
             "1.31": {"in_tree": "text"}, "1.35": {"root_required": "*text"}, "1.36": {"same_subtree": "*text"}}
    for first, more in later.items():
        if _number(since) >= _number(first):
            known.update(more)
    if _number(since) < 16:
        known.pop("limit")
    keys = ("resources", "required", "member_of", *(("in_tree",) if _number(since) >= 31 else ()))
    suffix = "" if _number(since) < 25 else "[1-9][0-9]*" if _number(since) < 33 else "[a-zA-Z0-9_-]{1,64}"
    return Query(known, strict=True, patterns=[f"{key}({suffix})?" for key in keys] if suffix else [])


def _number(text: str) -> int:
    return int(text.partition(".")[2])


OPERATIONS = (
    Operation("GET", "/allocation_candidates", index, "placement:allocation_candidates:list", since="1.10",
              query={since: _query(since) for since in ("1.10", "1.16", "1.17", "1.21", "1.25", "1.31", "1.33", "1.35",
                                                        "1.36")}, summary="List allocation candidates."),
)
