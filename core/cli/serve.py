"""``stratolith serve``: some services and agents of a cloud that spans processes and hosts."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..clock import System
from ..config import Configuration
from .command import Command, add_configuration, configuration
from .up import parse_address


class Serve(Command):
    """Run the named services and agents in the foreground, as a service manager wants it.

    The database must be at this release's revision (stratolith db upgrade). SIGTERM drains.
    """

    help = "run some services and agents"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add_configuration(parser)
        parser.add_argument("--services", default="", metavar="A,B", help="services to run, by name (all: every one)")
        parser.add_argument("--agents", default="", metavar="A,B", help="agents to run beside their drivers, by name")
        parser.add_argument("--listen", default="127.0.0.1:8774", metavar="HOST:PORT", help="where to answer")
        parser.add_argument("--state", type=Path, default=Path("/var/lib/stratolith"), metavar="DIR",
                            help="folder of this process's state")
        parser.add_argument("--run", type=Path, default=Path("/run/stratolith"), metavar="DIR",
                            help="folder of sockets and pid files")
        parser.add_argument("--bootstrap", action="store_true",
                            help="first give a new cloud its users, catalog, flavors and networks")

    def run(self, arguments: argparse.Namespace) -> int:
        """Serve until told to stop."""
        from ..process.server import Launch, see_free, serve
        host, port = parse_address(arguments.listen)
        found = configuration(arguments)
        launch = Launch(configuration=checked(found), host=host, port=port, state_dir=arguments.state,
                        run_dir=arguments.run, services=names(arguments.services),
                        agents=names(arguments.agents) or ([] if arguments.agents != "all" else all_agents()),
                        ephemeral=False, bootstrap=arguments.bootstrap, migrate=False, begun=System().monotonic(),
                        checked=True)
        see_free(launch.host, launch.port)
        serve(launch)
        return 0


def checked(found: Configuration) -> Configuration:
    """The configuration, which may be one file for all processes of the cloud, so that it says more than
    this one needs. :raises BadConfiguration: it has what no process knows."""
    from .groups import DRIVERS, sections
    for name, options in sections().items():
        found.section(name, options)
    found.validate(tuple(DRIVERS))
    return found


def all_agents() -> list[str]:
    """The names of all agents of the installed services."""
    from ..process.slice import SERVICES
    return [agent for name in SERVICES.names() for agent in SERVICES.load(name).agents]


def names(text: str) -> list[str] | None:
    """``a,b`` as a list, ``all`` as none (every one), nothing as an empty list."""
    if text == "all":
        return None
    return [word.strip() for word in text.split(",") if word.strip()]
