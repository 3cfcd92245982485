"""Which extra specs of flavors are known, and what their values may be; those of unknown namespaces may be anything.

Source: the compute configuration reference's page on extra specs.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

from ...core.errors import BadRequest

TRUTHS = frozenset(("1", "t", "true", "on", "y", "yes", "0", "f", "false", "off", "n", "no"))


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a value may be: one of some words, a number of at least some size, or text of a form."""

    word: str
    values: frozenset[str] = frozenset()
    least: int | None = None
    form: str = ""

    def fits(self, value: str) -> bool:
        """Tell whether ``value`` is of this kind."""
        if self.values:
            return (value.strip().lower() if self is BOOLEAN else value) in self.values
        if self.least is not None:
            return bool(re.fullmatch(r"-?[0-9]{1,18}", value)) and int(value) >= self.least
        return not self.form or re.fullmatch(self.form, value) is not None


TEXT = Kind("a text")
BOOLEAN = Kind("a truth value", TRUTHS)
NATURAL = Kind("a number of at least 0", least=0)
POSITIVE = Kind("a number of at least 1", least=1)
CPUS = Kind("a list of processors", form=r"\^?[0-9]+(-[0-9]+)?(,\^?[0-9]+(-[0-9]+)?)*")
PAGE_SIZE = Kind("a page size", form=r"small|large|any|[0-9]+([kKMGT]i?)?(b|bit|B)?")
ALIASES = Kind("a list of aliases with counts", form=r"[^:,]+:[0-9]+(,[^:,]+:[0-9]+)*")


def _one_of(*values: str) -> Kind:
    return Kind("one of " + ", ".join(values), frozenset(values))


HW: Mapping[str, Kind] = {
    "boot_menu": BOOLEAN, "cpu_cores": POSITIVE, "cpu_sockets": POSITIVE, "cpu_threads": POSITIVE,
    "cpu_max_cores": POSITIVE, "cpu_max_sockets": POSITIVE, "cpu_max_threads": POSITIVE, "cpu_dedicated_mask": CPUS,
    "cpu_policy": _one_of("dedicated", "shared", "mixed"), "cpu_realtime": BOOLEAN, "cpu_realtime_mask": CPUS,
    "cpu_thread_policy": _one_of("prefer", "isolate", "require"),
    "emulator_threads_policy": _one_of("isolate", "share"), "ephemeral_encryption": BOOLEAN,
    "ephemeral_encryption_format": _one_of("luks", "plain"), "hide_hypervisor_id": BOOLEAN, "locked_memory": BOOLEAN,
    "maxphysaddr_bits": NATURAL, "maxphysaddr_mode": _one_of("passthrough", "emulate"), "mem_encryption": BOOLEAN,
    "mem_encryption_model": _one_of("amd-sev", "amd-sev-es"), "mem_page_size": PAGE_SIZE, "numa_nodes": POSITIVE,
    r"numa_cpus\.[0-9]+": CPUS, r"numa_mem\.[0-9]+": POSITIVE,
    "pci_numa_affinity_policy": _one_of("required", "preferred", "legacy", "socket"), "pmem": TEXT, "pmu": BOOLEAN,
    "serial_port_count": NATURAL, "tpm_model": _one_of("tpm-tis", "tpm-crb"), "tpm_version": _one_of("1.2", "2.0"),
    "vif_multiqueue_enabled": BOOLEAN, "viommu_model": _one_of("intel", "smmuv3", "virtio", "auto"),
    "virtio_packed_ring": BOOLEAN,
    "watchdog_action": _one_of("none", "pause", "poweroff", "reset", "disabled"),
}
_SHARES = _one_of("custom", "high", "normal", "low")
QUOTA: Mapping[str, Kind] = {
    "cpu_shares": NATURAL, "cpu_period": NATURAL, "cpu_quota": Kind("a number", least=-(2 ** 62)),
    "(cpu|memory|disk_io|vif)_(limit|reservation|shares_share)": NATURAL,
    "(cpu|memory|disk_io|vif)_shares_level": _SHARES,
    "disk_(read|write|total)_(bytes|iops)_sec(_max)?(_length)?": NATURAL,
    "vif_(inbound|outbound)_(average|peak|burst)": NATURAL,
}
NAMESPACES: Mapping[str, Mapping[str, Kind]] = {
    "accel": {"device_profile": TEXT},
    "aggregate_instance_extra_specs": {".+": TEXT},
    "capabilities": {".+": TEXT},
    "hw": HW,
    "hw_rng": {"allowed": BOOLEAN, "rate_bytes": NATURAL, "rate_period": NATURAL},
    "hw_video": {"ram_max_mb": NATURAL},
    "os": {"secure_boot": _one_of("disabled", "optional", "required"), "vif_model": TEXT},
    "pci_passthrough": {"alias": ALIASES},
    "powervm": {".+": TEXT},
    "quota": QUOTA,
    "scheduler": {"exclusive": BOOLEAN, "policy": TEXT},
    "vmware": {".+": TEXT},
}
"""Forms of names by namespace, each with the kind of its values."""

_GROUP = r"([1-9][0-9]*|_[a-zA-Z0-9_-]{1,63})?"
NUMBERED: Mapping[str, tuple[str, Kind]] = {
    rf"resources{_GROUP}": ("[A-Z0-9_]+", NATURAL),
    rf"trait{_GROUP}": ("[A-Z0-9_]+", _one_of("required", "forbidden")),
}
"""Namespaces that may bear the number or name of a request group."""


def check(specs: Mapping[str, str]) -> None:
    """See that specs of known namespaces are what they may be. :raises BadRequest: one is not."""
    for name, value in specs.items():
        namespace, colon, rest = name.partition(":")
        known = _known(namespace) if colon else ()
        kinds = [kind for form, kind in known if re.fullmatch(form, rest)]
        if known and not kinds:
            raise BadRequest(f"Validation failed; extra spec '{name}' does not appear to be a valid extra spec.")
        if kinds and not kinds[0].fits(value):
            raise BadRequest(f"Validation failed; extra spec '{name}' must be {kinds[0].word}, but is "
                             f"'{value[:100]}'.")


def _known(namespace: str) -> Iterable[tuple[str, Kind]]:
    """The forms and kinds of a namespace; none when it is unknown."""
    if namespace in NAMESPACES:
        return tuple(NAMESPACES[namespace].items())
    return tuple(what for form, what in NUMBERED.items() if re.fullmatch(form, namespace))
