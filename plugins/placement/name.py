"""Names of resource classes and traits: the standard ones, and the custom ones the cloud has learnt."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable

import sqlalchemy as sa

from ...core.db.engine import Transaction
from ...core.errors import AlreadyExists, BadRequest, InUse, NotFound
from .standard import CLASSES, CUSTOM_NAME, STANDARD_CLASSES, STANDARD_TRAITS, TRAITS
from .tables import allocations, classes, inventories, provider_traits, traits


def unknown(tx: Transaction, table: sa.Table, standard: Collection[str], names: Iterable[str]) -> list[str]:
    """Those of ``names`` that are neither standard nor in the table of custom names, sorted."""
    custom = sorted(set(names).difference(standard))
    if not custom:
        return []
    known = set(tx.values(sa.select(table.c.name).where(table.c.name.in_(custom))))
    return [one for one in custom if one not in known]


def unknown_classes(tx: Transaction, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that are no resource class."""
    return unknown(tx, classes, STANDARD_CLASSES, names)


def unknown_traits(tx: Transaction, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that are no trait."""
    return unknown(tx, traits, STANDARD_TRAITS, names)


def know_classes(tx: Transaction, now: datetime.datetime, names: Iterable[str]) -> None:
    """Make custom resource classes known at need. :raises BadRequest: one is no possible name."""
    _know(tx, now, classes, unknown_classes(tx, names))


def know_traits(tx: Transaction, now: datetime.datetime, names: Iterable[str]) -> None:
    """Make custom traits known at need. :raises BadRequest: one is no possible name."""
    _know(tx, now, traits, unknown_traits(tx, names))


def _know(tx: Transaction, now: datetime.datetime, table: sa.Table, names: Collection[str]) -> None:
    for one in names:
        if not CUSTOM_NAME.fullmatch(one) or len(one) > 255:
            raise BadRequest(f"{one!r} is neither a standard name nor a custom one")
    tx.insert(table, [{"name": one, "created_at": now, "updated_at": now} for one in names])


def traits_named(tx: Transaction, wanted: str) -> list[str]:
    """All traits, or those that ``startswith:PREFIX`` or ``in:A,B`` leaves."""
    found = [*TRAITS, *tx.values(sa.select(traits.c.name).order_by(traits.c.name))]
    if wanted.startswith("startswith:"):
        return [one for one in found if one.startswith(wanted.removeprefix("startswith:"))]
    if wanted.startswith("in:"):
        names = frozenset(wanted.removeprefix("in:").split(","))
        return [one for one in found if one in names]
    return found


def traits_in_use(tx: Transaction) -> set[str]:
    """The traits that some provider has."""
    return set(tx.values(sa.select(provider_traits.c.trait).distinct()))


def forget_trait(tx: Transaction, name: str) -> None:
    """Delete a custom trait.

    :raises BadRequest: it is a standard one.
    :raises NotFound: there is none.
    :raises InUse: a provider has it.
    """
    if name in STANDARD_TRAITS:
        raise BadRequest(f"Cannot delete standard trait {name}.")
    if tx.value(sa.select(provider_traits.c.provider_id).where(provider_traits.c.trait == name).limit(1)):
        raise InUse(f"The trait {name} is in use by a resource provider.")
    if not tx.execute(sa.delete(traits).where(traits.c.name == name)):
        raise NotFound(f"No such trait(s): {name}.")


def class_names(tx: Transaction) -> list[str]:
    """All resource classes, the standard ones first."""
    return [*CLASSES, *tx.values(sa.select(classes.c.name).order_by(classes.c.created_at, classes.c.name))]


def add_class(tx: Transaction, now: datetime.datetime, name: str) -> None:
    """A new custom resource class. :raises AlreadyExists: it is known."""
    if not unknown_classes(tx, [name]):
        raise AlreadyExists(f"Conflicting resource class already exists: {name}")
    know_classes(tx, now, [name])


def rename_class(tx: Transaction, now: datetime.datetime, name: str, to: str) -> None:
    """Give a custom class another name, everywhere.

    :raises BadRequest: it is a standard one.
    :raises NotFound: there is none.
    :raises AlreadyExists: the other name is taken.
    """
    if name in STANDARD_CLASSES:
        raise BadRequest(f"Cannot update standard resource class {name}")
    if unknown_classes(tx, [name]):
        raise NotFound(f"No such resource class {name}.")
    if to != name and not unknown_classes(tx, [to]):
        raise AlreadyExists(f"Resource class already exists: {to}")
    tx.execute(sa.update(classes).where(classes.c.name == name).values(name=to, updated_at=now))
    for table in (inventories, allocations):
        tx.execute(sa.update(table).where(table.c.resource_class == name).values(resource_class=to))


def forget_class(tx: Transaction, name: str) -> None:
    """Delete a custom class.

    :raises BadRequest: it is a standard one.
    :raises NotFound: there is none.
    :raises InUse: a provider has an inventory of it.
    """
    if name in STANDARD_CLASSES:
        raise BadRequest(f"Error in delete resource class: Cannot delete standard resource class {name}.")
    if unknown_classes(tx, [name]):
        raise NotFound(f"No such resource class {name}.")
    if tx.value(sa.select(inventories.c.provider_id).where(inventories.c.resource_class == name).limit(1)):
        raise InUse("Error in delete resource class: Class is in use in inventory.")
    tx.execute(sa.delete(classes).where(classes.c.name == name))
