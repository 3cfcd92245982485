"""Names of resource classes and traits: the standard ones, and the custom ones the cloud has learnt."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable

import sqlalchemy as sa

from ...core.db.engine import Transaction
from ...core.errors import BadRequest
from .standard import CUSTOM_NAME, STANDARD_CLASSES, STANDARD_TRAITS
from .tables import classes, traits


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
