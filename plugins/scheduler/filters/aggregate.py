"""Keeps hosts whose aggregates carry the metadata that the flavor's extra specs want."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request
from .specs import matches

SCOPE = "aggregate_instance_extra_specs:"
PLACEMENT = ("group_policy", "in_tree", "same_subtree")
"""How keys without a scope begin that are for placement."""


def wanted(request: Request) -> Iterator[tuple[str, str]]:
    """The extra specs that aggregates must match: those of the scope, and those of none."""
    for key, value in request.extra_specs.items():
        if key.startswith(SCOPE):
            yield key.removeprefix(SCOPE), value
        elif ":" not in key and not key.startswith(PLACEMENT):
            yield key, value


class AggregateInstanceExtraSpecs(HostFilter):
    """For each extra spec some aggregate of the host has metadata of that key that match it.

    A metadata value is a list with commas; one of its words must match.
    """

    def facts(self) -> FilterFacts:
        """It reads extra specs of its scope, and those without a scope."""
        return FilterFacts("Hosts of aggregates whose metadata match the flavor's extra specs.", extra_specs=(SCOPE,))

    def relevant(self, request: Request) -> bool:
        """Only when there is such an extra spec."""
        return next(wanted(request), None) is not None

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether all of them are matched."""
        return not self._missed(host, request)

    def _missed(self, host: Host, request: Request) -> str:
        for key, value in wanted(request):
            found = [one.metadata[key] for one in host.aggregates if key in one.metadata]
            if not any(matches(word.strip(), value) for text in found for word in text.split(",")):
                return key
        return ""

    def complaint(self, host: Host, request: Request) -> str:
        """The first extra spec that no aggregate matches."""
        key = self._missed(host, request)
        return f"none of its aggregates has {key} = {dict(wanted(request)).get(key, '')}"
