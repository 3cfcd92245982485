"""Availability zones: those where networks are wired and routers stand, as the agents of their hosts tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from ...core.db.engine import Transaction
from . import faults
from .desk import Desk
from .noun import Document, Noun
from .tables import agents, routers, wirings

ZONES = "availability_zones"
_KNOWN = sa.select(agents.c.availability_zone).distinct()
_OF_HOSTS = (sa.select(agents.c.host, agents.c.availability_zone)
             .where(agents.c.host.in_(sa.bindparam("hosts", expanding=True))).order_by(agents.c.beat_at))
_OF_NETWORKS = (sa.select(wirings.c.network_id, agents.c.availability_zone).distinct()
                .join(agents, wirings.c.host == agents.c.host)
                .where(wirings.c.network_id.in_(sa.bindparam("networks", expanding=True))))
_STILL = (sa.select(wirings.c.host).join(agents, agents.c.host == wirings.c.host)
          .where(wirings.c.network_id == sa.bindparam("network_id"), agents.c.availability_zone == sa.bindparam("zone"))
          .limit(1))
_WIRED = sa.select(wirings.c.network_id).distinct().where(wirings.c.host.in_(sa.bindparam("hosts", expanding=True)))
_STANDING = sa.select(routers.c.id, routers.c.host).where(routers.c.host.in_(sa.bindparam("hosts", expanding=True)))


class Zones:
    """Keeps ``availability_zones`` in the documents of networks and routers. Each call is part of a transaction."""

    def __init__(self, service: Desk) -> None:
        self.service = service

    def hints(self, tx: Transaction, asked: Sequence[str] | None) -> list[str]:
        """The zones that a new network or router asks for. :raises NotFound: an agent lives in none of this name."""
        wanted = list(dict.fromkeys(asked or ()))
        known = set(tx.values(_KNOWN)) if wanted else set()
        for one in wanted:
            if one not in known:
                raise faults.missing("availability_zone", one)
        return wanted

    def wired(self, tx: Transaction, networks: Sequence[str], host: str) -> None:
        """Networks are wired on ``host`` now, too."""
        zone = self._of(tx, [host]).get(host)
        for old in self._documents(tx, self.service.networks, networks if zone else ()):
            self._save(tx, self.service.networks, old, {*old[ZONES], zone})

    def unwired(self, tx: Transaction, networks: Sequence[str], host: str) -> None:
        """Networks are wired on ``host`` no more."""
        zone = self._of(tx, [host]).get(host)
        for old in self._documents(tx, self.service.networks, networks if zone else ()):
            if tx.value(_STILL, {"network_id": old["id"], "zone": zone}) is None:
                self._save(tx, self.service.networks, old, {*old[ZONES]} - {zone})

    def placed(self, tx: Transaction, router_id: str, host: str) -> None:
        """A router stands on ``host`` from now on."""
        for old in self._documents(tx, self.service.routers, [router_id]):
            self._save(tx, self.service.routers, old, self._of(tx, [host]).values())

    def moved(self, tx: Transaction, hosts: Sequence[str]) -> None:
        """The agents of ``hosts`` came, or told other zones than before."""
        found: dict[str, set[str]] = {one: set() for one in tx.values(_WIRED, {"hosts": hosts})}
        for row in tx.rows(_OF_NETWORKS, {"networks": list(found)}):
            found[row.network_id].add(row.availability_zone)
        for old in self._documents(tx, self.service.networks, list(found)):
            self._save(tx, self.service.networks, old, found[old["id"]])
        standing = {row.id: row.host for row in tx.rows(_STANDING, {"hosts": hosts})}
        zones = self._of(tx, hosts) if standing else {}
        for old in self._documents(tx, self.service.routers, list(standing)):
            self._save(tx, self.service.routers, old, [zones[host] for host in (standing[old["id"]],) if host in zones])

    def _of(self, tx: Transaction, hosts: Sequence[str]) -> dict[str, str]:
        return {row.host: row.availability_zone for row in tx.rows(_OF_HOSTS, {"hosts": hosts})}

    def _documents(self, tx: Transaction, noun: Noun, ids: Sequence[str]) -> list[Document]:
        """Those that are still there."""
        return noun.some(tx, ids) if ids else []

    def _save(self, tx: Transaction, noun: Noun, old: Document, zones: Iterable[str | None]) -> None:
        noun.save(tx, old, {**old, ZONES: sorted(filter(None, zones))})
