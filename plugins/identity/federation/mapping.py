"""The rules of mappings: from the attributes a provider asserts to a user, groups and projects of ours.

Source: the administrator's guide of Keystone, "Mapping Combinations", and the reference of OS-FEDERATION.

A rule holds ``remote`` requirements and ``local`` results. All requirements of a rule have to be met for it to
count, and all rules that count add up. Those requirements without ``any_one_of`` and ``not_any_of`` hand their values
on: ``{0}`` in a result stands for those of the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from ....core.errors import Unauthorized

Attributes = Mapping[str, Sequence[str]]
"""What is asserted: values by attribute."""

PLACE = re.compile(r"\{(\d+)\}")
LONGEST = 4096
NOBODY = "Could not map any federated user properties to identity values."


class Mapped(msgspec.Struct, kw_only=True):
    """What a mapping made of an assertion.

    ``kind`` is ``ephemeral`` for users that live with their provider and ``local`` for users of ours. ``domain`` is
    that of a local user, by ``id`` or ``name``. ``named_groups`` are (name, domain by id or name); ``projects`` are
    (name, names of roles, domain by id or name: none is the provider's).
    """

    kind: str = "ephemeral"
    user_id: str = ""
    user_name: str = ""
    email: str = ""
    domain: dict[str, str] = {}
    group_ids: list[str] = []
    named_groups: list[tuple[str, dict[str, str]]] = []
    projects: list[tuple[str, list[str], dict[str, str]]] = []


def evaluate(rules: Sequence[Mapping[str, Any]], attributes: Attributes) -> Mapped:
    """What ``rules`` make of ``attributes``.

    :raises Unauthorized: no rule counts, or none of them names a user.
    """
    found = Mapped(group_ids=[], named_groups=[], projects=[])
    counted = 0
    for rule in rules:
        values = _met(rule["remote"], attributes)
        if values is None:
            continue
        counted += 1
        for local in rule["local"]:
            _add(found, local, values)
    if not counted:
        raise Unauthorized(NOBODY)
    return _named(found, attributes)


def _named(found: Mapped, attributes: Attributes) -> Mapped:
    """The user has a name and an id; what a front end calls REMOTE_USER is the last resort."""
    resort = _values(attributes, "REMOTE_USER")
    name = found.user_name or ("" if found.user_id and found.kind == "local" else found.user_id or "".join(resort[:1]))
    if not name and not found.user_id:
        raise Unauthorized(NOBODY)
    found.user_name = name
    if found.kind == "ephemeral":
        found.user_id = found.user_id or quote(name)
    return found


# Requirements.

def _met(remote: Iterable[Mapping[str, Any]], attributes: Attributes) -> list[list[str]] | None:
    """The values that the requirements hand on, or none when one of them is not met."""
    handed: list[list[str]] = []
    for one in remote:
        values = _values(attributes, one["type"])
        if not values:
            return None
        regex = bool(one.get("regex"))
        if "any_one_of" in one:
            if not _kept(values, one["any_one_of"], regex):
                return None
        elif "not_any_of" in one:
            if _kept(values, one["not_any_of"], regex):
                return None
        elif "whitelist" in one:
            handed.append(_kept(values, one["whitelist"], regex))
        elif "blacklist" in one:
            bad = frozenset(_kept(values, one["blacklist"], regex))
            handed.append([value for value in values if value not in bad])
        else:
            handed.append(values)
    return handed


def _kept(values: Sequence[str], wanted: Sequence[str], regex: bool) -> list[str]:
    """Those of ``values`` that are in ``wanted``, or that one of its expressions is found in."""
    if not regex:
        among = frozenset(wanted)
        return [value for value in values if value in among]
    return [value for value in values if any(re.search(one, value) for one in wanted)]


def _values(attributes: Attributes, name: str) -> list[str]:
    return [value[:LONGEST] for value in attributes.get(folded(name), ())]


def folded(name: str) -> str:
    """A name of an attribute as it is compared: headers, CGI variables and claims write the same one in several ways.

    ``HTTP_OIDC_EMAIL``, ``OIDC-email`` and ``oidc_email`` are one.
    """
    plain = name.lower().replace("-", "_")
    return plain.removeprefix("http_")


# Results.

def _add(found: Mapped, local: Mapping[str, Any], values: list[list[str]]) -> None:
    if "user" in local:
        _add_user(found, local["user"], values)
    if "group" in local:
        _add_group(found, local["group"], values)
    if "groups" in local:
        domain = _filled_domain(local.get("domain", {}), values)
        found.named_groups += [(name, domain) for name in _many(local["groups"], values)]
    if "group_ids" in local:
        found.group_ids += _many(local["group_ids"], values)
    for project in local.get("projects", ()):
        roles = [_one(role["name"], values) for role in project.get("roles", ())]
        found.projects.append((_one(project["name"], values), roles,
                               _filled_domain(project.get("domain", {}), values)))


def _add_user(found: Mapped, user: Mapping[str, Any], values: list[list[str]]) -> None:
    found.kind = user.get("type", found.kind)
    found.user_id = found.user_id or _one(user.get("id", ""), values)
    found.user_name = found.user_name or _one(user.get("name", ""), values)
    found.email = found.email or _one(user.get("email", ""), values)
    if "domain" in user:
        found.domain = _filled_domain(user["domain"], values)


def _add_group(found: Mapped, group: Mapping[str, Any], values: list[list[str]]) -> None:
    if "id" in group:
        found.group_ids.append(_one(group["id"], values))
    else:
        found.named_groups.append((_one(group["name"], values), _filled_domain(group.get("domain", {}), values)))


def _filled_domain(domain: Mapping[str, str], values: list[list[str]]) -> dict[str, str]:
    return {key: _one(value, values) for key, value in domain.items()}


def _one(text: str, values: list[list[str]]) -> str:
    """``text`` with each place filled with the first of its values."""
    return PLACE.sub(lambda place: "".join(_at(values, place)[:1]), text)


def _many(text: str, values: list[list[str]]) -> list[str]:
    """``text`` once for each value of its one place; without a place it is a list parted by semicolons."""
    place = PLACE.search(text)
    if place is None:
        return [part for part in text.split(";") if part]
    return [text.replace(place[0], value) for value in _at(values, place)]


def _at(values: list[list[str]], place: re.Match[str]) -> list[str]:
    number = int(place[1])
    if number >= len(values):
        raise Unauthorized(NOBODY)
    return values[number]
