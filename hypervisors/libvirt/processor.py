"""The processors of a guest: their model, how they are laid out, and the cells of memory they share."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from ...core.drivers.hypervisor import GuestSpec
from ...core.errors import BadConfiguration, NotSupported
from .ability import Abilities
from .cpus import parse_cpus
from .options import LibvirtOptions
from .wish import Wishes, number

PARTS = ("sockets", "cores", "threads")
Layout = tuple[int, int, int]
"""Sockets, cores a socket, threads a core."""


def processor(spec: GuestSpec, wishes: Wishes, options: LibvirtOptions, abilities: Abilities) -> ET.Element | None:
    """The processors of ``spec``; None when QEMU's own default is enough.

    :raises NotSupported: they cannot be laid out as asked, or the host has no such model.
    """
    mode = options.cpu_mode or ("maximum" if options.virt_type == "qemu" else "host-model")
    root = ET.Element("cpu")
    if mode != "none":
        root.set("mode", mode)
    if mode == "custom":
        root.set("match", "exact")
        ET.SubElement(root, "model", fallback="forbid").text = _model(options.cpu_models, abilities)
    asked = layout(spec.vcpus, wishes)
    if asked is not None:
        ET.SubElement(root, "topology", {part: str(count) for part, count in zip(PARTS, asked, strict=True)})
    found = cells(spec.vcpus, spec.memory_mib, wishes)
    if found:
        numa = ET.SubElement(root, "numa")
        for identity, (cpus, memory_mib) in enumerate(found):
            ET.SubElement(numa, "cell", id=str(identity), cpus=",".join(map(str, cpus)), memory=str(memory_mib),
                          unit="MiB")
    return root if root.attrib or len(root) else None


def _model(models: str, abilities: Abilities) -> str:
    named = [model.strip() for model in models.split(",") if model.strip()]
    if not named:
        raise BadConfiguration("cpu_mode custom needs cpu_models")
    for model in named:
        if abilities.processor_usable(model):
            return model
    raise NotSupported(f"this host can give none of the processors {', '.join(named)}")


def layout(vcpus: int, wishes: Wishes) -> Layout | None:
    """How processors are laid out; None when nobody asks.

    The image lowers the flavor's limits and never raises them; its preferences go before the flavor's. Of all layouts
    within the limits that one is taken which keeps most preferences, then that with most sockets, then cores.

    :raises NotSupported: no layout keeps the limits, or the image goes beyond the flavor's.
    """
    limits = [_limit(part, wishes) for part in PARTS]
    image = [number(f"hw_cpu_{part}", wishes.image(f"hw_cpu_{part}")) for part in PARTS]
    flavor = [number(f"hw:cpu_{part}", wishes.flavor(f"hw:cpu_{part}")) for part in PARTS]
    wanted = image if any(image) else flavor
    if not any(wanted) and not any(limits):
        return None
    for part, count, limit in zip(PARTS, wanted, limits, strict=True):
        if limit and count > limit:
            raise NotSupported(f"{count} {part} of processors are asked for where {limit} are allowed")
    possible = [one for one in _layouts(vcpus)
                if all(count <= limit for count, limit in zip(one, limits, strict=True) if limit)
                and (one[2] == 1 or limits[2] or wanted[2] > 1)]
    if not possible:
        raise NotSupported(f"{vcpus} processors cannot be laid out within the limits")
    return max(possible, key=lambda one: (sum(a == b for a, b in zip(one, wanted, strict=True)), one))


def _limit(part: str, wishes: Wishes) -> int:
    image = number(f"hw_cpu_max_{part}", wishes.image(f"hw_cpu_max_{part}"))
    flavor = number(f"hw:cpu_max_{part}", wishes.flavor(f"hw:cpu_max_{part}"))
    if image and flavor and image > flavor:
        raise NotSupported(f"the image's hw_cpu_max_{part} {image} is above the flavor's {flavor}")
    return image or flavor


def _layouts(vcpus: int) -> Iterator[Layout]:
    for sockets in range(1, vcpus + 1):
        for cores in range(1, vcpus // sockets + 1):
            if vcpus % (sockets * cores) == 0:
                yield sockets, cores, vcpus // (sockets * cores)


def cells(vcpus: int, memory_mib: int, wishes: Wishes) -> Sequence[tuple[Sequence[int], int]]:
    """The processors and the memory, in MiB, of each cell of the guest; none when nobody asks for several.

    :raises NotSupported: processors or memory cannot be shared out so.
    """
    count = number("hw_numa_nodes", wishes.agreed("numa_nodes"))
    if not count:
        return ()
    cpus = [wishes.agreed(f"numa_cpus.{cell}") for cell in range(count)]
    memory = [number(f"hw_numa_mem.{cell}", wishes.agreed(f"numa_mem.{cell}")) for cell in range(count)]
    if not any(cpus) and not any(memory):
        if vcpus % count or memory_mib % count:
            raise NotSupported(f"{vcpus} processors and {memory_mib} MiB cannot be shared out evenly to {count} cells")
        each = vcpus // count
        return [(range(cell * each, cell * each + each), memory_mib // count) for cell in range(count)]
    if not all(cpus) or not all(memory):
        raise NotSupported("every cell needs both its processors and its memory, or none does")
    found = [sorted(parse_cpus(text)) for text in cpus]
    if sorted(cpu for cell in found for cpu in cell) != list(range(vcpus)) or sum(memory) != memory_mib:
        raise NotSupported("the cells do not add up to the guest's processors and memory")
    return list(zip(found, memory, strict=True))
