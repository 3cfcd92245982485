"""Transactions, paging and operations on PostgreSQL and MariaDB as on SQLite."""

import itertools

import pytest
import sqlalchemy as sa
from stratolith.core.clock import Virtual
from stratolith.core.context import Context
from stratolith.core.db import migrate
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import current, upgrade
from stratolith.core.errors import AlreadyExists
from stratolith.core.executor import Seeded
from stratolith.core.operations.engine import Engine
from stratolith.core.operations.tables import SCHEMA, operations
from stratolith.core.operations.workflow import Step, Workflow
from stratolith.core.process.slice import SERVICES

from .backing import mariadb, postgresql

pytestmark = pytest.mark.live
NUMBERS = itertools.count()


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def server(request):
    with {"postgresql": postgresql, "mariadb": mariadb}[request.param]() as make:
        yield make


@pytest.fixture
def database(server):
    made = Database(DatabaseOptions(), server(f"stratolith{next(NUMBERS)}"))
    yield made
    made.close()


def test_migrations_make_exactly_the_tables(database):
    schemas = [SCHEMA, *(SERVICES.load(name).schema for name in SERVICES.names())]
    for schema in filter(None, schemas):
        assert upgrade(database, schema)
        assert current(database, schema) == schema.head()
        assert not upgrade(database, schema)
        assert migrate.differences(database, schema) == [], schema.name


def test_a_unique_key_decides_and_the_transaction_is_gone(database):
    upgrade(database, SCHEMA)
    table = sa.Table("pairs", sa.MetaData(), sa.Column("id", sa.String(8), primary_key=True))
    table.metadata.create_all(database.engine)
    with database.write() as tx:
        tx.insert(table, {"id": "a"})
    with pytest.raises(AlreadyExists), database.write() as tx:
        tx.insert(table, {"id": "b"})
        tx.insert(table, {"id": "a"})
    with database.read() as tx:
        assert tx.values(sa.select(table.c.id)) == ["a"]


def test_operations_run_and_fail_as_on_sqlite(database):
    upgrade(database, SCHEMA)
    clock = Virtual()
    executor = Seeded(clock)
    engine = Engine("test", database, executor, clock, "host:one/1")
    did = []

    def fail(job):
        raise ValueError("broken")
    engine.register([Workflow("test.good", [Step("a", lambda job: did.append("a"))]),
                     Workflow("test.bad", [Step("b", lambda job: None, lambda job: did.append("unb")),
                                           Step("c", fail)])])
    for kind in ("test.good", "test.bad"):
        with database.write() as tx:
            engine.start(tx, kind, kind, Context(request_id="r"))
    executor.run(1)
    with database.read() as tx:
        states = tx.values(sa.select(operations.c.state).order_by(operations.c.number))
    assert (states, sorted(did)) == (["done", "failed"], ["a", "unb"])
