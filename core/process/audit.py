"""What the services have written down twice, compared, while the cloud may run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..clock import System
from ..config import Configuration
from ..executor import Threads
from .cloud import Cloud, Place
from .slice import Drift


def audit(configuration: Configuration, state: Path, mend: bool) -> Iterator[tuple[str, Drift]]:
    """Each difference with the service that found it. Nothing is started; the tables have to be there.

    :raises CloudError: a database cannot be used, or is not of this release's revision.
    """
    clock = System()
    cloud = Cloud(configuration, clock, Threads(clock),
                  Place(state_dir=state, run_dir=state / "run-audit", agents=[], ephemeral=True, migrate=False))
    try:
        cloud.check()
        for one in cloud.slices:
            for drift in one.audit(cloud.services[one.name], cloud.kits[one.name], mend):
                yield one.name, drift
    finally:
        cloud.stop()
