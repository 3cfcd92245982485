"""The placement service: what other services ask of it, in one transaction a call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.drivers.ability import UNTOLD
from ...core.errors import AlreadyExists, InUse
from ...core.process.slice import Kit
from ...core.services.placement import (
    Amounts,
    Candidate,
    Child,
    Holding,
    Inventory,
    Offer,
    PlacementService,
    ResourceRequest,
    Tenancy,
)
from . import bulk, candidate, claim, inventory, name, search, tenancy, world
from . import provider as providers
from .standard import CUSTOM
from .tables import allocations, consumers
from .tables import providers as tables

decode = msgspec.json.Decoder(list[str]).decode
HOLDERS = (sa.select(allocations.c.consumer_id).distinct()
           .where(allocations.c.provider_id == sa.bindparam("provider")).order_by(allocations.c.consumer_id))
TAKEN = sa.select(tables.c.id, tables.c.name).where(sa.or_(
    tables.c.id.in_(sa.bindparam("ids", expanding=True)), tables.c.name.in_(sa.bindparam("names", expanding=True))))
_HOLDERS = (sa.select(allocations.c.consumer_id)
            .where(allocations.c.provider_id.in_(sa.bindparam("providers", expanding=True))))
HELD_BY_THEM = sa.select(allocations.c.consumer_id, allocations.c.provider_id, allocations.c.resource_class,
                         allocations.c.used).where(allocations.c.consumer_id.in_(_HOLDERS))
SOLE_OF_THEM = sa.select(consumers.c.id, consumers.c.sole).where(consumers.c.sole.is_not(None),
                                                                 consumers.c.id.in_(_HOLDERS))
BELOW = sa.select(tables.c.id, tables.c.name).where(tables.c.parent_id == sa.bindparam("root"))


class Placement(PlacementService):
    """Inventories, candidates and claims over the slice's tables."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.db = kit.db
        self.clock = kit.clock

    def apply_provider(self, context: Context, provider: str, name: str, inventories: Mapping[str, Inventory],
                       traits: Sequence[str], children: Sequence[Child] | None = None) -> None:
        """Write only what differs, so that a host may say the same again and again.

        Custom traits that others gave the provider stay.
        """
        with self.db.write() as tx:
            self._apply_tree(tx, Offer(provider=provider, name=name, inventories=dict(inventories),
                                       traits=list(traits)), children)

    def apply_providers(self, context: Context, offers: Sequence[Offer]) -> None:
        """Those that are new and have no children are written together."""
        with self.db.write() as tx:
            taken = {value for row in tx.rows(TAKEN, {"ids": [one.provider for one in offers],
                                                      "names": [one.name for one in offers]}) for value in row}
            fresh = [one for one in offers if not one.children and taken.isdisjoint((one.provider, one.name))]
            if len({one.name for one in fresh}) == len({one.provider for one in fresh}) == len(fresh):
                bulk.create(tx, self.clock.now(), fresh)
                made = {one.provider for one in fresh}
                offers = [one for one in offers if one.provider not in made]
            for one in offers:
                self._apply_tree(tx, one, one.children)

    def _apply_tree(self, tx: Transaction, root: Offer, children: Sequence[Child] | None) -> None:
        self._apply(tx, root)
        if children is not None:
            self._prune(tx, root.provider, root.name, {one.id for one in children})
            for one in children:
                self._apply_child(tx, one, root.provider)

    def _apply_child(self, tx: Transaction, child: Child, parent: str) -> None:
        """Leave a child as it is that cannot be as given: the rest of the host does not wait for it."""
        try:
            self._apply(tx, Offer(provider=child.id, name=child.name, inventories=child.inventories,
                                  traits=child.traits), parent)
        except (InUse, AlreadyExists) as error:
            self.kit.log.error("provider %s stays as it is until its host reports the next time: %s",
                               child.name, error.message)

    def _prune(self, tx: Transaction, root: str, called: str, kept: Collection[str]) -> None:
        """Remove children that are no more; of one that somebody has something of nothing more is given."""
        for row in tx.rows(BELOW, {"root": root}):
            if row.id in kept or not row.name.startswith(f"{called}_"):
                continue
            try:
                providers.delete(tx, row.id)
            except InUse:
                for class_, one in inventory.of(tx, row.id).items():
                    inventory.change(tx, self.clock.now(), row.id, class_, Inventory(
                        total=one.total, reserved=one.total, max_unit=one.max_unit))

    def _apply(self, tx: Transaction, wanted: Offer, parent: str | None = None) -> None:
        """Make one provider as wanted, or leave it as it is and raise."""
        id, now = wanted.provider, self.clock.now()
        row = providers.find(tx, id)
        if row is None:
            providers.create(tx, now, id, wanted.name, parent)
            row = providers.get(tx, id)
        has, member_of = set(decode(row.traits)), decode(row.aggregates)
        traits = {*wanted.traits, *(one for one in has if one.startswith(CUSTOM) and not one.startswith(UNTOLD))}
        members = _changed(member_of, dict.fromkeys(wanted.aggregates, True))
        present = inventory.of(tx, id)
        alike = present.keys() == wanted.inventories.keys() and all(
            inventory.same(present[class_], one) for class_, one in wanted.inventories.items())
        same = alike and traits == has and members == member_of
        if same and row.name == wanted.name:
            return
        with tx.connection.begin_nested():
            if row.name != wanted.name:
                providers.rename(tx, now, id, wanted.name)
            if not alike:
                name.know_classes(tx, now, wanted.inventories)
                inventory.replace(tx, now, id, wanted.inventories, present)
            if traits != has:
                name.know_traits(tx, now, traits - has)
                providers.set_traits(tx, now, id, traits)
            if members != member_of:
                providers.set_aggregates(tx, now, id, members)
            if not same:
                providers.advance(tx, now, id, row.generation)

    def change_provider(self, context: Context, provider: str, traits: Mapping[str, bool],
                        aggregates: Mapping[str, bool]) -> None:
        """Nothing is written when it is so already."""
        with self.db.write() as tx:
            row = providers.find(tx, provider)
            if row is None:
                return
            now, has, member_of = self.clock.now(), decode(row.traits), decode(row.aggregates)
            wanted, members = _changed(has, traits), _changed(member_of, aggregates)
            if wanted != has:
                name.know_traits(tx, now, set(wanted) - set(has))
                providers.set_traits(tx, now, provider, wanted)
            if members != member_of:
                providers.set_aggregates(tx, now, provider, members)
            if wanted != has or members != member_of:
                providers.advance(tx, now, provider, row.generation)

    def delete_provider(self, context: Context, provider: str) -> None:
        """Nothing when it is gone."""
        with self.db.write() as tx:
            row = providers.find(tx, provider)
            if row is not None:
                for one in reversed(providers.subtree(tx, row.root_id, provider)):
                    providers.delete(tx, one)

    def candidates(self, context: Context, request: ResourceRequest) -> list[Candidate]:
        """One query where every provider stands alone, else a search with one candidate a tree.

        Besides the classes asked for it tells how full the others are that hosts are weighed by.
        """
        resources = request.resources
        told = [class_ for class_ in candidate.WEIGHED if class_ not in resources]
        ask = candidate.Ask(resources, [*([trait] for trait in request.required), *request.any_of], request.forbidden,
                            request.member_of, request.forbidden_aggregates, request.in_tree, request.limit, told)
        names = (*resources, *told)
        with self.db.read() as tx:
            if request.groups or not resources or not world.is_flat_for(tx, names):
                return _over_trees(world.read(tx), ask, request)
            rows = candidate.find(tx, ask)
        span = slice(1, 1 + 2 * len(names), 2), slice(2, 2 + 2 * len(names), 2)
        more = range(1 + 2 * len(resources), 1 + 2 * len(names), 2)
        whole = not told or all(row[i] is not None for row in rows for i in more)
        if whole:
            return [Candidate(row[0], {row[0]: resources}, dict(zip(names, row[span[0]], strict=False)),
                              dict(zip(names, row[span[1]], strict=False))) for row in rows]
        return [Candidate(row[0], {row[0]: resources}, _known(names, row[span[0]]), _known(names, row[span[1]]))
                for row in rows]

    def claim(self, context: Context, consumer: str, allocations: Mapping[str, Amounts], project_id: str,
              user_id: str, consumer_type: str, sole: str = "") -> None:
        """Nothing is written when the consumer has just this."""
        with self.db.write() as tx:
            if claim.held(tx, consumer) == allocations and tenancy.sole_of(tx, consumer) == sole:
                return
            claim.settle(tx, self.clock.now(), [claim.Claim(consumer, allocations, project_id, user_id,
                                                            consumer_type or None, sole=sole)])

    def tenancy(self, context: Context, project_id: str, used: bool) -> Tenancy:
        """One query, or two."""
        with self.db.read() as tx:
            return tenancy.of_others(tx, project_id, used)

    def move(self, context: Context, source: str, target: str) -> None:
        """:raises Conflict: the target has allocations of its own."""
        with self.db.write() as tx:
            claim.rename(tx, source, target)

    def release(self, context: Context, consumer: str) -> None:
        """Nothing when it has none."""
        with self.db.write() as tx:
            claim.settle(tx, self.clock.now(), [claim.Claim(consumer, {})])

    def allocations(self, context: Context, consumer: str) -> dict[str, dict[str, int]]:
        """One query."""
        with self.db.read() as tx:
            return claim.held(tx, consumer)

    def sole(self, context: Context, consumer: str) -> str:
        """One query."""
        with self.db.read() as tx:
            return tenancy.sole_of(tx, consumer)

    def consumers(self, context: Context, provider: str) -> list[str]:
        """One query."""
        with self.db.read() as tx:
            return tx.values(HOLDERS, {"provider": provider})

    def holdings(self, context: Context, providers: Sequence[str]) -> dict[str, Holding]:
        """Two queries."""
        with self.db.read() as tx:
            rows: Sequence[Any] = tx.rows(HELD_BY_THEM, {"providers": list(providers)})
            alone: dict[str, str] = {row.id: row.sole for row in tx.rows(SOLE_OF_THEM, {"providers": list(providers)})}
        found: dict[str, Holding] = {}
        for consumer, provider, class_, used in rows:
            holding = found.get(consumer)
            if holding is None:
                holding = found[consumer] = Holding({}, alone.get(consumer, ""))
            holding.allocations.setdefault(provider, {})[class_] = used
        return found


