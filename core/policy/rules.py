"""Policy rules and the language of OpenStack's policy files.

A check is ``role:admin``, ``rule:other``, ``user_id:%(user_id)s``, ``'literal':%(name)s``,
``@`` (always), ``!`` (never), joined by ``and``, ``or``, ``not`` and parentheses; an empty
text is always true (oslo.policy's documented file format).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..context import Context
from ..errors import BadConfiguration

Target = Mapping[str, Any]
Check = Callable[[Context, Target], bool]
Lookup = Callable[[str], Check]

TOKEN = re.compile(r"\s*(\(|\)|(?:[^\s()'\"%]|'[^']*'|\"[^\"]*\"|%\([^)]*\)s|%)+)")


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule: its name, its check and a sentence saying what it guards.

    ``scopes`` are the kinds of token it takes (``system``, ``domain``, ``project``); none named means all. A policy
    file changes the check only. ``service`` is whose rule it is: services have rules of one name (``admin_or_owner``)
    that mean different things, and each means its own.
    """

    name: str
    check: str
    sentence: str
    scopes: frozenset[str] = frozenset()
    service: str = ""


def always(context: Context, target: Target) -> bool:
    """The check ``@``."""
    return True


def never(context: Context, target: Target) -> bool:
    """The check ``!``."""
    return False


@dataclasses.dataclass(frozen=True)
class Node:
    """A part of a check: ``kind`` is ``or``, ``and``, ``not`` or ``term``; ``text`` is a term as it is written."""

    kind: str
    check: Check
    parts: tuple[Node, ...] = ()
    text: str = ""


def parse(text: str, lookup: Lookup) -> Check:
    """``text`` as a function; ``lookup`` finds other rules by name when they are first used.

    :raises BadConfiguration: the text is no check.
    """
    return tree(text, lookup).check


def tree(text: str, lookup: Lookup) -> Node:
    """``text`` as :func:`parse` understands it, with its parts. :raises BadConfiguration: the text is no check."""
    words = TOKEN.findall(text)
    if not words:
        if text.strip():
            raise BadConfiguration(f"policy check {text!r} cannot be read")
        return Node("term", always, text="@")
    node, rest = _either(words, lookup, text)
    if rest:
        raise BadConfiguration(f"policy check {text!r}: unexpected {rest[0]!r}")
    return node


def _either(words: list[str], lookup: Lookup, text: str) -> tuple[Node, list[str]]:
    node, words = _both(words, lookup, text)
    parts = [node]
    while words and words[0].lower() == "or":
        node, words = _both(words[1:], lookup, text)
        parts.append(node)
    if len(parts) == 1:
        return parts[0], words
    checks = [part.check for part in parts]
    return Node("or", lambda context, target: any(one(context, target) for one in checks), tuple(parts)), words


def _both(words: list[str], lookup: Lookup, text: str) -> tuple[Node, list[str]]:
    node, words = _single(words, lookup, text)
    parts = [node]
    while words and words[0].lower() == "and":
        node, words = _single(words[1:], lookup, text)
        parts.append(node)
    if len(parts) == 1:
        return parts[0], words
    checks = [part.check for part in parts]
    return Node("and", lambda context, target: all(one(context, target) for one in checks), tuple(parts)), words


def _single(words: list[str], lookup: Lookup, text: str) -> tuple[Node, list[str]]:
    if not words:
        raise BadConfiguration(f"policy check {text!r} ends too early")
    word, rest = words[0], words[1:]
    if word.lower() == "not":
        inner, rest = _single(rest, lookup, text)
        return Node("not", lambda context, target: not inner.check(context, target), (inner,)), rest
    if word == "(":
        node, rest = _either(rest, lookup, text)
        if not rest or rest[0] != ")":
            raise BadConfiguration(f"policy check {text!r}: a parenthesis is not closed")
        return node, rest[1:]
    return Node("term", _term(word, lookup, text), text=word), rest


def _term(word: str, lookup: Lookup, text: str) -> Check:
    if word == "@":
        return always
    if word == "!":
        return never
    kind, colon, match = _split(word)
    if not colon:
        raise BadConfiguration(f"policy check {text!r}: {word!r} is no check")
    if kind == "rule":
        return _rule(match, lookup)
    if kind == "role":
        return _role(match)
    return _generic(kind, match)


def _split(word: str) -> tuple[str, str, str]:
    if word[:1] in "'\"":
        end = word.index(word[0], 1)
        return word[:end + 1], word[end + 1:end + 2], word[end + 2:]
    return word.partition(":")


def _rule(name: str, lookup: Lookup) -> Check:
    found: list[Check] = []

    def check(context: Context, target: Target) -> bool:
        if not found:
            found.append(lookup(name))
        return found[0](context, target)
    return check


def _role(match: str) -> Check:
    value = _value(match)
    if isinstance(value, str):
        wanted = value.lower()
        return lambda context, target: wanted in context.roles
    return lambda context, target: str(value(target)).lower() in context.roles


def _value(match: str) -> str | Callable[[Target], Any]:
    """The right side of a term: a literal, or what the target says."""
    found = re.fullmatch(r"%\(([^)]*)\)s", match)
    if not found:
        return match.strip("'\"")
    name = found.group(1)
    return lambda target: target_value(target, name)


def target_value(target: Target, name: str) -> Any:
    """``name`` of the target: as one key, or as keys joined by dots; none when it is not there."""
    if name in target:
        return target[name]
    value: Any = target
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def target_has(target: Target, name: str) -> bool:
    """Tell whether the target says anything of ``name``, be it that it is nothing."""
    if name in target:
        return True
    value: Any = target
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


def _generic(kind: str, match: str) -> Check:
    value = _value(match)
    if kind[:1] in "'\"" or kind in ("True", "False", "None"):
        literal = kind.strip("'\"")
        if isinstance(value, str):
            same = literal == value
            return lambda context, target: same
        return lambda context, target: str(value(target)) == literal and target_has(target, match[2:-2])
    read = CREDENTIALS.get(kind)
    if read is None:
        return never
    if isinstance(value, str):
        return lambda context, target: _told(read(context)) == value

    def check(context: Context, target: Target) -> bool:
        asked = value(target)
        return asked is not None and bool(read(context)) and str(asked) == str(read(context))
    return check


def _told(credential: Any) -> str:
    """A credential as policy files write it: one that the caller has not is ``None``."""
    return "None" if credential in ("", None) else str(credential)


def scope_of(context: Context) -> str:
    """The kind of the caller's token: ``system``, ``domain``, ``project``, or nothing when it has no scope."""
    return "system" if context.system else "domain" if context.domain_id else "project" if context.project_id else ""


CREDENTIALS: Mapping[str, Callable[[Context], Any]] = {
    "user_id": lambda context: context.user_id,
    "user": lambda context: context.user_id,
    "project_id": lambda context: context.project_id,
    "tenant": lambda context: context.project_id,
    "tenant_id": lambda context: context.project_id,
    "domain_id": lambda context: context.domain_id,
    "user_domain_id": lambda context: context.user_domain_id,
    "project_domain_id": lambda context: context.project_domain_id,
    "system_scope": lambda context: context.system or None,
    "is_admin": lambda context: context.is_admin,
    "is_admin_project": lambda context: True,
    "token.project.domain.id": lambda context: context.project_domain_id,
    "token.domain.id": lambda context: context.domain_id,
    "token.user.domain.id": lambda context: context.user_domain_id,
}
