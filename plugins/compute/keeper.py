"""A host that may run guests only as long as it keeps something, and stops them when it cannot.

Where guests outlive the agent, a process of its own keeps it (:mod:`.lease_watch`) and the agent only heeds what that
posts; otherwise the agent keeps it itself.
"""

from __future__ import annotations

from ...core.drivers.fence import Keeping
from ...core.drivers.hypervisor import Hypervisor, Killable, Power
from ...core.errors import CloudError
from ...core.process.slice import Kit
from . import recovery
from .posting import Posting

NEVER = float("-inf")
LOOK_S = 1.0
"""Seconds between two looks at what the watch posts."""
FIRST_S = 15.0
"""Seconds in which a watch that never posted since the machine booted may still begin, before guests are ended."""


class Keeper:
    """Heeds the lease of one host. While it is ``held`` back, nothing may be started there."""

    def __init__(self, kit: Kit, driver: Hypervisor) -> None:
        self._kit = kit
        self._driver = driver
        fence = recovery.fence(kit)
        self._keeping = fence if isinstance(fence, Keeping) else None
        watched = self._keeping is not None and isinstance(driver, Killable)
        self._posting = Posting(kit.run_dir, kit.host) if watched else None
        self._until = NEVER
        self._begun = kit.clock.monotonic()
        self._unread = ""
        self.held = False

    def start(self) -> None:
        """Heed it from now on, where the fence has such a part."""
        if self._keeping is not None:
            self.keep()
            self._kit.executor.every(self._every_s(self._keeping), self.keep)

    def keep(self) -> None:
        """Renew once, or look whether the watch did; stop all guests when that may not go on without."""
        if self._keeping is None:
            return
        self._until = self._kept(self._keeping) if self._posting is None else self._posted(self._posting)
        # The next chance comes only after a while: by then the time must not be over.
        now = self._kit.clock.monotonic()
        held, self.held = self.held, now + self._every_s(self._keeping) > self._until
        missing = self._posting is not None and self._until == NEVER
        if self.held and not held:
            self._kit.log.error("host %s may not run servers any more%s", self._kit.host,
                                ": it cannot be read what a lease-watch posts" if self._unread
                                else ": no lease-watch runs here, start one" if missing else "")
        elif held and not self.held:
            self._kit.log.warning("host %s may run servers again", self._kit.host)
        if self.held and not (missing and now - self._begun < FIRST_S):
            self.stop_all()

    def _every_s(self, keeping: Keeping) -> float:
        return keeping.every_s() if self._posting is None else min(LOOK_S, keeping.every_s() / 3)

    def _kept(self, keeping: Keeping) -> float:
        try:
            return keeping.keep(self._kit.host)
        except CloudError as error:
            self._kit.log.warning("host %s: %s", self._kit.host, error)
            return self._until

    def _posted(self, posting: Posting) -> float:
        """Until when guests may run as the watch posts it. What was read last holds while it cannot be read."""
        try:
            posted = posting.read()
        except OSError as error:
            if self._unread != str(error):
                self._kit.log.error("host %s: it cannot be read until when servers may run: %s", self._kit.host, error)
            self._unread = str(error)
            return self._until
        self._unread = ""
        return NEVER if posted is None else posted

    def stop_all(self) -> None:
        """Stop every guest at once; those that cannot be stopped are told to the log and tried again."""
        if isinstance(self._driver, Killable):
            left = self._driver.kill_guests()
            if left:
                self._kit.log.error("guests %s cannot be stopped", ", ".join(left))
            return
        for one in self._driver.observe():
            if one.power is not Power.SHUTDOWN:
                try:
                    self._driver.stop(one.guest, 0)
                except CloudError as error:
                    self._kit.log.error("guest %s cannot be stopped: %s", one.guest, error)
