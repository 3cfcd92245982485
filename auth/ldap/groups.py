"""Groups, their members, and groups in groups."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from ...core.clock import Clock
from ...core.drivers.identity import Condition, Group
from . import shape
from .link import Entry
from .listing import is_met, name_filter
from .options import LdapOptions
from .recent import Recent
from .session import Session
from .text import Normal, either, equals, first_rdn, in_filter, is_below, is_fit, normal, read
from .users import BATCH, Found, Users

IN_CHAIN = "1.2.840.113556.1.4.1941"
"""Microsoft's matching rule that follows groups in groups (LDAP_MATCHING_RULE_IN_CHAIN)."""


class Groups:
    """The groups of one directory."""

    def __init__(self, options: LdapOptions, session: Session, users: Users, clock: Clock,
                 log: logging.Logger) -> None:
        self._options = options
        self._session = session
        self._users = users
        self._log = log
        self.shape = shape.groups(options)
        self.recent: Recent[tuple[Group, Entry]] = Recent(clock, options.remember_s)
        self._base = normal(options.group_tree_dn)
        self._member = options.group_member_attribute
        self._attributes = tuple(dict.fromkeys((self.shape.id, self.shape.name, *self.shape.extra.values())))

    def named(self, name: str) -> tuple[Group, Entry] | None:
        """The group of a name; two of one name are none."""
        return self._only(equals(self.shape.name, name), name) if is_fit(name) else None

    def of_id(self, group_id: str) -> tuple[Group, Entry] | None:
        """The group of an id; two of one id are none."""
        found = self.recent.get(group_id)
        if found is None and is_fit(group_id):
            found = self._only(equals(self.shape.id, group_id), group_id)
            if found is not None:
                self.recent.put(group_id, found)
        return found

    def _only(self, condition: str, what: str) -> tuple[Group, Entry] | None:
        entries = self._session.lookup(self.shape.tree, self.shape.scope, self.shape.filter(condition),
                                       self._attributes)
        found = [(group, entry) for entry in entries if (group := shape.group(self.shape, entry)) is not None]
        if len(found) > 1:
            self._log.error("%d groups of the directory are %r; none of them counts", len(found), what[:100])
        return found[0] if len(found) == 1 else None

    def of_ids(self, group_ids: Iterable[str]) -> dict[str, Group]:
        """Those that exist, a search for each batch of them."""
        return self._unique(self._any(self.shape.id, group_ids, self._attributes))

    def all(self, conditions: Sequence[Condition]) -> dict[str, Group]:
        """All that meet ``conditions``, by id."""
        if any("\0" in str(one.value) for one in conditions):
            return {}
        entries = self._session.search(self.shape.tree, self.shape.scope,
                                       self.shape.filter(name_filter(self.shape.name, conditions)), self._attributes)
        return {id: group for id, group in self._unique(entries).items() if is_met(conditions, group)}

    def _unique(self, entries: Iterable[Entry]) -> dict[str, Group]:
        unique: dict[str, Group] = {}
        twice = set()
        for entry in entries:
            group = shape.group(self.shape, entry)
            if group is not None:
                if group.id in unique:
                    twice.add(group.id)
                unique[group.id] = group
        for id in twice:
            self._log.error("two groups of the directory have the id %r; neither is shown", id[:100])
            del unique[id]
        return unique

    def _any(self, attribute: str, values: Iterable[str], attributes: Sequence[str]) -> list[Entry]:
        wanted = [value for value in dict.fromkeys(values) if is_fit(value)]
        found: list[Entry] = []
        for start in range(0, len(wanted), BATCH):
            condition = either(equals(attribute, value) for value in wanted[start:start + BATCH])
            found += self._session.lookup(self.shape.tree, self.shape.scope, self.shape.filter(condition), attributes)
        return found

    # Who is in what.

    def of_user(self, found: Found) -> list[str]:
        """Ids of the groups a user is in, sorted, those around groups too where the layout says so."""
        if self._options.nested_groups == "member_of":
            values = found.entry.values.get("memberof", ())
            entries = self._at([read("memberOf", value) for value in values])
        elif self._options.nested_groups == "in_chain":
            entries = self._holding([found.entry.dn], f"{self._member}:{IN_CHAIN}:")
        else:
            entries = self._around([self._name_of(found)])
        return sorted({id for id in map(self.shape.id_of, entries) if id})

    def _name_of(self, found: Found) -> str:
        if not self._options.group_members_are_ids:
            return found.entry.dn
        return self._users.shape.one(found.entry, self._options.group_member_user_attribute or self._users.shape.name)

    def _around(self, names: list[str]) -> list[Entry]:
        """The groups that hold one of ``names``, those that hold them, and so on: one search a level."""
        nested = self._options.nested_groups == "breadth_first" and not self._options.group_members_are_ids
        found: dict[Normal, Entry] = {}
        for _ in range(self._options.nested_depth if nested else 1):
            new = {normal(entry.dn): entry for entry in self._holding(names, self._member)}
            names = [entry.dn for dn, entry in new.items() if dn not in found]
            found.update(new)
            if not names:
                break
        return list(found.values())

    def _holding(self, names: Sequence[str], attribute: str) -> list[Entry]:
        found: list[Entry] = []
        for start in range(0, len(names), BATCH):
            condition = either(f"({attribute}={in_filter(name)})" for name in names[start:start + BATCH])
            found += self._session.lookup(self.shape.tree, self.shape.scope, self.shape.filter(condition),
                                          (self.shape.id,))
        return found

    def _at(self, dns: Sequence[str], further: Sequence[str] = ()) -> list[Entry]:
        """The groups at those of ``dns`` that are in the tree of groups, found by what their DNs begin with."""
        wanted: dict[str, dict[Normal, str]] = {}
        for dn in dns:
            attribute, value = first_rdn(dn)
            if attribute and is_below(normal(dn), self._base):
                wanted.setdefault(attribute, {})[normal(dn)] = value
        return [entry for attribute, values in wanted.items()
                for entry in self._any(attribute, values.values(), (self.shape.id, *further))
                if normal(entry.dn) in values]

    def members(self, group_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Ids of the users in each group, sorted, those in groups in it too where the layout says so."""
        entries = self._any(self.shape.id, group_ids, (self.shape.id, self._member))
        if self._options.nested_groups == "member_of":
            return self._by_member_of(entries)
        if self._options.nested_groups == "in_chain":
            return {self.shape.id_of(entry): self._in_chain(entry) for entry in entries}
        holds = self._within(entries)
        ids = self._users.ids_of_members(dict.fromkeys(name for names in holds.values() for name in names))
        return {id: sorted({ids[name] for name in names if name in ids}) for id, names in holds.items()}

    def _by_member_of(self, entries: Sequence[Entry]) -> Mapping[str, Sequence[str]]:
        if not entries:
            return {}
        holds: dict[Normal, set[str]] = {normal(entry.dn): set() for entry in entries}
        for user in self._users.of_groups(either(equals("memberOf", entry.dn) for entry in entries)):
            for value in user.values.get("memberof", ()):
                holds.get(normal(read("memberOf", value)), set()).add(self._users.shape.id_of(user))
        return {self.shape.id_of(entry): sorted(holds[normal(entry.dn)] - {""}) for entry in entries}

    def _in_chain(self, group: Entry) -> list[str]:
        found = self._users.of_groups(f"(memberOf:{IN_CHAIN}:={in_filter(group.dn)})")
        return sorted({self._users.shape.id_of(entry) for entry in found} - {""})

    def _within(self, entries: Sequence[Entry]) -> dict[str, set[str]]:
        """The names of the members of each group and of the groups in it: one search a level for all of them."""
        nested = self._options.nested_groups == "breadth_first" and not self._options.group_members_are_ids
        holds: dict[Normal, list[str]] = {normal(entry.dn): self._names_in(entry) for entry in entries}
        level = [name for names in holds.values() for name in names]
        for _ in range(self._options.nested_depth if nested else 0):
            inner = self._at([dn for dn in dict.fromkeys(level) if normal(dn) not in holds], (self._member,))
            if not inner:
                break
            level = [name for entry in inner for name in self._names_in(entry)]
            holds.update((normal(entry.dn), self._names_in(entry)) for entry in inner)
        return {self.shape.id_of(entry): _gathered(normal(entry.dn), holds, nested) for entry in entries}

    def _names_in(self, entry: Entry) -> list[str]:
        return [read(self._member, value) for value in entry.values.get(self._member.lower(), ())]


def _gathered(group: Normal, holds: Mapping[Normal, Sequence[str]], nested: bool) -> set[str]:
    """All names in a group and in the groups in it; a group that is in itself ends nowhere, and is seen once."""
    found: set[str] = set()
    seen, waiting = {group}, [group]
    while waiting:
        for name in holds[waiting.pop()]:
            found.add(name)
            inner = normal(name) if nested else ()
            if inner in holds and inner not in seen:
                seen.add(inner)
                waiting.append(inner)
    return found
