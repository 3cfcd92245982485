"""``stratolith config``: what can be set, what is set, and what is wrong with it."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator

from ..config import Configuration, Key, keys, written
from .command import Command, add_configuration, configuration


class Config(Command):
    """Show, check and compare the configuration.

    show: every option with its value in force.  sample: a commented file with all defaults.
    validate: look for unknown sections and keys and for wrong values.  diff: only what differs
    from the defaults. Secrets are never printed.
    """

    help = "show, check and compare the configuration"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("show", "sample", "validate", "diff"))
        add_configuration(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Print what was asked for."""
        if arguments.action == "sample":
            print("\n".join(sample()))
            return 0
        found = configuration(arguments)
        lines = list(values(found, arguments.action == "diff"))
        found.validate(named_by_operators())
        if arguments.action == "validate":
            print("The configuration is right.")
        else:
            print("\n".join(lines))
        return 0


def named_by_operators() -> tuple[str, ...]:
    """Groups of sections that bear names of an operator's own."""
    from .groups import NAMED
    return NAMED


def values(found: Configuration, changed_only: bool) -> Iterator[str]:
    """The options in force, as the lines of a file."""
    from .groups import sections
    for name, options in sections().items():
        built: object = found.section(name, options)
        lines = [f"{key.name} = {_shown(key, getattr(built, key.name))}" for key in keys(name, options)
                 if not changed_only or getattr(built, key.name) != key.default]
        if lines:
            yield from (f"[{name}]", *lines, "")


def _shown(key: Key, value: object) -> str:
    return "***" if key.secret and value else written(value)


def sample(distribution: str = "") -> Iterator[str]:
    """A configuration file with every option, its meaning and its default, commented out.

    With ``distribution`` the options of other packages' drivers are left out.
    """
    from .groups import sections
    yield "# Options of Stratolith with their defaults. A variable or a flag wins over this file."
    for name, options in sections(distribution).items():
        yield f"\n[{name}]"
        for key in keys(name, options):
            yield from textwrap.wrap(key.help + f" ({key.variable})", 110, initial_indent="# ",
                                     subsequent_indent="# ")
            yield f"#{key.name} = {written(key.default)}"
