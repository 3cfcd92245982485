"""Users and groups: the backend's, with what the rest of identity has to know of each change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.drivers.identity import Group, PasswordRules, Search, User
from ...core.errors import BadRequest, NotFound, Unauthorized
from . import departures
from .assignments import Assignments
from .memberships import forget, groups_of
from .projects import Projects
from .store import Store
from .tables import credentials


class Users:
    """Users."""

    def __init__(self, store: Store, project_nouns: Projects, grants: Assignments) -> None:
        self._store = store
        self._projects = project_nouns
        self._assignments = grants

    def find(self, user_id: str) -> User:
        """A user. :raises NotFound: there is none."""
        return self._store.backend.user(user_id)

    def all(self, search: Search) -> Sequence[User]:
        """The users that ``search`` wants."""
        return self._store.backend.users(search)

    def create(self, context: Context, user: User, password: str | None) -> User:
        """A new user; its id is chosen here when it has none. :raises NotFound: its domain is unknown."""
        user = msgspec.structs.replace(user, id=user.id or self._store.clock.hex_id())
        self._projects.find_domain(user.domain_id)
        self._check_default(user.default_project_id)
        prepared = None if password is None else self._prepared(password)
        with self._store.db.write() as tx:
            made = self._store.users.create_user(user, prepared)
            self._store.emit(tx, context, "user", "created", made.id)
        return made

    def _check_default(self, project_id: str) -> None:
        """A default project may be unknown, as in Keystone, but no domain."""
        row = self._projects.by_id([project_id]).get(project_id) if project_id else None
        if row is not None and row.is_domain:
            raise BadRequest("User's default project ID cannot be a domain ID: " + project_id)

    def update(self, context: Context, user_id: str, changes: Mapping[str, Any], password: str | None) -> User:
        """Change a user; a new password or a switch to disabled ends all its tokens.

        :raises BadRequest: the domain would change.
        """
        prepared = None if password is None else self._prepared(password)
        with self._store.db.write() as tx:
            before = self.find(user_id)
            if changes.get("domain_id", before.domain_id) != before.domain_id:
                raise BadRequest("Update of `domain_id` is not allowed.")
            self._check_default(changes.get("default_project_id", ""))
            merged = dict(changes)
            merged["options"] = _merged(before.options, changes.get("options", {}))
            merged["extra"] = {**before.extra, **changes.get("extra", {})}
            after = self._store.users.update_user(msgspec.structs.replace(before, **merged))
            if prepared is not None:
                self._store.users.set_password(user_id, prepared)
                after = self.find(user_id)
            if before.enabled and not after.enabled:
                departures.user_disabled(tx, user_id)
            if prepared is not None or (before.enabled and not after.enabled):
                self._store.revoke(tx, f"user:{user_id}")
            self._store.revision.bump(tx, (f"user:{user_id}",))
            self._store.emit(tx, context, "user", "updated", user_id)
        return after

    def _prepared(self, password: str) -> str:
        """A password that an administrator gives, ready to be kept. :raises BadRequest: it breaks a rule."""
        if isinstance(self._store.backend, PasswordRules):
            self._store.backend.check_password(password)
        return self._store.users.prepared(password)

    def change_password(self, context: Context, user_id: str, original: str, password: str) -> None:
        """Replace a password by one who knows it, even when it has expired.

        :raises Unauthorized: the user or the original is wrong.
        :raises BadRequest: the new password breaks a rule, or may not be changed now.
        """
        backend = self._store.backend
        rules = backend if isinstance(backend, PasswordRules) else None
        if rules is not None:
            prepared = rules.prepared_change(user_id, original, password)
            user = backend.user(user_id)
        else:
            user = backend.authenticate(original, user_id=user_id)
            prepared = self._store.users.prepared(password)
        if not user.enabled:
            raise Unauthorized()
        with self._store.db.write() as tx:
            if rules is not None:
                rules.set_own_password(user_id, prepared)
            else:
                self._store.users.set_password(user_id, prepared)
            self._store.revoke(tx, f"user:{user_id}")
            self._store.emit(tx, context, "user", "updated", user_id)

    def delete(self, context: Context, user_id: str) -> None:
        """Remove a user with its assignments, memberships and credentials; its tokens end."""
        with self._store.db.write() as tx:
            self.find(user_id)
            self._assignments.forget_actor(user_id, ())
            forget(tx, user_id)
            tx.execute(sa.delete(credentials).where(credentials.c.user_id == user_id))
            departures.user_gone(tx, user_id)
            self._store.users.delete_user(user_id)
            self._store.revoke(tx, f"user:{user_id}")
            self._store.emit(tx, context, "user", "deleted", user_id)


class Groups:
    """Groups and their members."""

    def __init__(self, store: Store, project_nouns: Projects, grants: Assignments) -> None:
        self._store = store
        self._projects = project_nouns
        self._assignments = grants

    def find(self, group_id: str) -> Group:
        """A group. :raises NotFound: there is none."""
        return self._store.backend.group(group_id)

    def all(self, search: Search) -> Sequence[Group]:
        """The groups that ``search`` wants."""
        return self._store.backend.groups(search)

    def create(self, context: Context, group: Group) -> Group:
        """A new group. :raises NotFound: its domain is unknown."""
        group = msgspec.structs.replace(group, id=group.id or self._store.clock.hex_id())
        self._projects.find_domain(group.domain_id)
        with self._store.db.write() as tx:
            made = self._store.groups.create_group(group)
            self._store.emit(tx, context, "group", "created", made.id)
        return made

    def update(self, context: Context, group_id: str, changes: Mapping[str, Any]) -> Group:
        """Change a group. :raises BadRequest: the domain would change."""
        with self._store.db.write() as tx:
            before = self.find(group_id)
            if changes.get("domain_id", before.domain_id) != before.domain_id:
                raise BadRequest("Update of `domain_id` is not allowed.")
            merged = {**changes, "extra": {**before.extra, **changes.get("extra", {})}}
            after = self._store.groups.update_group(msgspec.structs.replace(before, **merged))
            self._store.emit(tx, context, "group", "updated", group_id)
        return after

    def delete(self, context: Context, group_id: str) -> None:
        """Remove a group; its members lose what they had through it."""
        with self._store.db.write() as tx:
            self.find(group_id)
            self._assignments.forget_actor(group_id)
            self._store.groups.delete_group(group_id)
            self._store.emit(tx, context, "group", "deleted", group_id)

    def users(self, group_id: str) -> list[User]:
        """The members of a group. :raises NotFound: there is no such group."""
        self.find(group_id)
        ids = self._store.backend.members([group_id]).get(group_id, [])
        known = self._store.backend.users_by_id(ids)
        return [known[id] for id in ids if id in known]

    def of(self, user_id: str) -> list[Group]:
        """The groups of a user. :raises NotFound: there is no such user."""
        self._store.backend.user(user_id)
        ids = groups_of(self._store, user_id)
        known = self._store.backend.groups_by_id(ids)
        return [known[id] for id in ids if id in known]

    def check_member(self, group_id: str, user_id: str) -> None:
        """See that a user is in a group. :raises NotFound: it is not."""
        self.find(group_id)
        self._store.backend.user(user_id)
        if group_id not in groups_of(self._store, user_id):
            raise NotFound(f"User '{user_id}' not found in group '{group_id}'.")

    def add(self, context: Context, group_id: str, user_id: str) -> None:
        """Put a user into a group."""
        with self._store.db.write() as tx:
            self._store.groups.add_member(group_id, user_id)
            self._store.revision.bump(tx, (f"user:{user_id}",))
            self._store.emit(tx, context, "group", "member_added", group_id, user=user_id)

    def remove(self, context: Context, group_id: str, user_id: str) -> None:
        """Take a user out of a group. :raises NotFound: it is not in it."""
        with self._store.db.write() as tx:
            self.check_member(group_id, user_id)
            self._store.groups.remove_member(group_id, user_id)
            self._store.revision.bump(tx, (f"user:{user_id}",))
            self._store.emit(tx, context, "group", "member_removed", group_id, user=user_id)


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Options with changes; one that is set to null goes."""
    return {key: value for key, value in {**before, **changes}.items() if value is not None}
