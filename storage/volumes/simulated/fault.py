"""Delays and faults on demand, by verb."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterable, Iterator

from ....core.clock import Clock
from ....core.drivers.asked import RequestFaults
from ....core.errors import BackendBusy, BackendFailed, BadConfiguration, CloudError


@dataclasses.dataclass
class Fault:
    """What a verb shall do in place of success, and how many more times; -1 is for ever."""

    error: CloudError
    times: int
    lost: bool
    """The work is done first, only its answer is lost."""


class Faults:
    """The delays and faults that are due, by verb; any thread may ask."""

    def __init__(self, clock: Clock, delay_s: float, delays: Iterable[str]) -> None:
        self._clock = clock
        self._delay_s = delay_s
        self._delays = dict(_delay(part) for part in delays)
        self._waiting: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()
        self._requests = RequestFaults("volume", clock)

    def add(self, verb: str, times: int, error: CloudError | None, lost: bool) -> None:
        """Let the next ``times`` calls of ``verb`` raise ``error``; after its work if ``lost``."""
        kind = BackendBusy if lost else BackendFailed
        with self._lock:
            self._waiting.setdefault(verb, []).append(Fault(error or kind(f"simulated fault of {verb}"), times, lost))

    def slow(self, verb: str, seconds: float) -> None:
        """Let each call of ``verb`` take ``seconds`` from now on."""
        self._delays[verb] = seconds

    def clear(self) -> None:
        """Forget all faults, but not the delays."""
        with self._lock:
            self._waiting.clear()

    @contextlib.contextmanager
    def around(self, verb: str) -> Iterator[None]:
        """Around the work of ``verb``: its delay before it, its fault before or after it."""
        pause = self._delays.get(verb, self._delay_s)
        if pause > 0:
            self._clock.sleep(pause)
        fault = self._take(verb) if self._waiting else None
        if fault is not None and not fault.lost:
            raise fault.error
        with self._requests.around(verb):
            yield
        if fault is not None:
            raise fault.error

    def _take(self, verb: str) -> Fault | None:
        with self._lock:
            waiting = self._waiting.get(verb)
            if not waiting:
                return None
            fault = waiting[0]
            fault.times -= fault.times > 0
            if fault.times == 0:
                waiting.pop(0)
            return fault


def _delay(part: str) -> tuple[str, float]:
    verb, _, seconds = part.partition("=")
    try:
        return verb.strip(), float(seconds)
    except ValueError as exc:
        raise BadConfiguration(f"delays are written verb=seconds, not {part!r}") from exc
