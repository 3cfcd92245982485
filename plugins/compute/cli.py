"""``stratolith host``: hosts that died, recovered and let back in, through the cloud's own API."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.cli.command import Command
from ...core.cli.session import Session, add_cloud, opened
from ...core.clock import System
from ...core.errors import BadConfiguration

LOOK_S = 1.0
PATH = "/os-hosts/{}/recovery"
SERVICES = "/os-services?binary=nova-compute"


class Host(Command):
    """Show hosts, and give the servers of dead ones a new home.

    recover: once it is certain that nothing runs on HOST (a fence proves it, or you do by --confirmed-off), its
    servers are made anew on other hosts; volumes go with them, local disks begin anew from their images. The host
    counts as down until it is released. With --wait the exit status is 1 when it failed or a server stayed.
    status: how far that has come.  release: let HOST run servers again.
    """

    help = "show hosts; recover and release dead ones"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("list", "recover", "status", "release"))
        parser.add_argument("host", nargs="?", default="", help="name of the host")
        parser.add_argument("--confirmed-off", action="store_true",
                            help="you vouch that nothing runs on the host: no fence is waited for")
        parser.add_argument("--volume-backed-only", action="store_true",
                            help="leave the servers whose disks are on the host")
        parser.add_argument("--flagged-only", action="store_true",
                            help="leave the servers that neither their metadata nor their flavors flag")
        parser.add_argument("--wait", action="store_true", help="wait until all servers have moved or stay")
        add_cloud(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it and print what came of it."""
        session = opened(arguments, "compute")
        if arguments.action == "list":
            print("\n".join(listed(session)))
            return 0
        if not arguments.host:
            raise BadConfiguration(f"{arguments.action} needs the name of a host")
        path = PATH.format(arguments.host)
        if arguments.action == "release":
            session.ask("DELETE", path)
            print(f"{arguments.host} may run servers again")
            return 0
        if arguments.action == "recover":
            session.ask("POST", path, {"recovery": {
                "confirmed_off": arguments.confirmed_off, "volume_backed_only": arguments.volume_backed_only,
                "flagged_only": arguments.flagged_only}})
        return self._follow(session, path, arguments.wait)

    def _follow(self, session: Session, path: str, wait: bool) -> int:
        clock = System()
        found = session.ask("GET", path)["recovery"]
        while wait and found["state"] == "running":
            clock.sleep(LOOK_S)
            found = session.ask("GET", path)["recovery"]
        print("\n".join(told(found)))
        return 1 if found["state"] == "failed" or (wait and found["left"]) else 0


def listed(session: Session) -> Iterator[str]:
    """A line a host; of those that are down, what is known of their recovery, too."""
    for one in sorted(session.ask("GET", SERVICES)["services"], key=lambda one: str(one["host"])):
        reason = f" ({one['disabled_reason']})" if one.get("disabled_reason") else ""
        line = f"{one['host']}  {one['state']}  {one['status']}{reason}  {one['zone']}"
        if one["state"] == "down":
            line += "  " + summary(session.ask("GET", PATH.format(one["host"]))["recovery"])
        yield line


def summary(recovery: Mapping[str, Any]) -> str:
    """The last recovery of a host in a few words."""
    if recovery["state"] == "none":
        return f"not recovered: {recovery['held']}" if recovery["held"] else "not recovered"
    words = f"recovery {recovery['state']}" + (f": {recovery['error']}" if recovery["error"] else "")
    return f"{words}, {len(recovery['moved'])} moved, {len(recovery['left'])} stayed"


def told(recovery: Mapping[str, Any]) -> Iterator[str]:
    """How far a recovery has come, line by line."""
    yield f"{recovery['host']}: {recovery['state']}" + (f": {recovery['error']}" if recovery["error"] else "")
    if recovery["state"] == "none" and recovery["held"]:
        yield f"  {recovery['held']}"
    for server in recovery["moved"]:
        yield f"  {server} {'moved' if recovery['state'] == 'done' else 'moves'}"
    for server, reason in sorted(recovery["left"].items()):
        yield f"  {server} stays: {reason}"
