"""``stratolith scheduler``: what the scheduler can be asked, and why a server is where it is, through its own API."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.cli.command import Command
from ...core.cli.session import Session, add_cloud, opened
from ...core.errors import BadConfiguration


class Scheduler(Command):
    """Show hints, filters and weighers, and explain decisions.

    hints: the hints that servers may be created with.  filters: what hosts must pass, in order, and what orders
    them.  explain SERVER: why it found no host, or where it would go now.  try FLAVOR: where a server would go that
    nobody asked for; nothing is claimed.
    """

    help = "show hints and filters; explain where servers go"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("hints", "filters", "explain", "try"))
        parser.add_argument("name", nargs="?", default="", help="id of the server to explain, or of the flavor to try")
        parser.add_argument("--image", default="", help="id of the image to try")
        parser.add_argument("--zone", default="", help="availability zone to try; ZONE:HOST is one host")
        parser.add_argument("--hint", action="append", default=[], metavar="NAME=VALUE", help="a hint to try")
        add_cloud(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Ask, and print the answer."""
        session = opened(arguments, "scheduling")
        if arguments.action in ("explain", "try"):
            if not arguments.name:
                wanted = "the id of a server" if arguments.action == "explain" else "the id of a flavor"
                raise BadConfiguration(f"{arguments.action} needs {wanted}")
            found = _explanation(session, arguments)
            print("\n".join(found["lines"]))
            return 0
        found = session.ask("GET", f"/v1/{arguments.action}")
        print("\n".join(hints(found) if arguments.action == "hints" else filters(found)))
        return 0


def _explanation(session: Session, arguments: argparse.Namespace) -> Mapping[str, Any]:
    if arguments.action == "explain":
        return dict(session.ask("GET", f"/v1/servers/{arguments.name}/explanation")["explanation"])
    trial: dict[str, Any] = {"flavor": arguments.name}
    if arguments.image:
        trial["image"] = arguments.image
    if arguments.zone:
        trial["availability_zone"] = arguments.zone
    for word in arguments.hint:
        name, equals, value = word.partition("=")
        if not equals:
            raise BadConfiguration(f"--hint {word}: a hint is NAME=VALUE")
        trial.setdefault("hints", {}).setdefault(name, []).append(value)
    return dict(session.ask("POST", "/v1/explanations", {"trial": trial})["explanation"])


def hints(found: Mapping[str, Any]) -> Iterator[str]:
    """A line a hint, and below it a line for each filter that reads it."""
    for hint in found["hints"]:
        yield str(hint["name"])
        for name, keeps in zip(hint["filters"], hint["keeps"], strict=True):
            yield f"  {name}: {keeps}"


def filters(found: Mapping[str, Any]) -> Iterator[str]:
    """A line for each filter, in their order, and for each weigher, with its multiplier; then the further policies."""
    yield "filters, in this order:"
    for one in found["filters"]:
        yield f"  {one['name']}: {one['keeps']}"
    yield "weighers:"
    for one in found["weighers"]:
        yield f"  {one['name']} * {one['multiplier']:g}: {one['prefers']}"
    for policy in found["policies"]:
        yield f"policy {policy['name']}:"
        yield f"  filters: {', '.join(policy['filters'])}"
        yield f"  weighers: {', '.join(policy['weighers'])}"
