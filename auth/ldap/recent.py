"""What was read a moment ago: one request asks for the same user or group several times."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from ...core.clock import Clock

F = TypeVar("F")
MOST = 4096


class Recent(Generic[F]):
    """Findings by id, each kept for ``keep_s`` seconds, at most :data:`MOST` of them."""

    def __init__(self, clock: Clock, keep_s: float) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._known: dict[str, tuple[float, F]] = {}
        self._lock = threading.Lock()

    def get(self, id: str) -> F | None:
        """What was found, if that is not too long ago."""
        kept = self._known.get(id)
        return kept[1] if kept is not None and kept[0] > self._clock.monotonic() else None

    def put(self, id: str, found: F) -> None:
        """Keep what was found just now."""
        with self._lock:
            self._known.pop(id, None)
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[id] = self._clock.monotonic() + self._keep_s, found

    def forget(self, id: str) -> None:
        """Find it anew next time."""
        with self._lock:
            self._known.pop(id, None)
