"""``stratolith conformance``: prove an installed driver with the shipped suite of its kind."""

from __future__ import annotations

import argparse

from ..errors import BadConfiguration
from .command import Command


class Conformance(Command):
    """Run the shipped suite of KIND on the installed driver NAME; needs the extra 'conformance'.

    Options of the driver are given as --set KEY=VALUE.
    """

    help = "prove a driver with the shipped suite"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", help="hypervisor, network, volume, image_store, bus, ...")
        parser.add_argument("name", help="entry-point name of the driver")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the driver")

    def run(self, arguments: argparse.Namespace) -> int:
        """Run it and print the count; exit status 0 when nothing failed."""
        try:
            import pytest  # noqa: F401
        except ImportError as exc:
            raise BadConfiguration("the suites need pytest; try: pip install 'stratolith[conformance]'") from exc
        from ..conformance.runner import run
        words = [word for pair in arguments.set for word in ("--set", pair)]
        return run(arguments.kind, arguments.name, words)
