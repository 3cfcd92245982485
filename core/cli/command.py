"""What a subcommand of ``stratolith`` is, and the options that most of them share."""

from __future__ import annotations

import abc
import argparse
import os
from pathlib import Path
from typing import ClassVar

from ..config import Configuration
from ..plugins import Registry

DEFAULT_STATE = ".stratolith"


class Command(abc.ABC):
    """One subcommand; the class's docstring is its description. The entry point's name is its word."""

    api: ClassVar[tuple[int, int]] = (1, 0)
    help: ClassVar[str]
    takes_options: ClassVar[bool] = False
    """Whether ``--<section>-<key> VALUE`` flags are allowed: options of the configuration."""

    @abc.abstractmethod
    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    @abc.abstractmethod
    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit status. :raises CloudError: printed as one line, exit status 1."""


def add_state(parser: argparse.ArgumentParser) -> None:
    """The argument that names the cloud's folder."""
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("STRATOLITH_STATE", DEFAULT_STATE)),
                        metavar="DIR", help=f"folder of the cloud (default: {DEFAULT_STATE}, or $STRATOLITH_STATE)")


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """The argument that names the configuration file."""
    file = os.environ.get("STRATOLITH_CONFIG")
    parser.add_argument("--config", type=Path, default=Path(file) if file else None, metavar="FILE",
                        help="configuration file (INI; default: $STRATOLITH_CONFIG, or none)")


def configuration(arguments: argparse.Namespace) -> Configuration:
    """The configuration that file, environment and ``--<section>-<key>`` flags give."""
    found = Configuration.read(arguments.config)
    found.add_flags(arguments.flags)
    return found


COMMANDS: Registry[Command] = Registry("commands", Command)
