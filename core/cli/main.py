"""The ``stratolith`` command: finds its subcommands by entry point and runs one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

from ..errors import CloudError, NoSuchDriver
from .command import COMMANDS, Command


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run ``stratolith`` with ``arguments`` (by default the process's own) and exit with its status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.exit(_run(given))
    except CloudError as error:
        print(f"stratolith: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read has seen enough; Python would complain once more when it closes its output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _run(given: list[str]) -> int:
    name = next((word for word in given if not word.startswith("-")), "")
    names = COMMANDS.names()
    alone = name in names
    parser, loaded = build([name] if alone else names, lenient=not alone)
    parsed, extra = parser.parse_known_args(given)
    if parsed.version:
        return _version()
    if parsed.command is None:
        parser.print_help()
        return 64
    command = loaded[parsed.command]
    if extra and not command.takes_options:
        parser.error(f"unrecognized arguments: {' '.join(extra)}")
    parsed.flags = extra
    return command.run(parsed)


def build(names: Iterable[str], lenient: bool = False) -> tuple[argparse.ArgumentParser, dict[str, Command]]:
    """The parser with the commands ``names``, and these by name.

    :raises NoSuchDriver: one cannot be loaded; if ``lenient`` its line of help says so instead.
    """
    parser = argparse.ArgumentParser(prog="stratolith", description="An OpenStack-compatible cloud in one package.",
                                     formatter_class=_one_line_each)
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    loaded: dict[str, Command] = {}
    for name in names:
        try:
            command = COMMANDS.load(name)()
        except NoSuchDriver as error:
            if not lenient:
                raise
            subparsers.add_parser(name, help=f"cannot be used: {error}".replace("%", "%%"))
            continue
        loaded[name] = command
        command.arguments(subparsers.add_parser(name, help=command.help, description=command.__doc__,
                                                formatter_class=argparse.RawDescriptionHelpFormatter))
    return parser, loaded


def _one_line_each(prog: str) -> argparse.HelpFormatter:
    """A formatter that counts the indent of commands, which argparse does not, so that none takes two lines."""
    formatter = argparse.HelpFormatter(prog, max_help_position=30)
    formatter._action_max_length = max(len(name) for name in COMMANDS.names()) + 4
    return formatter


def _version() -> int:
    from ... import __version__
    print(f"stratolith {__version__}")
    return 0
