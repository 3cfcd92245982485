"""Providers of identities, their protocols and the mappings these use; and service providers that trust us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ....core.context import Context
from ....core.db.engine import Row, Transaction
from ....core.errors import AlreadyExists, BadRequest, Forbidden, NotFound
from ..memberships import Origin, origin
from ..projects import Projects
from ..store import Store, found
from ..tables.federation import (
    federated_memberships,
    federated_users,
    mappings,
    protocols,
    providers,
    remote_ids,
    service_providers,
)

REMOTE_IDS = sa.select(remote_ids.c.provider_id, remote_ids.c.remote_id).where(
    remote_ids.c.provider_id.in_(sa.bindparam("ids", expanding=True))).order_by(remote_ids.c.remote_id)
PROTOCOL = sa.select(protocols).where(protocols.c.provider_id == sa.bindparam("provider"),
                                      protocols.c.id == sa.bindparam("id"))
PROTOCOLS = sa.select(protocols).where(protocols.c.provider_id == sa.bindparam("provider")).order_by(protocols.c.id)
NAMING = (sa.select(protocols.c.provider_id, protocols.c.remote_id_attribute)
          .where(protocols.c.id == sa.bindparam("id"), protocols.c.remote_id_attribute.is_not(None))
          .order_by(protocols.c.provider_id))
USED_MAPPING = sa.select(protocols.c.id).where(protocols.c.mapping_id == sa.bindparam("mapping")).limit(1)
VOUCHED = sa.select(federated_users.c.user_id).where(federated_users.c.provider_id == sa.bindparam("provider"))


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider of identities with the ids by which it calls itself."""

    id: str
    enabled: bool
    description: str | None
    domain_id: str
    authorization_ttl: int | None
    remote_ids: list[str]


class Entries:
    """Mappings, and service providers: rows with an id that their maker chose."""

    def __init__(self, store: Store, table: sa.Table, noun: str, words: str) -> None:
        self._store = store
        self._table = table
        self._noun = noun
        self._words = words
        self._select = sa.select(table).where(table.c.id == sa.bindparam("id"))

    def find(self, id: str) -> Row:
        """One by id. :raises NotFound: there is none."""
        with self._store.db.read() as tx:
            return found(tx.row(self._select, {"id": id}), self._words, id)

    def all(self, conditions: Sequence[sa.ColumnElement[bool]]) -> Sequence[Row]:
        """Those that meet ``conditions``, by id."""
        with self._store.db.read() as tx:
            return tx.rows(sa.select(self._table).where(*conditions).order_by(self._table.c.id))

    def create(self, context: Context, id: str, values: Mapping[str, Any]) -> Row:
        """A new one. :raises AlreadyExists: the id is taken."""
        with self._store.db.write() as tx:
            if tx.row(self._select, {"id": id}) is not None:
                raise AlreadyExists(f"Conflict occurred attempting to store {self._noun} - Duplicate entry: {id}.")
            tx.insert(self._table, {"id": id, **values})
            self._store.revision.bump(tx)
            self._store.emit(tx, context, self._noun, "created", id)
            return self.find(id)

    def update(self, context: Context, id: str, values: Mapping[str, Any]) -> Row:
        """Change one. :raises NotFound: there is none."""
        with self._store.db.write() as tx:
            self.find(id)
            tx.update(self._table, id, **values)
            self._store.revision.bump(tx)
            self._store.emit(tx, context, self._noun, "updated", id)
            return self.find(id)

    def delete(self, context: Context, id: str) -> None:
        """Remove one. :raises NotFound: there is none."""
        with self._store.db.write() as tx:
            self.find(id)
            tx.delete(self._table, id)
            self._store.revision.bump(tx)
            self._store.emit(tx, context, self._noun, "deleted", id)


class Mappings(Entries):
    """Mappings: rules that turn what a provider asserts into users and groups."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, mappings, "mapping", "mapping")

    def delete(self, context: Context, id: str) -> None:
        """Remove a mapping. :raises Forbidden: a protocol uses it."""
        with self._store.db.write() as tx:
            user = tx.row(USED_MAPPING, {"mapping": id})
            if user is not None:
                raise Forbidden(f"Mapping {id} is in use by the protocol {user.id}.")
            super().delete(context, id)


class ServiceProviders(Entries):
    """Clouds that trust this one."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, service_providers, "service_provider", "service provider")


