"""A whole cloud for each module of API tests: on SQLite, or on the server of STRATOLITH_TEST_DATABASE_URL."""

import logging
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import upgrade
from stratolith.core.operations.tables import SCHEMA
from stratolith.core.process.slice import SERVICES

SERVER = os.environ.get("STRATOLITH_TEST_DATABASE_URL", "")
LEFT_OUT = {
    "compute/test_crash.py": "kills the process at each of SQLite's writes",
    "compute/test_crash_moves.py": "kills the process at each of SQLite's writes",
    "compute/test_crash_actions.py": "kills the process at each of SQLite's writes",
    "compute/test_crash_seats.py": "kills the process at each of SQLite's writes",
    "compute/test_crash_shelves.py": "kills the process at each of SQLite's writes",
    "compute/test_crash_disk_keys.py": "kills the process at each of SQLite's writes",
    "test_simulation.py": "keeps SQLite's tables in memory",
    "compute/test_audit.py::test_the_command_works_beside_the_cloud": "the command finds SQLite's file",
    "compute/test_recovery.py": "hours of virtual time of what test_moves.py asks of a database",
    "compute/test_recovery_policy.py": "hours of virtual time of what test_moves.py asks of a database",
    "compute/test_found_by_lives.py": "hours of virtual time of what test_moves.py asks of a database",
    "scheduler/test_named_causes.py": "asks a database a thousand times what test_explanations.py does",
    "compute/test_consoles.py": "asks a database for little that others do not",
    "identity/test_middleware.py": "asks a database for nothing that others do not",
    "volume/test_crash.py": "kills the process at each of SQLite's writes",
    "test_fuzz.py::test_hostile_values_of_query_parameters": "takes minutes on a server",
    "test_fuzz.py::test_one_hostile_value_in_an_otherwise_good_body": "takes a minute on a server",
}
"""What runs on SQLite alone, by file or test, and why.

Of the other 104 modules all but 32 send a statement that no other does; those 32 take a sixth of the run.
"""


@pytest.fixture(scope="module", autouse=True)
def levels():
    """Loggers keep their levels: an operation of block storage sets them for the whole process."""
    def ours():
        return [one for name, one in logging.root.manager.loggerDict.items()
                if isinstance(one, logging.Logger) and name.startswith("stratolith")]
    before = {one: one.level for one in ours()}
    yield
    for one in ours():
        one.setLevel(before.get(one, logging.NOTSET))


class Lent:
    """Databases on a server, all with this release's tables, lent to clouds by their folder.

    The same folder again gets the same database with what is in it; all are free again, and emptied
    before they are lent, once the next module of tests begins.
    """

    def __init__(self, server):
        self.server = sa.make_url(server)
        self.schemas = [SCHEMA, *filter(None, (SERVICES.load(name).schema for name in SERVICES.names()))]
        self.by_folder = {}
        self.free = []
        self.made = 0

    def __call__(self, folder):
        """The URL of a folder's database."""
        if folder not in self.by_folder:
            self.by_folder[folder] = self.emptied(self.free.pop()) if self.free else self.make()
        return self.by_folder[folder].render_as_string(hide_password=False)

    def make(self):
        """One more database."""
        self.made += 1
        url = self.server.set(database=f"api{os.getpid()}_{self.made}")
        engine = sa.create_engine(self.server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {url.database}")
        engine.dispose()
        database = Database(DatabaseOptions(), url.render_as_string(hide_password=False))
        for schema in self.schemas:
            upgrade(database, schema)
        database.close()
        return url

    def emptied(self, url):
        """The database without a row."""
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("SET session_replication_role = replica" if "postgresql" in url.drivername
                                       else "SET foreign_key_checks = 0")
            # Drivers have tables, too, so the database is asked which there are.
            for name in sa.inspect(connection).get_table_names():
                if not name.startswith("revision_"):
                    connection.execute(sa.table(name).delete())
        engine.dispose()
        return url

    def end_module(self):
        """The clouds of a module are stopped."""
        self.free += self.by_folder.values()
        self.by_folder.clear()


if SERVER:
    InProcess.database = LENT = Lent(SERVER)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(item, nextitem):
        """See when the last test of a module has ended."""
        yield
        if nextitem is None or nextitem.path != item.path:
            LENT.end_module()

    def pytest_collection_modifyitems(config, items):
        """Leave out what runs on SQLite alone; the count says that it was."""
        here = Path(__file__).parent

        def left_out(item):
            file = str(item.path.relative_to(here)) if item.path.is_relative_to(here) else ""
            return file in LEFT_OUT or f"{file}::{item.originalname}" in LEFT_OUT
        out = [item for item in items if left_out(item)]
        if out:
            config.hook.pytest_deselected(items=out)
            items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A started cloud with simulated drivers and virtual time."""
    made = InProcess(tmp_path_factory.mktemp("cloud")).start()
    yield made
    made.stop()
