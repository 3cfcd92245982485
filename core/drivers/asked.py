"""Faults and delays that a request asked for, on their way to simulated drivers.

An ephemeral cloud takes them from a header. They hold for the request and for all work it causes:
they travel beside the calls in a context variable, so that no interface of a driver knows of them.
Only simulated drivers look at them.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Iterator
from typing import NamedTuple

from .. import errors
from ..clock import Clock
from ..errors import BackendBusy, BackendFailed, CloudError

Pairs = tuple[tuple[str, str], ...]
LOST = "lost"
DELAY = "delay:"
REMEMBERED_REQUESTS = 1000


class Asked(NamedTuple):
    """What a request asked for: (verb, what happens) pairs."""

    request_id: str
    pairs: Pairs


_ASKED: contextvars.ContextVar[Asked | None] = contextvars.ContextVar("stratolith_faults", default=None)


def asked() -> Asked | None:
    """What the request behind the present work asked for, or none."""
    return _ASKED.get()


@contextlib.contextmanager
def asking(request_id: str, pairs: Pairs) -> Iterator[None]:
    """Let what runs within meet the faults ``pairs`` of request ``request_id``, and no others."""
    token = _ASKED.set(Asked(request_id, pairs) if pairs else None)
    try:
        yield
    finally:
        _ASKED.reset(token)


def parse(value: str) -> tuple[CloudError, int, bool]:
    """(error, how often, whether only the answer is lost) from ``NoSpace``, ``NoSpace*2``, ``lost`` or ``lost*2``.

    How often is -1 for each time; an answer is lost once unless a number says otherwise. A name that is
    none of ours becomes a failure of the backend.
    """
    name, _, count = value.strip().partition("*")
    times = int(count) if count.isdigit() else -1
    if name == LOST:
        return BackendBusy("the answer was lost"), max(1, times), True
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, CloudError):
        return kind(), times, False
    return BackendFailed(f"simulated fault {name}"), times, False


class RequestFaults:
    """One simulated driver's view of what requests ask for. Any thread may call.

    ``kind`` is the word that may stand before a verb: ``volume.create`` is another verb than
    ``network.create``, plain ``create`` is either.
    """

    def __init__(self, kind: str, clock: Clock) -> None:
        self._prefix = kind + "."
        self._clock = clock
        self._met: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def around(self, verb: str) -> Iterator[None]:
        """Run the work of ``verb`` with the delay and the fault that the request asked for."""
        wanted = asked()
        fault = self._meet(wanted, verb) if wanted is not None else None
        if fault is not None and not fault[1]:
            raise fault[0]
        yield
        if fault is not None:
            raise fault[0]

    def _meet(self, wanted: Asked, verb: str) -> tuple[CloudError, bool] | None:
        found = None
        for name, value in wanted.pairs:
            if name.removeprefix(self._prefix) != verb:
                continue
            if value.startswith(DELAY):
                self._clock.sleep(seconds(value))
                continue
            error, times, lost = parse(value)
            if found is None and (times < 0 or self._count((wanted.request_id, verb, value)) <= times):
                found = error, lost
        return found

    def _count(self, key: tuple[str, str, str]) -> int:
        with self._lock:
            self._met[key] = self._met.pop(key, 0) + 1
            while len(self._met) > REMEMBERED_REQUESTS:
                self._met.pop(next(iter(self._met)))
            return self._met[key]


def seconds(value: str) -> float:
    """The seconds in ``delay:2.5``; at most an hour, and 0 when they cannot be read."""
    try:
        return min(max(float(value.removeprefix(DELAY)), 0.0), 3600.0)
    except ValueError:
        return 0.0
