"""Application credentials: a user's roles on a project, or some of them, lent to a program with a secret of its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, BadRequest, Forbidden, Unauthorized
from . import departures
from .delegation import APPLICATION_CREDENTIAL, Delegation, refuse
from .moments import ending, seconds
from .roles import Roles
from .secret_hash import SecretHashes
from .store import Store, found, in_batches
from .tables import access_rules, application_credentials, bounds
from .tokens import Grant

CREDENTIAL = sa.select(application_credentials).where(application_credentials.c.id == sa.bindparam("id"))
NAMED = sa.select(application_credentials).where(application_credentials.c.user_id == sa.bindparam("user_id"),
                                                 application_credentials.c.name == sa.bindparam("name"))
RULE = sa.select(access_rules).where(access_rules.c.id == sa.bindparam("id"))
SAME_RULE = sa.select(access_rules.c.id).where(
    *(access_rules.c[name] == sa.bindparam(name) for name in ("user_id", "service", "method", "path")))
RULES_OF = (sa.select(bounds.c.application_credential_id, access_rules).join(
    access_rules, access_rules.c.id == bounds.c.access_rule_id)
    .where(bounds.c.application_credential_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(bounds.c.application_credential_id, access_rules.c.id))
USED = sa.select(sa.func.count()).select_from(bounds).where(bounds.c.access_rule_id == sa.bindparam("id"))


class ApplicationCredentials:
    """Application credentials and the access rules of their owners."""

    def __init__(self, store: Store, role_nouns: Roles, hashes: SecretHashes) -> None:
        self._store = store
        self._roles = role_nouns
        self._hashes = hashes

    # Looking.

    def find(self, credential_id: str) -> Row:
        """An application credential. :raises NotFound: there is none."""
        with self._store.db.read() as tx:
            return found(tx.row(CREDENTIAL, {"id": credential_id}), "application credential", credential_id)

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Application credentials that meet ``conditions``."""
        with self._store.db.read() as tx:
            return tx.rows(paged(sa.select(application_credentials).where(*conditions), application_credentials,
                                 page, tx))

    def rules(self, credential_ids: Sequence[str]) -> dict[str, list[Row]]:
        """The access rules of each application credential that has some."""
        by_credential: dict[str, list[Row]] = {}
        with self._store.db.read() as tx:
            for row in in_batches(tx, RULES_OF, credential_ids):
                by_credential.setdefault(row.application_credential_id, []).append(row)
        return by_credential

    # Changing.

    def create(self, context: Context, grant: Grant, given: Mapping[str, Any]) -> tuple[Row, str]:
        """A new application credential for the project that the caller's token is for, and its secret.

        :raises Forbidden: the token is for no project, or was lent and may not make lasting things.
        :raises BadRequest: a role is asked for that the token does not have. :raises AlreadyExists: the name is taken.
        """
        refuse(grant.delegation, "Making an application credential")
        if grant.delegation is not None and grant.delegation.access_rules:
            raise Forbidden("A token that access rules bound makes no application credentials.")
        if grant.scope.kind != "project":
            raise Forbidden("An application credential is made by a token for a project.")
        secret = given.get("secret") or self._secret()
        values = {"id": self._store.clock.hex_id(), "user_id": grant.user.id, "project_id": grant.scope.id,
                  "name": given["name"], "secret_hash": self._hashes.hashed(secret),
                  "description": given.get("description"), "unrestricted": bool(given.get("unrestricted")),
                  "expires_at": ending(given.get("expires_at"), self._store.clock.now()),
                  "role_ids": self._role_ids(grant, given.get("roles") or ())}
        with self._store.db.write() as tx:
            if tx.row(NAMED, {"user_id": grant.user.id, "name": given["name"]}) is not None:
                raise AlreadyExists("Conflict occurred attempting to store application_credential - Duplicate entry "
                                    f"found with name {given['name']}.")
            tx.insert(application_credentials, values)
            rule_ids = [self._rule(tx, grant.user.id, rule) for rule in given.get("access_rules") or ()]
            tx.insert(bounds, [{"application_credential_id": values["id"], "access_rule_id": rule_id}
                               for rule_id in dict.fromkeys(rule_ids)])
            self._store.emit(tx, context, "application_credential", "created", values["id"])
            return self.find(values["id"]), secret

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self._store.clock.random_bytes(64)).decode().rstrip("=")

    def _role_ids(self, grant: Grant, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
        held = [id for id, _ in grant.roles]
        if not wanted:
            return held
        ids = list(dict.fromkeys(self._roles.meant(role) for role in wanted))
        if not set(ids) <= set(held):
            raise BadRequest("Cannot create an application credential with unassigned role")
        return ids

    def _rule(self, tx: Transaction, user_id: str, given: Mapping[str, str]) -> str:
        """The id of an access rule of this user: one that is there, or a new one. :raises NotFound: it is not there."""
        if "id" in given:
            return str(self.find_rule(user_id, given["id"]).id)
        values = {"user_id": user_id, **{name: given[name] for name in ("service", "method", "path")}}
        known = tx.value(SAME_RULE, values)
        if known is not None:
            return str(known)
        rule_id = self._store.clock.hex_id()
        tx.insert(access_rules, {"id": rule_id, **values})
        return rule_id

    def delete(self, context: Context, grant: Grant, credential_id: str) -> None:
        """Remove an application credential; tokens made with it end. Its access rules stay.

        :raises Forbidden: the caller's token was lent and may not do so.
        """
        refuse(grant.delegation, "Deleting an application credential")
        with self._store.db.write() as tx:
            row = self.find(credential_id)
            departures.application_credentials_gone(tx, application_credentials.c.id == credential_id)
            self._store.revision.bump(tx, (f"user:{row.user_id}",))
            self._store.emit(tx, context, "application_credential", "deleted", credential_id)

    # Access rules.

    def find_rule(self, user_id: str, rule_id: str) -> Row:
        """An access rule of a user. :raises NotFound: there is none, or it is another's."""
        with self._store.db.read() as tx:
            row = tx.row(RULE, {"id": rule_id})
        return found(row if row is not None and row.user_id == user_id else None, "access rule", rule_id)

    def owner_of_rule(self, rule_id: str) -> str:
        """The id of the user that an access rule belongs to. :raises NotFound: there is none."""
        with self._store.db.read() as tx:
            return str(found(tx.row(RULE, {"id": rule_id}), "access rule", rule_id).user_id)

    def all_rules(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Access rules that meet ``conditions``."""
        with self._store.db.read() as tx:
            return tx.rows(paged(sa.select(access_rules).where(*conditions), access_rules, page, tx))

    def delete_rule(self, context: Context, user_id: str, rule_id: str) -> None:
        """Remove an access rule. :raises Forbidden: an application credential is bound by it."""
        with self._store.db.write() as tx:
            self.find_rule(user_id, rule_id)
            if tx.value(USED, {"id": rule_id}):
                raise Forbidden(f"Access rule {rule_id} is in use by an application credential and cannot be deleted.")
            tx.delete(access_rules, rule_id)
            self._store.emit(tx, context, "access_rule", "deleted", rule_id)

    # Logging in.

    def proven(self, secret: str, credential_id: str = "", user_id: str = "", name: str = "") -> Row:
        """The application credential of this id, or of this name of a user, if the secret is its own.

        :raises Unauthorized: there is none, it has expired, or the secret is wrong; without a word on which.
        """
        with self._store.db.read() as tx:
            row = (tx.row(CREDENTIAL, {"id": credential_id}) if credential_id
                   else tx.row(NAMED, {"user_id": user_id, "name": name}))
        self._hashes.check(secret, None if row is None else row.secret_hash)
        if row is None or seconds(row.expires_at) <= self._store.clock.time():
            raise Unauthorized()
        return row

    def delegation(self, credential_id: str) -> Delegation:
        """What an application credential lends. :raises NotFound: there is none."""
        row = self.find(credential_id)
        rules = self.rules([credential_id]).get(credential_id, [])
        facts: dict[str, Any] = {"id": row.id, "name": row.name, "restricted": not row.unrestricted}
        if rules:
            facts["access_rules"] = [rule_view(rule) for rule in rules]
        return Delegation(
            kind=APPLICATION_CREDENTIAL, id=row.id, lender_id=row.user_id, user_id=row.user_id, parties=(row.user_id,),
            project_id=row.project_id, role_ids=frozenset(row.role_ids), whole=False,
            expires_at=seconds(row.expires_at), facts={"application_credential": facts},
            access_rules=tuple((rule.service, rule.method, rule.path) for rule in rules),
            restricted=not row.unrestricted)


def rule_view(rule: Row) -> dict[str, str]:
    """An access rule as tokens and application credentials show it."""
    return {"id": rule.id, "service": rule.service, "method": rule.method, "path": rule.path}
