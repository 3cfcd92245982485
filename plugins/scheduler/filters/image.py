"""Keeps hosts that can run what the image was made for."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request
from .specs import matches

ARCHITECTURES = ("hw_architecture", "architecture")
TYPES = ("img_hv_type", "hypervisor_type")
VERSIONS = ("img_hv_requested_version", "hypervisor_version_requires")
MODES = ("hw_vm_mode", "vm_mode")
WANTED = (*ARCHITECTURES, *TYPES, *VERSIONS, *MODES)
ALIASES = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64", "i386": "i686", "i486": "i686",
           "i586": "i686"}
RUNS = {"x86_64": ("x86_64", "i686")}
"""What a host of an architecture also runs at full speed."""
FAMILIES = {"kvm": "qemu", "qemu": "qemu"}
"""QEMU runs an image made for KVM and the other way round."""


GIVES = {"qemu": ("hvm",), "kvm": ("hvm",), "lxc": ("exe",), "xen": ("hvm", "xen")}
"""The modes of guests by hypervisor type; of a type that is not here nothing is known, and its driver decides."""


def architecture(name: str) -> str:
    """The one name of an architecture that has several."""
    lowered = name.strip().lower()
    return ALIASES.get(lowered, lowered)


class ImageProperties(HostFilter):
    """Architecture, hypervisor type and version, and the mode of guests are those the image's properties want."""

    def facts(self) -> FilterFacts:
        """It reads image properties, the present and the older names."""
        return FilterFacts("Hosts of the architecture and hypervisor that the image's properties want.",
                           image_properties=WANTED)

    def relevant(self, request: Request) -> bool:
        """Only when the image has one of these properties."""
        properties = request.image_properties
        return any(name in properties for name in WANTED)

    def survivors(self, hosts: Sequence[Host], request: Request) -> list[Host]:
        """Looks at each kind of host once: there are few kinds and many hosts."""
        if not self.relevant(request):
            return list(hosts)
        verdicts: dict[tuple[str, str, int], bool] = {}
        found = []
        for host in hosts:
            kind = (host.architecture, host.hypervisor_type, host.hypervisor_version)
            verdict = verdicts.get(kind)
            if verdict is None:
                verdict = verdicts[kind] = self.passes(host, request)
            if verdict:
                found.append(host)
        return found

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether all of them hold."""
        return not self.complaint(host, request)

    def complaint(self, host: Host, request: Request) -> str:
        """The first property that does not hold, or nothing."""
        wanted = _first(request, ARCHITECTURES)
        has = architecture(host.architecture)
        if wanted and architecture(wanted) not in RUNS.get(has, (has,)):
            return f"the image is for architecture {wanted}, the host has {host.architecture}"
        wanted = _first(request, TYPES).lower()
        kind = host.hypervisor_type.lower()
        if wanted and FAMILIES.get(wanted, wanted) != FAMILIES.get(kind, kind):
            return f"the image is for hypervisor {wanted}, the host has {host.hypervisor_type}"
        wanted = _first(request, VERSIONS)
        if wanted and not _version_fits(host.hypervisor_version, wanted):
            return f"the image wants hypervisor version {wanted}, the host has {host.hypervisor_version}"
        wanted = _first(request, MODES).lower()
        if wanted and wanted not in GIVES.get(kind, (wanted,)):
            return f"the image is for guests of mode {wanted}, the host's are of {' or '.join(GIVES[kind])}"
        return ""


def _first(request: Request, names: tuple[str, ...]) -> str:
    return next((request.image_properties[name] for name in names if name in request.image_properties), "")


def _version_fits(version: int, wanted: str) -> bool:
    """Tell whether a version as a number (2,003,004 is 2.3.4) fulfils ``>=1.0,<2.1.3``."""
    for part in wanted.split(","):
        sign = part.strip()[:len(part.strip()) - len(part.strip().lstrip("<>=!"))] or "=="
        digits = [int(word) if word.isdecimal() else 0 for word in part.strip().lstrip("<>=! ").split(".")]
        bound = sum(number * 1000 ** place for place, number in enumerate(reversed((digits + [0, 0])[:3])))
        if not matches(str(version), f"{'==' if sign == '=' else sign} {bound}"):
            return False
    return True
