"""``stratolith host``: hosts that died, recovered and let back in, through the cloud's own API."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.cli.command import Command
from ...core.cli.session import add_cloud, opened
from ...core.errors import BadConfiguration


class Host(Command):
    """Show hosts, and give the servers of dead ones a new home.

    recover: once it is certain that nothing runs on HOST (a fence proves it, or you do by --confirmed-off), its
    servers are made anew on other hosts; volumes go with them, local disks begin anew from their images. The host
    counts as down until it is released.  status: how far that has come.  release: let HOST run servers again.
    """

    help = "show hosts; recover and release dead ones"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("list", "recover", "status", "release"))
        parser.add_argument("host", nargs="?", default="", help="name of the host")
        parser.add_argument("--confirmed-off", action="store_true",
                            help="you vouch that nothing runs on the host: no fence is asked")
        parser.add_argument("--volume-backed-only", action="store_true",
                            help="leave the servers whose disks are on the host")
        add_cloud(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it and print what came of it."""
        session = opened(arguments, "compute")
        if arguments.action == "list":
            print("\n".join(listed(session.ask("GET", "/os-services?binary=nova-compute")["services"])))
            return 0
        if not arguments.host:
            raise BadConfiguration(f"{arguments.action} needs the name of a host")
        path = f"/os-hosts/{arguments.host}/recovery"
        if arguments.action == "release":
            session.ask("DELETE", path)
            print(f"{arguments.host} may run servers again")
            return 0
        body = {"recovery": {"confirmed_off": arguments.confirmed_off,
                             "volume_backed_only": arguments.volume_backed_only}}
        recovering = arguments.action == "recover"
        found = session.ask("POST" if recovering else "GET", path, body if recovering else None)["recovery"]
        print("\n".join(told(found)))
        return 1 if found["state"] == "failed" else 0


def listed(services: list[Mapping[str, Any]]) -> Iterator[str]:
    """A line a host."""
    for one in sorted(services, key=lambda one: str(one["host"])):
        reason = f" ({one['disabled_reason']})" if one.get("disabled_reason") else ""
        yield f"{one['host']}  {one['state']}  {one['status']}{reason}  {one['zone']}"


def told(recovery: Mapping[str, Any]) -> Iterator[str]:
    """How far a recovery has come, line by line."""
    yield f"{recovery['host']}: {recovery['state']}" + (f": {recovery['error']}" if recovery["error"] else "")
    for server in recovery["moved"]:
        yield f"  {server} moves"
    for server, reason in sorted(recovery["left"].items()):
        yield f"  {server} stays: {reason}"
