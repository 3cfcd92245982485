"""The end of a cloud: whatever its drivers have on this host is removed, while nothing of it runs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ..clock import System
from ..config import Configuration
from ..errors import BackendFailed, CloudError
from ..executor import Threads
from .cloud import Cloud, Place

log = logging.getLogger("stratolith")


def purge(configuration: Configuration, state: Path) -> Mapping[str, int]:
    """Remove all that the cloud of a folder has on this host; return how many things of each kind.

    The folder and the databases stay. Each thing is tried, so that what fails holds back nothing else.

    :raises BackendFailed: something could not be removed; called again, this tries only what is left.
    :raises CloudError: a driver cannot work; nothing of its is removed.
    """
    clock = System()
    executor = Threads(clock)
    cloud = Cloud(configuration, clock, executor, Place(state_dir=state, run_dir=state / "run", agents=[]))
    try:
        cloud.prepare()
        return _removed(cloud)
    finally:
        cloud.stop()


def _removed(cloud: Cloud) -> Counter[str]:
    """Guests and wires go first, then what they used."""
    removed: Counter[str] = Counter()
    failed = []
    for one in sorted(cloud.slices, key=lambda one: not one.agents):
        for thing in list(one.belongings(cloud.services[one.name], cloud.kits[one.name])):
            try:
                thing.remove()
                removed[thing.kind] += 1
            except CloudError as error:
                log.error("%s %s cannot be removed: %s %s", thing.kind, thing.id, error, error.facts.get("detail", ""))
                failed.append(f"{thing.kind} {thing.id}")
    if failed:
        raise BackendFailed(f"these could not be removed: {', '.join(failed)}")
    return removed
