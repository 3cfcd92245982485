"""What hosts can give guests, as placement's traits tell it, and what is known of hosts that tell nothing.

Traits come in families. A driver that reports one trait of a family is taken at its word for all of the family: what it
does not name it does not have. A driver that reports none of a family has said nothing about it; its host bears the
family's mark instead, and a wish is met by the trait or by the mark. So a driver that knows nothing of traits stays
schedulable and refuses by itself what it cannot do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

UNTOLD = "CUSTOM_UNTOLD_"
"""How marks begin. The control side gives and takes them when a host registers."""
DISABLED = "COMPUTE_STATUS_DISABLED"
"""The trait of hosts whose compute service is disabled; the control side keeps it."""
FAMILIES: Mapping[str, Sequence[str]] = {
    "STORAGE_BUS": ("COMPUTE_STORAGE_BUS_",),
    "GRAPHICS_MODEL": ("COMPUTE_GRAPHICS_MODEL_",),
    "NET_MODEL": ("COMPUTE_NET_VIF_MODEL_", "COMPUTE_NET_VIRTIO_PACKED"),
    "MACHINE": ("COMPUTE_FIRMWARE_", "COMPUTE_SECURITY_", "COMPUTE_SOUND_MODEL_", "COMPUTE_USB_MODEL_",
                "COMPUTE_VIOMMU_MODEL_", "COMPUTE_ADDRESS_SPACE_"),
}
"""How the traits of each family begin. Encryption of disks is of none: who does not tell of it does not have it."""
IMAGE_FORMATS = ("aki", "ami", "ari", "iso", "ploop", "qcow2", "raw", "vdi", "vhd", "vhdx", "vmdk")
"""Formats of disks that traits speak of."""


def mark(trait: str) -> str:
    """The mark of hosts that tell nothing of the family of ``trait``; empty when it belongs to none."""
    return next((UNTOLD + name for name, beginnings in FAMILIES.items() if trait.startswith(tuple(beginnings))), "")


def untold(traits: Iterable[str]) -> list[str]:
    """The marks of a host whose driver reports just ``traits``."""
    known = tuple(traits)
    return [UNTOLD + name for name, beginnings in FAMILIES.items()
            if not any(trait.startswith(tuple(beginnings)) for trait in known)]


def image_type(disk_format: str) -> str:
    """The trait of hosts that boot images of a format; empty for a format that no trait speaks of."""
    return "COMPUTE_IMAGE_TYPE_" + disk_format.upper() if disk_format in IMAGE_FORMATS else ""