def _known(names: Sequence[str], amounts: Sequence[int | None]) -> dict[str, int]:
    return {class_: amount for class_, amount in zip(names, amounts, strict=False) if amount is not None}


def _changed(has: Sequence[str], changes: Mapping[str, bool]) -> list[str]:
    """``has`` with what is true in ``changes`` and without what is not."""
    return [one for one in has if changes.get(one, True)] + [
        one for one, wanted in changes.items() if wanted and one not in has]


def _wanted(ask: candidate.Ask, request: ResourceRequest) -> search.Wanted:
    groups = {"": ask, **{suffix: candidate.Ask(one.resources, [[trait] for trait in one.required], one.forbidden,
                                                in_tree=one.in_tree) for suffix, one in request.groups.items()}}
    return search.Wanted(groups, request.isolate, request.subtrees)


def _over_trees(seen: world.World, ask: candidate.Ask, request: ResourceRequest) -> list[Candidate]:
    """The first way of each tree; capacity and use are those of the whole tree and what it shares in."""
    found: dict[str, Candidate] = {}
    names = (*ask.resources, *ask.told)
    for way in search.ways(seen, _wanted(ask, request)):
        if way.anchor in found:
            continue
        nodes = {node.id: node for node in (*seen.trees[way.anchor], *(seen.nodes[id] for id in way.amounts))}
        capacity, used = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
        for node in nodes.values():
            for class_ in names:
                if class_ in node.inventories:
                    capacity[class_] += node.inventories[class_].capacity
                    used[class_] += node.inventories[class_].used
        found[way.anchor] = Candidate(way.anchor, way.amounts, capacity, used)
        if ask.limit and len(found) >= ask.limit:
            break
    return list(found.values())
