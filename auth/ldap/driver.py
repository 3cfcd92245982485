"""A directory of one domain, asked by LDAP; with ``writable = true`` it is changed through the API too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from ...core.drivers.base import Surroundings
from ...core.drivers.identity import (
    Condition,
    Group,
    Identity,
    IdentityFacts,
    Search,
    User,
    WritableGroups,
    WritableUsers,
)
from ...core.errors import BadRequest, NotFound, Unauthorized
from .groups import Groups
from .layouts import resolved
from .listing import Orders
from .options import LdapOptions
from .servers import Servers
from .session import Session
from .text import is_fit
from .users import Found, Users
from .writing import Writing

LONGEST_NAME = 200
"""What fits into a DN everywhere: OpenLDAP's database takes 240 bytes."""
LONGEST_PASSWORD = 16_384


class Ldap(Identity):
    """One LDAP directory; with ``writable = true`` it has WritableUsers and WritableGroups.

    Its users and groups carry no domain: the service knows whose they are.

    Every search is paged. A login costs a lookup, a bind, and what groups of groups cost: one lookup
    (``member_of``, ``in_chain``) or one a level (``breadth_first``).
    """

    Options = LdapOptions

    def __new__(cls, options: Any, surroundings: Surroundings) -> Self:
        """A directory that may be written is of the class that has the facets."""
        return super().__new__(WritableLdap if options.writable and cls is Ldap else cls)  # type: ignore[return-value]

    def open(self) -> None:
        """Read the options; servers are asked when there is something to ask."""
        self.shape = options = resolved(self.options)
        self.servers = Servers(options, self.clock, self.log, self.surroundings.run_dir)
        self.session = Session(options, self.servers, self.clock)
        self.people = Users(options, self.session, self.clock, self.log)
        self.circles = Groups(options, self.session, self.people, self.clock, self.log)
        self._orders = Orders(self.clock, options.list_memory_s)

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    @property
    def operations(self) -> Mapping[str, int]:
        """How many operations of each kind (``search``, ``bind``, ...) went to servers since the start."""
        return dict(self.servers.operations)

    def facts(self) -> IdentityFacts:
        enabled = self.shape.user_enabled_emulation or self.shape.user_enabled_attribute
        project = self.shape.user_default_project_id_attribute
        kept = [*self.people.shape.extra]
        if enabled:
            kept.append("enabled")
        if project:
            kept.append("default_project_id")
        return IdentityFacts(many_domains=False, longest_name=LONGEST_NAME, exact_names=False, keeps=tuple(kept))

    def authenticate(self, password: str, *, user_id: str = "", name: str = "", domain_id: str = "") -> User:
        found = self.people.of_id(user_id) if user_id else self.people.named(name)
        # A bind with a name and no password succeeds without proving anything (RFC 4513, 5.1.2).
        usable = is_fit(password) and len(password) <= LONGEST_PASSWORD
        if found is None or not usable:
            self.session.waste(self.shape.user_tree_dn, password if usable else "")
            raise Unauthorized()
        if not self.session.proves(found.entry.dn, password):
            raise Unauthorized()
        self.people.recent.put(found.user.id, found)
        return found.user

    def user(self, user_id: str) -> User:
        return self._user(user_id).user

    def _user(self, user_id: str) -> Found:
        found = self.people.of_id(user_id)
        if found is None:
            raise NotFound(f"Could not find user: {user_id}.")
        return found

    def user_named(self, domain_id: str, name: str) -> User:
        found = self.people.named(name)
        if found is None:
            raise NotFound(f"Could not find user: {name}.")
        return found.user

    def users(self, search: Search) -> Sequence[User]:
        conditions = _cleared(search.conditions)
        if search.limit is None and not search.marker:
            found = self.people.all(conditions)
            return [found[id] for id in sorted(found)]
        self._check_marker(self.people.of_id, search.marker)
        ids = self._orders.behind("user", conditions, search.marker, lambda: list(self.people.all(conditions)))
        ids = ids if search.limit is None else ids[:search.limit]
        known = self.people.of_ids(ids)
        return [known[id] for id in ids if id in known]

    def users_by_id(self, user_ids: Sequence[str]) -> Mapping[str, User]:
        return self.people.of_ids(user_ids)

    def group(self, group_id: str) -> Group:
        found = self.circles.of_id(group_id)
        if found is None:
            raise NotFound(f"Could not find group: {group_id}.")
        return found[0]

    def group_named(self, domain_id: str, name: str) -> Group:
        found = self.circles.named(name)
        if found is None:
            raise NotFound(f"Could not find group: {name}.")
        return found[0]

    def groups(self, search: Search) -> Sequence[Group]:
        conditions = _cleared(search.conditions)
        if search.limit is None and not search.marker:
            found = self.circles.all(conditions)
            return [found[id] for id in sorted(found)]
        self._check_marker(self.circles.of_id, search.marker)
        ids = self._orders.behind("group", conditions, search.marker, lambda: list(self.circles.all(conditions)))
        ids = ids if search.limit is None else ids[:search.limit]
        known = self.circles.of_ids(ids)
        return [known[id] for id in ids if id in known]

    def _check_marker(self, find: Callable[[str], object], marker: str) -> None:
        if marker and find(marker) is None:
            raise BadRequest(f"The marker {marker!r} could not be found", type="MarkerNotFound")

    def groups_by_id(self, group_ids: Sequence[str]) -> Mapping[str, Group]:
        return self.circles.of_ids(group_ids)

    def groups_of(self, user_id: str) -> Sequence[str]:
        found = self.people.of_id(user_id)
        return [] if found is None else self.circles.of_user(found)

    def members(self, group_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return self.circles.members(group_ids)


class WritableLdap(Ldap, WritableUsers, WritableGroups):
    """The same for a directory that the service may change."""

    def open(self) -> None:
        super().open()
        self._writing = Writing(self.shape, self.session, self.people, self.circles, self.clock)

    def _changed(self, user_id: str = "", group_id: str = "") -> None:
        self.people.recent.forget(user_id)
        self.circles.recent.forget(group_id)
        self._orders.forget()

    def prepared(self, password: str) -> str:
        """The password, sealed with a key of this process: the server makes the hash by its own rules."""
        return self._writing.sealed(password)

    def create_user(self, user: User, prepared: str | None) -> User:
        made = self._writing.create_user(user, prepared)
        self._changed(made.id)
        return made

    def update_user(self, user: User) -> User:
        self._changed(user.id)
        after = self._writing.update_user(self._user(user.id), user)
        self._changed(user.id)
        return after

    def set_password(self, user_id: str, prepared: str | None) -> None:
        self._writing.set_password(self._user(user_id).entry.dn, prepared)

    def delete_user(self, user_id: str) -> None:
        self._changed(user_id)
        found = self.people.of_id(user_id)
        if found is not None:
            self._writing.delete_user(found)
            self._changed(user_id)

    def create_group(self, group: Group) -> Group:
        made = self._writing.create_group(group)
        self._changed()
        return made

    def update_group(self, group: Group) -> Group:
        self._changed(group_id=group.id)
        found = self.circles.of_id(group.id)
        if found is None:
            raise NotFound(f"Could not find group: {group.id}.")
        after = self._writing.update_group(found[1], group)
        self._changed(group_id=group.id)
        return after

    def delete_group(self, group_id: str) -> None:
        self._changed(group_id=group_id)
        found = self.circles.of_id(group_id)
        if found is not None:
            self._writing.delete_group(found[1])
            self._changed(group_id=group_id)

    def add_member(self, group_id: str, user_id: str) -> None:
        self._member(group_id, user_id, present=True)

    def remove_member(self, group_id: str, user_id: str) -> None:
        self._member(group_id, user_id, present=False)

    def _member(self, group_id: str, user_id: str, present: bool) -> None:
        user, group = self.people.of_id(user_id), self.circles.of_id(group_id)
        if user is None or group is None:
            if present:
                raise NotFound(f"Could not find {'user' if user is None else 'group'}: {user_id or group_id}.")
            return
        self._writing.set_member(group[1], user, present)
        self._changed(user_id, group_id)


def _cleared(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions but for the domain, which is not the directory's business."""
    return tuple(one for one in conditions if one.attribute != "domain_id")
