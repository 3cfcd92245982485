"""``stratolith lease-watch``: the process of a host that keeps its lease and ends its guests without it."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
from pathlib import Path

from ...core.cli.command import Command, add_configuration, configuration
from ...core.clock import System
from ...core.config import Configuration
from ...core.drivers.base import Surroundings, make
from ...core.drivers.fence import Keeping
from ...core.drivers.hypervisor import Killable
from ...core.errors import BadConfiguration
from ...core.executor import Threads
from ...core.process import logs
from ...core.process.cloud import CloudOptions
from .agent import HYPERVISORS
from .lease_watch import TICK_S, LeaseWatch
from .options import Options
from .posting import Posting
from .recovery import FENCES
from .watchdog import Watchdog

log = logging.getLogger("stratolith.lease-watch")


class LeaseWatchCommand(Command):
    """Keep this host's lease, and end its guests when it cannot be kept, whatever became of the agent.

    Beside each agent of a cloud whose fence is `lease`; with the same configuration, folders and host name.
    Servers run on the host only while this runs.
    """

    help = "keep a host's lease, and end its guests without it"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add_configuration(parser)
        parser.add_argument("--state", type=Path, default=Path("/var/lib/stratolith"), metavar="DIR",
                            help="folder of the agent's state")
        parser.add_argument("--run", type=Path, default=Path("/run/stratolith"), metavar="DIR",
                            help="folder of the agent's sockets and pid files")

    def run(self, arguments: argparse.Namespace) -> int:
        """Watch until told to stop."""
        found = configuration(arguments)
        logs.set_up(found)
        clock = System()
        executor = Threads(clock, workers=2)
        watch, every_s = made(found, arguments.state, arguments.run, clock)
        ended: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
        executor.every(every_s, watch.renew, first_s=0.0)
        while not ended:
            watch.look()
            # Once it has looked, the agent can read until when guests may run.
            tell("READY=1\nWATCHDOG=1")
            clock.sleep(TICK_S)
        watch.stop()
        executor.stop()
        return 0


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
    watchdog = _watchdog(options, fence)
    return LeaseWatch(host, fence, hypervisor, Posting(run, host), clock, log, watchdog), fence.every_s()


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
