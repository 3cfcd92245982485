"""Inventories: how much a provider has of each resource class, and how much of it is claimed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from ...core.db.engine import Row, Transaction
from ...core.errors import InUse, NotFound
from ...core.services.placement import Inventory
from .standard import CLASSES
from .tables import inventories, providers

LARGEST = 2147483647
FIELDS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
OF_PROVIDER = sa.select(inventories).where(inventories.c.provider_id == bindparam("provider"))
ONE = (sa.select(inventories, providers.c.generation).join(providers, providers.c.id == inventories.c.provider_id)
       .where(inventories.c.provider_id == bindparam("provider"), inventories.c.resource_class == bindparam("class_")))
WITH_PROVIDER = (sa.select(inventories, providers.c.id, providers.c.generation)
                 .select_from(providers.outerjoin(inventories, inventories.c.provider_id == providers.c.id))
                 .where(providers.c.id == bindparam("provider")))
FREE_ONE = sa.delete(inventories).where(inventories.c.provider_id == bindparam("provider"),
                                        inventories.c.resource_class == bindparam("class_"), inventories.c.used == 0)
CHANGE = sa.update(inventories).where(inventories.c.provider_id == bindparam("provider"),
                                      inventories.c.resource_class == bindparam("class_"))
"""Takes the columns to set among its parameters."""


def of(tx: Transaction, provider: str) -> dict[str, Row]:
    """The inventories of a provider by resource class."""
    return {row.resource_class: row for row in tx.rows(OF_PROVIDER, {"provider": provider})}


def with_provider(tx: Transaction, provider: str) -> tuple[Row, dict[str, Row]]:
    """A row with the provider's ``id`` and ``generation``, and its inventories by class, in one query.

    :raises NotFound: there is no such provider.
    """
    rows = tx.rows(WITH_PROVIDER, {"provider": provider})
    if not rows:
        raise NotFound(f"No resource provider with uuid {provider} found")
    return rows[0], {row.resource_class: row for row in rows if row.resource_class is not None}


def one(tx: Transaction, provider: str, class_: str) -> Row | None:
    """One inventory with its provider's ``generation``, or none."""
    return tx.row(ONE, {"provider": provider, "class_": class_})


def capacity(inventory: Inventory) -> int:
    """What can be claimed in all: (total - reserved) * allocation_ratio, rounded down."""
    return int(min((inventory.total - inventory.reserved) * inventory.allocation_ratio, 2.0**53))


def values(inventory: Inventory, now: datetime.datetime) -> dict[str, Any]:
    """The columns that an inventory fills."""
    found: dict[str, Any] = {name: getattr(inventory, name) for name in FIELDS}
    found["capacity"] = capacity(inventory)
    found["updated_at"] = now
    return found


def add(tx: Transaction, now: datetime.datetime, provider: str, wanted: Mapping[str, Inventory]) -> None:
    """Insert inventories. :raises AlreadyExists: the provider has one of these classes."""
    tx.insert(inventories, [{"provider_id": provider, "resource_class": class_, "used": 0, **values(inventory, now)}
                            for class_, inventory in wanted.items()])


def change(tx: Transaction, now: datetime.datetime, provider: str, class_: str, inventory: Inventory) -> bool:
    """Replace an inventory; what is claimed of it stays, even if that is more. Tell whether it is there."""
    return tx.execute(CHANGE, {"provider": provider, "class_": class_, **values(inventory, now)}) == 1


def remove(tx: Transaction, provider: str, class_: str) -> bool:
    """Delete an inventory; tell whether it was there. :raises InUse: some of it is claimed."""
    if tx.execute(FREE_ONE, {"provider": provider, "class_": class_}):
        return True
    if one(tx, provider, class_) is None:
        return False
    raise InUse(f"Inventory for '{class_}' on resource provider '{provider}' in use.",
                code="placement.inventory.inuse")


def refuse_in_use(provider: str, rows: Iterable[Row]) -> None:
    """See that nothing is claimed of inventories that are to go. :raises InUse: something is."""
    used = [row.resource_class for row in rows if row.used]
    if used:
        used.sort(key=lambda class_: (CLASSES.index(class_) if class_ in CLASSES else len(CLASSES), class_))
        raise InUse(f"Inventory for '{', '.join(used)}' on resource provider '{provider}' in use.",
                    code="placement.inventory.inuse")


def same(row: Row, inventory: Inventory) -> bool:
    """Tell whether a row says what ``inventory`` says."""
    return all(getattr(row, name) == getattr(inventory, name) for name in FIELDS)


def replace(tx: Transaction, now: datetime.datetime, provider: str, wanted: Mapping[str, Inventory],
            present: Mapping[str, Row]) -> list[datetime.datetime]:
    """Make ``wanted`` all that the provider has; when each of them was changed last.

    :raises InUse: one that is to go is claimed of.
    """
    refuse_in_use(provider, [row for class_, row in present.items() if class_ not in wanted])
    for class_ in present:
        if class_ not in wanted:
            remove(tx, provider, class_)
    changed = {class_: one for class_, one in wanted.items()
               if class_ not in present or not same(present[class_], one)}
    for class_, inventory in changed.items():
        if class_ in present:
            change(tx, now, provider, class_, inventory)
    add(tx, now, provider, {class_: one for class_, one in changed.items() if class_ not in present})
    return [now if class_ in changed else present[class_].updated_at for class_ in wanted]
