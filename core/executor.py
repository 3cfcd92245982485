"""Who runs work outside of requests: threads in production, one seeded queue under test."""

from __future__ import annotations

import abc
import contextvars
import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from .clock import Clock, Virtual
from .errors import BackendBusy

log = logging.getLogger("stratolith.executor")
Task = Callable[[], None]


class Executor(abc.ABC):
    """Runs tasks. A task that raises is logged and forgotten: whoever cares catches.

    A task sees the context variables of whoever gave it.
    """

    loops: ClassVar[bool] = True
    """Whether :meth:`loop` works here: who only serves strangers from a loop can do without."""

    @abc.abstractmethod
    def submit(self, task: Task) -> None:
        """Run ``task`` as soon as there is room."""

    @abc.abstractmethod
    def later(self, delay_s: float, task: Task) -> None:
        """Run ``task`` after ``delay_s`` seconds, unless the executor has stopped by then."""

    @abc.abstractmethod
    def loop(self, name: str, body: Callable[[threading.Event], None]) -> None:
        """Run ``body`` on a thread of its own until it returns; the event is set when it should."""

    def drain(self) -> None:
        """Take no more tasks and let those that run finish; loops go on until :meth:`stop`."""

    @abc.abstractmethod
    def stop(self, timeout_s: float = 10.0) -> None:
        """Take no more tasks, let those that run finish, and end all loops."""

    def every(self, interval_s: float, task: Task, *, first_s: float | None = None) -> None:
        """Run ``task`` again and again, ``interval_s`` after the last run has ended."""
        def again() -> None:
            try:
                guarded(task)
            finally:
                self.later(interval_s, again)
        self.later(interval_s if first_s is None else first_s, again)


def carried(task: Task) -> Task:
    """``task`` with the present context variables, wherever it runs."""
    context = contextvars.copy_context()
    return lambda: context.run(task)


def guarded(task: Task) -> None:
    """Run ``task``; an exception goes to the log and no further."""
    try:
        task()
    except BackendBusy as busy:
        log.warning("a task could not be done: %s", busy)
    except Exception:
        log.exception("a task failed")


class Threads(Executor):
    """A pool of threads and one timer thread, started when first needed."""

    def __init__(self, clock: Clock, workers: int = 8) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="work")
        self._timers: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._loops: list[threading.Thread] = []
        self._timer_started = False
        self._draining = False

    def submit(self, task: Task) -> None:
        if not self._draining:
            self._pool.submit(guarded, carried(task))

    def later(self, delay_s: float, task: Task) -> None:
        with self._changed:
            heapq.heappush(self._timers, (self._clock.monotonic() + delay_s, next(self._order), carried(task)))
            if not self._timer_started:
                self._timer_started = True
                self.loop("timers", self._run_timers)
            self._changed.notify()

    def _run_timers(self, stop: threading.Event) -> None:
        while not stop.is_set():
            with self._changed:
                while self._timers and self._timers[0][0] <= self._clock.monotonic():
                    self.submit(heapq.heappop(self._timers)[2])
                wait = self._timers[0][0] - self._clock.monotonic() if self._timers else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)

    def loop(self, name: str, body: Callable[[threading.Event], None]) -> None:
        thread = threading.Thread(target=lambda: guarded(lambda: body(self._stopping)), name=name, daemon=True)
        self._loops.append(thread)
        thread.start()

    def drain(self) -> None:
        self._draining = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def stop(self, timeout_s: float = 10.0) -> None:
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        self.drain()
        for thread in self._loops:
            thread.join(timeout_s)


class Seeded(Executor):
    """One queue, run by whoever calls :meth:`run`; ties are broken by the clock's seeded chance.

    Timers fire in order of time; when nothing else is ready, virtual time jumps to the next
    one. Loops are refused: what needs a thread has no place in a deterministic test.
    """

    loops = False

    def __init__(self, clock: Virtual) -> None:
        self._clock = clock
        self._ready: list[Task] = []
        self._timers: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._stopped = False
        self.strict = True
        self.after: Task | None = None
        """Called behind each task: what has to hold at any moment is checked there."""

    def submit(self, task: Task) -> None:
        if not self._stopped:
            self._ready.append(carried(task))

    def later(self, delay_s: float, task: Task) -> None:
        if not self._stopped:
            heapq.heappush(self._timers, (self._clock.time() + delay_s, next(self._order), carried(task)))

    def loop(self, name: str, body: Callable[[threading.Event], None]) -> None:
        raise RuntimeError(f"loop {name!r} needs a thread; use a driver that works without")

    def stop(self, timeout_s: float = 10.0) -> None:
        self._stopped = True
        self._ready.clear()
        self._timers.clear()

    def run(self, for_s: float = 0.0) -> None:
        """Run all that is ready, and what becomes due within the next ``for_s`` seconds of virtual time."""
        until = self._clock.time() + for_s
        while True:
            self._release()
            if self._ready:
                task = self._ready.pop(self._clock.random().randrange(len(self._ready)))
                task() if self.strict else guarded(task)
                if self.after is not None:
                    self.after()
            elif self._timers and self._timers[0][0] <= until:
                self._clock.advance(self._timers[0][0] - self._clock.time())
            else:
                self._clock.advance(until - self._clock.time())
                return

    def _release(self) -> None:
        while self._timers and self._timers[0][0] <= self._clock.time():
            self._ready.append(heapq.heappop(self._timers)[2])
