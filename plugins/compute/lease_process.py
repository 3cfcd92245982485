"""The process behind ``stratolith lease-watch``: what it is made of, and its life."""

from __future__ import annotations

import logging
import os
import signal
import socket
from pathlib import Path

from ...core.clock import System
from ...core.config import Configuration
from ...core.drivers.base import Surroundings, make
from ...core.drivers.fence import Keeping
from ...core.drivers.hypervisor import Killable
from ...core.errors import BadConfiguration
from ...core.executor import Threads
from ...core.process import logs
from ...core.process.cloud import CloudOptions
from .lease_watch import TICK_S, LeaseWatch
from .options import Options
from .posting import Posting
from .recovery import FENCES
from .verbs import HYPERVISORS
from .watchdog import Watchdog

log = logging.getLogger("stratolith.lease-watch")


def watch(found: Configuration, state: Path, run: Path) -> None:
    """Watch until a signal tells to stop. :raises BadConfiguration: as :func:`made`."""
    logs.set_up(found)
    clock = System()
    executor = Threads(clock, workers=2)
    lease, every_s = made(found, state, run, clock)
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    executor.every(every_s, lease.renew, first_s=0.0)
    while not ended:
        lease.look()
        # Once it has looked, the agent can read until when guests may run.
        tell("READY=1\nWATCHDOG=1")
        clock.sleep(TICK_S)
    lease.stop()
    executor.stop()


def made(found: Configuration, state: Path, run: Path, clock: System) -> tuple[LeaseWatch, float]:
    """The watch that the options ask for, and the seconds between two renewals.

    :raises BadConfiguration: the fence, the hypervisor or the watchdog does not serve for it.
    """
    options = found.section("compute", Options)
    host = found.section("cloud", CloudOptions).host or socket.gethostname()

    def surroundings(section: str) -> Surroundings:
        return Surroundings(clock, log.getChild(section), state / section, run / section, host)
    sections = (f"fences.{options.fence}", f"hypervisors.{options.hypervisor}")
    fence = make(FENCES.load(options.fence), sections[0], found, surroundings(sections[0]))
    # It is never opened: that may ask a daemon, which may hang.
    hypervisor = make(HYPERVISORS.load(options.hypervisor), sections[1], found, surroundings(sections[1]))
    if not isinstance(fence, Keeping):
        raise BadConfiguration(f"the fence {options.fence} has no part on the hosts, so that there is nothing to keep")
    if not isinstance(hypervisor, Killable):
        raise BadConfiguration(f"the guests of {options.hypervisor} end with its agent, which keeps the lease itself")
    fence.open()
    posting = Posting(run, host)
    try:
        posting.read()
    except OSError as exc:
        raise BadConfiguration(f"it cannot be read until when servers may run: {exc}") from exc
    return LeaseWatch(host, fence, hypervisor, posting, clock, log, _watchdog(options, fence)), fence.every_s()


def _watchdog(options: Options, keeping: Keeping) -> Watchdog | None:
    if not options.lease_watchdog:
        return None
    if options.lease_watchdog_s + 2 * TICK_S > keeping.grace_s():
        raise BadConfiguration(f"a watchdog of {options.lease_watchdog_s} s resets the host too late for a fence that "
                               f"waits {keeping.grace_s():g} s: make the fence wait longer")
    return Watchdog(options.lease_watchdog, options.lease_watchdog_s)


def tell(word: str) -> None:
    """Tell systemd, if it started this process and wants to know (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(word.encode(), "\0" + address[1:] if address.startswith("@") else address)
