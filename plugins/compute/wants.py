"""What a flavor and an image say of processors, cells of memory and PCI devices: read once, refused where it is odd.

Source: the compute reference's pages on extra specs and image properties, and the administrator's guides on CPU
topologies and PCI passthrough.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.drivers.filter import truth
from ...core.drivers.topology import CellWish, DeviceWish, TopologyWish, cpu_list, cpu_mask
from ...core.errors import BadRequest
from ...core.process.slice import Kit
from .pci import ALIAS_SPEC, Aliases, PciOptions, aliases

SHARED, DEDICATED, MIXED = "shared", "dedicated", "mixed"
SHARE, ISOLATE = "share", "isolate"
THREADS = ("prefer", "isolate", "require")
PAGE = re.compile(r"([0-9]{1,12})([kKMGT]?)i?([bB]|bit)?")
NUMBER = re.compile(r"[0-9]{1,12}")
POWERS = {"": 0, "k": 0, "m": 1, "g": 2, "t": 3}
CELL = re.compile(r"hw[:_]numa_(cpus|mem)\.([0-9]{1,4})")
PARTICULAR = re.compile(r"hw[:_](cpu_policy|cpu_thread_policy|cpu_dedicated_mask|mem_page_size|numa_.*"
                        r"|cpu_realtime|cpu_realtime_mask|emulator_threads_policy)"
                        r"|pci_passthrough:alias|resources:[PV]CPU")
"""Names of extra specs and image properties that make a guest particular about its place."""
OVERRIDES = "Image property '{}' is not permitted to override the setting of the flavor."


@dataclasses.dataclass(frozen=True)
class Wants:
    """What one guest wants: how to lie on its host, and which devices; ``dedicated`` processors are PCPU.

    One more of these is for the ``emulator``, where that wants one of its own.
    """

    topology: TopologyWish | None = None
    devices: tuple[DeviceWish, ...] = ()
    dedicated: int = 0
    emulator: int = 0

    def __bool__(self) -> bool:
        return self.topology is not None or bool(self.devices)


PLAIN = Wants()


def of(flavor: Mapping[str, Any], properties: Mapping[str, str], known: Aliases) -> Wants:
    """What a guest of a flavor and an image with ``properties`` wants.

    :raises BadRequest: the two contradict each other, or ask for what cannot be.
    """
    specs: Mapping[str, str] = flavor["extra_specs"]
    if not possible(flavor, properties):
        return PLAIN
    devices = tuple(known.wishes(specs, properties)) if specs.get(ALIAS_SPEC) else ()
    topology = _topology(_Words(specs, properties), int(flavor["vcpus"]), int(flavor["memory_mib"]))
    dedicated = 0 if topology is None else sum(len(cell.dedicated) for cell in topology.cells)
    return Wants(topology, devices, dedicated, int(topology is not None and topology.emulator))


def possible(flavor: Mapping[str, Any], properties: Mapping[str, str]) -> bool:
    """Tell whether a guest may be particular about its place; when not, nothing is read."""
    return any(PARTICULAR.fullmatch(name) for name in (*flavor["extra_specs"], *properties))


def read(kit: Kit, flavor: Mapping[str, Any], properties: Mapping[str, str]) -> Wants:
    """What a guest wants, with the aliases of this cloud. :raises BadRequest: as :func:`of`."""
    return of(flavor, properties, aliases(kit.configuration.section("pci", PciOptions)))


class _Words:
    """The two places where something may be said."""

    def __init__(self, specs: Mapping[str, str], properties: Mapping[str, str]) -> None:
        self.specs, self.properties = specs, properties

    def flavor(self, name: str) -> str:
        return str(self.specs.get(f"hw:{name}") or "")

    def image(self, name: str) -> str:
        return str(self.properties.get(f"hw_{name}") or "")

    def agreed(self, name: str) -> str:
        """What one of them says. :raises BadRequest: both do, and differ."""
        flavor, image = self.flavor(name), self.image(name)
        if flavor and image and flavor != image:
            raise BadRequest(OVERRIDES.format(f"hw_{name}"))
        return flavor or image


def _topology(words: _Words, vcpus: int, memory_mib: int) -> TopologyWish | None:
    policy = _policy(words, vcpus)
    threads = words.agreed("cpu_thread_policy")
    if threads and threads not in THREADS:
        raise BadRequest(f"CPU thread policy {threads[:30]!r} is none of {', '.join(THREADS)}.")
    if threads and policy not in (DEDICATED, MIXED):
        raise BadRequest("Invalid CPU thread policy configuration: it requires hw:cpu_policy=dedicated or mixed.")
    page = _page(words)
    emulator = _emulator(words, policy)
    dedicated = _dedicated(words, policy, vcpus, _realtime(words, policy, vcpus, emulator))
    cells = _cells(words, vcpus, memory_mib, frozenset(dedicated))
    if cells is None:
        if not dedicated and not page:
            return None
        cells = (CellWish(cpus=tuple(range(vcpus)), dedicated=dedicated, memory_mib=memory_mib),)
    return TopologyWish(cells=cells, thread_policy=threads, page=page, emulator=emulator == ISOLATE)


def _policy(words: _Words, vcpus: int) -> str:
    """Whose the processors are; ``resources:PCPU`` for all of them says dedicated, too."""
    flavor, image = words.flavor("cpu_policy"), words.image("cpu_policy")
    for name, value in (("hw:cpu_policy", flavor), ("hw_cpu_policy", image)):
        if value not in ("", SHARED, DEDICATED, MIXED):
            raise BadRequest(f"{name} {value[:30]!r} is none of {SHARED}, {DEDICATED}, {MIXED}.")
    if flavor == SHARED and image in (DEDICATED, MIXED) or (flavor == MIXED and image == DEDICATED):
        raise BadRequest("Image property 'hw_cpu_policy' is not permitted to override CPU pinning policy set against "
                         "the flavor.")
    policy = flavor or image
    asked = words.specs.get("resources:PCPU", "")
    if policy and (asked or "resources:VCPU" in words.specs):
        raise BadRequest("The flavor extra specs 'resources:PCPU' and 'resources:VCPU' conflict with the CPU policy "
                         f"{policy!r}.")
    if NUMBER.fullmatch(asked) and int(asked):
        if int(asked) != vcpus or words.specs.get("resources:VCPU", "0") != "0":
            raise BadRequest(f"'resources:PCPU' must be the flavor's {vcpus} processors, or 0; hw:cpu_policy=mixed is "
                             "for a part of them.")
        return DEDICATED
    return policy


def _emulator(words: _Words, policy: str) -> str:
    """Where the emulator's threads run: ``share``, ``isolate``, or nothing, which is beside the guest."""
    found = words.flavor("emulator_threads_policy")
    if found not in ("", SHARE, ISOLATE):
        raise BadRequest(f"hw:emulator_threads_policy {found[:30]!r} is none of {SHARE}, {ISOLATE}.")
    if found == ISOLATE and policy not in (DEDICATED, MIXED):
        raise BadRequest("An isolated CPU emulator threads option requires a dedicated CPU policy option.")
    return found


