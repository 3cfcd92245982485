"""``stratolith db``: bring the databases to this release's revision, or see that they are there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Configuration
from ..errors import BadConfiguration
from .command import Command, add_configuration, add_state, configuration

if TYPE_CHECKING:
    from ..db.engine import Database, Databases
    from ..db.schema import Schema


class Db(Command):
    """Bring the databases to this release's revision, check them, or write a new revision.

    upgrade: run the migrations that are missing; safe to run again, and while the release before
    still serves (revisions only expand).  check: exit with 1 when something is missing.
    revision: for developers, write the migration that brings SERVICE's tables up to the code.
    """

    help = "upgrade and check the databases"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("upgrade", "check", "revision"))
        parser.add_argument("service", nargs="?", default="", help="for revision: whose tables (or core)")
        parser.add_argument("slug", nargs="?", default="", help="for revision: a few_words")
        add_state(parser)
        add_configuration(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it for the core and every installed service."""
        if arguments.action == "revision":
            print(write(arguments.service, arguments.slug))
            return 0
        from ..db.engine import Databases
        from ..db.upgrade import check, current, upgrade
        options = configuration(arguments)
        databases = Databases(options, arguments.state)
        for name, database, schema in schemas(options, databases):
            if arguments.action == "check":
                check(database, schema)
            else:
                upgrade(database, schema)
            print(f"{name}: revision {current(database, schema)}")
        databases.close()
        return 0


def schemas(options: Configuration, databases: Databases) -> Iterator[tuple[str, Database, Schema]]:
    """(name, database, schema) of the core, once a database, and of all that services and their drivers keep."""
    from ..operations.tables import SCHEMA
    from ..process.slice import SERVICES
    seen: list[Database] = []
    for name in SERVICES.names():
        database = databases.of(name)
        if database not in seen:
            seen.append(database)
            yield "core", database, SCHEMA
        for schema in SERVICES.load(name)().schemas(options):
            yield schema.name, database, schema


def write(service: str, slug: str) -> Path:
    """Write the next revision of a service's tables, made on an empty SQLite database."""
    from ..db.engine import Database, DatabaseOptions, Databases
    from ..db.migrate import write_revision
    from ..db.upgrade import upgrade
    options = Configuration()
    found = {name: schema for name, _, schema in schemas(options, Databases(options, None))}
    if service not in found or not slug.isidentifier():
        raise BadConfiguration(f"revision needs one of {', '.join(found)} and a slug such as add_tags")
    database = Database(DatabaseOptions(), "sqlite://")
    if any(found[service].migrations.glob("[0-9]*.py")):
        upgrade(database, found[service])
    return write_revision(database, found[service], slug)
