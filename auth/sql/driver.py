"""Users and groups in the cloud's own database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Database, Row, Transaction
from ...core.db.paging import Page, paged
from ...core.drivers.identity import (
    Group,
    Identity,
    IdentityFacts,
    PasswordRules,
    Search,
    Stored,
    User,
    WritableGroups,
    WritableUsers,
)
from ...core.errors import AlreadyExists, NotFound, Unauthorized
from . import tables
from .compliance import Compliance
from .options import SqlOptions
from .passwords import Passwords
from .search import where
from .tables import groups, members, passwords, users

USER = sa.select(users).where(users.c.id == sa.bindparam("id"))
USER_NAMED = sa.select(users).where(users.c.domain_id == sa.bindparam("domain_id"),
                                    users.c.name == sa.bindparam("name"))
USERS_BY_ID = sa.select(users).where(users.c.id.in_(sa.bindparam("ids", expanding=True)))
GROUP = sa.select(groups).where(groups.c.id == sa.bindparam("id"))
GROUP_NAMED = sa.select(groups).where(groups.c.domain_id == sa.bindparam("domain_id"),
                                      groups.c.name == sa.bindparam("name"))
GROUPS_BY_ID = sa.select(groups).where(groups.c.id.in_(sa.bindparam("ids", expanding=True)))
GROUPS_OF = sa.select(members.c.group_id).where(members.c.user_id == sa.bindparam("id")).order_by(members.c.group_id)
MEMBERS = (sa.select(members.c.group_id, members.c.user_id)
           .where(members.c.group_id.in_(sa.bindparam("ids", expanding=True)))
           .order_by(members.c.group_id, members.c.user_id))
BATCH = 500


class Sql(Identity, WritableUsers, PasswordRules, WritableGroups, Stored):
    """The directory of all domains in one database."""

    Options = SqlOptions
    schema = tables.SCHEMA

    def open(self) -> None:
        """Get ready to make hashes."""
        self._passwords = Passwords(self.clock, self.options.password_hash_memory_kib,
                                    self.options.password_hash_time_cost, self.options.remember_verified_s,
                                    self.options.password_hash, self.options.password_hash_rounds)
        self._rules = Compliance(self.options, self.clock, self._passwords)

    def attach(self, database: Any) -> None:
        self._db: Database = database

    def facts(self) -> IdentityFacts:
        return IdentityFacts(many_domains=True)

    def authenticate(self, password: str, *, user_id: str = "", name: str = "", domain_id: str = "") -> User:
        with self._db.read() as tx:
            row = (_row(tx, USER, id=user_id) if user_id
                   else _named(tx, USER_NAMED, domain_id, name))
        row = self._proven(row, password)
        if self._rules.is_expired(row):
            # Said to nobody but who knows the password.
            raise Unauthorized(f"The password is expired and needs to be changed for user: {row.id}.")
        return self._user(row)

    def _proven(self, row: Row | None, password: str) -> Row:
        """``row``, if the password is its own. :raises Unauthorized: it is not, or the account is locked."""
        if row is None or not row.password_hash or self._rules.is_locked(row):
            self._passwords.waste(password)
            self._count_failure("")
            raise Unauthorized()
        if not self._passwords.matches(row.id, row.password_hash, password):
            self._count_failure(row.id)
            raise Unauthorized()
        if self._rules.counts_failures():
            # Others may have guessed meanwhile, all at once: who is late is locked out, right or wrong.
            with self._db.read() as tx:
                row = _found(tx.row(USER, {"id": row.id}), "user", row.id)
            if self._rules.is_locked(row):
                raise Unauthorized()
        self._keep_success(row, password)
        return row

    def _count_failure(self, user_id: str) -> None:
        """Count a failed login where that matters; one of nobody takes as much work and counts for nobody."""
        if self._rules.counts_failures():
            with self._db.write() as tx:
                self._rules.failed(tx, user_id)

    def _keep_success(self, row: Row, password: str) -> None:
        """Keep what a good login changes, and the password under a new hash when the old is out of date."""
        changes = {} if self._rules.is_asleep(row) else self._rules.succeeded(row)
        fresh = "" if self._passwords.is_current(row.password_hash) else self._passwords.hash(password)
        if not changes and not fresh:
            return
        with self._db.write() as tx:
            if changes:
                tx.update(users, row.id, **changes)
            if fresh:
                tx.change(users, row.id, {"password_hash": row.password_hash}, password_hash=fresh)

    def user(self, user_id: str) -> User:
        with self._db.read() as tx:
            return self._user(_found(_row(tx, USER, id=user_id), "user", user_id))

    def user_named(self, domain_id: str, name: str) -> User:
        with self._db.read() as tx:
            return self._user(_found(_named(tx, USER_NAMED, domain_id, name), "user", name))

    def users(self, search: Search) -> Sequence[User]:
        with self._db.read() as tx:
            return [self._user(row) for row in tx.rows(_searched(users, search, tx))]

    def users_by_id(self, user_ids: Sequence[str]) -> Mapping[str, User]:
        with self._db.read() as tx:
            return {row.id: self._user(row) for row in _in_batches(tx, USERS_BY_ID, user_ids)}

    def prepared(self, password: str) -> str:
        return self._passwords.hash(password)

    def check_password(self, password: str) -> None:
        self._rules.check(password)

    def told(self) -> Mapping[str, str]:
        return {"password_regex": self.options.password_regex,
                "password_regex_description": self.options.password_regex_description}

    def prepared_change(self, user_id: str, original: str, password: str) -> str:
        with self._db.read() as tx:
            row = _row(tx, USER, id=user_id)
        row = self._proven(row, original)
        with self._db.read() as tx:
            self._rules.check_own(tx, row, password)
        return self.prepared(password)

    def create_user(self, user: User, prepared: str | None) -> User:
        now = self.clock.now()
        with self._db.write() as tx:
            _name_free(tx, USER_NAMED, user.domain_id, user.name, "", "user")
            tx.insert(users, {
                "id": user.id, "domain_id": user.domain_id, "name": user.name, "enabled": user.enabled,
                "default_project_id": user.default_project_id, "options": user.options, "extra": user.extra,
                "created_at": now, "active_at": now, **self._rules.values(prepared, user.options, own=False)})
            self._rules.remember(tx, user.id, prepared)
            return self.user(user.id)

    def update_user(self, user: User) -> User:
        with self._db.write() as tx:
            _name_free(tx, USER_NAMED, user.domain_id, user.name, user.id, "user")
            before = _found(tx.row(USER, {"id": user.id}), "user", user.id)
            # Who is enabled now but was not before is enabled anew, whatever put it to sleep.
            woken = ({"failed_count": 0, "failed_at": None, "active_at": self.clock.now()}
                     if user.enabled and not self._rules.is_enabled(before) else {})
            tx.update(users, user.id, name=user.name, enabled=user.enabled, options=user.options,
                      default_project_id=user.default_project_id, extra=user.extra, **woken)
            return self.user(user.id)

    def set_password(self, user_id: str, prepared: str | None) -> None:
        self._set_password(user_id, prepared, own=False)

    def set_own_password(self, user_id: str, prepared: str) -> None:
        self._set_password(user_id, prepared, own=True)

    def _set_password(self, user_id: str, prepared: str | None, own: bool) -> None:
        with self._db.write() as tx:
            row = _found(_row(tx, USER, id=user_id), "user", user_id)
            tx.update(users, user_id, **self._rules.values(prepared, row.options, own))
            self._rules.remember(tx, user_id, prepared)

    def delete_user(self, user_id: str) -> None:
        with self._db.write() as tx:
            tx.execute(members.delete().where(members.c.user_id == user_id))
            tx.execute(passwords.delete().where(passwords.c.user_id == user_id))
            tx.delete(users, user_id)

    def group(self, group_id: str) -> Group:
        with self._db.read() as tx:
            return _group(_found(_row(tx, GROUP, id=group_id), "group", group_id))

    def group_named(self, domain_id: str, name: str) -> Group:
        with self._db.read() as tx:
            return _group(_found(_named(tx, GROUP_NAMED, domain_id, name), "group", name))

    def groups(self, search: Search) -> Sequence[Group]:
        with self._db.read() as tx:
            return [_group(row) for row in tx.rows(_searched(groups, search, tx))]

    def groups_by_id(self, group_ids: Sequence[str]) -> Mapping[str, Group]:
        with self._db.read() as tx:
            return {row.id: _group(row) for row in _in_batches(tx, GROUPS_BY_ID, group_ids)}

    def groups_of(self, user_id: str) -> Sequence[str]:
        with self._db.read() as tx:
            return tx.values(GROUPS_OF, {"id": user_id}) if _is_id(user_id) else []

    def members(self, group_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        with self._db.read() as tx:
            for row in _in_batches(tx, MEMBERS, group_ids):
                found.setdefault(row.group_id, []).append(row.user_id)
        return found

    def create_group(self, group: Group) -> Group:
        with self._db.write() as tx:
            _name_free(tx, GROUP_NAMED, group.domain_id, group.name, "", "group")
            tx.insert(groups, {"id": group.id, "domain_id": group.domain_id, "name": group.name,
                               "description": group.description, "extra": group.extra})
        return group

    def update_group(self, group: Group) -> Group:
        with self._db.write() as tx:
            _name_free(tx, GROUP_NAMED, group.domain_id, group.name, group.id, "group")
            if not tx.update(groups, group.id, name=group.name, description=group.description, extra=group.extra):
                raise NotFound(f"Could not find group: {group.id}.")
            return self.group(group.id)

    def delete_group(self, group_id: str) -> None:
        with self._db.write() as tx:
            tx.execute(members.delete().where(members.c.group_id == group_id))
            tx.delete(groups, group_id)

    def add_member(self, group_id: str, user_id: str) -> None:
        with self._db.write() as tx:
            self.group(group_id)
            self.user(user_id)
            present = tx.row(sa.select(members).where(members.c.group_id == group_id, members.c.user_id == user_id))
            if present is None:
                tx.insert(members, {"group_id": group_id, "user_id": user_id})

    def remove_member(self, group_id: str, user_id: str) -> None:
        with self._db.write() as tx:
            tx.execute(members.delete().where(members.c.group_id == group_id, members.c.user_id == user_id))

    def _user(self, row: Row) -> User:
        return User(id=row.id, domain_id=row.domain_id, name=row.name, enabled=self._rules.is_enabled(row),
                    default_project_id=row.default_project_id, options=row.options, extra=row.extra,
                    password_changed_at=row.password_changed_at, password_expires_at=row.password_expires_at)


def _searched(table: sa.Table, search: Search, tx: Transaction) -> sa.Select[Any]:
    statement = sa.select(table).where(*(where(table, condition) for condition in search.conditions))
    return paged(statement, table, Page(limit=search.limit, marker=search.marker), tx)


def _in_batches(tx: Transaction, statement: sa.Select[Any], ids: Sequence[str]) -> list[Row]:
    wanted = list(filter(_is_id, dict.fromkeys(ids)))
    return [row for start in range(0, len(wanted), BATCH)
            for row in tx.rows(statement, {"ids": wanted[start:start + BATCH]})]


def _named(tx: Transaction, statement: sa.Select[Any], domain_id: str, name: str) -> Row | None:
    """Who has exactly this name: MariaDB overlooks blanks at the end."""
    row = _row(tx, statement, domain_id=domain_id, name=name)
    return row if row is not None and row.name == name else None


def _row(tx: Transaction, statement: sa.Select[Any], **values: str) -> Row | None:
    """One row; none for values that no database would even look for: NUL characters, and ids that are not ASCII."""
    fit = all(_is_id(value) if name != "name" else "\0" not in value for name, value in values.items())
    return tx.row(statement, values) if fit else None


def _is_id(text: str) -> bool:
    return text.isascii() and "\0" not in text


def _found(row: Row | None, noun: str, name: str) -> Row:
    if row is None:
        raise NotFound(f"Could not find {noun}: {name}.")
    return row


def _name_free(tx: Transaction, named: sa.Select[Any], domain_id: str, name: str, own_id: str, noun: str) -> None:
    row = tx.row(named, {"domain_id": domain_id, "name": name})
    if row is not None and row.id != own_id:
        raise AlreadyExists(f"Conflict occurred attempting to store {noun} - Duplicate entry found with name {name} "
                            f"at domain ID {domain_id}.")


def _group(row: Row) -> Group:
    return Group(id=row.id, domain_id=row.domain_id, name=row.name, description=row.description, extra=row.extra)
