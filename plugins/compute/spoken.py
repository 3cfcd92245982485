"""Administrators' passwords on their way to guests: in the memory of this process only, and not for long.

A password that another process was told, or that a restart forgot, does not reach the guest's config drive.
"""

from __future__ import annotations

import threading

from ...core.clock import Clock

KEPT_S = 3600.0
MOST = 10_000


class Spoken:
    """Passwords by server. Any thread may ask."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, str]] = {}

    def keep(self, server_id: str, password: str) -> None:
        """Remember a server's password until its guest has been made."""
        now = self._clock.monotonic()
        with self._lock:
            self._found.pop(server_id, None)
            self._found[server_id] = (now + KEPT_S, password)
            while len(self._found) > MOST or next(iter(self._found.values()))[0] < now:
                del self._found[next(iter(self._found))]

    def of(self, server_id: str) -> str:
        """A server's password, or nothing."""
        with self._lock:
            until, password = self._found.get(server_id, (0.0, ""))
            return password if until >= self._clock.monotonic() else ""
