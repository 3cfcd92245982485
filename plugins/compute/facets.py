"""The traits by which placement knows what a host's driver can do."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.drivers.hypervisor import DiskEncryption, Hypervisor, Interfaces, Rescuable, VolumeGrowth, Volumes

RESCUE_BFV = "COMPUTE_RESCUE_BFV"
"""A server whose root disk is a volume can be rescued there."""
ENCRYPTION = "COMPUTE_EPHEMERAL_ENCRYPTION"
TRAITS: Mapping[type, tuple[str, ...]] = {
    Rescuable: (RESCUE_BFV,),
    VolumeGrowth: ("COMPUTE_VOLUME_EXTEND",),
    Volumes: ("COMPUTE_VOLUME_ATTACH_WITH_TAG", "COMPUTE_VOLUME_MULTI_ATTACH"),
    Interfaces: ("COMPUTE_NET_ATTACH_INTERFACE", "COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG"),
}
"""What follows from a driver's facets."""


def traits(driver: Hypervisor) -> tuple[str, ...]:
    """The traits that follow from what a driver can do, beside those that it names itself."""
    found = [trait for facet, names in TRAITS.items() if isinstance(driver, facet) for trait in names]
    if isinstance(driver, DiskEncryption):
        found += [ENCRYPTION, *(f"{ENCRYPTION}_{form.upper()}" for form in driver.encryption_formats())]
    return tuple(found)
