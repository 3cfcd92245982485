"""One thread that watches many sockets."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable

from ....core.executor import guarded

TICK_S = 1.0
Handler = Callable[[int], None]
"""Takes the events that a socket is ready for, as :mod:`selectors` counts them."""


class Loop:
    """Calls whoever watches a socket when that is ready. All but :meth:`post` is for the loop's own thread."""

    def __init__(self, tick: Callable[[], None], end: Callable[[], None]) -> None:
        self._selector = selectors.DefaultSelector()
        self._posted: deque[Callable[[], None]] = deque()
        self._woken, self._waker = socket.socketpair()
        self._tick, self._end = tick, end
        for one in (self._woken, self._waker):
            one.setblocking(False)
        self.watch(self._woken, selectors.EVENT_READ, self._drain)

    def post(self, task: Callable[[], None]) -> None:
        """Have the loop's thread run ``task``. Any thread may call."""
        self._posted.append(task)
        # It may have been woken so often that it will look anyway, or have ended.
        with contextlib.suppress(OSError):
            self._waker.send(b".")

    def watch(self, one: socket.socket, events: int, handler: Handler) -> None:
        """Call ``handler`` when the socket is ready for ``events``; none of them ends that."""
        known = one in self._selector.get_map()
        if events and known:
            self._selector.modify(one, events, handler)
        elif events:
            self._selector.register(one, events, handler)
        elif known:
            self._selector.unregister(one)

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop."""
        with self._selector, self._woken, self._waker:
            while not stop.is_set():
                for key, mask in self._selector.select(TICK_S):
                    self._call(key.data, mask)
                guarded(self._tick)
            guarded(self._end)

    def _call(self, handler: Handler, mask: int) -> None:
        guarded(lambda: handler(mask))

    def _drain(self, mask: int) -> None:
        self._woken.recv(4096)
        while self._posted:
            guarded(self._posted.popleft())
