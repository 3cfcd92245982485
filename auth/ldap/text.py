"""Texts of people inside of filters and DNs, and the other way round: nothing that is given is ever syntax."""

from __future__ import annotations

from collections.abc import Iterable

import ldap.dn
import ldap.filter

BINARY_IDS = frozenset(("objectguid",))
"""Attributes that hold 16 bytes of a GUID in Microsoft's order."""
LONGEST_VALUE_BYTES = 65_536

Normal = tuple[tuple[tuple[str, str], ...], ...]


def in_filter(value: str) -> str:
    """A value as part of a filter (RFC 4515)."""
    return str(ldap.filter.escape_filter_chars(value))


def in_dn(value: str) -> str:
    """A value as part of a DN (RFC 4514), control characters too: libldap drops them at the ends of values."""
    escaped = str(ldap.dn.escape_dn_chars(value))
    return "".join(f"\\{ord(letter):02x}" if letter < " " else letter for letter in escaped)


def is_fit(value: str) -> bool:
    """Tell whether a directory can be asked for a text at all: it has letters, no NUL, and can be written in UTF-8."""
    return bool(value) and "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def equals(attribute: str, value: str) -> str:
    """A filter for one value of an attribute; ids that are kept in bytes are looked for as such.

    A text that is no id of that kind gives a filter that matches nothing.
    """
    if attribute.lower() not in BINARY_IDS:
        return f"({attribute}={in_filter(value)})"
    raw = _guid_bytes(value)
    return "(!(objectClass=*))" if raw is None else f"({attribute}={''.join(f'{chr(92)}{byte:02x}' for byte in raw)})"


def either(filters: Iterable[str]) -> str:
    """A filter that matches where one of ``filters`` does."""
    listed = list(filters)
    return listed[0] if len(listed) == 1 else f"(|{''.join(listed)})"


def read(attribute: str, raw: bytes) -> str:
    """The text of a value, empty if it has none: it is no text, or longer than any that is wanted."""
    if attribute.lower() in BINARY_IDS:
        return _guid_text(raw)
    if len(raw) > LONGEST_VALUE_BYTES or b"\0" in raw:
        return ""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return ""


def normal(dn: str) -> Normal:
    """A DN in a form that is the same for all ways to write it; empty for what is no DN."""
    try:
        parsed = ldap.dn.str2dn(dn)
    except ldap.LDAPError:
        return ()
    return tuple(tuple(sorted((kind.lower(), " ".join(value.casefold().split())) for kind, value, _ in rdn))
                 for rdn in parsed)


def first_rdn(dn: str) -> tuple[str, str]:
    """Attribute and value that a DN begins with; empty for what is no DN, and for a name of several attributes."""
    try:
        rdn = ldap.dn.str2dn(dn)[0]
    except (ldap.LDAPError, IndexError):
        return "", ""
    return (rdn[0][0], rdn[0][1]) if len(rdn) == 1 else ("", "")


def parent(dn: str) -> str:
    """The DN of what an entry is right below."""
    return str(ldap.dn.dn2str(ldap.dn.str2dn(dn)[1:]))


def is_below(dn: Normal, base: Normal) -> bool:
    """Tell whether a DN is in the tree of ``base``."""
    return len(dn) > len(base) and dn[len(dn) - len(base):] == base


def _guid_text(raw: bytes) -> str:
    if len(raw) != 16:
        return ""
    parts = (raw[3::-1], raw[5:3:-1], raw[7:5:-1], raw[8:10], raw[10:])
    return "-".join(part.hex() for part in parts)


def _guid_bytes(text: str) -> bytes | None:
    parts = text.split("-")
    if [len(part) for part in parts] != [8, 4, 4, 4, 12]:
        return None
    try:
        first, second, third, fourth, fifth = (bytes.fromhex(part) for part in parts)
    except ValueError:
        return None
    return first[::-1] + second[::-1] + third[::-1] + fourth + fifth
