"""News of changes from the cloud's bus, for services that may listen to it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ...core.clock import System
from ...core.config import Configuration
from ...core.drivers.base import Surroundings, make
from ...core.drivers.bus import Bus
from ...core.drivers.revocation import CHANGED_TOPIC
from ...core.executor import Threads
from ...core.plugins import Registry

BUSES: Registry[Bus] = Registry("bus", Bus)


def listen(url: str, hear: Callable[[bytes], None]) -> Bus:
    """Call ``hear`` with each change that identity tells over the bus at ``url``; the bus, to be closed by who cares.

    Nothing depends on it: what is lost is fetched. :raises NoSuchDriver: kombu is not installed.
    """
    clock = System()
    surroundings = Surroundings(clock, logging.getLogger("stratolith.middleware"), Path(), Path(),
                                executor=Threads(clock))
    bus = make(BUSES.load("kombu"), "bus.kombu", Configuration({"bus.kombu": {"url": url}}, {}), surroundings)
    bus.open()
    bus.listen(CHANGED_TOPIC, hear)
    return bus
