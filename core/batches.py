"""Things in groups of a size that one call or one transaction takes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """``items`` in order, ``size`` of them at a time; each is asked for only when its group is."""
    rest = iter(items)
    while some := list(itertools.islice(rest, size)):
        yield some
