"""What servers should have claimed: the other side of each comparison of an audit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.db.engine import Row, Transaction
from ...core.drivers.filter import EXCLUSIVE, truth
from ...core.drivers.topology import Seat
from ...core.errors import BadRequest
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord
from . import disks, plans, records, seats, wants
from .tables import aggregate_hosts, aggregates, hosts

KEPT = 10_000
"""Kinds of servers that are remembered: most are of the same few flavors and images."""
PROVIDERS = sa.select(hosts.c.id, hosts.c.host).order_by(hosts.c.number)
EXCLUSIVE_HOSTS = (sa.select(aggregate_hosts.c.host, aggregates.c.metadata)
                   .join(aggregates, aggregates.c.id == aggregate_hosts.c.aggregate_id))


@dataclasses.dataclass(frozen=True)
class Terms:
    """What flavor, image and hints make of a server, wherever it is."""

    amounts: Mapping[str, int]
    particular: bool = False
    """Whether it has a seat."""
    grouped: bool = False
    """Where groups of resources went only the scheduler knows, so that only none at all is a drift."""
    exclusive: bool = False
    odd: str = ""
    """Why a flavor or an image cannot be kept any more: what they may say has changed since."""


@dataclasses.dataclass(frozen=True)
class Due:
    """What one server should have."""

    amounts: Mapping[str, Mapping[str, int]]
    sole: str = ""
    grouped: bool = False
    unseated: bool = False
    odd: str = ""

    def met(self, held: Mapping[str, Mapping[str, int]]) -> bool:
        """Whether what is held is all that it should be; there may be more of it on other providers."""
        return bool(held) if self.grouped else all(held.get(one) == of for one, of in self.amounts.items())


class Ground:
    """What is read once for all servers: the hosts' names by their providers, and who has a host for one project."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._terms: dict[tuple[str, str, str, bool], Terms] = {}
        with kit.db.read() as tx:
            self.names: dict[str, str] = dict(tx.rows(PROVIDERS))  # type: ignore[arg-type]
            self._exclusive = {one.host for one in tx.rows(EXCLUSIVE_HOSTS)
                               if truth(one.metadata.get(EXCLUSIVE, ""))}

    def due(self, tx: Transaction, row: Row) -> Due:
        """What the server ``row`` should have, as its other rows say."""
        details = records.details(tx, row.id)
        terms = self._read(row.flavor, plans.image_of(details).properties, details.hints,
                           disks.is_volume_backed(records.devices(tx, row.id)))
        return self.of(row.provider, row.host, terms, seats.of(tx, row.id) if terms.particular else None)

    def terms(self, flavor: str, image: str | None, hints: str | None, backed: bool) -> Terms:
        """The terms of a server, its flavor, image and hints being texts as the database has them."""
        key = flavor, image or "", hints or "{}", backed
        found = self._terms.get(key)
        if found is None:
            if len(self._terms) >= KEPT:
                self._terms.clear()
            properties = msgspec.json.decode(image, type=ImageRecord | None) if image else None
            found = self._terms[key] = self._read(
                msgspec.json.decode(flavor), properties.properties if properties is not None else {},
                msgspec.json.decode(key[2]), backed)
        return found

    def of(self, provider: str, host: str, terms: Terms, seat: Seat | None) -> Due:
        """What a server of these terms should have on its host, with its seat there."""
        if not provider or terms.odd:
            return Due({}, odd=terms.odd, grouped=terms.grouped)
        return Due({provider: terms.amounts, **(seats.amounts(seat) if seat is not None else {})},
                   provider if terms.exclusive or host in self._exclusive else "", terms.grouped,
                   terms.particular and seat is None)

    def _read(self, flavor: Mapping[str, Any], properties: Mapping[str, str], hints: Mapping[str, Sequence[str]],
              backed: bool) -> Terms:
        grouped = plans.grouped(flavor["extra_specs"])
        try:
            particular = wants.read(self._kit, flavor, properties)
        except BadRequest as odd:
            return Terms({}, grouped=grouped, odd=odd.message)
        amounts = plans.resources(flavor, backed, particular.dedicated, particular.emulator)
        return Terms(amounts, bool(particular), grouped,
                     plans.exclusive(flavor["extra_specs"], {name: list(of) for name, of in hints.items()}))
