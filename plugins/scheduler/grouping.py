"""Groups of resources in flavors, each for one provider: ``resources1:CLASS``, ``trait1:NAME``, ``in_tree1``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...core.errors import BadRequest
from ...core.services.placement import Group

TRAIT, POLICY, TREE, SUBTREE = "trait:", "group_policy", "in_tree", "same_subtree"
GROUPED = re.compile(r"(resources|trait|in_tree)([1-9][0-9]*|_[a-zA-Z0-9_-]{1,63})(?::(.*))?")


def amount(key: str, text: str) -> int:
    """The number in an extra spec. :raises BadRequest: it is none."""
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(f"{key} must be a number, not {text!r}")
    return int(text)


def sort(name: str, word: str, required: set[str], forbidden: set[str]) -> None:
    """Put a trait to those required or forbidden. :raises BadRequest: the word is another."""
    if word not in ("required", "forbidden"):
        raise BadRequest(f"{TRAIT}{name} must be required or forbidden, not {word!r}")
    (required if word == "required" else forbidden).add(name)


def groups(specs: Mapping[str, str]) -> dict[str, Group]:
    """The groups by their suffixes.

    :raises BadRequest: an amount is no number, or a trait neither required nor forbidden.
    """
    amounts: dict[str, dict[str, int]] = {}
    traits: dict[str, tuple[set[str], set[str]]] = {}
    trees: dict[str, str] = {}
    for key, value in sorted(specs.items()):
        found = GROUPED.fullmatch(key)
        if found is None:
            continue
        kind, suffix, name = found.groups()
        if kind == TREE and name is None:
            trees[suffix] = value
        elif kind == "resources" and name:
            amounts.setdefault(suffix, {})[name] = amount(key, value)
        elif kind == "trait" and name:
            sort(name, value, *traits.setdefault(suffix, (set(), set())))
    return {suffix: Group(resources={class_: amount for class_, amount in amounts.get(suffix, {}).items() if amount},
                          required=sorted(traits[suffix][0]) if suffix in traits else [],
                          forbidden=sorted(traits[suffix][1]) if suffix in traits else [],
                          in_tree=trees.get(suffix, "")) for suffix in sorted({*amounts, *traits})}


def isolated(specs: Mapping[str, str], groups: Mapping[str, Group]) -> bool:
    """Tell whether each group needs a provider of its own.

    :raises BadRequest: the policy is unknown, or there are several groups and it is missing.
    """
    policy = specs.get(POLICY, "")
    if policy not in ("", "none", "isolate"):
        raise BadRequest(f"{POLICY} must be none or isolate, not {policy!r}")
    if not policy and len(groups) > 1:
        raise BadRequest(f"a flavor with several groups of resources needs {POLICY}: none or isolate")
    return policy == "isolate"


def subtrees(specs: Mapping[str, str], groups: Mapping[str, Group]) -> list[list[str]]:
    """The groups that go below one provider: ``_A,_B``; further ones behind a semicolon.

    :raises BadRequest: there is no such group.
    """
    found = [[word.strip() for word in part.split(",") if word.strip()] for part in specs.get(SUBTREE, "").split(";")]
    for suffix in (one for part in found for one in part):
        if suffix not in groups:
            raise BadRequest(f"{SUBTREE} names {suffix!r}, and there is no such group")
    return [part for part in found if part]