def _realtime(words: _Words, policy: str, vcpus: int, emulator: str) -> tuple[int, ...]:
    """The virtual processors that run in real time; the image's mask goes before the flavor's."""
    if not truth(words.flavor("cpu_realtime")):
        return ()
    if policy not in (DEDICATED, MIXED):
        raise BadRequest("Cannot set realtime policy in a non dedicated cpu pinning policy")
    mask = words.image("cpu_realtime_mask") or words.flavor("cpu_realtime_mask")
    found = _mask("hw:cpu_realtime_mask", mask, vcpus) if mask else tuple(range(vcpus))
    if not found or found[-1] >= vcpus:
        raise BadRequest(f"hw:cpu_realtime_mask {mask[:100]!r} must name at least one of the guest's {vcpus} CPUs.")
    if len(found) == vcpus and not emulator:
        raise BadRequest("Use of realtime CPUs requires either one or more non-realtime CPU(s) or offloaded emulator "
                         "threads.")
    return found


def _dedicated(words: _Words, policy: str, vcpus: int, realtime: tuple[int, ...]) -> tuple[int, ...]:
    """The virtual processors with one of the host's each; in a mixed guest those in real time, or those of a mask."""
    mask = words.flavor("cpu_dedicated_mask")
    if policy == MIXED and realtime and mask:
        raise BadRequest("Dedicated CPU set can be specified from either 'hw:cpu_dedicated_mask' or "
                         "'hw:cpu_realtime_mask' when using 'mixed' CPU policy, not from both.")
    if policy == MIXED and realtime:
        if len(realtime) == vcpus:
            raise BadRequest("Mixed instance must have at least 1 pinned vCPU and 1 unpinned vCPU.")
        return realtime
    if policy != MIXED:
        if mask:
            raise BadRequest("hw:cpu_dedicated_mask requires hw:cpu_policy=mixed.")
        return tuple(range(vcpus)) if policy == DEDICATED else ()
    if not mask:
        raise BadRequest("hw:cpu_policy=mixed requires hw:cpu_dedicated_mask.")
    found = _mask("hw:cpu_dedicated_mask", mask, vcpus)
    if not found or len(found) >= vcpus or found[-1] >= vcpus:
        raise BadRequest("Mixed instance must have at least 1 pinned vCPU and 1 unpinned vCPU. "
                         f"See 'hw:cpu_dedicated_mask' {mask[:100]!r}.")
    return found


