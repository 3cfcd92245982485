"""``stratolith audit``: what is written down twice, compared, and mended."""

from __future__ import annotations

import argparse

from ..config import Configuration
from ..errors import BadRequest
from .command import Command, add_configuration, add_state
from .up import MARKS, remembered


class Audit(Command):
    """Compare usage and claims with the servers that there are; with --mend, put right what differs.

    It works on the databases of the cloud, which may run meanwhile: what is being changed just then is left alone.
    Exit status 1 when something differed and was not mended.
    """

    help = "find and mend drift of usage and claims"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--mend", action="store_true", help="put right what differs")
        add_state(parser)
        add_configuration(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; a line for each thing that differs, then the counts."""
        from ..process.audit import audit
        state = arguments.state.resolve()
        if arguments.config is None and not any((state / mark).is_file() for mark in MARKS):
            raise BadRequest(f"{state} is not the folder of a cloud")
        found = configuration_of(arguments)
        seen = left = 0
        for service, drift in audit(found, state, arguments.mend):
            seen, left = seen + 1, left + (not drift.mended)
            print(f"{service}: {drift.kind} {drift.id}: {drift.what}" + (": mended" if drift.mended else ""))
        print(f"{seen} differ, {seen - left} mended")
        return 1 if left else 0


def configuration_of(arguments: argparse.Namespace) -> Configuration:
    """That of the file, or of the cloud's last start; flags win."""
    found = Configuration.read(arguments.config) if arguments.config else remembered(arguments.state.resolve())
    found.add_flags(arguments.flags)
    return found
