"""Keeps hosts of the availability zone asked for."""

from __future__ import annotations

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request


class AvailabilityZone(HostFilter):
    """The host's zone is the one asked for; no zone asked for means any."""

    def facts(self) -> FilterFacts:
        """It reads the zone of the request."""
        return FilterFacts("Hosts of the availability zone asked for.")

    def relevant(self, request: Request) -> bool:
        """Only when a zone is asked for."""
        return bool(request.zone)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether the zones are the same."""
        return host.zone == request.zone

    def complaint(self, host: Host, request: Request) -> str:
        """Both zones."""
        return f"it is in zone {host.zone}, not in {request.zone}"
