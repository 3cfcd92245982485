"""Keeps hosts that are enabled and alive."""

from __future__ import annotations

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request


class Compute(HostFilter):
    """The host's compute service is enabled and was heard of lately."""

    def facts(self) -> FilterFacts:
        """It reads nothing of the request."""
        return FilterFacts("Hosts whose compute service is enabled and up.")

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether it is both."""
        return host.enabled and host.up

    def complaint(self, host: Host, request: Request) -> str:
        """Which of the two it is not."""
        if host.enabled:
            return "its compute service is down"
        return "its compute service is disabled" + (f": {host.disabled_reason}" if host.disabled_reason else "")
