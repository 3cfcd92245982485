"""Delays and faults on demand, by verb."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from ...core.clock import Clock
from ...core.drivers.asked import RequestFaults
from ...core.errors import BackendBusy, BackendFailed, BadConfiguration, CloudError


@dataclasses.dataclass
class Fault:
    """What a verb shall do in place of success, and how many more times; -1 is for ever."""

    error: CloudError
    times: int
    lost: bool
    """The work is done first, only its answer is lost."""


class Faults:
    """The delays and faults that are due, by verb, first added first. Any thread may call."""

    def __init__(self, clock: Clock, delay_s: float = 0.0, delays: Iterable[str] = ()) -> None:
        self._clock = clock
        self._delay_s = delay_s
        self._delays = dict(_delay(part) for part in delays)
        self._lock = threading.Lock()
        self._requests = RequestFaults("network", clock)
        self._due: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def add(self, verb: str, times: int, error: CloudError | None, lost: bool) -> None:
        """Let the next ``times`` calls of ``verb`` raise ``error``; after the work if ``lost``."""
        kind = BackendBusy if lost else BackendFailed
        with self._lock:
            self._due[verb].append(Fault(error or kind(f"simulated fault of {verb}"), times, lost))

    def slow(self, verb: str, seconds: float) -> None:
        """Let each call of ``verb`` take ``seconds`` from now on."""
        self._delays[verb] = seconds

    def clear(self) -> None:
        """Forget all faults, but not the delays."""
        with self._lock:
            self._due.clear()

    @contextlib.contextmanager
    def around(self, verb: str) -> Iterator[None]:
        """Run the work of ``verb`` with what is due for it."""
        pause = self._delays.get(verb, self._delay_s)
        if pause > 0:
            self._clock.sleep(pause)
        fault = self._take(verb) if self._due else None
        if fault is not None and not fault.lost:
            raise fault.error
        with self._requests.around(verb):
            yield
        if fault is not None:
            raise fault.error

    def _take(self, verb: str) -> Fault | None:
        with self._lock:
            due = self._due[verb]
            if not due:
                return None
            fault = due[0]
            fault.times -= fault.times > 0
            if fault.times == 0:
                due.popleft()
            return fault


def _delay(part: str) -> tuple[str, float]:
    verb, _, seconds = part.partition("=")
    try:
        return verb.strip(), float(seconds)
    except ValueError as exc:
        raise BadConfiguration(f"delays are written verb=seconds, not {part!r}") from exc
