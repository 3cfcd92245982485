"""What is counted is what is there: after any history, from many threads, and in the migrations."""

import random
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from stratolith.core.errors import BackendBusy, Conflict
from stratolith.plugins.placement.tables import SCHEMA, allocations, inventories

from .conftest import CONTEXT, HOST, made


def drift(service):
    """Inventories whose ``used`` is not the sum of their allocations, or is beyond the capacity."""
    total = (sa.select(sa.func.coalesce(sa.func.sum(allocations.c.used), 0))
             .where(allocations.c.provider_id == inventories.c.provider_id,
                    allocations.c.resource_class == inventories.c.resource_class).scalar_subquery())
    with service.db.read() as tx:
        return tx.rows(sa.select(inventories).where(sa.or_(inventories.c.used != total,
                                                           inventories.c.used > inventories.c.capacity)))


@pytest.mark.parametrize("seed", range(5))
def test_no_drift_after_any_history(placement, seed):
    chance = random.Random(seed)
    for _ in range(200):
        consumer = f"consumer-{chance.randrange(12)}"
        verb = chance.randrange(5)
        try:
            if verb < 3:
                amounts = {"VCPU": chance.randrange(1, 9), "DISK_GB": chance.randrange(1, 12) * 5}
                wanted = dict.fromkeys(chance.sample(["a", "b"], chance.randrange(1, 3)), amounts)
                placement.claim(CONTEXT, consumer, wanted, "project", "user", "INSTANCE")
            elif verb == 3:
                placement.release(CONTEXT, consumer)
            else:
                placement.move(CONTEXT, consumer, f"consumer-{chance.randrange(12)}")
        except Conflict:
            pass
    assert drift(placement) == []


def test_claims_that_race_fill_a_host_to_the_brim_and_no_further(tmp_path):
    service = made(f"sqlite:///{tmp_path / 'placement.db'}")
    service.apply_provider(CONTEXT, "a", "host-a", HOST, [])
    won = []

    def race(number):
        for attempt in range(5):
            try:
                service.claim(CONTEXT, f"{number}-{attempt}", {"a": {"VCPU": 1}}, "project", "user", "INSTANCE")
                won.append(number)
            except (Conflict, BackendBusy):
                pass

    threads = [threading.Thread(target=race, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(won) == 16
    assert drift(service) == []
    service.db.close()


def test_migrations_make_the_tables(placement):
    with placement.db.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), SCHEMA.metadata)
    assert [one for one in found if one[0] != "remove_table"] == []
