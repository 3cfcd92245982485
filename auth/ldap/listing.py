"""Lists: conditions as filters, and pages in the order of the ids, which LDAP itself does not know."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable, Sequence

from ...core.clock import Clock
from ...core.drivers.identity import COMPARATORS, Condition, Group, User
from ...core.errors import BadRequest
from .text import in_filter, is_fit

KEPT = 8
PATTERNS = {"equals": "{}", "contains": "*{}*", "startswith": "{}*", "endswith": "*{}"}


def name_filter(attribute: str, conditions: Sequence[Condition]) -> str:
    """The part of ``conditions`` that a server can judge; it ignores case where the attribute does."""
    parts = []
    for one in conditions:
        if one.attribute == "name":
            if one.comparator not in COMPARATORS:
                raise BadRequest(f"There is no comparator {one.comparator!r}")
            if is_fit(str(one.value)):
                pattern = PATTERNS[one.comparator.removeprefix("i")]
                parts.append(f"({attribute}={pattern.format(in_filter(str(one.value)))})")
    return "".join(parts)


def is_met(conditions: Sequence[Condition], found: User | Group) -> bool:
    """Tell whether a user or group meets the conditions that are not about its domain."""
    return all(_is_met(one, found) for one in conditions if one.attribute != "domain_id")


def _is_met(condition: Condition, found: User | Group) -> bool:
    if condition.attribute == "name":
        return _matches(condition.comparator, found.name, str(condition.value))
    if condition.attribute not in ("enabled", "default_project_id", "password_expires_at", "id"):
        raise BadRequest(f"Users and groups cannot be searched by {condition.attribute}")
    value = getattr(found, condition.attribute, None)
    if condition.attribute == "default_project_id":
        return _matches(condition.comparator, str(value), str(condition.value))
    return value is not None and value == condition.value


def _matches(comparator: str, value: str, wanted: str) -> bool:
    if comparator.startswith("i") or comparator == "equals":
        # A name that a server finds is the name that was asked for, however it is written.
        value, wanted = value.casefold(), wanted.casefold()
    comparator = comparator.removeprefix("i")
    if comparator == "equals":
        return " ".join(value.split()) == " ".join(wanted.split())
    return {"contains": wanted in value, "startswith": value.startswith(wanted),
            "endswith": value.endswith(wanted)}[comparator]


class Orders:
    """The ids of lists that are read in pages, kept for a while: the pages of one list then follow each other."""

    def __init__(self, clock: Clock, keep_s: float) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._known: dict[tuple[str, tuple[Condition, ...]], tuple[float, list[str]]] = {}

    def behind(self, noun: str, conditions: tuple[Condition, ...], marker: str,
               read: Callable[[], Sequence[str]]) -> list[str]:
        """The ids behind ``marker``, sorted; ``read`` gives all when they are not known, or at a list's first page."""
        key, now = (noun, conditions), self._clock.monotonic()
        with self._lock:
            known = self._known.get(key)
        if known is None or known[0] < now or not marker:
            known = now + self._keep_s, sorted(read())
            with self._lock:
                self._known.pop(key, None)
                while len(self._known) >= KEPT:
                    del self._known[next(iter(self._known))]
                self._known[key] = known
        ids = known[1]
        return ids[bisect.bisect_right(ids, marker):]

    def forget(self) -> None:
        """Know nothing: something was changed from here."""
        with self._lock:
            self._known.clear()
