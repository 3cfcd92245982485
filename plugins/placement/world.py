"""Providers, trees and shared inventories as one picture in memory, for requests that many must meet together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from ...core.db.engine import Row, Transaction
from .candidate import Ask
from .standard import SHARES
from .tables import inventories, provider_traits, providers

decode = msgspec.json.Decoder(list[str]).decode
PROVIDERS = sa.select(providers.c.id, providers.c.parent_id, providers.c.root_id, providers.c.traits,
                      providers.c.aggregates).order_by(providers.c.id)
INVENTORIES = sa.select(inventories.c.provider_id, inventories.c.resource_class, inventories.c.capacity,
                        inventories.c.used, inventories.c.min_unit, inventories.c.max_unit, inventories.c.step_size)
UNEVEN = sa.union_all(sa.select(providers.c.id).where(providers.c.parent_id.is_not(None)).limit(1).subquery().select(),
                      sa.select(provider_traits.c.provider_id).where(provider_traits.c.trait == SHARES).limit(1)
                      .subquery().select())
UNEVEN_FOR = sa.union_all(sa.select(providers.c.id).join(inventories, inventories.c.provider_id == providers.c.id)
                          .where(providers.c.parent_id.is_not(None),
                                 inventories.c.resource_class.in_(sa.bindparam("classes", expanding=True)))
                          .limit(1).subquery().select(),
                          sa.select(provider_traits.c.provider_id).where(provider_traits.c.trait == SHARES).limit(1)
                          .subquery().select())


def is_flat(tx: Transaction) -> bool:
    """Tell whether every provider stands alone: no trees, nothing shared."""
    return tx.row(UNEVEN) is None


def is_flat_for(tx: Transaction, classes: Sequence[str]) -> bool:
    """Tell whether only roots have these classes, and nothing is shared: trees do not matter then."""
    return is_flat(tx) or tx.row(UNEVEN_FOR, {"classes": list(classes)}) is None


@dataclasses.dataclass(eq=False)
class Node:
    """One provider with all that decides what it can take."""

    id: str
    parent: str | None
    root: str
    traits: frozenset[str]
    aggregates: frozenset[str]
    inventories: dict[str, Row] = dataclasses.field(default_factory=dict)

    def has_room(self, class_: str, amount: int) -> bool:
        """Tell whether ``amount`` more of a class can be claimed here."""
        row = self.inventories.get(class_)
        return bool(row is not None and row.capacity - row.used >= amount and row.min_unit <= amount <= row.max_unit
                    and amount % row.step_size == 0)


class World:
    """All providers at one moment."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.trees: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            self.trees.setdefault(node.root, []).append(node)
        self.sharing = [node for node in self.nodes.values() if SHARES in node.traits]
        self.anchors = self._anchors()

    def _anchors(self) -> dict[str, set[str]]:
        """For each provider that shares: the roots of the trees that may use it, its own among them."""
        roots: dict[str, set[str]] = {}
        for node in self.nodes.values():
            for aggregate in node.aggregates:
                roots.setdefault(aggregate, set()).add(node.root)
        return {node.id: {node.root}.union(*(roots[one] for one in node.aggregates)) for node in self.sharing}

    def roots_of(self, node: Node) -> set[str]:
        """The roots of all trees that may use ``node``."""
        return self.anchors.get(node.id) or {node.root}

    def is_below(self, id: str, top: str) -> bool:
        """Tell whether ``id`` is ``top`` or below it."""
        one: str | None = id
        while one is not None:
            if one == top:
                return True
            one = self.nodes[one].parent
        return False

    def fits(self, node: Node, ask: Ask, alone: bool = False) -> bool:
        """Tell whether aggregates and tree are those that ``ask`` wants.

        What a root is a member of, all below it are, unless the group is met by one provider ``alone``.
        """
        if ask.in_tree and node.root != self._root(ask.in_tree):
            return False
        if not ask.member_of and not ask.forbidden_aggregates:
            return True
        member = node.aggregates if alone else node.aggregates | self.nodes[node.root].aggregates
        return member.isdisjoint(ask.forbidden_aggregates) and all(not member.isdisjoint(one) for one in ask.member_of)

    def _root(self, id: str) -> str:
        node = self.nodes.get(id)
        return "" if node is None else node.root


def bears(traits: frozenset[str], any_of: Sequence[Sequence[str]], forbidden: Sequence[str]) -> bool:
    """Tell whether ``traits`` hold one of each of ``any_of`` and none that is forbidden."""
    return traits.isdisjoint(forbidden) and all(not traits.isdisjoint(one) for one in any_of)


def read(tx: Transaction) -> World:
    """All providers as they are now, in two queries."""
    nodes = {row.id: Node(row.id, row.parent_id, row.root_id, frozenset(decode(row.traits)),
                          frozenset(decode(row.aggregates))) for row in tx.rows(PROVIDERS)}
    for row in tx.rows(INVENTORIES):
        node = nodes.get(row.provider_id)
        if node is not None:
            node.inventories[row.resource_class] = row
    return World(nodes.values())


def amounts(rows: Mapping[str, Row]) -> dict[str, dict[str, int]]:
    """Capacity and use by class, as summaries have them."""
    return {class_: {"capacity": row.capacity, "used": row.used} for class_, row in rows.items()}
