"""Users and groups: the backend's, with what the rest of identity has to know of each change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.drivers.identity import Group, Search, User
from ...core.errors import AlreadyExists, BadRequest, NotFound, Unauthorized
from . import departures
from .assignments import Assignments
from .directory_ids import GROUP, USER
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
        backend = self._store.backend
        prepared = None if password is None else backend.prepared_in(user.domain_id, password)
        # A directory outside of the database is asked before the transaction, which waits for nobody.
        outside = backend.outside(user.domain_id) is not None
        made = backend.create_user(user, prepared) if outside else user
        with self._store.db.write() as tx:
            if not outside:
                made = backend.create_user(user, prepared)
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
        outside = self._store.backend.is_outside(user_id, USER)
        domain_id = self.find(user_id).domain_id if outside or password is not None else ""
        prepared = None if password is None else self._store.backend.prepared_in(domain_id, password)
        if outside:
            before, after = self._changed(user_id, changes, prepared)
        with self._store.db.write() as tx:
            if not outside:
                before, after = self._changed(user_id, changes, prepared)
            if before.enabled and not after.enabled:
                departures.user_disabled(tx, user_id)
            if prepared is not None or (before.enabled and not after.enabled):
                self._store.revoke(tx, f"user:{user_id}")
            self._store.revision.bump(tx, (f"user:{user_id}",))
            self._store.emit(tx, context, "user", "updated", user_id)
        return after

    def _changed(self, user_id: str, changes: Mapping[str, Any], prepared: str | None) -> tuple[User, User]:
        """Write the changes of a user; it before and after them."""
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
        return before, after

    def change_password(self, context: Context, user_id: str, original: str, password: str) -> None:
        """Replace a password by one who knows it, even when it has expired.

        :raises Unauthorized: the user or the original is wrong.
        :raises BadRequest: the new password breaks a rule, or may not be changed now.
        """
        backend = self._store.backend
        prepared = backend.prepared_change(user_id, original, password)
        if not backend.user(user_id).enabled:
            raise Unauthorized()
        outside = backend.is_outside(user_id, USER)
        if outside:
            backend.set_own_password(user_id, prepared)
        with self._store.db.write() as tx:
            if not outside:
                backend.set_own_password(user_id, prepared)
            self._store.revoke(tx, f"user:{user_id}")
            self._store.emit(tx, context, "user", "updated", user_id)

    def delete(self, context: Context, user_id: str) -> None:
        """Remove a user with its assignments, memberships and credentials; its tokens end."""
        outside = self._store.backend.is_outside(user_id, USER)
        self.find(user_id)
        if outside:
            self._store.users.delete_user(user_id)
        with self._store.db.write() as tx:
            self._assignments.forget_actor(user_id, ())
            forget(tx, user_id)
            tx.execute(sa.delete(credentials).where(credentials.c.user_id == user_id))
            departures.user_gone(tx, user_id)
            if not outside:
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
        outside = self._store.backend.outside(group.domain_id) is not None
        made = self._store.groups.create_group(group) if outside else group
        with self._store.db.write() as tx:
            if not outside:
                made = self._store.groups.create_group(group)
            self._store.emit(tx, context, "group", "created", made.id)
        return made

    def update(self, context: Context, group_id: str, changes: Mapping[str, Any]) -> Group:
        """Change a group. :raises BadRequest: the domain would change."""
        outside = self._store.backend.is_outside(group_id, GROUP)
        if outside:
            after = self._changed(group_id, changes)
        with self._store.db.write() as tx:
            if not outside:
                after = self._changed(group_id, changes)
            self._store.emit(tx, context, "group", "updated", group_id)
        return after

    def _changed(self, group_id: str, changes: Mapping[str, Any]) -> Group:
        """Write the changes of a group; it after them."""
        before = self.find(group_id)
        if changes.get("domain_id", before.domain_id) != before.domain_id:
            raise BadRequest("Update of `domain_id` is not allowed.")
        merged = {**changes, "extra": {**before.extra, **changes.get("extra", {})}}
        return self._store.groups.update_group(msgspec.structs.replace(before, **merged))

    def delete(self, context: Context, group_id: str) -> None:
        """Remove a group; its members lose what they had through it."""
        outside = self._store.backend.is_outside(group_id, GROUP)
        self.find(group_id)
        if outside:
            self._store.groups.delete_group(group_id)
        with self._store.db.write() as tx:
            self._assignments.forget_actor(group_id)
            if not outside:
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
        try:
            self._add(context, group_id, user_id)
        except AlreadyExists:
            # Another process did so at the same moment.
            self._add(context, group_id, user_id)

    def _add(self, context: Context, group_id: str, user_id: str) -> None:
        outside = self._store.backend.is_outside(group_id, GROUP)
        if outside:
            self._store.groups.add_member(group_id, user_id)
        with self._store.db.write() as tx:
            if not outside:
                self._store.groups.add_member(group_id, user_id)
            self._store.revision.bump(tx, (f"user:{user_id}",))
            self._store.emit(tx, context, "group", "member_added", group_id, user=user_id)

    def remove(self, context: Context, group_id: str, user_id: str) -> None:
        """Take a user out of a group. :raises NotFound: it is not in it."""
        outside = self._store.backend.is_outside(group_id, GROUP)
        self.check_member(group_id, user_id)
        if outside:
            self._store.groups.remove_member(group_id, user_id)
        with self._store.db.write() as tx:
            if not outside:
                self._store.groups.remove_member(group_id, user_id)
            self._store.revision.bump(tx, (f"user:{user_id}",))
            self._store.emit(tx, context, "group", "member_removed", group_id, user=user_id)


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Options with changes; one that is set to null goes."""
    return {key: value for key, value in {**before, **changes}.items() if value is not None}
