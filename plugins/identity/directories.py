"""All users and groups of the cloud behind one interface: each domain's are asked for where they are.

The backend of all holds every domain but those that have a directory of their own. Users and groups of such a
directory have public ids (see :mod:`.directory_ids`); those of the backend of all are known by their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from ...core.db.engine import Database, Transaction
from ...core.drivers.base import NoOptions, Surroundings, require
from ...core.drivers.identity import (
    Group,
    Identity,
    IdentityFacts,
    PasswordRules,
    Search,
    User,
    WritableGroups,
    WritableUsers,
)
from ...core.errors import BackendBusy, BackendFailed, BadRequest, Forbidden, NotFound
from . import departures
from .directory_ids import GROUP, USER, DirectoryIds, Local
from .outside import Outside
from .tables import application_credentials, assignments, credentials, directory_ids, trusts

N = TypeVar("N", User, Group)
T = TypeVar("T")
F = TypeVar("F")


class Directories(Identity, WritableUsers, WritableGroups, PasswordRules):
    """The router. What it raises beyond the interface:

    :raises Forbidden: something would be written in a directory that is only read.
    :raises BackendBusy: the directory of the domain does not answer; other domains do not suffer.
    """

    def __init__(self, common: Identity, database: Database, surroundings: Surroundings) -> None:
        super().__init__(NoOptions(), surroundings)
        self.common = common
        """The backend of all domains that have none of their own."""
        self.ids = DirectoryIds(database)
        self._outside: Outside | None = None

    def use(self, outside: Outside) -> None:
        """Ask ``outside`` for the directories of single domains; called once."""
        self._outside = outside

    def close(self) -> None:
        """Close all directories; the backend of all is closed by who made it."""
        if self._outside is not None:
            self._outside.close()

    def facts(self) -> IdentityFacts:
        return self.common.facts()

    # Who is where.

    def outside(self, domain_id: str) -> Identity | None:
        """The directory of a domain's own, or none."""
        return self._outside.of(domain_id) if self._outside is not None else None

    def is_outside(self, id: str, kind: str) -> bool:
        """Tell whether a user or group is in a directory of its domain's own: writing there is slow and no part of a
        transaction."""
        return self.ids.local(id, kind) is not None

    def _of_local(self, local: Local, id: str) -> Identity:
        driver = self.outside(local.domain_id)
        if driver is None:
            raise NotFound(f"Could not find {local.kind}: {id}.")
        return driver

    def _shown(self, domain_id: str, kind: str, found: Iterable[N]) -> list[N]:
        """What a directory gave, with the ids and the domain by which the cloud knows it."""
        listed = list(found)
        public = self.ids.publish(domain_id, kind, (one.id for one in listed))
        return [msgspec.structs.replace(one, id=public[one.id], domain_id=domain_id) for one in listed]

    # Users.

    def authenticate(self, password: str, *, user_id: str = "", name: str = "", domain_id: str = "") -> User:
        if user_id:
            local = self.ids.local(user_id, USER)
            driver = self.outside(local.domain_id) if local is not None else None
            if local is not None and driver is not None:
                user = driver.authenticate(password, user_id=local.id)
                return self._shown(local.domain_id, USER, (user,))[0]
            return self.common.authenticate(password, user_id=user_id)
        driver = self.outside(domain_id)
        if driver is None:
            return self.common.authenticate(password, name=name, domain_id=domain_id)
        user = driver.authenticate(password, name=name, domain_id=domain_id)
        return self._shown(domain_id, USER, (user,))[0]

    def user(self, user_id: str) -> User:
        return self._one(user_id, USER, Identity.user)

    def group(self, group_id: str) -> Group:
        return self._one(group_id, GROUP, Identity.group)

    def _one(self, id: str, kind: str, verb: Callable[[Identity, str], N]) -> N:
        local = self.ids.local(id, kind)
        if local is None:
            return self._ask(self.common, verb, id)
        try:
            found = self._ask(self._of_local(local, id), verb, local.id)
        except NotFound as exc:
            raise NotFound(f"Could not find {kind}: {id}.") from exc
        return self._shown(local.domain_id, kind, (found,))[0]

    def _ask(self, driver: Identity, verb: Callable[..., T], *arguments: object) -> T:
        asked: T = getattr(driver, verb.__name__)(*arguments)
        return asked

    def user_named(self, domain_id: str, name: str) -> User:
        return self._named(domain_id, name, USER, Identity.user_named)

    def group_named(self, domain_id: str, name: str) -> Group:
        return self._named(domain_id, name, GROUP, Identity.group_named)

    def _named(self, domain_id: str, name: str, kind: str, verb: Callable[[Identity, str, str], N]) -> N:
        driver = self.outside(domain_id)
        if driver is None:
            return self._ask(self.common, verb, domain_id, name)
        return self._shown(domain_id, kind, (self._ask(driver, verb, domain_id, name),))[0]

    def users(self, search: Search) -> Sequence[User]:
        return self._listed(search, USER, Identity.users)

    def groups(self, search: Search) -> Sequence[Group]:
        return self._listed(search, GROUP, Identity.groups)

    def _listed(self, search: Search, kind: str, verb: Callable[[Identity, Search], Sequence[N]]) -> Sequence[N]:
        """A list is of one domain's directory where the domain is named, else of the backend of all."""
        domains = {one.value for one in search.conditions
                   if one.attribute == "domain_id" and one.comparator == "equals"}
        domain_id = next(iter(domains)) if len(domains) == 1 else ""
        driver = self.outside(domain_id) if domain_id else None
        if driver is None:
            return self._ask(self.common, verb, search)
        marker = self.ids.local(search.marker, kind) if search.marker else None
        if search.marker and (marker is None or marker.domain_id != domain_id):
            raise BadRequest(f"The marker {search.marker!r} could not be found", type="MarkerNotFound")
        asked = msgspec.structs.replace(search, marker=marker.id if marker is not None else "")
        return self._shown(domain_id, kind, self._ask(driver, verb, asked))

    def users_by_id(self, user_ids: Sequence[str]) -> Mapping[str, User]:
        return self._by_id(user_ids, USER, Identity.users_by_id)

    def groups_by_id(self, group_ids: Sequence[str]) -> Mapping[str, Group]:
        return self._by_id(group_ids, GROUP, Identity.groups_by_id)

    def _by_id(self, ids: Sequence[str], kind: str,
               verb: Callable[[Identity, Sequence[str]], Mapping[str, N]]) -> Mapping[str, N]:
        """Lists of what is everywhere must not fail with one directory: who is in it is left out meanwhile."""
        apart, here = self._apart(ids, kind)
        found: dict[str, N] = dict(self._ask(self.common, verb, here)) if here else {}
        for domain_id, local_ids in apart.items():
            try:
                driver = self.outside(domain_id)
                if driver is not None:
                    known = self._ask(driver, verb, list(local_ids))
                    found.update((one.id, one) for one in self._shown(domain_id, kind, known.values()))
            except (BackendBusy, BackendFailed) as exc:
                self.log.warning("the directory of domain %s: %s; %ss of it are left out", domain_id, exc, kind)
        return found

    def _apart(self, ids: Sequence[str], kind: str) -> tuple[dict[str, dict[str, str]], list[str]]:
        """Public by local ids for each domain with a directory, and the ids that are none of theirs."""
        local = self.ids.locals(ids, kind)
        apart: dict[str, dict[str, str]] = {}
        for id, one in local.items():
            apart.setdefault(one.domain_id, {})[one.id] = id
        return apart, [id for id in ids if id not in local]

    # Who is in what.

    def groups_of(self, user_id: str) -> Sequence[str]:
        local = self.ids.local(user_id, USER)
        if local is None:
            return self.common.groups_of(user_id)
        driver = self.outside(local.domain_id)
        found = driver.groups_of(local.id) if driver is not None else ()
        return sorted(self.ids.publish(local.domain_id, GROUP, found).values())

    def members(self, group_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        apart, here = self._apart(group_ids, GROUP)
        found: dict[str, Sequence[str]] = dict(self.common.members(here)) if here else {}
        for domain_id, groups in apart.items():
            driver = self.outside(domain_id)
            held = driver.members(list(groups)) if driver is not None else {}
            public = self.ids.publish(domain_id, USER, {user for users in held.values() for user in users})
            found.update((groups[group], sorted(public[user] for user in users)) for group, users in held.items())
        return found

    # Writing.

    def _writable(self, domain_id: str, facet: type[F]) -> F:
        driver = self.outside(domain_id)
        return require(self.common, facet) if driver is None else _written(driver, facet)

    def _writable_of(self, id: str, kind: str, facet: type[F]) -> tuple[F, Local | None]:
        local = self.ids.local(id, kind)
        if local is None:
            return require(self.common, facet), None
        return _written(self._of_local(local, id), facet), local

    def prepared(self, password: str) -> str:
        return require(self.common, WritableUsers).prepared(password)

    def prepared_in(self, domain_id: str, password: str) -> str:
        """A password that an administrator gives to somebody of a domain, ready to be kept.

        :raises BadRequest: it breaks a rule.
        """
        writable = self._writable(domain_id, WritableUsers)
        if isinstance(writable, PasswordRules):
            writable.check_password(password)
        return writable.prepared(password)

    def create_user(self, user: User, prepared: str | None) -> User:
        writable = self._writable(user.domain_id, WritableUsers)
        made = writable.create_user(user, prepared)
        return self._shown(user.domain_id, USER, (made,))[0] if self.outside(user.domain_id) else made

    def update_user(self, user: User) -> User:
        writable, local = self._writable_of(user.id, USER, WritableUsers)
        if local is None:
            return writable.update_user(user)
        after = writable.update_user(msgspec.structs.replace(user, id=local.id))
        return self._shown(local.domain_id, USER, (after,))[0]

    def set_password(self, user_id: str, prepared: str | None) -> None:
        writable, local = self._writable_of(user_id, USER, WritableUsers)
        writable.set_password(user_id if local is None else local.id, prepared)

    def delete_user(self, user_id: str) -> None:
        writable, local = self._writable_of(user_id, USER, WritableUsers)
        writable.delete_user(user_id if local is None else local.id)

    def create_group(self, group: Group) -> Group:
        writable = self._writable(group.domain_id, WritableGroups)
        made = writable.create_group(group)
        return self._shown(group.domain_id, GROUP, (made,))[0] if self.outside(group.domain_id) else made

    def update_group(self, group: Group) -> Group:
        writable, local = self._writable_of(group.id, GROUP, WritableGroups)
        if local is None:
            return writable.update_group(group)
        after = writable.update_group(msgspec.structs.replace(group, id=local.id))
        return self._shown(local.domain_id, GROUP, (after,))[0]

    def delete_group(self, group_id: str) -> None:
        writable, local = self._writable_of(group_id, GROUP, WritableGroups)
        writable.delete_group(group_id if local is None else local.id)

    def add_member(self, group_id: str, user_id: str) -> None:
        writable, group, user = self._together(group_id, user_id)
        writable.add_member(group, user)

    def remove_member(self, group_id: str, user_id: str) -> None:
        writable, group, user = self._together(group_id, user_id)
        writable.remove_member(group, user)

    def _together(self, group_id: str, user_id: str) -> tuple[WritableGroups, str, str]:
        """The backend that a group and a user are both in, and what it calls them.

        :raises Forbidden: they are in two.
        """
        user = self.ids.local(user_id, USER)
        writable, group = self._writable_of(group_id, GROUP, WritableGroups)
        if (user is None) != (group is None) or user and group and user.domain_id != group.domain_id:
            raise Forbidden("Group membership across backend boundaries is not allowed. Group in question is "
                            f"{group_id}, user is {user_id}.")
        return writable, group.id if group else group_id, user.id if user else user_id

    # Rules of passwords: those of the backend of all. A directory has its own, and tells nobody.

    def check_password(self, password: str) -> None:
        if isinstance(self.common, PasswordRules):
            self.common.check_password(password)

    def told(self) -> Mapping[str, str]:
        return self.common.told() if isinstance(self.common, PasswordRules) else {}

    def prepared_change(self, user_id: str, original: str, password: str) -> str:
        local = self.ids.local(user_id, USER)
        driver: Identity = self.common
        if local is not None:
            driver, user_id = self._of_local(local, user_id), local.id
        if isinstance(driver, PasswordRules):
            return driver.prepared_change(user_id, original, password)
        driver.authenticate(original, user_id=user_id)
        return (require if local is None else _written)(driver, WritableUsers).prepared(password)

    def set_own_password(self, user_id: str, prepared: str) -> None:
        if self.ids.local(user_id, USER) is None and isinstance(self.common, PasswordRules):
            self.common.set_own_password(user_id, prepared)
        else:
            self.set_password(user_id, prepared)

    # The end.

    def leave(self, tx: Transaction, domain_id: str) -> bool:
        """A domain goes: forget the people of its own directory, where they stay; tell whether it has one."""
        known = tx.value(sa.select(directory_ids.c.public_id).where(directory_ids.c.domain_id == domain_id).limit(1))
        if known is None and not (self._outside is not None and self._outside.has(domain_id)):
            return False
        self._forget(tx, sa.select(directory_ids.c.public_id).where(directory_ids.c.domain_id == domain_id))
        tx.execute(directory_ids.delete().where(directory_ids.c.domain_id == domain_id))
        tx.after_commit(self.ids.clear)
        return True

    def _forget(self, tx: Transaction, who: sa.Select[tuple[str]]) -> None:
        """Take what the users and groups had in the cloud."""
        tx.execute(assignments.delete().where(assignments.c.actor_id.in_(who)))
        tx.execute(credentials.delete().where(credentials.c.user_id.in_(who)))
        departures.application_credentials_gone(tx, application_credentials.c.user_id.in_(who))
        departures.trusts_gone(tx, sa.or_(trusts.c.trustor_user_id.in_(who), trusts.c.trustee_user_id.in_(who)))

    def purge(self, tx: Transaction, domain_id: str, ids: Sequence[str], rights: bool) -> None:
        """Forget ids of a domain; with ``rights`` also what they had in the cloud."""
        for start in range(0, len(ids), 500) if rights else ():
            part = ids[start:start + 500]
            self._forget(tx, sa.select(directory_ids.c.public_id).where(directory_ids.c.public_id.in_(part)))
        self.ids.forget(tx, ids)


def _written(driver: Identity, facet: type[F]) -> F:
    if not isinstance(driver, facet):
        name = type(driver).__name__
        raise Forbidden(f"{name.upper() if len(name) <= 4 else name} does not support write operations")
    return driver
