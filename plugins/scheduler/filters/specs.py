"""The language of flavor extra specs: a value, perhaps behind an operator, against what is there.

Operators as OpenStack's documentation of extra specs lists them: ``=`` (at least, numbers),
``==`` ``!=`` ``<`` ``<=`` ``>`` ``>=`` (numbers), ``s==`` ``s!=`` ``s<`` ``s<=`` ``s>`` ``s>=`` (texts),
``<in>`` (the text contains), ``<all-in>`` (a list holds all), ``<or>`` (one of these).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence

NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}
TEXTS: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq, "s!=": operator.ne, "s<": operator.lt, "s<=": operator.le, "s>": operator.gt,
    "s>=": operator.ge,
}


def matches(value: str, wanted: str) -> bool:
    """Tell whether ``value`` is what ``wanted`` says; without an operator: the same text."""
    return _test(wanted)(value)


@functools.lru_cache(maxsize=1024)
def _test(wanted: str) -> Callable[[str], bool]:
    words = wanted.split()
    if not words:
        return lambda value: value == wanted
    first, rest = words[0], words[1:]
    if first in NUMBERS:
        return _numeric(NUMBERS[first], rest)
    if first in TEXTS:
        compare, text = TEXTS[first], " ".join(rest)
        return lambda value: compare(value, text)
    if first == "<in>":
        return lambda value: all(word in value for word in rest if word != "<in>")
    if first == "<all-in>":
        return lambda value: all(word in value for word in rest)
    if first == "<or>":
        choices = [word for word in rest if word != "<or>"]
        return lambda value: value in choices
    return lambda value: value == wanted


def _numeric(compare: Callable[[float, float], bool], words: Sequence[str]) -> Callable[[str], bool]:
    try:
        bound = float(words[0]) if words else float("nan")
    except ValueError:
        return lambda value: False

    def holds(value: str) -> bool:
        try:
            return compare(float(value), bound)
        except ValueError:
            return False
    return holds
