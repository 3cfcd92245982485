"""``stratolith identity``: what an operator does to identity from outside of the API."""

from __future__ import annotations

import argparse
import logging

from ...core.cli.command import Command, add_configuration, add_state, configuration
from ...core.clock import System


class IdentityCommand(Command):
    """Change the keys that tokens are made with.

    rotate-keys: new tokens are made with the next key; running processes notice within a second, and
    tokens issued so far stay good until their key is retired by later rotations.
    """

    help = "rotate the keys of tokens"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("rotate-keys",))
        add_state(parser)
        add_configuration(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Rotate the keys of the token format that the configuration names."""
        from ...core.drivers.base import Surroundings, make
        from .backends import FORMATS
        from .store import IdentityOptions
        options = configuration(arguments)
        name = options.section("identity", IdentityOptions).tokens
        section = f"tokens.{name}"
        state = arguments.state / section
        surroundings = Surroundings(System(), logging.getLogger("stratolith.identity"), state_dir=state, run_dir=state)
        tokens = make(FORMATS.load(name), section, options, surroundings)
        tokens.open()
        tokens.rotate()
        tokens.close()
        print(f"{name}: keys rotated")
        return 0
