"""Policies: sets of filters and weighers side by side, chosen by flavor, by zone, or by the hosts' aggregates.

A flavor says which one by its extra spec ``scheduler:policy``. If it says none, the zone that is asked for
decides. If no policy is for that zone, each host goes by what its aggregates' metadata ``scheduler_policy`` say, and
all others by the policy of ``[scheduler]`` itself.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from ...core.drivers.filter import Filter, Host, Request
from ...core.drivers.weigher import Weigher
from ...core.errors import BadConfiguration, BadRequest
from ...core.plugins import Registry
from ...core.process.slice import Kit
from .options import Options, PolicyOptions

FILTERS: Registry[Filter] = Registry("filters", Filter)
WEIGHERS: Registry[Weigher] = Registry("weighers", Weigher)
SPEC, METADATA = "scheduler:policy", "scheduler_policy"


@dataclasses.dataclass(frozen=True)
class Policy:
    """One way to choose: filters in their order, weighers, and among how many of the best chance decides."""

    name: str
    filters: Sequence[tuple[str, Filter]]
    weighers: Sequence[tuple[str, Weigher]]
    host_subset_size: int
    zones: frozenset[str] = frozenset()


class Policies:
    """All policies of this scheduler. The first one is that of ``[scheduler]``; its name is empty."""

    def __init__(self, kit: Kit) -> None:
        options: Options = kit.options
        self.default = Policy("", [(name, kit.driver(FILTERS, name)) for name in options.enabled_filters],
                              [(name, kit.driver(WEIGHERS, name)) for name in options.enabled_weighers],
                              options.host_subset_size)
        self._named = {name: _named(kit, name) for name in options.policies}
        self._of_zone: dict[str, Policy] = {}
        for one in self._named.values():
            for zone in one.zones:
                if zone in self._of_zone:
                    raise BadConfiguration(f"two scheduler policies are for the zone {zone}")
                self._of_zone[zone] = one

    @functools.cached_property
    def read_images(self) -> bool:
        """Whether a weigher looks at the images of the servers on hosts."""
        return any(one.reads_images for policy in self.all() for _, one in policy.weighers)

    def all(self) -> list[Policy]:
        """All of them, that of ``[scheduler]`` first."""
        return [self.default, *self._named.values()]

    def parts(self, request: Request, hosts: Sequence[Host]) -> list[tuple[Policy, Sequence[Host]]]:
        """Which policy decides about which of ``hosts``, named ones first.

        :raises BadRequest: the flavor names a policy that there is not.
        """
        if not self._named:
            return [(self.default, hosts)]
        asked = request.extra_specs.get(SPEC, "")
        if asked and asked not in self._named:
            raise BadRequest(f"There is no scheduler policy {asked!r}")
        one = self._named.get(asked) or self._of_zone.get(request.zone)
        return [(one, hosts)] if one is not None else self._by_aggregate(hosts)

    def _by_aggregate(self, hosts: Sequence[Host]) -> list[tuple[Policy, Sequence[Host]]]:
        found: dict[str, list[Host]] = {name: [] for name in (*self._named, "")}
        for host in hosts:
            said = (one.metadata.get(METADATA, "") for one in host.aggregates)
            found[next((name for name in said if name in self._named), "")].append(host)
        return [(self._named.get(name, self.default), part) for name, part in found.items() if part]


def _named(kit: Kit, name: str) -> Policy:
    """The policy of section ``[policies.NAME]``; its drivers' options are in ``[policies.NAME.DRIVER]``."""
    section = f"policies.{name}"
    options = kit.configuration.section(section, PolicyOptions)
    return Policy(name, [(one, kit.driver(FILTERS, one, f"{section}.{one}")) for one in options.enabled_filters],
                  [(one, kit.driver(WEIGHERS, one, f"{section}.{one}")) for one in options.enabled_weighers],
                  options.host_subset_size, frozenset(options.zones))