def _mask(name: str, text: str, vcpus: int) -> tuple[int, ...]:
    try:
        return cpu_mask(text, vcpus)
    except ValueError as exc:
        raise BadRequest(f"{name}: {exc}.") from exc


def _cpus(name: str, text: str) -> tuple[int, ...]:
    try:
        return cpu_list(text)
    except ValueError as exc:
        raise BadRequest(f"{name}: {exc}.") from exc


def _page(words: _Words) -> str:
    """``small``, ``large``, ``any``, a size in KiB, or nothing. The image has a say if the flavor is any or large."""
    flavor, image = words.flavor("mem_page_size"), words.image("mem_page_size")
    if image and flavor not in ("any", "large"):
        raise BadRequest("Image property 'hw_mem_page_size' requires a flavor whose hw:mem_page_size is any or large.")
    if flavor == "large" and image in ("small", "any"):
        raise BadRequest(f"Page size {image} forbidden against 'large'.")
    text = image or flavor
    if text in ("", "small", "large", "any"):
        return text
    match = PAGE.fullmatch(text)
    if match is None:
        raise BadRequest(f"Invalid memory page size {text[:30]!r}.")
    amount = int(match[1]) << 10 * POWERS[match[2].lower()]
    return str(amount // 8 if match[3] == "bit" else amount)


def _cells(words: _Words, vcpus: int, memory_mib: int, dedicated: frozenset[int]) -> tuple[CellWish, ...] | None:
    """The cells that are asked for, or none; all is shared out evenly unless each cell says what it has."""
    count = words.agreed("numa_nodes")
    named = sorted({int(match[2]) for name in (*words.specs, *words.properties) if (match := CELL.fullmatch(name))})
    if not count:
        if named:
            raise BadRequest("hw:numa_cpus and hw:numa_mem require hw:numa_nodes.")
        return None
    if not NUMBER.fullmatch(count) or not 1 <= int(count) <= 1024:
        raise BadRequest(f"hw:numa_nodes {count[:30]!r} is no number of cells.")
    number = int(count)
    if named and named[-1] >= number:
        raise BadRequest(f"hw:numa_cpus.{named[-1]} or hw:numa_mem.{named[-1]} is beyond the {number} cells.")
    if number > vcpus:
        raise BadRequest(f"{number} cells cannot share {vcpus} processors.")
    parts = _said(words, vcpus, memory_mib, number) if named else _even(vcpus, memory_mib, number)
    return tuple(CellWish(cpus=cpus, dedicated=tuple(cpu for cpu in cpus if cpu in dedicated), memory_mib=mib)
                 for cpus, mib in parts)


def _even(vcpus: int, memory_mib: int, number: int) -> Sequence[tuple[tuple[int, ...], int]]:
    if vcpus % number or memory_mib % number:
        raise BadRequest("Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes. "
                         "Explicit assignment of CPUs and memory to nodes is required")
    each = vcpus // number
    return [(tuple(range(cell * each, cell * each + each)), memory_mib // number) for cell in range(number)]


def _said(words: _Words, vcpus: int, memory_mib: int, number: int) -> Sequence[tuple[tuple[int, ...], int]]:
    found = []
    for cell in range(number):
        cpus, memory = words.agreed(f"numa_cpus.{cell}"), words.agreed(f"numa_mem.{cell}")
        if not cpus or not memory:
            raise BadRequest("CPU and memory allocation must be provided for all NUMA nodes")
        if not NUMBER.fullmatch(memory):
            raise BadRequest(f"hw:numa_mem.{cell} {memory[:30]!r} is no number of MiB.")
        found.append((_cpus(f"hw:numa_cpus.{cell}", cpus), int(memory)))
        # Told at once: what images say is a tenant's, and lists may be long.
        if beyond := next((cpu for cpu in found[-1][0] if cpu >= vcpus), 0):
            raise BadRequest(f"CPU number {beyond} is larger than max {vcpus - 1}")
    given = [cpu for cpus, _ in found for cpu in cpus]
    if twice := sorted(cpu for cpu, count in collections.Counter(given).items() if count > 1):
        raise BadRequest(f"CPU number {twice[0]} is assigned to two nodes")
    if len(given) < vcpus:
        missing = ", ".join(str(cpu) for cpu in range(vcpus) if cpu not in given)
        raise BadRequest(f"CPU number(s) {missing} are not assigned to a node")
    if sum(memory for _, memory in found) != memory_mib:
        raise BadRequest(f"{sum(memory for _, memory in found)} MB of memory assigned, but expected {memory_mib} MB")
    return found
