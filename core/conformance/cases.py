"""What the suites share: the question of facets, hostile names, calls in parallel, waiting."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

F = TypeVar("F")
T = TypeVar("T")
A = TypeVar("A")

ABSENT = "declares no"
"""Part of the reason of every legal skip; the runner takes any other skip for a failure."""

HOSTILE_NAMES = (
    "x" * 255,
    "../../../../tmp/escaped",
    "; rm -rf / #",
    "$(reboot) `reboot` 'a' \"b\"",
    "</name><devices/>&amp;<!--",
    "sp ace\ttab\nnew line",
    "-rf",
    "Zürich 東京 🚀",
    "%s%n{0}",
)
"""Names that people may give; a driver must neither fail on one nor be led astray by it."""


def wants(driver: object, facet: type[F]) -> F:
    """``driver`` typed as ``facet``; skips the case when the driver does not declare it.

    This is the only legal skip in a suite: a facet that is declared and raises
    ``NotSupported`` is a failure.
    """
    if not isinstance(driver, facet):
        pytest.skip(f"{type(driver).__name__} {ABSENT} {facet.__name__}")
    return driver


def in_parallel(call: Callable[[A], T], arguments: Iterable[A]) -> list[T]:
    """The results of ``call`` for each argument, all called at once from threads of their own.

    The first error is raised after every call has ended.
    """
    listed = list(arguments)
    with concurrent.futures.ThreadPoolExecutor(max(1, len(listed))) as pool:
        futures = [pool.submit(call, argument) for argument in listed]
        concurrent.futures.wait(futures)
        return [future.result() for future in futures]


def until(condition: Callable[[], T], timeout_s: float, what: str, pause_s: float = 0.05) -> T:
    """The first true result of ``condition``, asked again and again for ``timeout_s``.

    :raises AssertionError: it was never true; ``what`` says what was awaited.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(pause_s)
