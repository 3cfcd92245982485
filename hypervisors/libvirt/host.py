"""What of its host a guest's description depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ...core.errors import BadConfiguration, NotSupported
from .ability import AbilitiesOf, unknown
from .cpus import parse_cpus
from .options import LibvirtOptions


@dataclasses.dataclass(frozen=True)
class Host:
    """A host as one guest meets it."""

    abilities_of: AbilitiesOf = unknown
    pins: tuple[int, ...] = ()
    """The processors the guest has for itself."""
    shared: frozenset[int] = frozenset()
    """The processors of guests that have none for themselves; empty is all."""
    cells: int = 1
    """How many cells of memory it has."""
    free_pages: Mapping[int, int] = dataclasses.field(default_factory=dict)
    """Large pages to spare, by their size in KiB."""


def dedicated_cpus(options: LibvirtOptions, vcpus: int) -> frozenset[int]:
    """The processors that are given away. :raises BadConfiguration: the host does not have them all."""
    try:
        found, shared = parse_cpus(options.cpu_dedicated_set), parse_cpus(options.cpu_shared_set)
    except NotSupported as exc:
        raise BadConfiguration(str(exc)) from exc
    if found & shared:
        raise BadConfiguration("cpu_dedicated_set and cpu_shared_set have processors in common")
    if found | shared and max(found | shared) >= vcpus:
        raise BadConfiguration(f"cpu_dedicated_set or cpu_shared_set go beyond this host's {vcpus} processors")
    return found


def shared_cpus(options: LibvirtOptions, vcpus: int) -> frozenset[int]:
    """The processors that guests share; empty is all of the host's.

    :raises NotSupported: every one is dedicated.
    """
    dedicated = parse_cpus(options.cpu_dedicated_set)
    if options.cpu_shared_set:
        return parse_cpus(options.cpu_shared_set)
    if not dedicated:
        return frozenset()
    left = frozenset(range(vcpus)) - dedicated
    if not left:
        raise NotSupported("every processor of this host is dedicated, and the guest asks for none for itself")
    return left
