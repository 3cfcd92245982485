"""Options of the scheduler."""

from __future__ import annotations

import dataclasses

from ...core.config import option

FILTERS = ("ComputeFilter", "AvailabilityZoneFilter", "ComputeCapabilitiesFilter", "ImagePropertiesFilter",
           "AggregateInstanceExtraSpecsFilter", "ServerGroupAffinityFilter", "ServerGroupAntiAffinityFilter",
           "SameHostFilter", "DifferentHostFilter")
WEIGHERS = ("RAMWeigher", "CPUWeigher", "DiskWeigher", "IoOpsWeigher", "BuildFailureWeigher",
            "ServerGroupSoftAffinityWeigher", "ServerGroupSoftAntiAffinityWeigher")


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of the section ``[scheduler]``."""

    enabled_filters: tuple[str, ...] = option(FILTERS, "filters that hosts must pass, in this order")
    enabled_weighers: tuple[str, ...] = option(WEIGHERS, "weighers that order the hosts that pass")
    host_subset_size: int = option(1, "the choice is made by chance among this many of the best hosts")
    max_candidates: int = option(1000, "providers looked at first; all are when none of these will do; 0 means all")
    claim_attempts: int = option(10, "hosts tried, best first, when others take the room meanwhile")
    hosts_age_s: float = option(0.0, "how old the list of hosts may be that a decision uses")
    policies: tuple[str, ...] = option((), "names of further policies, each with a section [policies.NAME]")


@dataclasses.dataclass(frozen=True)
class PolicyOptions:
    """Options of a section ``[policies.NAME]``: one policy beside that of ``[scheduler]``."""

    enabled_filters: tuple[str, ...] = option(FILTERS, "filters that hosts must pass, in this order")
    enabled_weighers: tuple[str, ...] = option(WEIGHERS, "weighers that order the hosts that pass")
    host_subset_size: int = option(1, "the choice is made by chance among this many of the best hosts")
    zones: tuple[str, ...] = option((), "availability zones whose servers this policy is for")
