"""Transactions, paging and operations on PostgreSQL and MariaDB as on SQLite."""

import itertools
import threading
import types

import pytest
import sqlalchemy as sa
from stratolith.core.clock import System, Virtual
from stratolith.core.context import Context, service_context
from stratolith.core.db import migrate
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import current, upgrade
from stratolith.core.errors import AlreadyExists, Conflict
from stratolith.core.executor import Seeded
from stratolith.core.operations.engine import Engine
from stratolith.core.operations.tables import SCHEMA, operations
from stratolith.core.operations.workflow import Step, Workflow
from stratolith.core.process.slice import SERVICES
from stratolith.core.services.placement import Inventory
from stratolith.plugins.placement.service import Placement
from stratolith.plugins.placement.tables import SCHEMA as PLACEMENT

from .backing import mariadb, postgresql

pytestmark = pytest.mark.live
NUMBERS = itertools.count()
CONTEXT = service_context("req-test")


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


def test_a_provider_is_one_projects_alone_however_claims_race(database):
    upgrade(database, PLACEMENT)
    service = Placement(types.SimpleNamespace(db=database, clock=System()))
    host = {"VCPU": Inventory(total=8), "MEMORY_MB": Inventory(total=4096)}
    for number in range(20):
        service.apply_provider(CONTEXT, f"host-{number}", f"host-{number}", host, [])
    gate, refused = threading.Barrier(2, timeout=120), []

    def claim(project, sole):
        for number in range(20):
            gate.wait()
            try:
                service.claim(CONTEXT, f"{project}-{number}", {f"host-{number}": {"VCPU": 1, "MEMORY_MB": 64}}, project,
                              "user", "INSTANCE", f"host-{number}" if sole else "")
            except Conflict:
                refused.append(number)
    threads = [threading.Thread(target=claim, args=one) for one in (("mine", True), ("theirs", False))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(refused) == list(range(20))
