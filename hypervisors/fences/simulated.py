"""A fence that remembers whom it stopped."""

from __future__ import annotations

import dataclasses

from ...core.config import option
from ...core.drivers.base import Surroundings
from ...core.drivers.faults import Faults, Unreliable
from ...core.drivers.fence import Fence, FenceFacts


@dataclasses.dataclass(frozen=True)
class SimulatedFenceOptions:
    """Options of the simulated fence."""

    takes_s: float = option(0.0, "Seconds from the first call until a host counts as stopped.")


class SimulatedFence(Fence, Unreliable):
    """Says that a host has stopped some time after it was asked to."""

    Options = SimulatedFenceOptions
    options: SimulatedFenceOptions

    def __init__(self, options: SimulatedFenceOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self.since: dict[str, float] = {}
        self._faults = Faults("fence", self.clock)

    def facts(self) -> FenceFacts:
        return FenceFacts(proves=True)

    def fence(self, host: str) -> bool:
        with self._faults.around("fence", host):
            begun = self.since.setdefault(host, self.clock.time())
            return self.clock.time() - begun >= self.options.takes_s

    def release(self, host: str) -> None:
        with self._faults.around("release", host):
            self.since.pop(host, None)
