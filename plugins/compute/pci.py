"""Which PCI devices of a host are offered, as what, and by which aliases flavors ask for them."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ...core.config import option
from ...core.drivers.topology import KINDS, DeviceWish, PciDevice
from ...core.errors import BadConfiguration, BadRequest

AFFINITIES = ("required", "preferred", "legacy", "socket")
ALIAS_SPEC = "pci_passthrough:alias"
SPEC_KEYS = ("vendor_id", "product_id", "address", "resource_class", "traits")
ALIAS_KEYS = ("name", "vendor_id", "product_id", "device_type", "resource_class", "traits", "numa_policy")


@dataclasses.dataclass(frozen=True)
class PciOptions:
    """Section ``[pci]``, of hosts and of the API alike. Entries are words ``key=value``."""

    devices: tuple[str, ...] = option((), "PCI devices that this host offers, an entry each: vendor_id=10de "
                                          "product_id=1db6 address=0000:81:*.* resource_class=CUSTOM_GPU "
                                          "traits=CUSTOM_FAST+CUSTOM_NEW; the first entry that matches decides")
    aliases: tuple[str, ...] = option((), "names by which flavors ask for PCI devices, an entry each: name=gpu "
                                          "vendor_id=10de product_id=1db6 device_type=type-PF "
                                          "resource_class=CUSTOM_GPU traits=CUSTOM_FAST numa_policy=preferred")


def words(entry: str, known: Sequence[str]) -> dict[str, str]:
    """An entry's values by key. :raises BadConfiguration: a word is none of the known."""
    found = {}
    for word in entry.split():
        key, equals, value = word.partition("=")
        if not equals or key not in known:
            raise BadConfiguration(f"[pci] {word!r} is none of {', '.join(f'{one}=...' for one in known)}")
        found[key] = value
    return found


def standard_class(vendor_id: str, product_id: str) -> str:
    """The resource class of devices for which nobody chose another."""
    return f"CUSTOM_PCI_{vendor_id}_{product_id}".upper()


def custom(name: str) -> str:
    """A name as placement has it: ``gpu-1`` is ``CUSTOM_GPU_1``; a standard or custom name stays."""
    plain = re.sub(r"[^A-Z0-9_]", "_", name.upper())
    return plain if plain.startswith(("CUSTOM_", "HW_", "COMPUTE_")) or plain in ("PGPU", "VGPU") else f"CUSTOM_{plain}"


def _traits(text: str) -> tuple[str, ...]:
    return tuple(custom(one) for one in text.split("+") if one)


def offered(options: PciOptions, devices: Sequence[PciDevice]) -> tuple[PciDevice, ...]:
    """Those of a host's devices that the options name, each with its resource class and traits.

    :raises BadConfiguration: an entry is improper, or offers a physical function and its virtual ones.
    """
    specs = [words(entry, SPEC_KEYS) for entry in options.devices]
    found = tuple(_offered(device, spec) for device in devices
                  if (spec := next((one for one in specs if _matches(one, device)), None)) is not None)
    parents = {device.parent for device in found}
    if both := [device.address for device in found if device.address in parents]:
        raise BadConfiguration(f"[pci] devices offers {both[0]} and its virtual functions; one excludes the other")
    return found


def _matches(spec: Mapping[str, str], device: PciDevice) -> bool:
    return (spec.get("vendor_id", "").lower() in ("", "*", device.vendor_id)
            and spec.get("product_id", "").lower() in ("", "*", device.product_id)
            and fnmatch.fnmatch(device.address, spec.get("address", "*").lower()))


def _offered(device: PciDevice, spec: Mapping[str, str]) -> PciDevice:
    named = custom(spec["resource_class"]) if spec.get("resource_class") else ""
    return msgspec.structs.replace(
        device, resource_class=named or standard_class(device.vendor_id, device.product_id),
        traits=_traits(spec.get("traits", "")))


class Aliases:
    """The names by which flavors ask for devices."""

    def __init__(self, options: PciOptions) -> None:
        self._wishes = {wish.alias: wish for wish in map(_alias, options.aliases)}
        if len(self._wishes) < len(options.aliases):
            raise BadConfiguration("[pci] aliases has a name twice")

    def wishes(self, specs: Mapping[str, str], properties: Mapping[str, str]) -> list[DeviceWish]:
        """The devices that a flavor asks for: ``pci_passthrough:alias = gpu:2,nic:1``.

        The flavor, or else the image, may say how near to the guest's cells they have to be.
        :raises BadRequest: there is no such alias, or no such affinity.
        """
        text = specs.get(ALIAS_SPEC, "")
        if not text:
            return []
        affinity = affinity_of(specs, properties)
        found = []
        for name, count in asked(text):
            if name not in self._wishes:
                raise BadRequest(f"PCI alias {name} is not defined")
            wish = msgspec.structs.replace(self._wishes[name], count=count)
            found.append(msgspec.structs.replace(wish, affinity=affinity) if affinity else wish)
        return found


@functools.lru_cache(maxsize=8)
def aliases(options: PciOptions) -> Aliases:
    """The aliases of these options. :raises BadConfiguration: one is improper."""
    return Aliases(options)


def asked(text: str) -> Iterator[tuple[str, int]]:
    """Names and counts of an extra spec. :raises BadRequest: it is none such."""
    for part in text.split(","):
        name, _, count = part.strip().partition(":")
        if not name or not (count.isascii() and count.isdigit() and int(count)):
            raise BadRequest(f"PCI alias {text[:100]!r} must be names with counts, such as gpu:1")
        yield name, int(count)


def affinity_of(specs: Mapping[str, str], properties: Mapping[str, str]) -> str:
    """How near to the guest's cells devices have to be, or nothing. :raises BadRequest: both say, and differ."""
    flavor = specs.get("hw:pci_numa_affinity_policy", "")
    image = str(properties.get("hw_pci_numa_affinity_policy") or "")
    if flavor and image and flavor != image:
        raise BadRequest("Image property 'hw_pci_numa_affinity_policy' is not permitted to override the "
                         "'pci_numa_affinity_policy' set against the flavor.")
    found = flavor or image
    if found and found not in AFFINITIES:
        raise BadRequest(f"PCI NUMA affinity policy {found[:30]!r} is none of {', '.join(AFFINITIES)}")
    return found


def _alias(entry: str) -> DeviceWish:
    given = words(entry, ALIAS_KEYS)
    vendor, product = given.get("vendor_id", "").lower(), given.get("product_id", "").lower()
    if not given.get("name") or not (given.get("resource_class") or (vendor and product)):
        raise BadConfiguration("[pci] each entry of aliases needs a name, and vendor_id and product_id or a "
                               "resource_class")
    kind, policy = given.get("device_type", ""), given.get("numa_policy", "legacy")
    if kind not in ("", *KINDS) or policy not in AFFINITIES:
        raise BadConfiguration(f"[pci] alias {given['name']}: device_type is one of {', '.join(KINDS)}, numa_policy "
                               f"one of {', '.join(AFFINITIES)}")
    class_ = custom(given["resource_class"]) if given.get("resource_class") else standard_class(vendor, product)
    return DeviceWish(alias=given["name"], count=1, resource_class=class_, vendor_id=vendor, product_id=product,
                      kind=kind, traits=_traits(given.get("traits", "")), affinity=policy)
