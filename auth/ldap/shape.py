"""What an entry is to the service: which attribute is what, and the users and groups made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.drivers.identity import Group, User
from .link import Entry
from .options import LdapOptions
from .text import read

LONGEST_ID = 255


@dataclasses.dataclass(frozen=True)
class Shape:
    """The attributes of users, or of groups."""

    tree: str
    scope: str
    kind: str
    """The filter that all of them match."""
    id: str
    name: str
    extra: Mapping[str, str]
    """LDAP's names of what else is shown, by the names of the API."""

    def one(self, entry: Entry, attribute: str) -> str:
        """The first value of an attribute as text; empty for none and for what is no text."""
        values = entry.values.get(attribute.lower(), ()) if attribute else ()
        return read(attribute, values[0]) if values else ""

    def id_of(self, entry: Entry) -> str:
        """The id of an entry; empty for one that cannot be named."""
        found = self.one(entry, self.id)
        return found if len(found) <= LONGEST_ID else ""

    def filter(self, condition: str = "") -> str:
        """The filter of those that meet a condition, which is a filter."""
        return f"(&{self.kind}{condition})"


def users(options: LdapOptions) -> Shape:
    """The shape of users."""
    extra = {"email": options.user_mail_attribute, "description": options.user_description_attribute}
    return Shape(
        tree=options.user_tree_dn, scope=options.query_scope, id=options.user_id_attribute,
        kind=_kind(options.user_objectclass, options.user_filter), name=options.user_name_attribute,
        extra=_shown(extra, options.user_additional_attribute_mapping, options.user_attribute_ignore))


def groups(options: LdapOptions) -> Shape:
    """The shape of groups."""
    extra = {"description": options.group_desc_attribute}
    return Shape(
        tree=options.group_tree_dn, scope=options.query_scope, id=options.group_id_attribute,
        kind=_kind(options.group_objectclass, options.group_filter), name=options.group_name_attribute,
        extra=_shown(extra, options.group_additional_attribute_mapping, options.group_attribute_ignore))


def user(shape: Shape, options: LdapOptions, entry: Entry, enabled: bool) -> User | None:
    """The user of an entry; none when it has no id or no name."""
    id, name = shape.id_of(entry), shape.one(entry, shape.name)
    if not id or not name:
        return None
    return User(id=id, domain_id="", name=name, enabled=enabled, extra=_extra(shape, entry),
                default_project_id=shape.one(entry, options.user_default_project_id_attribute)[:64])


def group(shape: Shape, entry: Entry) -> Group | None:
    """The group of an entry; none when it has no id or no name."""
    id, name = shape.id_of(entry), shape.one(entry, shape.name)
    if not id or not name:
        return None
    extra = _extra(shape, entry)
    return Group(id=id, domain_id="", name=name, description=extra.pop("description", ""), extra=extra)


def _extra(shape: Shape, entry: Entry) -> dict[str, Any]:
    found = ((name, shape.one(entry, attribute)) for name, attribute in shape.extra.items())
    return {name: value for name, value in found if value}


def _kind(objectclass: str, more: str) -> str:
    more = more.strip()
    if more and not more.startswith("("):
        more = f"({more})"
    return f"(objectClass={objectclass}){more}" if more else f"(objectClass={objectclass})"


def _shown(known: Mapping[str, str], further: Sequence[str], ignored: Sequence[str]) -> dict[str, str]:
    named = {name.strip(): attribute.strip() for attribute, _, name in (pair.partition(":") for pair in further)}
    return {name: attribute for name, attribute in {**known, **named}.items() if attribute and name not in ignored}
