"""Keeps hosts that report the metrics that the metrics weigher weighs."""

from __future__ import annotations

from typing import cast

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request
from ..weighers.metrics import MetricsOptions, settings


class Metrics(HostFilter):
    """The host reports each metric that has a weight; its section's ``weight_setting`` lists them."""

    Options = MetricsOptions

    def facts(self) -> FilterFacts:
        """It reads nothing of the request."""
        return FilterFacts("Hosts that report all metrics that are weighed.")

    def relevant(self, request: Request) -> bool:
        """Only when metrics are named."""
        return bool(cast(MetricsOptions, self.options).weight_setting)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether all are there."""
        return not self._missing(host)

    def _missing(self, host: Host) -> list[str]:
        return [name for name in settings(cast(MetricsOptions, self.options)) if name not in host.metrics]

    def complaint(self, host: Host, request: Request) -> str:
        """Which are not."""
        return f"it does not report {', '.join(self._missing(host))}"
