"""Policies that identity keeps for services, and which endpoint each is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, NotFound
from .store import Store, found
from .tables import endpoints, policies, policy_associations, regions, services

POLICY = sa.select(policies).where(policies.c.id == sa.bindparam("id"))
REGIONS = sa.select(regions.c.id, regions.c.parent_id)
NOUNS = {"endpoint_id": (endpoints, "endpoint"), "service_id": (services, "service"),
         "region_id": (regions, "region")}

Subject = Mapping[str, str]
"""What a policy is for: ``endpoint_id``, or ``service_id``, or that with ``region_id``."""


class Policies:
    """Policies by id, and their associations. The blob of a policy is the services' own business."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    def find(self, policy_id: str) -> Row:
        """A policy. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(POLICY, {"id": policy_id}), "policy", policy_id)

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Policies that meet ``conditions``."""
        with self._db.read() as tx:
            return tx.rows(paged(sa.select(policies).where(*conditions), policies, page, tx))

    def create(self, context: Context, values: Mapping[str, Any]) -> Row:
        """A new policy."""
        policy_id = self._store.clock.hex_id()
        with self._db.write() as tx:
            tx.insert(policies, {"id": policy_id, "extra": {}, **values})
            self._store.emit(tx, context, "policy", "created", policy_id)
            return self.find(policy_id)

    def update(self, context: Context, policy_id: str, values: Mapping[str, Any]) -> Row:
        """Change a policy."""
        with self._db.write() as tx:
            row = self.find(policy_id)
            tx.update(policies, policy_id, **{**values, "extra": {**row.extra, **values.get("extra", {})}})
            self._store.emit(tx, context, "policy", "updated", policy_id)
            return self.find(policy_id)

    def delete(self, context: Context, policy_id: str) -> None:
        """Remove a policy and its associations."""
        with self._db.write() as tx:
            self.find(policy_id)
            tx.execute(policy_associations.delete().where(policy_associations.c.policy_id == policy_id))
            tx.delete(policies, policy_id)
            self._store.emit(tx, context, "policy", "deleted", policy_id)

    # Associations.

    def associate(self, context: Context, policy_id: str, subject: Subject) -> None:
        """Let a policy be the one for ``subject``, in place of another. :raises NotFound: a thing is unknown."""
        try:
            self._associate(context, policy_id, subject)
        except AlreadyExists:
            # Another process gave it one at the same moment; the last word counts.
            self._associate(context, policy_id, subject)

    def _associate(self, context: Context, policy_id: str, subject: Subject) -> None:
        with self._db.write() as tx:
            self._know(policy_id, subject)
            tx.execute(policy_associations.delete().where(*_exactly(subject)))
            tx.insert(policy_associations, {**_row(subject), "policy_id": policy_id})
            self._store.emit(tx, context, "policy", "updated", policy_id)

    def check(self, policy_id: str, subject: Subject) -> None:
        """See that a policy is the one for ``subject``. :raises NotFound: it is not."""
        self._know(policy_id, subject)
        with self._db.read() as tx:
            if tx.row(sa.select(policy_associations).where(*_exactly(subject), *_of(policy_id))) is None:
                raise NotFound("Could not find policy association.")

    def dissociate(self, context: Context, policy_id: str, subject: Subject) -> None:
        """End what :meth:`associate` began. :raises NotFound: it did not."""
        with self._db.write() as tx:
            self._know(policy_id, subject)
            if tx.execute(policy_associations.delete().where(*_exactly(subject), *_of(policy_id))) == 0:
                raise NotFound("Could not find policy association.")
            self._store.emit(tx, context, "policy", "updated", policy_id)

    def _know(self, policy_id: str, subject: Subject) -> None:
        self.find(policy_id)
        with self._db.read() as tx:
            for name, id in subject.items():
                table, noun = NOUNS[name]
                found(tx.row(sa.select(table.c.id).where(table.c.id == id)), noun, id)

    # What is in force.

    def of_endpoint(self, endpoint_id: str) -> Row:
        """The policy in force for an endpoint: its own, else that of its service in its region or the nearest
        region above, else that of its service. :raises NotFound: there is none."""
        with self._db.read() as tx:
            endpoint = found(tx.row(sa.select(endpoints).where(endpoints.c.id == endpoint_id)),
                             "endpoint", endpoint_id)
            rows = tx.rows(sa.select(policy_associations).where(sa.or_(
                policy_associations.c.endpoint_id == endpoint_id,
                policy_associations.c.service_id == endpoint.service_id)))
            parents = {row.id: row.parent_id for row in tx.rows(REGIONS)} if len(rows) > 0 else {}
        policy_id = _effective(endpoint, rows, parents)
        if not policy_id:
            raise NotFound(f"No policy is associated with endpoint {endpoint_id}.")
        return self.find(policy_id)

    def endpoints_of(self, policy_id: str) -> Sequence[Row]:
        """The endpoints that a policy is associated with in whichever way."""
        self.find(policy_id)
        with self._db.read() as tx:
            candidates = tx.rows(sa.select(endpoints).order_by(endpoints.c.id))
            rows = tx.rows(sa.select(policy_associations).where(*_of(policy_id)))
            parents = {row.id: row.parent_id for row in tx.rows(REGIONS)}
        return [one for one in candidates if _effective(one, rows, parents)]


def _effective(endpoint: Row, rows: Sequence[Row], parents: Mapping[str, str]) -> str:
    """The id of the policy for ``endpoint`` by the associations ``rows``, or nothing."""
    by_subject = {(row.endpoint_id, row.service_id, row.region_id): str(row.policy_id) for row in rows}
    ways = [(endpoint.id, "", "")]
    region, seen = endpoint.region_id, set[str]()
    while region and region not in seen:
        ways.append(("", endpoint.service_id, region))
        seen.add(region)
        region = parents.get(region, "")
    ways.append(("", endpoint.service_id, ""))
    return next((by_subject[way] for way in ways if way in by_subject), "")


def _row(subject: Subject) -> dict[str, str]:
    return {name: subject.get(name, "") for name in NOUNS}


def _exactly(subject: Subject) -> list[sa.ColumnElement[bool]]:
    return [policy_associations.c[name] == value for name, value in _row(subject).items()]


def _of(policy_id: str) -> list[sa.ColumnElement[bool]]:
    return [policy_associations.c.policy_id == policy_id]
