"""Options of the scheduler."""

from __future__ import annotations

import dataclasses

from ...core.config import option

FILTERS = ("ComputeFilter", "AvailabilityZoneFilter", "ComputeCapabilitiesFilter", "ImagePropertiesFilter",
           "ServerGroupAffinityFilter", "ServerGroupAntiAffinityFilter", "SameHostFilter", "DifferentHostFilter",
           "ExclusiveHostFilter", "PciPassthroughFilter", "NUMATopologyFilter")
WEIGHERS = ("RAMWeigher", "CPUWeigher", "DiskWeigher", "IoOpsWeigher", "BuildFailureWeigher",
            "ServerGroupSoftAffinityWeigher", "ServerGroupSoftAntiAffinityWeigher", "PCIWeigher")


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of the section ``[scheduler]``."""

    enabled_filters: tuple[str, ...] = option(FILTERS, "filters that hosts must pass, in this order")
    enabled_weighers: tuple[str, ...] = option(WEIGHERS, "weighers that order the hosts that pass")
    host_subset_size: int = option(1, "the choice is made by chance among this many of the best hosts")
    max_candidates: int = option(1000, "providers looked at first; all are when none of these will do; 0 means all")
    claim_attempts: int = option(10, "hosts tried, best first, when others take the room meanwhile")
    hosts_age_s: float = option(0.0, "how old the list of hosts may be that a decision uses")
    query_placement_for_image_type_support: bool = option(True, "ask only for hosts that boot images of the format of "
                                                                "the server's image")
    image_metadata_prefilter: bool = option(True, "ask only for hosts that have the devices and the firmware that the "
                                                  "image's properties and the flavor's extra specs name")
    query_placement_for_availability_zone: bool = option(False, "ask placement for hosts of the zone's aggregates, "
                                                                "instead of filtering")
    limit_tenants_to_placement_aggregate: bool = option(False, "keep projects to the aggregates whose filter_tenant_id "
                                                               "names them")
    placement_aggregate_required_for_tenants: bool = option(False, "projects that no aggregate names get no host")
    enable_isolated_aggregate_filtering: bool = option(False, "keep aggregates with trait:NAME = required for servers "
                                                              "that require these traits")
    policies: tuple[str, ...] = option((), "names of further policies, each with a section [policies.NAME]")


@dataclasses.dataclass(frozen=True)
class PolicyOptions:
    """Options of a section ``[policies.NAME]``: one policy beside that of ``[scheduler]``."""

    enabled_filters: tuple[str, ...] = option(FILTERS, "filters that hosts must pass, in this order")
    enabled_weighers: tuple[str, ...] = option(WEIGHERS, "weighers that order the hosts that pass")
    host_subset_size: int = option(1, "the choice is made by chance among this many of the best hosts")
    zones: tuple[str, ...] = option((), "availability zones whose servers this policy is for")
