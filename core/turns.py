"""Turns: so many threads work at once and the others wait, for Python runs one at a time anyway.

A thread that begins to wait for another process steps aside, so that a silent peer holds up nobody else.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

_of_this_thread = threading.local()


class Turns:
    """``at_once`` threads may hold a turn; each thread at most one."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.BoundedSemaphore(max(1, at_once))

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn and hold it for the time of the block."""
        self._free.acquire()
        _of_this_thread.turns = self
        try:
            yield
        finally:
            _of_this_thread.turns = None
            self._free.release()

    @contextlib.contextmanager
    def _lent(self) -> Iterator[None]:
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()


def aside() -> contextlib.AbstractContextManager[None]:
    """Lend this thread's turn to others for the time of the block; nothing if it holds none."""
    held: Turns | None = getattr(_of_this_thread, "turns", None)
    return contextlib.nullcontext() if held is None else held._lent()
