"""Roles and what they imply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, Conflict, Forbidden, NotFound
from .store import Store, found, in_batches
from .tables import assignments, implications, roles

ROLE = sa.select(roles).where(roles.c.id == sa.bindparam("id"))
ROLE_NAMED = sa.select(roles).where(roles.c.domain_id == sa.bindparam("domain_id"),
                                    roles.c.name == sa.bindparam("name"))
ROLES_BY_ID = sa.select(roles).where(roles.c.id.in_(sa.bindparam("ids", expanding=True)))
NAMES = sa.select(roles.c.id, roles.c.name, roles.c.domain_id)
IMPLICATIONS = sa.select(implications).order_by(implications.c.prior_id, implications.c.implied_id)
DEFAULT = ("admin", "manager", "member", "reader", "service")
CHAIN = (("admin", "manager"), ("manager", "member"), ("member", "reader"))
IMMUTABLE = "immutable"


class Graph(msgspec.Struct, frozen=True):
    """All roles and, for each, all that it implies, itself among them."""

    names: Mapping[str, str]
    domains: Mapping[str, str]
    implied: Mapping[str, frozenset[str]]

    def expand(self, role_ids: Iterable[str]) -> list[tuple[str, str]]:
        """The ids and names of all roles that holders of ``role_ids`` have, sorted by name.

        Roles of a domain stand only for what they imply, as in Keystone.
        """
        held = self.closure(role_ids)
        return sorted(((role, self.names[role]) for role in held if not self.domains[role]), key=lambda pair: pair[1])

    def closure(self, role_ids: Iterable[str]) -> frozenset[str]:
        """Ids of all roles that holders of ``role_ids`` have, those of domains too."""
        return frozenset(implied for role in role_ids for implied in self.implied.get(role, ()))


class Roles:
    """Roles and implied roles."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    def find(self, role_id: str) -> Row:
        """A role. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(ROLE, {"id": role_id}), "role", role_id)

    def named(self, name: str, domain_id: str = "") -> Row:
        """A role by name. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(ROLE_NAMED, {"domain_id": domain_id, "name": name}), "role", name)

    def meant(self, given: Mapping[str, Any]) -> str:
        """The id of the role that a body names by id, or by name. :raises NotFound: there is none."""
        if "id" in given:
            return str(self.find(given["id"]).id)
        domain = given.get("domain") or {}
        return str(self.named(given["name"], domain.get("id", "")).id)

    def by_id(self, role_ids: Sequence[str]) -> dict[str, Row]:
        """Those of ``role_ids`` that exist."""
        with self._db.read() as tx:
            return {row.id: row for row in in_batches(tx, ROLES_BY_ID, role_ids)}

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Roles that meet ``conditions``."""
        with self._db.read() as tx:
            return tx.rows(paged(sa.select(roles).where(*conditions), roles, page, tx))

    def create(self, context: Context, values: Mapping[str, Any]) -> Row:
        """A new role. :raises AlreadyExists: the name is taken."""
        role_id = self._store.clock.hex_id()
        with self._db.write() as tx:
            self._name_free(values["domain_id"], values["name"], "")
            tx.insert(roles, {"id": role_id, **values})
            self._store.revision.bump(tx)
            self._store.emit(tx, context, "role", "created", role_id)
            return self.find(role_id)

    def update(self, context: Context, role_id: str, values: Mapping[str, Any]) -> Row:
        """Change a role. :raises Forbidden: it is immutable and stays so."""
        with self._db.write() as tx:
            row = self.find(role_id)
            options = {**row.options, **values.get("options", {})}
            if row.options.get(IMMUTABLE) and (options.get(IMMUTABLE) or set(values) - {"options"}):
                raise Forbidden(f"Cannot update role {role_id}: it is immutable.")
            self._name_free(row.domain_id, values.get("name", row.name), role_id)
            changed = {**values, "options": {key: value for key, value in options.items() if value is not None}}
            if "extra" in values:
                changed["extra"] = {**row.extra, **values["extra"]}
            tx.update(roles, role_id, **changed)
            self._store.revision.bump(tx)
            self._store.emit(tx, context, "role", "updated", role_id)
            return self.find(role_id)

    def delete(self, context: Context, role_id: str) -> None:
        """Remove a role with its assignments and implications. :raises Forbidden: it is immutable."""
        with self._db.write() as tx:
            if self.find(role_id).options.get(IMMUTABLE):
                raise Forbidden(f"Cannot delete role {role_id}: it is immutable.")
            tx.execute(assignments.delete().where(assignments.c.role_id == role_id))
            tx.execute(implications.delete().where(sa.or_(implications.c.prior_id == role_id,
                                                          implications.c.implied_id == role_id)))
            tx.delete(roles, role_id)
            self._store.revision.bump(tx)
            self._store.emit(tx, context, "role", "deleted", role_id)

    def _name_free(self, domain_id: str, name: str, own_id: str) -> None:
        with self._db.read() as tx:
            row = tx.row(ROLE_NAMED, {"domain_id": domain_id, "name": name})
        if row is not None and row.id != own_id:
            raise AlreadyExists("Conflict occurred attempting to store role - Duplicate entry found with "
                                f"name {name}.")

    # Implied roles.

    def graph(self) -> Graph:
        """Everything about who implies whom, remembered until roles change."""
        return self._store.memory.get("roles", self._graph)

    def _graph(self) -> Graph:
        with self._db.read() as tx:
            rows = tx.rows(NAMES)
            pairs = tx.rows(IMPLICATIONS)
        direct: dict[str, list[str]] = {}
        for pair in pairs:
            direct.setdefault(pair.prior_id, []).append(pair.implied_id)
        return Graph({row.id: row.name for row in rows}, {row.id: row.domain_id for row in rows},
                     {row.id: _closure(row.id, direct) for row in rows})

    def implications(self) -> dict[str, list[str]]:
        """Ids of the directly implied roles by prior role."""
        direct: dict[str, list[str]] = {}
        with self._db.read() as tx:
            for pair in tx.rows(IMPLICATIONS):
                direct.setdefault(pair.prior_id, []).append(pair.implied_id)
        return direct

    def implied(self, prior_id: str, implied_id: str) -> None:
        """See that one role implies another. :raises NotFound: it does not."""
        if implied_id not in self.implications().get(prior_id, ()):
            raise NotFound(f"{prior_id} does not imply {implied_id}.")

    def imply(self, context: Context, prior_id: str, implied_id: str) -> None:
        """Let a role imply another; nothing when it does.

        :raises Conflict: that would be a circle. :raises Forbidden: none may imply the role.
        """
        with self._db.write() as tx:
            prior, implied = self.find(prior_id), self.find(implied_id)
            direct = self.implications()
            if implied_id in direct.get(prior_id, ()):
                return
            if implied.domain_id and not prior.domain_id:
                raise Forbidden("A role of all domains cannot imply a role of one domain.")
            if implied.name.lower() in (name.lower() for name in self._store.options.prohibited_implied_roles):
                raise Forbidden(f"{implied_id} cannot be an implied role.")
            if prior_id in _closure(implied_id, direct):
                raise Conflict("A circle of implied roles is not allowed.")
            tx.insert(implications, {"prior_id": prior_id, "implied_id": implied_id})
            self._store.revision.bump(tx)
            self._store.emit(tx, context, "role", "updated", prior_id, implies=implied_id)

    def imply_no_more(self, context: Context, prior_id: str, implied_id: str) -> None:
        """End what :meth:`imply` began. :raises NotFound: it did not."""
        with self._db.write() as tx:
            self.implied(prior_id, implied_id)
            tx.execute(implications.delete().where(implications.c.prior_id == prior_id,
                                                   implications.c.implied_id == implied_id))
            self._store.revision.bump(tx)
            self._store.emit(tx, context, "role", "updated", prior_id, implies_no_more=implied_id)

    def seed(self, context: Context) -> None:
        """Make the default roles and what they imply, where they are not there yet."""
        with self._db.write() as tx:
            present = {row.name: row.id for row in tx.rows(NAMES) if not row.domain_id}
            for name in DEFAULT:
                if name not in present:
                    present[name] = self.create(context, {
                        "name": name, "domain_id": "", "description": None, "extra": {},
                        "options": {IMMUTABLE: True}}).id
            for prior, implied in CHAIN:
                self.imply(context, present[prior], present[implied])


def _closure(start: str, direct: Mapping[str, Sequence[str]]) -> frozenset[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        role = waiting.pop()
        if role not in seen:
            seen.add(role)
            waiting.extend(direct.get(role, ()))
    return frozenset(seen)