class Providers:
    """Providers of identities and their protocols."""

    def __init__(self, store: Store, project_nouns: Projects) -> None:
        self._store = store
        self._projects = project_nouns

    def find(self, provider_id: str) -> Provider:
        """A provider. :raises NotFound: there is none."""
        matches = self.all([providers.c.id == provider_id])
        if not matches:
            raise NotFound(f"Could not find Identity Provider: {provider_id}.")
        return matches[0]

    def all(self, conditions: Sequence[sa.ColumnElement[bool]]) -> list[Provider]:
        """The providers that meet ``conditions``; two queries."""
        with self._store.db.read() as tx:
            rows = tx.rows(sa.select(providers).where(*conditions).order_by(providers.c.id))
            known: dict[str, list[str]] = {row.id: [] for row in rows}
            for one in tx.rows(REMOTE_IDS, {"ids": list(known)}) if rows else ():
                known[one.provider_id].append(one.remote_id)
        return [Provider(**row._mapping, remote_ids=known[row.id]) for row in rows]

    def create(self, context: Context, provider_id: str, values: Mapping[str, Any]) -> Provider:
        """A new provider; its users live in the domain named, or in one of its own that is made for it.

        :raises AlreadyExists: its id, or one of its remote ids, is taken.
        :raises NotFound: there is no such domain.
        """
        row = {"enabled": False, "description": None, "authorization_ttl": None, "domain_id": "", **values}
        remote = row.pop("remote_ids", None) or []
        with self._store.db.write() as tx:
            if tx.row(sa.select(providers.c.id).where(providers.c.id == provider_id)) is not None:
                raise AlreadyExists("Conflict occurred attempting to store identity_provider - Duplicate entry found"
                                    f" with ID {provider_id}.")
            row["domain_id"] = self._domain(context, provider_id, row["domain_id"])
            tx.insert(providers, {"id": provider_id, **row})
            self._name(tx, provider_id, remote)
            self._store.emit(tx, context, "identity_provider", "created", provider_id)
            return self.find(provider_id)

    def _domain(self, context: Context, provider_id: str, domain_id: str | None) -> str:
        if domain_id:
            return str(self._projects.find_domain(domain_id).id)
        made = self._projects.create(context, {
            "name": self._store.clock.hex_id(), "is_domain": True,
            "description": f"Auto generated federated domain for Identity Provider: {provider_id}"})
        return str(made.id)

    def _name(self, tx: Transaction, provider_id: str, remote: Sequence[str]) -> None:
        tx.execute(sa.delete(remote_ids).where(remote_ids.c.provider_id == provider_id))
        for one in dict.fromkeys(remote):
            if tx.row(sa.select(remote_ids.c.provider_id).where(remote_ids.c.remote_id == one)) is not None:
                raise AlreadyExists(f"Conflict occurred attempting to store identity_provider - Duplicate remote ID:"
                                    f" {one}.")
            tx.insert(remote_ids, {"remote_id": one, "provider_id": provider_id})

    def update(self, context: Context, provider_id: str, values: Mapping[str, Any]) -> Provider:
        """Change a provider; one that is disabled ends all tokens of its users."""
        changes = dict(values)
        remote = changes.pop("remote_ids", None)
        with self._store.db.write() as tx:
            before = self.find(provider_id)
            if changes.get("domain_id", before.domain_id) != before.domain_id:
                raise BadRequest("The domain of an identity provider cannot be changed.")
            if changes:
                tx.update(providers, provider_id, **changes)
            if remote is not None:
                self._name(tx, provider_id, remote)
            if before.enabled and changes.get("enabled") is False:
                self._end_tokens(tx, provider_id)
            self._store.revision.bump(tx)
            self._store.emit(tx, context, "identity_provider", "updated", provider_id)
            return self.find(provider_id)

    def delete(self, context: Context, provider_id: str) -> None:
        """Remove a provider with its protocols; the tokens of its users end, and nobody vouches for them more."""
        with self._store.db.write() as tx:
            self.find(provider_id)
            self._end_tokens(tx, provider_id)
            users = [row.user_id for row in tx.rows(VOUCHED, {"provider": provider_id})]
            for table in (remote_ids, protocols, federated_users):
                tx.execute(sa.delete(table).where(table.c.provider_id == provider_id))
            tx.execute(sa.delete(federated_memberships).where(federated_memberships.c.user_id.in_(users)))
            tx.delete(providers, provider_id)
            self._store.emit(tx, context, "identity_provider", "deleted", provider_id)

    def _end_tokens(self, tx: Transaction, provider_id: str) -> None:
        self._store.revoke(tx, *(f"user:{row.user_id}" for row in tx.rows(VOUCHED, {"provider": provider_id})))

    # Users.

    def origin(self, user_id: str) -> Origin | None:
        """Who vouches for a user, or none."""
        return origin(self._store, user_id)

    def vouch(self, user_id: str, *claims: tuple[str, str, str]) -> None:
        """Let the one (provider, protocol, unique id) of ``claims`` vouch for a user from now on, or nobody.

        :raises NotFound: the provider has no such protocol. :raises AlreadyExists: it vouches for another user.
        """
        with self._store.db.write() as tx:
            tx.execute(sa.delete(federated_users).where(federated_users.c.user_id == user_id))
            for provider_id, protocol_id, unique_id in claims:
                self.protocol(provider_id, protocol_id)
                tx.insert(federated_users, {"user_id": user_id, "provider_id": provider_id,
                                            "protocol_id": protocol_id, "unique_id": unique_id})
            self._store.revision.bump(tx)

    # Protocols.

    def protocol(self, provider_id: str, protocol_id: str) -> Row:
        """A protocol. :raises NotFound: the provider has none of this id."""
        with self._store.db.read() as tx:
            return found(tx.row(PROTOCOL, {"provider": provider_id, "id": protocol_id}), "federated protocol",
                         protocol_id)

    def protocols(self, provider_id: str) -> Sequence[Row]:
        """The protocols of a provider. :raises NotFound: there is no such provider."""
        self.find(provider_id)
        with self._store.db.read() as tx:
            return tx.rows(PROTOCOLS, {"provider": provider_id})

    def having(self, protocol_id: str) -> list[tuple[str, str]]:
        """Providers with a protocol that says which attribute names them, and that attribute."""
        with self._store.db.read() as tx:
            return [(row.provider_id, row.remote_id_attribute) for row in tx.rows(NAMING, {"id": protocol_id})]

    def add_protocol(self, context: Context, provider_id: str, protocol_id: str, values: Mapping[str, Any]) -> Row:
        """Give a provider a protocol. :raises AlreadyExists: it has it. :raises BadRequest: unknown mapping."""
        with self._store.db.write() as tx:
            self.find(provider_id)
            self._check_mapping(tx, values)
            if tx.row(PROTOCOL, {"provider": provider_id, "id": protocol_id}) is not None:
                raise AlreadyExists("Conflict occurred attempting to store federation_protocol - Duplicate entry"
                                    f" found with ID {protocol_id}.")
            tx.insert(protocols, {"provider_id": provider_id, "id": protocol_id, "remote_id_attribute": None, **values})
            self._store.emit(tx, context, "federation_protocol", "created", protocol_id)
            return self.protocol(provider_id, protocol_id)

    def update_protocol(self, context: Context, provider_id: str, protocol_id: str,
                        values: Mapping[str, Any]) -> Row:
        """Change a protocol. :raises BadRequest: the mapping is unknown."""
        with self._store.db.write() as tx:
            self.protocol(provider_id, protocol_id)
            self._check_mapping(tx, values)
            tx.execute(protocols.update().where(protocols.c.provider_id == provider_id,
                                                protocols.c.id == protocol_id).values(**values))
            self._store.emit(tx, context, "federation_protocol", "updated", protocol_id)
            return self.protocol(provider_id, protocol_id)

    def _check_mapping(self, tx: Transaction, values: Mapping[str, Any]) -> None:
        asked = values.get("mapping_id")
        if asked is not None and tx.row(sa.select(mappings.c.id).where(mappings.c.id == asked)) is None:
            raise BadRequest(f"Could not find mapping: {asked}.")

    def delete_protocol(self, context: Context, provider_id: str, protocol_id: str) -> None:
        """Take a protocol from a provider; who came by it can come no more, and their tokens end."""
        with self._store.db.write() as tx:
            self.protocol(provider_id, protocol_id)
            tx.execute(sa.delete(protocols).where(protocols.c.provider_id == provider_id,
                                                  protocols.c.id == protocol_id))
            came = VOUCHED.where(federated_users.c.protocol_id == protocol_id)
            self._store.revoke(tx, *(f"user:{row.user_id}" for row in tx.rows(came, {"provider": provider_id})))
            self._store.emit(tx, context, "federation_protocol", "deleted", protocol_id)
