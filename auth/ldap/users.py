"""Users: found by name, by id or by conditions."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...core.clock import Clock
from ...core.drivers.identity import Condition, User
from . import shape
from .enabled import Enabled
from .link import Entry
from .listing import is_met, name_filter
from .options import LdapOptions
from .recent import Recent
from .session import Session
from .text import either, equals, first_rdn, is_below, is_fit, normal

BATCH = 200


class Found(NamedTuple):
    """A user and the entry it was made of."""

    user: User
    entry: Entry


class Users:
    """The users of one directory."""

    def __init__(self, options: LdapOptions, session: Session, clock: Clock, log: logging.Logger) -> None:
        self._options = options
        self._session = session
        self._log = log
        self.shape = shape.users(options)
        self.enabled = Enabled(options, session)
        self._base = normal(options.user_tree_dn)
        self.recent: Recent[Found] = Recent(clock, options.remember_s)
        further = ("memberOf",) if options.nested_groups in ("member_of", "in_chain") else ()
        member = (options.group_member_user_attribute,) if options.group_member_user_attribute else ()
        self._attributes = tuple(dict.fromkeys((
            self.shape.id, self.shape.name, *self.shape.extra.values(), *self.enabled.attributes, *further, *member,
            *((options.user_default_project_id_attribute,) if options.user_default_project_id_attribute else ()))))

    def named(self, name: str) -> Found | None:
        """The user of a name. Two of one name are none: nobody may be taken for somebody else."""
        return self._only(equals(self.shape.name, name), name) if is_fit(name) else None

    def of_id(self, user_id: str) -> Found | None:
        """The user of an id; two of one id are none."""
        found = self.recent.get(user_id)
        if found is None and is_fit(user_id):
            found = self._only(equals(self.shape.id, user_id), user_id)
            if found is not None:
                self.recent.put(user_id, found)
        return found

    def _only(self, condition: str, what: str) -> Found | None:
        found = self._made(self._session.lookup(self.shape.tree, self.shape.scope, self.shape.filter(condition),
                                                self._attributes))
        if len(found) > 1:
            self._log.error("%d users of the directory are %r; none of them is let in", len(found), what[:100])
        return found[0] if len(found) == 1 else None

    def of_ids(self, user_ids: Iterable[str]) -> dict[str, User]:
        """Those that exist, a search for each :data:`BATCH` of them; without those whose id two have."""
        return self._unique(entry for entries in self._any(self.shape.id, user_ids) for entry in self._made(entries))

    def _any(self, attribute: str, values: Iterable[str]) -> Iterable[list[Entry]]:
        wanted = [value for value in dict.fromkeys(values) if is_fit(value)]
        for start in range(0, len(wanted), BATCH):
            condition = either(equals(attribute, value) for value in wanted[start:start + BATCH])
            yield self._session.lookup(self.shape.tree, self.shape.scope, self.shape.filter(condition),
                                       self._attributes)

    def all(self, conditions: Sequence[Condition]) -> dict[str, User]:
        """All that meet ``conditions``, by id."""
        if any("\0" in str(one.value) for one in conditions):
            return {}
        entries = self._session.search(self.shape.tree, self.shape.scope,
                                       self.shape.filter(name_filter(self.shape.name, conditions)), self._attributes)
        return {id: user for id, user in self._unique(self._made(entries)).items() if is_met(conditions, user)}

    def _unique(self, found: Iterable[Found]) -> dict[str, User]:
        unique: dict[str, User] = {}
        twice = set()
        for one in found:
            if one.user.id in unique:
                twice.add(one.user.id)
            unique[one.user.id] = one.user
        for id in twice:
            self._log.error("two users of the directory have the id %r; neither is shown", id[:100])
            del unique[id]
        return unique

    def _made(self, entries: Sequence[Entry]) -> list[Found]:
        made = ((shape.user(self.shape, self._options, entry, enabled), entry)
                for entry, enabled in zip(entries, self.enabled.of(entries), strict=True))
        return [Found(user, entry) for user, entry in made if user is not None]

    def ids_of_members(self, members: Iterable[str]) -> Mapping[str, str]:
        """Ids by the value that a group names its members with, of those members that are users."""
        if self._options.group_members_are_ids:
            return self._ids_by_value(list(members))
        by_rdn: dict[str, list[tuple[str, str]]] = {}
        for dn in members:
            attribute, value = first_rdn(dn)
            if is_below(normal(dn), self._base):
                by_rdn.setdefault(attribute.lower(), []).append((dn, value))
        found: dict[str, str] = {}
        for attribute, pairs in by_rdn.items():
            if attribute:
                entries = [entry for part in self._any(attribute, (value for _, value in pairs)) for entry in part]
                ids = {normal(entry.dn): self.shape.id_of(entry) for entry in entries}
                found.update((dn, ids.get(normal(dn), "")) for dn, _ in pairs)
        return {dn: id for dn, id in found.items() if id}

    def _ids_by_value(self, values: Sequence[str]) -> Mapping[str, str]:
        attribute = self._options.group_member_user_attribute or self.shape.name
        return {self.shape.one(entry, attribute): self.shape.id_of(entry)
                for entries in self._any(attribute, values) for entry in entries if self.shape.id_of(entry)}

    def of_groups(self, condition: str) -> list[Entry]:
        """The entries of users that meet a condition on the groups they are in."""
        return self._session.search(self.shape.tree, self.shape.scope, self.shape.filter(condition),
                                    (self.shape.id, "memberOf"))

    def at(self, dn: str) -> Found | None:
        """The user at a DN."""
        found = self._made(self._session.lookup(dn, "base", "(objectClass=*)", self._attributes))
        return found[0] if found else None
