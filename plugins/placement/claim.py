"""Claims: the allocations of consumers, changed all or nothing, never beyond what a provider has.

``used`` of an inventory is changed by one conditional UPDATE a provider, so the database decides
between claims that race, on each of its kinds.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, ConcurrentUpdate, Conflict
from . import inventory, provider, tenancy
from .tables import allocations, consumers, inventories, providers

UNKNOWN = "00000000-0000-0000-0000-000000000000"
"""Project and user of consumers whose claimer named none."""

Amounts = Mapping[str, int]
CONSUMER = sa.select(consumers).where(consumers.c.id == bindparam("id"))
OF_CONSUMER = (sa.select(allocations.c.provider_id, allocations.c.resource_class, allocations.c.used,
                         allocations.c.updated_at)
               .where(allocations.c.consumer_id == bindparam("id")))
SHOWN = (sa.select(allocations.c.provider_id, allocations.c.resource_class, allocations.c.used,
                   allocations.c.updated_at, providers.c.generation.label("provider_generation"),
                   consumers.c.project_id, consumers.c.user_id, consumers.c.type, consumers.c.generation)
         .join_from(allocations, providers, providers.c.id == allocations.c.provider_id)
         .join(consumers, consumers.c.id == allocations.c.consumer_id)
         .where(allocations.c.consumer_id == bindparam("id"))
         .order_by(providers.c.created_at, providers.c.id))
OF_PROVIDER = (sa.select(allocations.c.consumer_id, allocations.c.resource_class, allocations.c.used,
                         allocations.c.updated_at, consumers.c.generation)
               .join(consumers, consumers.c.id == allocations.c.consumer_id)
               .where(allocations.c.provider_id == bindparam("id")).order_by(allocations.c.consumer_id))
CLEAR = sa.delete(allocations).where(allocations.c.consumer_id == bindparam("id"))
FORGET = sa.delete(consumers).where(consumers.c.id == bindparam("key"))
AGAIN = (sa.update(consumers).where(consumers.c.id == bindparam("key"), consumers.c.generation == bindparam("seen"))
         .values(generation=consumers.c.generation + 1, project_id=bindparam("project"), user_id=bindparam("user"),
                 type=bindparam("kind"), updated_at=bindparam("now")))
RENAME_CONSUMER = sa.update(consumers).where(consumers.c.id == bindparam("source")).values(id=bindparam("target"))
RENAME_ALLOCATIONS = (sa.update(allocations).where(allocations.c.consumer_id == bindparam("source"))
                      .values(consumer_id=bindparam("target")))

Generation = int | None
ANY_GENERATION = -1
"""Says that the claimer did not look: whoever wrote last is right."""


@dataclasses.dataclass
class Claim:
    """What one consumer shall have: amounts by provider and class; nothing ends the consumer.

    ``generation`` is what the claimer saw of the consumer, none when it saw no consumer.
    """

    consumer: str
    allocations: Mapping[str, Amounts]
    project: str = UNKNOWN
    user: str = UNKNOWN
    type: str | None = None
    generation: Generation = ANY_GENERATION
    keep_owner: bool = False
    """Project, user and type are left as they are, where there is a consumer."""
    sole: str | None = None
    """The root provider that the project shall have to itself, ``""`` for none; none leaves it as it is."""
    row: Row | None = dataclasses.field(default=None, init=False)


def held(tx: Transaction, consumer: str) -> dict[str, dict[str, int]]:
    """What a consumer has: amounts by provider and class."""
    found: dict[str, dict[str, int]] = {}
    for row in tx.rows(OF_CONSUMER, {"id": consumer}):
        found.setdefault(row.provider_id, {})[row.resource_class] = row.used
    return found


def shown(tx: Transaction, consumer: str) -> Sequence[Row]:
    """What a consumer has, with the consumer's own facts and the providers' generations in each row."""
    return tx.rows(SHOWN, {"id": consumer})


def of_provider(tx: Transaction, id: str) -> Sequence[Row]:
    """What consumers have of a provider, with the consumers' generations."""
    return tx.rows(OF_PROVIDER, {"id": id})


