"""Keeps hosts that no other project has to itself, and, for servers that want a host alone, those without others."""

from __future__ import annotations

from ....core.drivers.filter import EXCLUSIVE, FilterFacts, Host, HostFilter, Request


class ExclusiveHost(HostFilter):
    """No other project has the host to itself, and none uses it where the server, or an aggregate, wants it alone.

    The claim looks again in its transaction, so that of two servers that race for a host only one gets it.
    """

    def facts(self) -> FilterFacts:
        """It reads one hint and one extra spec."""
        return FilterFacts("Hosts that no other project has to itself; for exclusive servers, hosts without others.",
                           hints=(EXCLUSIVE,), extra_specs=("scheduler:exclusive",))

    def relevant(self, request: Request) -> bool:
        """Only when other projects are somewhere."""
        return bool(request.held_elsewhere or request.used_elsewhere)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether the project may come here."""
        if host.provider in request.held_elsewhere:
            return False
        return host.provider not in request.used_elsewhere or not (request.exclusive or host.exclusive)

    def complaint(self, host: Host, request: Request) -> str:
        """Who is there."""
        if host.provider in request.held_elsewhere:
            return "another project has it to itself"
        return "it is to be for one project alone, and other projects have servers there"
