"""Keeps hosts as the server's group wants them: the members together or apart."""

from __future__ import annotations

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request


class ServerGroupAffinity(HostFilter):
    """In a group of policy ``affinity`` the host has members already; any host does for the first."""

    def facts(self) -> FilterFacts:
        """It reads the hint that names a group."""
        return FilterFacts("The host that a server group of policy affinity is on.", hints=("group",))

    def relevant(self, request: Request) -> bool:
        """Only for a group of this policy that has members."""
        group = request.group
        return group is not None and group.policy == "affinity" and any(group.hosts.values())

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether a member is here."""
        group = request.group
        return group is None or group.hosts.get(host.host, 0) > 0

    def complaint(self, host: Host, request: Request) -> str:
        """That nobody is here."""
        return "no other member of the server group is there"


class ServerGroupAntiAffinity(HostFilter):
    """In a group of policy ``anti-affinity`` the host has fewer members than the group allows a host."""

    def facts(self) -> FilterFacts:
        """It reads the hint that names a group."""
        return FilterFacts("Hosts without members of the server's group, in groups of policy anti-affinity.",
                           hints=("group",))

    def relevant(self, request: Request) -> bool:
        """Only for a group of this policy that has members."""
        group = request.group
        return group is not None and group.policy == "anti-affinity" and any(group.hosts.values())

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether there is room for one more member."""
        group = request.group
        return group is None or group.hosts.get(host.host, 0) < group.max_server_per_host

    def complaint(self, host: Host, request: Request) -> str:
        """How many members may be here."""
        limit = request.group.max_server_per_host if request.group else 1
        return f"the server group's limit of {limit} a host is reached there"
