"""Candidates among trees and shared providers: each way in which providers together meet a request.

A request is groups of resources by suffix. The group without a suffix may be met by several
providers of one tree and by what is shared with it; any other group by one provider. All
groups of one way hang on one anchor: the root of a tree.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

from .candidate import Ask
from .world import Node, World, bears


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A whole request: its groups by suffix and what they must have in common."""

    groups: Mapping[str, Ask]
    isolate: bool = False
    subtrees: Sequence[Sequence[str]] = ()
    """Suffixes whose providers must all be one provider or below it, one of themselves."""
    root_any_of: Sequence[Sequence[str]] = ()
    root_forbidden: Sequence[str] = ()
    limit: int = 0
    nested: bool = True
    """Whether several providers of one tree may take part, as from microversion 1.29."""


@dataclasses.dataclass(frozen=True)
class Part:
    """How one group is met: amounts by provider, and the providers; a group may want no amounts."""

    amounts: Mapping[str, Mapping[str, int]]
    providers: tuple[str, ...]


@dataclasses.dataclass
class Way:
    """How the whole request is met from one anchor."""

    anchor: str
    amounts: dict[str, dict[str, int]]
    mappings: dict[str, list[str]]

    def key(self) -> object:
        """What makes two ways the same, whatever their anchors."""
        return (frozenset((id, class_, amount) for id, of in self.amounts.items() for class_, amount in of.items()),
                frozenset((suffix, tuple(sorted(ids))) for suffix, ids in self.mappings.items()))


def ways(world: World, wanted: Wanted) -> list[Way]:
    """All ways to meet the request, at most ``limit`` of them; none twice."""
    found: dict[object, Way] = {}
    single = {suffix: _single(world, ask) for suffix, ask in wanted.groups.items() if suffix}
    for anchor in world.trees:
        root = world.nodes.get(anchor)
        if root is None or not bears(root.traits, wanted.root_any_of, wanted.root_forbidden):
            continue
        parts = {suffix: single[suffix].get(anchor, []) if suffix else list(_spread(world, anchor, ask))
                 for suffix, ask in wanted.groups.items()}
        for way in _from_anchor(world, wanted, anchor, parts):
            found.setdefault(way.key(), way)
            if wanted.limit and len(found) >= wanted.limit:
                return list(found.values())
    return list(found.values())


def _single(world: World, ask: Ask) -> dict[str, list[Part]]:
    """One provider alone meets the group."""
    found: dict[str, list[Part]] = {}
    for node in world.nodes.values():
        if (bears(node.traits, ask.any_traits, ask.forbidden) and world.fits(node, ask, alone=True)
                and all(node.has_room(class_, amount) for class_, amount in ask.resources.items())):
            part = Part({node.id: ask.resources} if ask.resources else {}, (node.id,))
            for root in world.roots_of(node):
                found.setdefault(root, []).append(part)
    return found


def _spread(world: World, root: str, ask: Ask) -> Iterator[Part]:
    """Providers of one tree, and those that share with it, meet the group together."""
    near = [node for node in world.trees[root] if node.traits.isdisjoint(ask.forbidden) and world.fits(node, ask)]
    near += [node for node in world.sharing if node.root != root and root in world.anchors[node.id]
             and node.traits.isdisjoint(ask.forbidden) and world.fits(node, ask)]
    choices = [[node for node in near if node.has_room(class_, amount)] for class_, amount in ask.resources.items()]
    if not all(choices):
        return
    for chosen in itertools.product(*choices):
        if bears(_traits(chosen), ask.any_traits, ()):
            amounts: dict[str, dict[str, int]] = {}
            for node, (class_, amount) in zip(chosen, ask.resources.items(), strict=True):
                amounts.setdefault(node.id, {})[class_] = amount
            yield Part(amounts, tuple(amounts))


def _traits(nodes: Sequence[Node]) -> frozenset[str]:
    return nodes[0].traits if len(nodes) == 1 else frozenset().union(*(node.traits for node in nodes))


def _from_anchor(world: World, wanted: Wanted, anchor: str, parts: Mapping[str, Sequence[Part]]) -> Iterator[Way]:
    for chosen in itertools.product(*parts.values()):
        by_suffix = dict(zip(parts, chosen, strict=True))
        if wanted.isolate and not _apart(by_suffix):
            continue
        if not all(_one_subtree(world, by_suffix, suffixes) for suffixes in wanted.subtrees):
            continue
        way = _joined(anchor, by_suffix)
        if not _overdrawn(world, way) and (wanted.nested or _one_a_tree(world, way)):
            yield way


def _apart(parts: Mapping[str, Part]) -> bool:
    """Tell whether no provider meets two groups that have a suffix."""
    ids = [part.providers[0] for suffix, part in parts.items() if suffix]
    return len(ids) == len(set(ids))


def _one_subtree(world: World, parts: Mapping[str, Part], suffixes: Sequence[str]) -> bool:
    ids = {id for suffix in suffixes for id in parts[suffix].providers}
    return any(all(world.is_below(id, top) for id in ids) for top in ids)


def _one_a_tree(world: World, way: Way) -> bool:
    roots = [world.nodes[id].root for id in way.amounts]
    return len(roots) == len(set(roots))


def _joined(anchor: str, parts: Mapping[str, Part]) -> Way:
    amounts: dict[str, dict[str, int]] = {}
    for part in parts.values():
        for id, by_class in part.amounts.items():
            of = amounts.setdefault(id, {})
            for class_, amount in by_class.items():
                of[class_] = of.get(class_, 0) + amount
    return Way(anchor, amounts, {suffix: list(part.providers) for suffix, part in parts.items()})


def _overdrawn(world: World, way: Way) -> bool:
    """Tell whether groups that have room each have none together."""
    for id, by_class in way.amounts.items():
        rows = world.nodes[id].inventories
        for class_, amount in by_class.items():
            if rows[class_].used + amount > rows[class_].capacity or amount > rows[class_].max_unit:
                return True
    return False
