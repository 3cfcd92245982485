"""The ``stratolith`` command: finds its subcommands by entry point and runs one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..errors import CloudError
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


def _run(given: list[str]) -> int:
    name = next((word for word in given if not word.startswith("-")), "")
    names = COMMANDS.names()
    parser = argparse.ArgumentParser(prog="stratolith", description="An OpenStack-compatible cloud in one package.")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    loaded: dict[str, Command] = {}
    for one in [name] if name in names else names:
        command = loaded[one] = COMMANDS.load(one)()
        command.arguments(subparsers.add_parser(one, help=command.help, description=command.__doc__,
                                                formatter_class=argparse.RawDescriptionHelpFormatter))
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


def _version() -> int:
    from ... import __version__
    print(f"stratolith {__version__}")
    return 0
