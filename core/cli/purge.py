"""``stratolith purge``: the end of a cloud, with all that it made."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from ..clock import System
from ..config import Configuration
from ..errors import BadRequest, CloudError
from .command import Command, add_configuration, add_state
from .up import MARKS, NAME, add_drivers, choose_drivers, remembered


class Purge(Command):
    """Remove the cloud of a folder for good: its servers, networks, volumes and images on this host, then the folder.

    A cloud that runs is stopped first. Drivers and options are those of its last start; flags change them.
    A database of its own elsewhere stays.
    """

    help = "remove a cloud with all that it made"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add_state(parser)
        add_configuration(parser)
        add_drivers(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def run(self, arguments: argparse.Namespace) -> int:
        """Remove it; exit status 1 when that was not agreed to.

        :raises CloudError: the folder is no cloud's, or something could not be removed; then the folder stays.
        """
        from ..process.purge import purge
        state = arguments.state.resolve()
        if not any((state / mark).is_file() for mark in MARKS):
            raise BadRequest(f"{state} is not the folder of a cloud")
        if not arguments.yes and not _agreed(state):
            print("Nothing was removed.")
            return 1
        _stop(state)
        found = _configuration(arguments, state)
        try:
            removed = purge(found, state)
        except CloudError as error:
            raise CloudError(f"{error}; {state} stays, so that you can try again") from error
        shutil.rmtree(state)
        print(f"Removed {_listed(removed)}{state}.")
        return 0


def _agreed(state: Path) -> bool:
    print(f"This removes the cloud of {state}: its servers, networks, volumes and images, and all files in the folder.")
    print("Remove it? Type yes: ", end="", flush=True)
    return sys.stdin.readline().strip() == "yes"


def _stop(state: Path) -> None:
    from ..process.server import end, running
    pid = running(state / "run", NAME)
    if pid and not end(pid, System()):
        raise CloudError(f"process {pid} does not end")


def _configuration(arguments: argparse.Namespace, state: Path) -> Configuration:
    """That of the last start, unless there is a file now; flags win."""
    found = Configuration.read(arguments.config) if arguments.config else remembered(state)
    found.add_flags(arguments.flags)
    choose_drivers(found, arguments)
    return found


def _listed(removed: Mapping[str, int]) -> str:
    return "".join(f"{count} {kind}{'s' if count > 1 else ''}, " for kind, count in removed.items())
