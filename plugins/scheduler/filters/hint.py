"""Keeps hosts by what other servers are on them, as scheduler hints say."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request


def hosts_of(request: Request, hint: str) -> set[str]:
    """The hosts of the servers that a hint names; a server that is nowhere has none."""
    places = request.hint_hosts
    return {places[server] for server in request.hints.get(hint, ()) if places.get(server)}


class SameHost(HostFilter):
    """The host has one of the servers that the hint ``same_host`` names."""

    def facts(self) -> FilterFacts:
        """It reads one hint."""
        return FilterFacts("Hosts of the servers that the hint same_host names.", hints=("same_host",))

    def relevant(self, request: Request) -> bool:
        """Only when the hint is given."""
        return bool(request.hints.get("same_host"))

    def survivors(self, hosts: Sequence[Host], request: Request) -> list[Host]:
        """Finds the servers once, for all hosts."""
        named = hosts_of(request, "same_host")
        return [host for host in hosts if host.host in named] if self.relevant(request) else list(hosts)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether one of the servers is here."""
        return host.host in hosts_of(request, "same_host")

    def complaint(self, host: Host, request: Request) -> str:
        """That none is here."""
        return "none of the servers of the hint same_host is there"


class DifferentHost(HostFilter):
    """The host has none of the servers that the hint ``different_host`` names."""

    def facts(self) -> FilterFacts:
        """It reads one hint."""
        return FilterFacts("Hosts without the servers that the hint different_host names.", hints=("different_host",))

    def relevant(self, request: Request) -> bool:
        """Only when the hint names a server that is on a host."""
        return bool(hosts_of(request, "different_host"))

    def survivors(self, hosts: Sequence[Host], request: Request) -> list[Host]:
        """Finds the servers once, for all hosts."""
        named = hosts_of(request, "different_host")
        return [host for host in hosts if host.host not in named] if self.relevant(request) else list(hosts)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether none of the servers is here."""
        return host.host not in hosts_of(request, "different_host")

    def complaint(self, host: Host, request: Request) -> str:
        """That one is here."""
        return "a server of the hint different_host is there"
