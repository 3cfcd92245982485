"""Gates before the reading of bodies: clients that send slowly, or never, take only some of the threads.

A body is read by the thread that answers the request, and the server gives no deadline for
it. So those who have shown no token may hold a quarter of the threads with their bodies, all
others together a quarter more, and streams of data (uploads) another: what needs no body is
always answered. Who finds a gate full is told to try again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from ..errors import BackendBusy
from ..turns import Turns


class Gate:
    """Lets at most ``most`` threads in at once and turns the others away."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(max(1, most))

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """Be inside for the time of the block. :raises BackendBusy: it is full."""
        if not self._free.acquire(blocking=False):
            raise BackendBusy("too many requests are being read; try again", retry_after_s=1)
        try:
            yield
        finally:
            self._free.release()


class Gates:
    """The gates of one process with ``threads`` threads for requests.

    ``work`` lets ``at_once`` threads work on requests whose bodies are read, and the others wait: eight that
    take turns at Python's lock cost twice the processor time of four. Who asks another process steps aside.
    """

    def __init__(self, threads: int, at_once: int = 4) -> None:
        self.work = Turns(at_once)
        self.strangers = Gate(threads // 4)
        self.bodies = Gate(threads // 4)
        self.streams = Gate(threads // 4)
