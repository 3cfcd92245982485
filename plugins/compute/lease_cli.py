"""``stratolith lease-watch``: the process of a host that keeps its lease and ends its guests without it."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...core.cli.command import Command, add_configuration, configuration


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
        from .lease_process import watch
        watch(configuration(arguments), arguments.state, arguments.run)
        return 0
