"""What images and flavors wish of the machine, and what administrators wish of hosts, as placement understands it.

A wish for an ability becomes a trait that a candidate must have, or the mark of a driver that tells nothing of
abilities of that kind (:mod:`core.drivers.ability`). Names of image properties and extra specs are those of the compute
reference's pages on them; what happens to each is what its pages on pre-filters say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from ...core.drivers.ability import DISABLED, image_type, mark
from ...core.drivers.filter import Aggregate, Request, truth
from ...core.errors import BadRequest, NoValidHost
from .options import Options
from .view import View

MODELS: Mapping[str, str] = {
    "hw_disk_bus": "COMPUTE_STORAGE_BUS_", "hw_cdrom_bus": "COMPUTE_STORAGE_BUS_",
    "hw_vif_model": "COMPUTE_NET_VIF_MODEL_", "hw_video_model": "COMPUTE_GRAPHICS_MODEL_",
    "hw_sound_model": "COMPUTE_SOUND_MODEL_", "hw_usb_model": "COMPUTE_USB_MODEL_",
    "hw_firmware_type": "COMPUTE_FIRMWARE_", "hw_viommu_model": "COMPUTE_VIOMMU_MODEL_",
    "hw_tpm_version": "COMPUTE_SECURITY_TPM_", "hw_tpm_model": "COMPUTE_SECURITY_",
}
"""Properties whose value ends the name of a trait. The image's word goes before the flavor's (``hw:tpm_model``)."""
SWITCHES: Mapping[str, str] = {
    "hw_virtio_packed_ring": "COMPUTE_NET_VIRTIO_PACKED",
    "hw_firmware_stateless": "COMPUTE_SECURITY_STATELESS_FIRMWARE",
}
"""Properties that ask for a trait when they say yes."""
WORDS: Mapping[tuple[str, str], str] = {
    ("os_secure_boot", "required"): "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
    ("hw_maxphysaddr_mode", "passthrough"): "COMPUTE_ADDRESS_SPACE_PASSTHROUGH",
    ("hw_maxphysaddr_mode", "emulate"): "COMPUTE_ADDRESS_SPACE_EMULATED",
}
"""Traits of single values of properties."""
ENCRYPTION = "COMPUTE_EPHEMERAL_ENCRYPTION"
"""Asked for whatever the options say, and of drivers that tell nothing, too: no disk is plain that should not be."""
TENANTS, TRAIT, ZONE = "filter_tenant_id", "trait:", "availability_zone"
SPELLING = str.maketrans("-.", "__")


@dataclasses.dataclass(frozen=True)
class Wish:
    """One condition: one of these traits, or of these aggregates; and what it is called in explanations."""

    words: str
    traits: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = ()


def abilities(request: Request, options: Options) -> Iterator[Wish]:
    """What the machine shall be able to.

    :raises BadRequest: what is wished for nobody offers here.
    """
    profile = request.extra_specs.get("accel:device_profile")
    if profile:
        raise BadRequest(f"There are no accelerators here: the flavor asks for the device profile {profile[:100]!r}")
    if request.image_format and options.query_placement_for_image_type_support:
        trait = image_type(request.image_format)
        if trait:
            yield Wish(f"a host that boots images of the format {request.image_format}", (trait,))
    for trait in _encryption(request):
        yield Wish(f"a host that encrypts local disks ({trait})", (trait,))
    if not options.image_metadata_prefilter:
        return
    for name, value in _said(request):
        trait = _trait(name, value)
        if trait:
            yield Wish(f"a host with {name}={value} ({trait})", tuple(filter(None, (trait, mark(trait)))))


def _encryption(request: Request) -> Iterator[str]:
    """The traits of encrypted local disks, where image or flavor want them; LUKS unless they say otherwise."""
    def said(name: str) -> str:
        return str(request.image_properties.get(f"hw_{name}") or request.extra_specs.get(f"hw:{name}") or "")
    if truth(said("ephemeral_encryption")):
        yield ENCRYPTION
        yield f"{ENCRYPTION}_{(said('ephemeral_encryption_format') or 'luks').strip().upper().translate(SPELLING)}"


def _said(request: Request) -> Iterator[tuple[str, str]]:
    """What the image says, or else the flavor, by the name of the image's property."""
    names = {*MODELS, *SWITCHES, *(name for name, _ in WORDS)}
    found = {name.replace(":", "_", 1): value for name, value in request.extra_specs.items() if ":" in name}
    for name, value in sorted({**found, **request.image_properties}.items()):
        if name in names and value:
            yield name, str(value)


def _trait(name: str, value: str) -> str:
    if name in MODELS:
        return MODELS[name] + value.strip().upper().translate(SPELLING)
    if name in SWITCHES:
        return SWITCHES[name] if truth(value) else ""
    return WORDS.get((name, value.strip().lower()), "")


def encrypted(request: Request) -> bool:
    """Tell whether the guest's memory shall be encrypted."""
    return truth(str(request.image_properties.get("hw_mem_encryption")
                     or request.extra_specs.get("hw:mem_encryption", "")))


def places(request: Request, options: Options, view: View) -> Iterator[Wish]:
    """The aggregates that a host must be in: the project's, the zone's.

    :raises NoValidHost: only hosts of the project's aggregates may be used, and there are none.
    """
    if options.limit_tenants_to_placement_aggregate:
        own = _ids(one for one in view.aggregates if request.project_id in _tenants(one))
        if not own and options.placement_aggregate_required_for_tenants:
            raise NoValidHost("No valid host was found. There are not enough hosts available.",
                              explanation=["placement: no aggregate is kept for the project"])
        if own:
            yield Wish("a host that is kept for the project", aggregates=own)
    if request.zone and options.query_placement_for_availability_zone:
        ids = _ids(one for one in view.aggregates if one.metadata.get(ZONE) == request.zone)
        if ids:
            yield Wish(f"a host in the zone {request.zone}", aggregates=ids)


def _ids(aggregates: Iterator[Aggregate]) -> tuple[str, ...]:
    return tuple(sorted(one.uuid for one in aggregates))


def _tenants(aggregate: Aggregate) -> set[str]:
    return {word.strip() for key, text in aggregate.metadata.items() if key.startswith(TENANTS)
            for word in text.split(",")}


def isolated(required: Sequence[str], options: Options, view: View) -> list[str]:
    """The aggregates that are kept for servers that require more traits than ``required``."""
    if not options.enable_isolated_aggregate_filtering:
        return []
    return sorted(one.uuid for one in view.aggregates
                  if any(key.startswith(TRAIT) and value == "required" and key.removeprefix(TRAIT) not in required
                         for key, value in one.metadata.items()))


def closed(view: View) -> list[str]:
    """Traits of hosts that are not open to new servers; none where no host has them."""
    return [DISABLED] if view.disabled else []
