"""Delays and faults of simulated drivers: from options, from tests, from a request, and from what a verb works on."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from ..clock import Clock
from ..errors import BackendBusy, BackendFailed, BadConfiguration, CloudError
from .asked import RequestFaults, parse


@dataclasses.dataclass
class Fault:
    """What a verb shall do in place of success, and how many more times; -1 is for ever."""

    error: CloudError
    times: int
    lost: bool
    """The work is done first, only its answer is lost."""

    def spend(self) -> None:
        """Count one time."""
        self.times -= self.times > 0


class Faults:
    """The delays and faults that are due, by verb, first added first. Any thread may call.

    ``kind`` is the word for such drivers in requests (see :class:`RequestFaults`). A thing that verbs
    work on may bring texts of its own: ``spawn=NoSpace*2`` says its faults, ``spawn=2.5`` its delays.
    ``latency`` gives the seconds of verbs that nothing else is said of, ``chances`` the part of calls that fail.

    :raises BadConfiguration: a delay is not written ``verb=seconds``.
    """

    def __init__(self, kind: str, clock: Clock, delay_s: float = 0.0, delays: Iterable[str] = (),
                 latency: Callable[[str], float] | None = None, chances: Mapping[str, float] | None = None) -> None:
        self._clock = clock
        self._delay_s = delay_s
        self._latency = latency
        self._chances = chances or {}
        self._delays = _seconds(delays)
        self._requests = RequestFaults(kind, clock)
        self._due: dict[str, deque[Fault]] = {}
        self._by_thing: dict[tuple[str, str], Fault] = {}
        self._lock = threading.Lock()

    def add(self, verb: str, times: int, error: CloudError | None, lost: bool) -> None:
        """Let the next ``times`` calls of ``verb`` raise ``error``; after the work if ``lost``."""
        kind = BackendBusy if lost else BackendFailed
        with self._lock:
            self._due.setdefault(verb, deque()).append(Fault(error or kind(f"simulated fault of {verb}"), times, lost))

    def slow(self, verb: str, seconds: float) -> None:
        """Let each call of ``verb`` take ``seconds`` from now on."""
        self._delays[verb] = seconds

    def clear(self) -> None:
        """Forget all faults that were added, but not the delays."""
        with self._lock:
            self._due.clear()

    def forget(self, thing: str) -> None:
        """Drop what was counted for ``thing``."""
        if not self._by_thing:
            return
        with self._lock:
            for key in [key for key in self._by_thing if key[0] == thing]:
                del self._by_thing[key]

    def delay_of(self, verb: str, delays: str = "") -> float:
        """Seconds that ``verb`` takes on a thing that says ``delays``."""
        if delays:
            return _seconds(delays.split(",")).get(verb, 0.0)
        if verb in self._delays or self._delay_s or self._latency is None:
            return self._delays.get(verb, self._delay_s)
        return self._latency(verb)

    @contextlib.contextmanager
    def around(self, verb: str, thing: str = "", faults: str = "", delays: str = "") -> Iterator[None]:
        """Run the work of ``verb`` on ``thing``, which has these texts, with what is due for it."""
        pause = self.delay_of(verb, delays)
        if pause > 0:
            self._clock.sleep(pause)
        if self._chances and self._clock.random().random() < self._chances.get(verb, 0.0):
            raise BackendFailed(f"simulated fault of {verb} by chance")
        fault = self._take(verb, thing, faults) if self._due or faults else None
        if fault is not None and not fault.lost:
            raise fault.error
        with self._requests.around(verb):
            yield
        if fault is not None:
            raise fault.error

    def _take(self, verb: str, thing: str, faults: str) -> Fault | None:
        with self._lock:
            due = self._due.get(verb)
            fault = due[0] if due else self._of_thing(verb, thing, faults)
            if fault is None or fault.times == 0:
                return None
            fault.spend()
            if due and fault.times == 0:
                due.popleft()
            return fault

    def _of_thing(self, verb: str, thing: str, faults: str) -> Fault | None:
        value = dict(_pairs(faults.split(","))).get(verb)
        return self._by_thing.setdefault((thing, verb), Fault(*parse(value))) if value else None


class Unreliable:
    """What every simulated driver can be told. The driver makes ``_faults`` and puts it around its verbs."""

    _faults: Faults

    def fail(self, verb: str, times: int = 1, error: CloudError | None = None, lost: bool = False) -> None:
        """Let the next ``times`` calls of ``verb`` raise ``error``, by default ``BackendFailed``.

        With ``lost`` the work is done first and the error is by default ``BackendBusy``; -1
        times is for ever, until :meth:`heal`.
        """
        self._faults.add(verb, times, error, lost)

    def slow(self, verb: str, seconds: float) -> None:
        """Let each call of ``verb`` take ``seconds`` of the clock's time from now on."""
        self._faults.slow(verb, seconds)

    def heal(self) -> None:
        """Forget all faults given by :meth:`fail`."""
        self._faults.clear()


def _pairs(parts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for part in parts:
        if part.strip():
            verb, _, value = part.partition("=")
            yield verb.strip(), value.strip()


def _seconds(parts: Iterable[str]) -> dict[str, float]:
    try:
        return {verb: float(value) for verb, value in _pairs(parts)}
    except ValueError as exc:
        raise BadConfiguration(f"delays are written verb=seconds: {exc}") from exc
