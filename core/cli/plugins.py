"""``stratolith plugins``: what is installed, from which distribution, and what it can do."""

from __future__ import annotations

import argparse

from .command import Command

WIDEST = 400


class Plugins(Command):
    """List the installed plugins of every kind with distribution, version and facets."""

    help = "list the installed plugins"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("group", nargs="?", help="only this kind, e.g. hypervisors")

    def run(self, arguments: argparse.Namespace) -> int:
        """Print a table; exit with 1 when a plugin cannot be loaded for more than a missing extra."""
        from rich.console import Console
        from rich.table import Column, Table

        from ..errors import BadConfiguration
        from .groups import GROUPS, installed
        if arguments.group and arguments.group not in GROUPS:
            raise BadConfiguration(f"there is no kind {arguments.group!r}; there are {', '.join(GROUPS)}")
        table = Table("kind", Column("name", overflow="fold"), "distribution", "interface", "facets or error", box=None)
        found = [plugin for group in ([arguments.group] if arguments.group else GROUPS) for plugin in installed(group)]
        for plugin in found:
            table.add_row(plugin.group, plugin.name, f"{plugin.distribution} {plugin.version}", plugin.api,
                          f"needs the extra {plugin.extra}" if plugin.extra
                          else plugin.error or ", ".join(plugin.facets))
        console = Console()
        if not console.is_terminal:
            # Who reads this by program wants whole names.
            console = Console(width=WIDEST)
        console.print(table)
        return 1 if any(plugin.error and not plugin.extra for plugin in found) else 0