def settle(tx: Transaction, now: datetime.datetime, claims: Sequence[Claim]) -> None:
    """Bring all of ``claims`` about in this transaction.

    :raises ConcurrentUpdate: a consumer's generation is not the one that was seen.
    :raises BadRequest: a provider is unknown.
    :raises Conflict: a provider lacks the class, has not enough left, or does not give such amounts.
    """
    deltas: dict[str, dict[str, _Delta]] = {}
    for claim in claims:
        _look(tx, claim)
        _count(deltas, held(tx, claim.consumer), -1)
        _count(deltas, claim.allocations, 1)
    for id in sorted(deltas):
        _take(tx, id, deltas[id])
    for claim in claims:
        _write(tx, now, claim)
    # The rows of the inventories are locked by now, so that of two claims on one provider the later sees the earlier.
    for claim in claims:
        if claim.allocations:
            tenancy.refuse_strangers(tx, *_tenant(claim), claim.allocations)
    provider.touch(tx, now, sorted({id for claim in claims for id in claim.allocations}))


@dataclasses.dataclass
class _Delta:
    """How the use of one inventory changes, and the amounts that are newly given of it."""

    change: int = 0
    amounts: list[int] = dataclasses.field(default_factory=list)

    @property
    def shape(self) -> str:
        """Which conditions the inventory must fulfil."""
        return "shrink" if not self.amounts else "grow" if self.change > 0 else "keep"


def _count(deltas: dict[str, dict[str, _Delta]], amounts: Mapping[str, Amounts], sign: int) -> None:
    for id, by_class in amounts.items():
        of_provider = deltas.setdefault(id, {})
        for class_, amount in by_class.items():
            delta = of_provider.setdefault(class_, _Delta())
            delta.change += sign * amount
            if sign > 0:
                delta.amounts.append(amount)


def _look(tx: Transaction, claim: Claim) -> None:
    claim.row = tx.row(CONSUMER, {"id": claim.consumer})
    seen = None if claim.row is None else claim.row.generation
    if claim.generation not in (ANY_GENERATION, seen):
        raise ConcurrentUpdate(f"consumer generation conflict - expected {_said(seen)} but got "
                               f"{_said(claim.generation)}", code="placement.concurrent_update")


def _said(generation: Generation) -> str:
    return "null" if generation is None else str(generation)


def _take(tx: Transaction, id: str, deltas: Mapping[str, _Delta]) -> None:
    """Change what is used of one provider, if it can be."""
    changed = {class_: delta for class_, delta in deltas.items() if delta.change or delta.amounts}
    if any(len(delta.amounts) > 1 for delta in changed.values()):
        _refuse_units(tx, id, changed)
    parameters: dict[str, Any] = {"provider": id}
    for number, (class_, delta) in enumerate(changed.items()):
        parameters[f"class{number}"], parameters[f"change{number}"] = class_, delta.change
        if delta.amounts:
            parameters[f"amount{number}"] = delta.amounts[0]
    if changed and tx.execute(_taking(tuple(delta.shape for delta in changed.values())), parameters) != len(changed):
        _explain(tx, id, changed)


@functools.lru_cache(maxsize=256)
def _taking(shapes: tuple[str, ...]) -> sa.Update:
    """The UPDATE that changes one inventory for each of ``shapes``, where its conditions hold."""
    c = inventories.c
    wanted, changes = [], {}
    for number, shape in enumerate(shapes):
        class_, change = bindparam(f"class{number}", type_=sa.String), bindparam(f"change{number}", type_=sa.BigInteger)
        conditions = [c.resource_class == class_]
        if shape != "shrink":
            amount: Any = bindparam(f"amount{number}", type_=sa.BigInteger)
            conditions += [c.min_unit <= amount, c.max_unit >= amount, amount % c.step_size == 0]
        if shape == "grow":
            conditions.append(c.used + change <= c.capacity)
        wanted.append(sa.and_(*conditions))
        changes[number] = (c.resource_class == class_, c.used + change)
    return (sa.update(inventories).where(c.provider_id == bindparam("provider"), sa.or_(*wanted))
            .values(used=sa.case(*changes.values(), else_=c.used)))


