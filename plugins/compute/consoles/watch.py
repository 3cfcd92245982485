"""Open consoles are looked after: those whose server has gone, or whose user may no longer, are closed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from ....core.clock import Clock
from ....core.errors import BackendBusy

EVERY_S = 5.0
UNTOLD_S = 60.0
"""So long consoles stay open while nobody can be asked whether they may."""
MOST = 100
log = logging.getLogger("stratolith.compute.consoles")


class Watched(Protocol):
    """A console that is open."""

    @property
    def holder(self) -> str:
        """Whose it is, sealed."""

    def leave(self) -> None:
        """End it."""


class Watch:
    """Asks every :data:`EVERY_S` seconds. ``opened`` tells which consoles are open, ``ask`` whether they may stay."""

    def __init__(self, clock: Clock, opened: Callable[[], Sequence[Watched]],
                 ask: Callable[[list[str]], list[bool]]) -> None:
        self._clock, self._opened, self._ask = clock, opened, ask
        self._told_at = clock.monotonic()

    def look(self) -> None:
        """Look once after all consoles."""
        # Those without a holder were opened by a control side of the release before, which lets them stay.
        consoles = [one for one in self._opened() if one.holder]
        try:
            for first in range(0, len(consoles), MOST):
                self._judge(consoles[first:first + MOST])
        except BackendBusy as busy:
            if self._clock.monotonic() - self._told_at > UNTOLD_S:
                log.warning("%d consoles are closed, as nobody says whether they may stay: %s", len(consoles), busy)
                for one in consoles:
                    one.leave()
            return
        self._told_at = self._clock.monotonic()

    def _judge(self, consoles: Sequence[Watched]) -> None:
        for one, stands in zip(consoles, self._ask([one.holder for one in consoles]), strict=True):
            if not stands:
                one.leave()
