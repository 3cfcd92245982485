"""Hosts that fall silent are recovered by themselves: if options want it, the fence proves it, and it is no storm."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa

from ...core.drivers.fence import Fence
from ...core.errors import BadConfiguration, CloudError
from ...core.process.slice import Kit
from . import recovery
from .fleet import Fleet
from .options import Options
from .picture import BINARY, UP_S
from .tables import services

LOOK_S = 15.0
TOGETHER_S = 300.0
"""Hosts whose last beats lie no further apart than this fell silent together."""
KNOWN = sa.select(services.c.host, services.c.disabled, services.c.forced_down, services.c.beat_at).where(
    services.c.binary == BINARY, services.c.beat_at > 0).order_by(services.c.host)


@dataclasses.dataclass(frozen=True)
class Known:
    """All hosts at one moment: their rows, how many are expected to serve, and when those of them that are silent beat
    last, in order."""

    rows: Sequence[Any]
    expected: int
    silent: Sequence[float]

    def together(self, beat_at: float) -> int:
        """How many fell silent together with one that beat last at that moment, itself among them."""
        return (bisect.bisect_right(self.silent, beat_at + TOGETHER_S)
                - bisect.bisect_left(self.silent, beat_at - TOGETHER_S))


class Vigil:
    """The vigil of one process. What it missed while it did not run counts for nothing."""

    def __init__(self, kit: Kit, fleet: Fleet, fence: Fence) -> None:
        self._kit = kit
        self._fleet = fleet
        self._fence = fence
        self._begun = kit.clock.time()
        self._told: dict[str, str] = {}
        if self._options.recover_servers not in ("all", recovery.FLAGGED):
            raise BadConfiguration("[compute] recover_servers is all or flagged")

    def look(self) -> None:
        """Recover who is to be recovered now; a reason why not is told to the log once."""
        if not self._options.recover_after_s or not self._fence.facts().proves:
            return
        known = self._read()
        for row in known.rows:
            reason = self._against(row, known)
            if not reason:
                self._recover(row.host)
            elif reason != self._told.get(row.host) and "at the same time" in reason:
                self._kit.log.error("host %s is not recovered: %s", row.host, reason)
            self._told[row.host] = reason

    def held(self, host: str) -> str:
        """Why a host is not recovered by itself now, in a sentence."""
        if not self._options.recover_after_s:
            return "Hosts are not recovered by themselves: recover_after_s is 0."
        if not self._fence.facts().proves:
            return f"The fence {self._options.fence} proves nothing, so that only an operator can recover hosts."
        known = self._read()
        return next((self._against(row, known) for row in known.rows if row.host == host), "It was never heard of.")

    @property
    def _options(self) -> Options:
        return cast(Options, self._kit.options)

    def _read(self) -> Known:
        with self._kit.db.read() as tx:
            rows: Sequence[Any] = tx.rows(KNOWN)
        expected = [row for row in rows if not row.disabled]
        return Known(rows, len(expected), sorted(self._beat_at(row) for row in expected if self._silent(row)))

    def _beat_at(self, row: Any) -> float:
        return max(float(row.beat_at), self._fleet.beat_at(row.host))

    def _silent(self, row: Any) -> bool:
        return self._kit.clock.time() - self._beat_at(row) > UP_S

    def _against(self, row: Any, known: Known) -> str:
        """What speaks against recovering a host now, or nothing."""
        if row.disabled:
            return "It is disabled: nobody expects it to serve."
        if row.forced_down:
            return "It was called down by an operator, or by its last recovery."
        if not self._silent(row):
            return "It is up."
        after_s = self._options.recover_after_s
        silent_s = self._kit.clock.time() - max(self._beat_at(row) + UP_S, self._begun)
        if silent_s < after_s:
            return f"It counts as down for {silent_s:.0f} s; it is recovered after {after_s:g} s."
        return self._storm(row, known)

    def _storm(self, row: Any, known: Known) -> str:
        """When too many fall silent together, it is more likely this side that is cut off, and they are well."""
        together = known.together(self._beat_at(row))
        allowed = max(1, int(known.expected * self._options.recover_storm_percent / 100))
        if together <= allowed:
            return ""
        return (f"{together} of {known.expected} hosts fell silent at the same time, and more than {allowed} are taken "
                "for a partition: see what is wrong, and recover by hand those that are dead.")

    def _recover(self, host: str) -> None:
        options = self._options
        try:
            recovery.begin(self._kit, self._fleet, self._kit.context(), host,
                           volume_backed_only=not options.recover_local_disks,
                           flagged_only=options.recover_servers == recovery.FLAGGED)
        except CloudError as error:
            self._kit.log.info("host %s is not recovered: %s", host, error)
