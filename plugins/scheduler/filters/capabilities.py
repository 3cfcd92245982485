"""Keeps hosts that have what the flavor's extra specs want of a host."""

from __future__ import annotations

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request
from .specs import matches

SCOPE = "capabilities:"
FIELDS = ("hypervisor_type", "hypervisor_version", "architecture", "host", "node", "servers")


class ComputeCapabilities(HostFilter):
    """Each extra spec ``capabilities:name`` holds for the host's own field or statistic of that name.

    Keys without a scope belong to other readers and are not looked at.
    """

    def facts(self) -> FilterFacts:
        """It reads extra specs of one scope."""
        return FilterFacts("Hosts whose capabilities match the flavor's extra specs.", extra_specs=(SCOPE,))

    def relevant(self, request: Request) -> bool:
        """Only when there is such an extra spec."""
        return any(key.startswith(SCOPE) for key in request.extra_specs)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether all of them hold."""
        return not self._missed(host, request)

    def _missed(self, host: Host, request: Request) -> str:
        for key, wanted in request.extra_specs.items():
            if key.startswith(SCOPE):
                value = capability(host, key.removeprefix(SCOPE))
                if value is None or not matches(value, wanted):
                    return key
        return ""

    def complaint(self, host: Host, request: Request) -> str:
        """The first extra spec that does not hold."""
        key = self._missed(host, request)
        value = capability(host, key.removeprefix(SCOPE))
        return f"{key} must be {request.extra_specs[key]} and is {'absent' if value is None else value}"


def capability(host: Host, name: str) -> str | None:
    """What a host says of ``name``, as text; none when it says nothing."""
    if name in host.stats:
        return str(host.stats[name])
    return str(getattr(host, name)) if name in FIELDS else None
