"""What placement was asked for, in words, and the same less one condition: to find the one that stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ...core.services.placement import Group, ResourceRequest
from .asking import Asked

Less = tuple[ResourceRequest, str]
LISTS = ("required", "any_of", "forbidden", "member_of")


def described(asked: Asked) -> str:
    """All that is asked for: amounts by class, those of each group, and every further condition."""
    request = asked.request
    parts = [_listed(request.resources)] if request.resources else []
    parts += [f"group {suffix}: {_group(one)}" for suffix, one in request.groups.items()]
    further = [_words(asked, name, one) for name in LISTS for one in getattr(request, name)]
    if further:
        parts.append("asked for besides: " + ", ".join(further))
    return "; ".join(parts)


def _listed(resources: dict[str, int]) -> str:
    return ", ".join(f"{class_}={amount}" for class_, amount in sorted(resources.items()))


def _group(one: Group) -> str:
    traits = [f"trait {name}" for name in one.required] + [f"no trait {name}" for name in one.forbidden]
    return ", ".join(filter(None, (_listed(one.resources), *traits)))


def without_one(asked: Asked) -> Iterator[Less]:
    """The request less one of its conditions, for each of them, with the condition's name."""
    request, replace = asked.request, msgspec.structs.replace
    for class_, amount in request.resources.items():
        rest = {name: value for name, value in request.resources.items() if name != class_}
        if rest:
            yield replace(request, resources=rest), f"{class_}={amount}"
    for name in LISTS:
        for one in getattr(request, name):
            rest_of = [other for other in getattr(request, name) if other != one]
            yield replace(request, **{name: rest_of}), _words(asked, name, one)
    if request.forbidden_aggregates:
        yield replace(request, forbidden_aggregates=[]), "a host outside of the aggregates that are kept for others"
    if request.in_tree:
        yield replace(request, in_tree=""), f"room in the tree of provider {request.in_tree}"
    yield from _without_group(request)


def _words(asked: Asked, name: str, one: Any) -> str:
    known = asked.words.get((one,) if isinstance(one, str) else tuple(one))
    if known:
        return known
    plain: dict[str, Callable[[], str]] = {
        "required": lambda: f"trait {one}", "forbidden": lambda: f"a host without trait {one}"}
    return plain[name]() if name in plain else f"one of {', '.join(one)}"


def _without_group(request: ResourceRequest) -> Iterator[Less]:
    replace = msgspec.structs.replace
    for suffix, one in request.groups.items():
        rest = {name: group for name, group in request.groups.items() if name != suffix}
        if rest or request.resources:
            subtrees = [[name for name in part if name != suffix] for part in request.subtrees]
            yield (replace(request, groups=rest, subtrees=[part for part in subtrees if part]),
                   f"group {suffix}: {_group(one)}")
    if len(request.groups) > 1 and request.resources:
        yield replace(request, groups={}, subtrees=[]), "room for the groups together"
    if request.isolate and len(request.groups) > 1:
        yield replace(request, isolate=False), "one provider for each group"
