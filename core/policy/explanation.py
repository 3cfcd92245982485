"""Why a rule allows or denies: the terms that decided, or what a caller lacks for each way that leads past it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice, product
from typing import Any

import msgspec

from ..context import Context
from .engine import Policy
from .rules import CREDENTIALS, Node, Target, scope_of, target_value, tree

MOST_WAYS = 24
NAMED = re.compile(r"%\(([^)]*)\)s")


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer about one rule, caller and target.

    ``because`` are the terms that together let the caller past. ``missing`` are the ways past it that are not
    open, each as the terms that do not hold; the caller needs all terms of one way.
    """

    rule: str
    allowed: bool
    check: str
    source: str
    """``default``, ``policy file``, or ``not declared``: such a rule denies."""
    sentence: str
    scope: str
    """The kind of the caller's token; empty for one without a scope."""
    scopes: tuple[str, ...]
    """The kinds that the rule takes."""
    because: tuple[str, ...] = ()
    missing: tuple[tuple[str, ...], ...] = ()


def explain(policy: Policy, context: Context, name: str, target: Target) -> Explanation:
    """Why ``context`` may or may not do ``name`` to ``target``."""
    allowed = policy.allows(context, name, target)
    known = policy.rules.get(name)
    scopes = tuple(sorted(policy.scopes(name))) or ("domain", "project", "system")
    scope = scope_of(context)
    service = policy.service(name)
    node = tree(policy.text(name, service), policy.lookup(service))
    missing: Sequence[tuple[str, ...]] = ()
    if not allowed:
        wrong_scope = (f"a token for a {' or a '.join(scopes)}",) if scope and scope not in scopes else ()
        lacking = [()] if node.check(context, target) else _lacking(policy, service, node, context, target)
        missing = [(*wrong_scope, *way) for way in lacking]
    return Explanation(
        rule=name, allowed=allowed, check=policy.text(name, service) or "@", source=policy.source(name, service),
        sentence=known.sentence if known is not None else "", scope=scope, scopes=scopes,
        because=tuple(_because(policy, service, node, context, target)) if allowed else (), missing=tuple(missing))


def _because(policy: Policy, service: str, node: Node, context: Context, target: Target) -> list[str]:
    """The first terms of ``node``, which holds, that make it hold."""
    if node.kind == "or":
        open_way = next(part for part in node.parts if part.check(context, target))
        return _because(policy, service, open_way, context, target)
    if node.kind == "and":
        return [term for part in node.parts for term in _because(policy, service, part, context, target)]
    if node.kind == "not":
        return [f"not {_written(node.parts[0])}"]
    if node.text.startswith("rule:"):
        return _because(policy, service, _named(policy, service, node.text[5:]), context, target)
    return [node.text]


def _lacking(policy: Policy, service: str, node: Node, context: Context, target: Target) -> list[tuple[str, ...]]:
    """The ways to make ``node``, which does not hold, hold; each as the terms that it lacks."""
    if node.kind == "or":
        return [way for part in node.parts for way in _lacking(policy, service, part, context, target)][:MOST_WAYS]
    if node.kind == "and":
        each = [_lacking(policy, service, part, context, target)
                for part in node.parts if not part.check(context, target)]
        return [tuple(dict.fromkeys(term for way in ways for term in way))
                for ways in islice(product(*each), MOST_WAYS)]
    if node.kind == "not":
        return [(f"not {_written(node.parts[0])}",)]
    if node.text.startswith("rule:"):
        return _lacking(policy, service, _named(policy, service, node.text[5:]), context, target)
    return [(_told(node.text, context, target),)]


def _named(policy: Policy, service: str, name: str) -> Node:
    """A rule that another names."""
    return tree(policy.text(name, service), policy.lookup(service))


def _told(term: str, context: Context, target: Target) -> str:
    """A term that does not hold, with what it compares where it compares with the target."""
    name = NAMED.search(term)
    if name is None:
        return term
    credential = term.partition(":")[0]
    read = CREDENTIALS.get(credential)
    here = "" if read is None else f"the caller has {_shown(read(context))}, "
    return f"{term} ({here}the target has {_shown(target_value(target, name.group(1)))})"


def _shown(value: Any) -> str:
    return "none" if value in ("", None) else str(value)


def _written(node: Node) -> str:
    if node.kind == "term":
        return node.text
    if node.kind == "not":
        return f"not {_written(node.parts[0])}"
    return "(" + f" {node.kind} ".join(_written(part) for part in node.parts) + ")"
