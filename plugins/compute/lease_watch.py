"""Ends a host's guests when its lease is over: in a process of its own, so that it outlives the agent.

One thread renews, and may hang with the storage; another looks each second whether the time is over, and asks nothing
that could hang. The agent heeds what is posted (:mod:`.posting`), so that either ends the guests without the other.
Where the host has a watchdog device, that resets a host on which this process stopped, or cannot end a guest.
"""

from __future__ import annotations

import logging

from ...core.clock import Clock
from ...core.drivers.fence import Keeping
from ...core.drivers.hypervisor import Killable
from ...core.errors import BackendBusy
from .posting import Posting
from .watchdog import Watchdog

TICK_S = 1.0
"""Seconds between two looks."""
FIRST_S = 5.0
"""Seconds that guests have, when nothing was posted since the machine booted, until the lease is renewed first."""


class LeaseWatch:
    """The watch of one host. :meth:`renew` and :meth:`look` are called by threads of their own."""

    def __init__(self, host: str, keeping: Keeping, hypervisor: Killable, posting: Posting, clock: Clock,
                 log: logging.Logger, watchdog: Watchdog | None = None) -> None:
        self._host = host
        self._keeping = keeping
        self._hypervisor = hypervisor
        self._posting = posting
        self._clock = clock
        self._log = log
        self._watchdog = watchdog
        posted = posting.read()
        # An earlier start may have ended long ago: what it was told last holds, and no more than that.
        self.until = clock.monotonic() + FIRST_S if posted is None else posted
        self._over = False

    def renew(self) -> None:
        """Renew the lease once; blocks as long as its storage hangs."""
        try:
            self.until = self._keeping.keep(self._host)
        except BackendBusy as busy:
            self._log.warning("host %s: %s (%s)", self._host, busy, busy.facts.get("detail", ""))

    def look(self) -> None:
        """End all guests if the time is over; tell the agent, and the watchdog that all is well."""
        over = self._clock.monotonic() >= self.until
        if over and not self._over:
            self._log.error("host %s may not run servers any more: ending them", self._host)
        elif self._over and not over:
            self._log.warning("host %s may run servers again", self._host)
        self._over = over
        self._post()
        left = self._hypervisor.kill_guests() if over else ()
        if left:
            self._log.error("host %s: guests %s cannot be ended", self._host, ", ".join(left))
        elif self._watchdog is not None:
            self._watchdog.pat()

    def stop(self) -> None:
        """Let go. The watchdog is told only if no guest may run: else another start has to take over in time."""
        if self._watchdog is not None and self._over and not self._hypervisor.kill_guests():
            self._watchdog.disarm()

    def _post(self) -> None:
        try:
            self._posting.write(self.until)
        except OSError as error:
            # Then the agent ends the guests, too, when what it read last is over.
            self._log.error("host %s: the agent cannot be told of the lease: %s", self._host, error)
