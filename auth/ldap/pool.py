"""Connections that are kept for the next who needs one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from ...core.clock import Clock
from ...core.errors import BackendBusy
from .link import Link, Lost


class Pool:
    """At most ``size`` connections, each used by one thread at a time and for ``lifetime_s`` at the most."""

    def __init__(self, size: int, lifetime_s: float, wait_s: float, clock: Clock, make: Callable[[], Link]) -> None:
        self._free: list[tuple[Link, float]] = []
        self._room = threading.Semaphore(max(1, size))
        self._lock = threading.Lock()
        self._lifetime_s = lifetime_s
        self._wait_s = wait_s
        self._clock = clock
        self._make = make
        self._closed = False

    @contextlib.contextmanager
    def link(self) -> Iterator[Link]:
        """A connection; it is closed when it is lost meanwhile or too old, and else kept.

        :raises BackendBusy: all are in use for too long. :raises Lost: none can be made.
        """
        if not self._room.acquire(timeout=self._wait_s):
            raise BackendBusy("all connections to the directory are in use", retry_after_s=1)
        try:
            link, born = self._taken()
            try:
                yield link
            except BaseException as exc:
                # A call that ends by an answer of the server leaves the connection as it was; all else may not.
                self._put(link, born, keep=isinstance(exc, Exception) and not isinstance(exc, Lost))
                raise
            self._put(link, born, keep=True)
        finally:
            self._room.release()

    def _taken(self) -> tuple[Link, float]:
        now = self._clock.monotonic()
        while True:
            with self._lock:
                if not self._free:
                    break
                link, born = self._free.pop()
            if now - born < self._lifetime_s:
                return link, born
            link.close()
        return self._make(), now

    def _put(self, link: Link, born: float, keep: bool) -> None:
        if keep:
            with self._lock:
                if not self._closed:
                    self._free.append((link, born))
                    return
        link.close()

    def drop(self, url: str) -> None:
        """Close the unused connections to a server."""
        with self._lock:
            gone = [link for link, _ in self._free if link.url == url]
            self._free = [(link, born) for link, born in self._free if link.url != url]
        for link in gone:
            link.close()

    def close(self) -> None:
        """Close all; those in use are closed when they come back."""
        with self._lock:
            self._closed = True
            gone, self._free = self._free, []
        for link, _ in gone:
            link.close()
