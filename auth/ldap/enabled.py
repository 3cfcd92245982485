"""Whether a user is enabled: by an attribute, by a bit of a number, by the contrary of a lock, or by a group."""

from __future__ import annotations

from collections.abc import Sequence

from .link import NO_ATTRIBUTES, Entry
from .options import LdapOptions
from .session import Session
from .text import Normal, equals, in_filter, normal, read

TRUE = frozenset(("true", "1", "yes", "on", "enabled", "active"))
FALSE = frozenset(("", "false", "0", "no", "off"))
MANY = 50
"""From so many users on, the members of the group are read instead of asked for one by one."""


class Enabled:
    """Tells it of entries. What cannot be read means disabled."""

    def __init__(self, options: LdapOptions, session: Session) -> None:
        self._options = options
        self._session = session
        self._attribute = options.user_enabled_attribute
        self.is_by_ids = options.user_enabled_emulation_use_group_config and options.group_members_are_ids
        own = options.user_enabled_emulation_use_group_config
        self.member_attribute = options.group_member_attribute if own else "member"

    @property
    def attributes(self) -> Sequence[str]:
        """What has to be read of an entry."""
        return () if self._options.user_enabled_emulation or not self._attribute else (self._attribute,)

    def of(self, entries: Sequence[Entry]) -> list[bool]:
        """Of each entry; one search at the most for up to :data:`MANY` of them, else a reading of the group."""
        if self._options.user_enabled_emulation:
            return self._by_group(entries)
        return [self.told(entry) for entry in entries]

    def told(self, entry: Entry) -> bool:
        """What the entry itself says."""
        if not self._attribute:
            return True
        values = entry.values.get(self._attribute.lower())
        said = read(self._attribute, values[0]) if values else self._options.user_enabled_default
        if self._options.user_enabled_mask > 0:
            return said.lstrip("-").isdecimal() and not int(said) & self._options.user_enabled_mask
        # A lock may also be a moment (pwdAccountLockedTime): anything but a no is a yes.
        if self._options.user_enabled_invert == "true":
            return said.strip().lower() in FALSE
        return said.strip().lower() in TRUE

    def value(self, enabled: bool, entry: Entry | None = None) -> str:
        """The value of the attribute for ``enabled``; the other bits of a number stay as they are."""
        mask = self._options.user_enabled_mask
        if mask > 0:
            values = entry.values.get(self._attribute.lower()) if entry else None
            said = read(self._attribute, values[0]) if values else self._options.user_enabled_default
            number = int(said) if said.lstrip("-").isdecimal() else int(self._options.user_enabled_default or 0)
            return str(number & ~mask if enabled else number | mask)
        return "TRUE" if enabled != (self._options.user_enabled_invert == "true") else "FALSE"

    def member_value(self, entry: Entry) -> str:
        """How the group names a user."""
        if not self.is_by_ids:
            return entry.dn
        name = self._options.group_member_user_attribute or self._options.user_name_attribute
        values = entry.values.get(name.lower(), ())
        return read(name, values[0]) if values else ""

    def _by_group(self, entries: Sequence[Entry]) -> list[bool]:
        if not entries:
            return []
        named = [self.member_value(entry) for entry in entries]
        if len(entries) == 1:
            return [self._is_member(named[0])]
        # Who is asked for is in the filter, so that a server that has many members need not send them all.
        filter = "(objectClass=*)" if len(entries) > MANY else self._any_of(named)
        found = self._session.lookup(self._options.user_enabled_emulation_dn, "base", filter, (self.member_attribute,))
        members = {self._same(read(self.member_attribute, value))
                   for entry in found for value in entry.values.get(self.member_attribute.lower(), ())}
        return [self._same(name) in members for name in named]

    def _is_member(self, name: str) -> bool:
        return bool(name) and bool(self._session.lookup(
            self._options.user_enabled_emulation_dn, "base", equals(self.member_attribute, name), NO_ATTRIBUTES))

    def _any_of(self, names: Sequence[str]) -> str:
        return f"(|{''.join(f'({self.member_attribute}={in_filter(name)})' for name in names)})"

    def _same(self, name: str) -> Normal | str:
        return name if self.is_by_ids else normal(name)