def _refuse_units(tx: Transaction, id: str, deltas: Mapping[str, _Delta]) -> None:
    """Check the units of amounts beyond the first, which the UPDATE does not see."""
    rows = inventory.of(tx, id)
    for class_, delta in deltas.items():
        for amount in delta.amounts:
            if class_ in rows and not _fits_units(rows[class_], amount):
                raise _bad_units(id, class_)


def _fits_units(row: Row, amount: int) -> bool:
    return bool(row.min_unit <= amount <= row.max_unit and amount % row.step_size == 0)


def _bad_units(id: str, class_: str) -> Conflict:
    return Conflict(f"Unable to allocate inventory: Unable to create allocation for '{class_}' on resource provider "
                    f"'{id}'. The requested amount would violate inventory constraints.")


def _explain(tx: Transaction, id: str, deltas: Mapping[str, _Delta]) -> None:
    """Say why :func:`_take` could not."""
    if provider.find(tx, id) is None:
        raise BadRequest(f"Allocation for resource provider '{id}' that does not exist.")
    rows = inventory.of(tx, id)
    lacking = [class_ for class_ in deltas if class_ not in rows]
    if lacking:
        raise Conflict(f"Unable to allocate inventory: Inventory for '{', '.join(lacking)}' on resource provider "
                       f"'{id}' invalid.")
    for class_, delta in deltas.items():
        if not all(_fits_units(rows[class_], amount) for amount in delta.amounts):
            raise _bad_units(id, class_)
    full = next((class_ for class_, delta in deltas.items()
                 if rows[class_].used + delta.change > rows[class_].capacity), next(iter(deltas)))
    raise Conflict(f"Unable to allocate inventory: Unable to create allocation for '{full}' on resource provider "
                   f"'{id}'. The requested amount would exceed the capacity.")


def _write(tx: Transaction, now: datetime.datetime, claim: Claim) -> None:
    """Write the consumer and its allocations; the inventories are changed already."""
    row = claim.row
    if row is not None:
        tx.execute(CLEAR, {"id": claim.consumer})
    if not claim.allocations:
        tx.execute(FORGET, {"key": claim.consumer})
        return
    if row is None:
        tx.insert(consumers, {"id": claim.consumer, "project_id": claim.project, "user_id": claim.user,
                              "type": claim.type, "generation": 1, "sole": claim.sole or None, "created_at": now,
                              "updated_at": now})
    elif tx.execute(AGAIN, {"key": claim.consumer, "seen": row.generation, "now": now, **_owner(claim, row)}) != 1:
        raise ConcurrentUpdate("consumer generation conflict", code="placement.concurrent_update")
    elif claim.sole is not None and (claim.sole or None) != row.sole:
        tx.update(consumers, claim.consumer, sole=claim.sole or None)
    tx.insert(allocations, [{"consumer_id": claim.consumer, "provider_id": id, "resource_class": class_,
                             "used": amount, "updated_at": now}
                            for id, amounts in claim.allocations.items() for class_, amount in amounts.items()])


def _owner(claim: Claim, row: Row) -> dict[str, str | None]:
    if claim.keep_owner:
        return {"project": row.project_id, "user": row.user_id, "kind": row.type}
    return {"project": claim.project, "user": claim.user, "kind": claim.type or row.type}


def _tenant(claim: Claim) -> tuple[str, str]:
    """Whose consumer it is, and the root provider that it holds for its project alone."""
    row = claim.row
    project = row.project_id if claim.keep_owner and row is not None else claim.project
    sole = claim.sole if claim.sole is not None else row.sole if row is not None else None
    return project, sole or ""


def rename(tx: Transaction, source: str, target: str) -> None:
    """Hand what ``source`` has to ``target``; nothing when it has none.

    :raises Conflict: ``target`` has allocations of its own.
    """
    if tx.row(CONSUMER, {"id": source}) is None:
        return
    if tx.row(CONSUMER, {"id": target}) is not None:
        raise Conflict(f"consumer {target} has allocations of its own")
    tx.execute(RENAME_CONSUMER, {"source": source, "target": target})
    tx.execute(RENAME_ALLOCATIONS, {"source": source, "target": target})
