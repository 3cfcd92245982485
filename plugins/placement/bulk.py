"""Many new providers at once, each a root without children: a few queries for all of them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec

from ...core.db.engine import Transaction
from ...core.services.placement import Offer
from . import inventory, name
from .provider import ordered
from .tables import inventories, provider_aggregates, provider_traits, providers

encode = msgspec.json.Encoder().encode


def create(tx: Transaction, now: datetime.datetime, offers: Sequence[Offer]) -> None:
    """Write providers whose ids and names nobody has. :raises BadRequest: a class or a trait has no possible name."""
    name.know_classes(tx, now, {class_ for one in offers for class_ in one.inventories})
    name.know_traits(tx, now, {trait for one in offers for trait in one.traits})
    tx.insert(providers, [{
        "id": one.provider, "name": one.name, "generation": 1, "parent_id": None, "root_id": one.provider,
        "traits": encode(ordered(set(one.traits))).decode(), "aggregates": encode(one.aggregates).decode(),
        "created_at": now, "updated_at": now,
    } for one in offers])
    tx.insert(provider_traits, [{"provider_id": one.provider, "trait": trait}
                                for one in offers for trait in sorted(set(one.traits))])
    tx.insert(provider_aggregates, [{"provider_id": one.provider, "aggregate_id": aggregate}
                                    for one in offers for aggregate in one.aggregates])
    tx.insert(inventories, [{"provider_id": one.provider, "resource_class": class_, "used": 0,
                             **inventory.values(wanted, now)}
                            for one in offers for class_, wanted in one.inventories.items()])
