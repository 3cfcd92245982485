"""Faults and delays on demand, by the name of the verb."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections import defaultdict, deque
from collections.abc import Iterator

from ...core.clock import Clock
from ...core.errors import BackendFailed


@dataclasses.dataclass(frozen=True)
class Fault:
    """One planned misfortune of one call."""

    error: Exception
    late: bool
    """True when the work is done before the error: a lost answer."""


class Faults:
    """The misfortunes still to come, first planned first. Any thread may call."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._delays: defaultdict[str, deque[float]] = defaultdict(deque)

    def fail(self, verb: str, times: int, error: Exception | None, late: bool) -> None:
        """Plan ``times`` failures of ``verb``."""
        fault = Fault(error or BackendFailed(f"{verb} fails as told"), late)
        with self._lock:
            self._faults[verb].extend([fault] * times)

    def delay(self, verb: str, seconds: float, times: int) -> None:
        """Plan ``times`` slow calls of ``verb``."""
        with self._lock:
            self._delays[verb].extend([seconds] * times)

    @contextlib.contextmanager
    def around(self, verb: str) -> Iterator[None]:
        """Run a call of ``verb`` with what is planned for it."""
        with self._lock:
            wait = self._delays[verb].popleft() if self._delays[verb] else 0.0
            fault = self._faults[verb].popleft() if self._faults[verb] else None
        if wait:
            self._clock.sleep(wait)
        if fault and not fault.late:
            raise fault.error
        yield
        if fault:
            raise fault.error
