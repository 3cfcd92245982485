"""Changing a directory: entries of users and groups, passwords, members."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from ...core.clock import Clock
from ...core.drivers.identity import Group, User
from ...core.errors import AlreadyExists, BackendFailed, BadRequest, CloudError, Forbidden, NotFound
from .groups import Groups
from .link import ADD, DELETE, NO_ATTRIBUTES, REPLACE, Change, Entry
from .options import LdapOptions
from .session import Session
from .shape import group as as_group
from .text import equals, in_dn, in_filter, is_fit, parent
from .users import Found, Users

MADE_BY_SERVERS = frozenset(("entryuuid", "objectguid", "ipauniqueid", "nsuniqueid", "entrydn"))
"""Ids that nobody can choose."""
ORGANIZATIONAL = "inetorgperson"
UNICODE_PASSWORD = "unicodepwd"
"""Active Directory's attribute of passwords: it takes no extended operation, but the password in quotes, in UTF-16."""


class Writing:
    """Writes to one directory. Each verb is what the facet's verb of its name says."""

    def __init__(self, options: LdapOptions, session: Session, users: Users, groups: Groups, clock: Clock) -> None:
        self._options = options
        self._session = session
        self._users = users
        self._groups = groups
        self._sealing = Fernet(base64.urlsafe_b64encode(clock.random_bytes(32)))

    # Passwords.

    def sealed(self, password: str) -> str:
        """A password that only this process can read, and only as long as it lives."""
        return self._sealing.encrypt(password.encode("utf-8", "surrogatepass")).decode()

    def _opened(self, prepared: str) -> str:
        try:
            return self._sealing.decrypt(prepared).decode("utf-8", "surrogatepass")
        except InvalidToken as exc:
            raise BackendFailed("a password was prepared by another process") from exc

    def set_password(self, dn: str, prepared: str | None) -> None:
        """Give an entry a password, or take what it has away."""
        if prepared is None:
            self._session.run(lambda link: link.modify(dn, [(REPLACE, self._options.user_pass_attribute, ())]))
            return
        password = self._opened(prepared)
        if not is_fit(password):
            raise BadRequest("The directory cannot keep such a password.")
        if self._options.user_pass_attribute.lower() == UNICODE_PASSWORD:
            self._session.run(lambda link: link.replace_raw(dn, UNICODE_PASSWORD, f'"{password}"'.encode("utf-16-le")))
        else:
            self._session.run(lambda link: link.set_password(dn, password))

    # Users.

    def create_user(self, user: User, prepared: str | None) -> User:
        """Make an entry; the user's id is the directory's where nobody can choose it."""
        if not is_fit(user.name):
            raise BadRequest("The directory cannot keep such a name.")
        self._check_free(user.name)
        dn = f"{self._options.user_rdn_attribute}={in_dn(user.name)},{self._options.user_tree_dn}"
        with self._taken_told("user", user.name):
            self._session.run(lambda link: link.add(dn, self._user_values(user)))
        try:
            if prepared is not None:
                self.set_password(dn, prepared)
            if self._options.user_enabled_emulation and user.enabled:
                self._set_enabled(dn, user.name, enabled=True)
        except CloudError:
            self._session.run(lambda link: link.delete(dn))
            raise
        made = self._users.at(dn)
        if made is None:
            raise BackendFailed("the directory gave a new user no id")
        return made.user

    def _user_values(self, user: User) -> Mapping[str, Sequence[str]]:
        options = self._options
        values: dict[str, Sequence[str]] = {"objectClass": options.user_create_objectclasses,
                                            options.user_rdn_attribute: (user.name,),
                                            options.user_name_attribute: (user.name,)}
        classes = (*options.user_create_objectclasses, options.user_objectclass)
        if any(name.lower() == ORGANIZATIONAL for name in classes):
            values = {"cn": (user.name,), "sn": (user.name,), **values}
        if options.user_id_attribute.lower() not in MADE_BY_SERVERS:
            values.setdefault(options.user_id_attribute, (user.id,))
        values.update((name, (value,)) for name, value in self._attributes(user).items() if value)
        if self._users.enabled.attributes:
            values[options.user_enabled_attribute] = (self._users.enabled.value(user.enabled),)
        return values

    def _attributes(self, user: User) -> dict[str, str]:
        """What a user is but for its name, by LDAP's names; only texts can be kept."""
        values = {attribute: _as_text(user.extra.get(name)) for name, attribute in self._users.shape.extra.items()}
        if self._options.user_default_project_id_attribute:
            values[self._options.user_default_project_id_attribute] = user.default_project_id
        return values

    def _check_free(self, name: str) -> None:
        filter = self._users.shape.filter(equals(self._options.user_name_attribute, name))
        if self._session.lookup(self._options.user_tree_dn, self._options.query_scope, filter, NO_ATTRIBUTES):
            raise _taken("user", name)

    def update_user(self, found: Found, user: User) -> User:
        """Bring an entry to what ``user`` says; a new name is a new DN where DNs begin with names."""
        dn, options = found.entry.dn, self._options
        if not is_fit(user.name):
            raise BadRequest("The directory cannot keep such a name.")
        changes: list[Change] = [(REPLACE, name, (value,) if value else ())
                                 for name, value in self._attributes(user).items()]
        if self._users.enabled.attributes and user.enabled != found.user.enabled:
            changes.append((REPLACE, options.user_enabled_attribute,
                            (self._users.enabled.value(user.enabled, found.entry),)))
        renamed = user.name != found.user.name
        if renamed:
            if user.name.casefold() != found.user.name.casefold():
                self._check_free(user.name)
            if options.user_name_attribute.lower() != options.user_rdn_attribute.lower():
                changes.append((REPLACE, options.user_name_attribute, (user.name,)))
        if changes:
            self._session.run(lambda link: link.modify(dn, changes))
        if renamed and options.user_name_attribute.lower() == options.user_rdn_attribute.lower():
            dn = self._renamed("user", dn, options.user_rdn_attribute, user.name)
        if options.user_enabled_emulation:
            self._follow_enabled(found, dn, user)
        after = self._users.at(dn)
        if after is None:
            raise NotFound(f"Could not find user: {user.id}.")
        return after.user

    def _renamed(self, noun: str, dn: str, attribute: str, name: str) -> str:
        """Rename an entry, and follow it in the groups that hold it; the new DN."""
        rdn = f"{attribute}={in_dn(name)}"
        new = f"{rdn},{parent(dn)}"
        with self._taken_told(noun, name):
            self._session.run(lambda link: link.rename(dn, rdn))
        if not self._options.group_members_are_ids:
            for group in self._holders(dn):
                self._replace_member(group, dn, new)
        return new

    def _replace_member(self, group: str, old: str, new: str) -> None:
        member = self._options.group_member_attribute
        self._session.run(lambda link: link.modify(group, [(ADD, member, (new,)), (DELETE, member, (old,))]))

    def _holders(self, name: str) -> list[str]:
        """DNs of the groups that a member is right in."""
        filter = self._groups.shape.filter(f"({self._options.group_member_attribute}={in_filter(name)})")
        found = self._session.lookup(self._options.group_tree_dn, self._options.query_scope, filter, NO_ATTRIBUTES)
        return [entry.dn for entry in found]

    def _set_enabled(self, dn: str, name: str, enabled: bool) -> None:
        """Put a user into the group of those who are enabled, or take it out."""
        known = self._users.enabled
        value = name if known.is_by_ids else dn
        self._session.run(lambda link: link.modify(self._options.user_enabled_emulation_dn, [
            (ADD if enabled else DELETE, known.member_attribute, (value,))]))

    def _follow_enabled(self, found: Found, dn: str, user: User) -> None:
        """Bring the group of those who are enabled to what a user now is and is called."""
        if user.enabled and (not found.user.enabled or dn != found.entry.dn):
            self._set_enabled(dn, user.name, enabled=True)
        if found.user.enabled and (not user.enabled or dn != found.entry.dn):
            self._set_enabled(found.entry.dn, found.user.name, enabled=False)

    def delete_user(self, found: Found) -> None:
        """Remove an entry and what groups hold of it."""
        name = self._name_in_groups(found)
        for group in self._holders(name):
            self._unmember(group, name)
        if self._options.user_enabled_emulation:
            with contextlib.suppress(NotFound):
                self._set_enabled(found.entry.dn, found.user.name, enabled=False)
        self._session.run(lambda link: link.delete(found.entry.dn))

    # Groups.

    def create_group(self, group: Group) -> Group:
        """Make an entry of a group without members, which some directories know only with a member that nobody is."""
        if not is_fit(group.name):
            raise BadRequest("The directory cannot keep such a name.")
        if self._groups.named(group.name) is not None:
            raise _taken("group", group.name)
        options = self._options
        dn = f"cn={in_dn(group.name)},{options.group_tree_dn}"
        values: dict[str, Sequence[str]] = {"objectClass": options.group_create_objectclasses, "cn": (group.name,),
                                            options.group_name_attribute: (group.name,)}
        if options.group_empty_member:
            values[options.group_member_attribute] = (options.group_empty_member,)
        if options.group_id_attribute.lower() not in MADE_BY_SERVERS:
            values.setdefault(options.group_id_attribute, (group.id,))
        values.update((name, (value,)) for name, value in self._group_attributes(group).items() if value)
        with self._taken_told("group", group.name):
            self._session.run(lambda link: link.add(dn, values))
        return self._group_at(dn)

    def _group_attributes(self, group: Group) -> dict[str, str]:
        known: Mapping[str, Any] = {**group.extra, "description": group.description}
        return {attribute: _as_text(known.get(name)) for name, attribute in self._groups.shape.extra.items()}

    def _group_at(self, dn: str) -> Group:
        shape = self._groups.shape
        found = self._session.lookup(dn, "base", "(objectClass=*)", (shape.id, shape.name, *shape.extra.values()))
        made = as_group(shape, found[0]) if found else None
        if made is None:
            raise BackendFailed("the directory gave a group no id")
        return made

    def update_group(self, entry: Entry, group: Group) -> Group:
        """Bring an entry to what ``group`` says."""
        dn, name = entry.dn, self._groups.shape.one(entry, self._groups.shape.name)
        changes: list[Change] = [(REPLACE, attribute, (value,) if value else ())
                                 for attribute, value in self._group_attributes(group).items()]
        if group.name != name:
            if not is_fit(group.name):
                raise BadRequest("The directory cannot keep such a name.")
            if group.name.casefold() != name.casefold() and self._groups.named(group.name) is not None:
                raise _taken("group", group.name)
            if self._options.group_name_attribute.lower() != "cn":
                changes.append((REPLACE, self._options.group_name_attribute, (group.name,)))
        self._session.run(lambda link: link.modify(dn, changes))
        if group.name != name and self._options.group_name_attribute.lower() == "cn":
            dn = self._renamed("group", dn, "cn", group.name)
        return self._group_at(dn)

    def delete_group(self, entry: Entry) -> None:
        """Remove an entry and what groups around it hold of it."""
        for group in self._holders(entry.dn):
            self._unmember(group, entry.dn)
        self._session.run(lambda link: link.delete(entry.dn))

    def set_member(self, group: Entry, user: Found, present: bool) -> None:
        """Put a user into a group, or take it out."""
        name = self._name_in_groups(user)
        if present:
            member = self._options.group_member_attribute
            self._session.run(lambda link: link.modify(group.dn, [(ADD, member, (name,))]))
        else:
            self._unmember(group.dn, name)

    def _name_in_groups(self, found: Found) -> str:
        if not self._options.group_members_are_ids:
            return found.entry.dn
        attribute = self._options.group_member_user_attribute or self._users.shape.name
        return self._users.shape.one(found.entry, attribute)

    def _unmember(self, group: str, name: str) -> None:
        """Take a name out of a group; where that would be the last one, leave the one that nobody is."""
        member = self._options.group_member_attribute
        try:
            self._session.run(lambda link: link.modify(group, [(DELETE, member, (name,))]))
        except (BackendFailed, BadRequest, Forbidden):
            if not self._options.group_empty_member:
                raise
            self._session.run(lambda link: link.modify(group, [(ADD, member, (self._options.group_empty_member,)),
                                                       (DELETE, member, (name,))]))

    @contextlib.contextmanager
    def _taken_told(self, noun: str, name: str) -> Iterator[None]:
        try:
            yield
        except AlreadyExists as exc:
            raise _taken(noun, name) from exc


def _taken(noun: str, name: str) -> AlreadyExists:
    return AlreadyExists(f"Conflict occurred attempting to store {noun} - Duplicate entry found with name {name}.")


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else ""
