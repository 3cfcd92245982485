"""Access rules: the requests that a token of an application credential is good for, where it has such rules.

A rule is the type of a service, a method and a pattern of the path. In a pattern ``*`` and ``{name}`` stand for one
part of the path and ``**`` for anything at all, as in the Identity API reference.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

from ..context import Context
from ..errors import Unauthorized

TOKEN = re.compile(r"\{[^}/]*\}|\*\*|\*|[^{*]+|\{")
ALIASES: Mapping[str, frozenset[str]] = {
    "block-storage": frozenset(("volumev3", "volumev2", "volume", "block-store")),
}
"""Further names of service types in the OpenStack service types authority."""


def check(context: Context, service: str, method: str, paths: Iterable[str]) -> None:
    """See that one of the caller's access rules takes a request to ``service`` whose path may be told as any of
    ``paths``. :raises Unauthorized: none does."""
    names = {service, *ALIASES.get(service, ())}
    for kind, verb, pattern in context.access_rules:
        if kind in names and verb == method and any(matches(pattern, path) for path in paths):
            return
    raise Unauthorized()


def matches(pattern: str, path: str) -> bool:
    """Tell whether ``path`` is one that ``pattern`` means.

    All places that the pattern so far can end at are followed at once, so that no pattern takes long.
    """
    places = {0}
    for token in _tokens(pattern):
        if token == "**":
            places = set(range(min(places), len(path) + 1)) if places else places
        elif token == "*":
            places = _behind_part(places, path)
        else:
            places = {place + len(token) for place in places if path.startswith(token, place)}
    return len(path) in places


def _behind_part(places: Iterable[int], path: str) -> set[int]:
    """Where one or more characters other than a slash may end that begin at one of ``places``."""
    first: dict[int, int] = {}
    for place in sorted(places):
        slash = path.find("/", place)
        first.setdefault(len(path) if slash < 0 else slash, place)
    return {behind for end, place in first.items() for behind in range(place + 1, end + 1)}


@functools.lru_cache(maxsize=1024)
def _tokens(pattern: str) -> tuple[str, ...]:
    return tuple("*" if token[0] == "{" and token[-1] == "}" else token for token in TOKEN.findall(pattern))
