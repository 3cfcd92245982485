"""The revision and the memory of answers."""

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import upgrade
from stratolith.plugins.identity.revision import Memory, Revision
from stratolith.plugins.identity.tables import SCHEMA


@pytest.fixture
def database():
    made = Database(DatabaseOptions(), "sqlite://")
    upgrade(made, SCHEMA)
    yield made
    made.close()


class Source:
    """Answers with the number of the question."""

    def __init__(self):
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return self.asked


def test_an_answer_is_found_once_until_something_changes(database):
    clock, source = Virtual(), Source()
    revision = Revision(database, clock)
    memory = Memory(revision, clock, 300)
    assert [memory.get("k", source) for _ in range(3)] == [1, 1, 1]
    with database.write() as tx:
        revision.bump(tx)
        assert memory.get("k", source) == 1
    assert memory.get("k", source) == 2


def test_a_rolled_back_change_is_none(database):
    clock, source = Virtual(), Source()
    revision = Revision(database, clock)
    memory = Memory(revision, clock, 300)
    memory.get("k", source)
    with pytest.raises(KeyError), database.write() as tx:
        revision.bump(tx)
        raise KeyError
    assert memory.get("k", source) == 1


def test_a_change_elsewhere_counts_within_a_second(database):
    clock, source = Virtual(), Source()
    here, there = Revision(database, clock), Revision(database, clock)
    memory = Memory(here, clock, 300)
    memory.get("k", source)
    with database.write() as tx:
        there.bump(tx)
    clock.advance(1.0)
    assert memory.get("k", source) == 2


def test_an_answer_that_was_overtaken_is_not_kept(database):
    clock = Virtual()
    revision = Revision(database, clock)
    memory = Memory(revision, clock, 300)

    def overtaken():
        with database.write() as tx:
            revision.bump(tx)
        return "old"
    assert memory.get("k", overtaken) == "old"
    assert memory.get("k", lambda: "new") == "new"


def test_failures_are_not_kept(database):
    clock = Virtual()
    memory = Memory(Revision(database, clock), clock, 300)

    def fail():
        raise KeyError
    with pytest.raises(KeyError):
        memory.get("k", fail)
    assert memory.get("k", lambda: 1) == 1


def test_answers_age_and_are_bounded(database):
    clock, source = Virtual(), Source()
    memory = Memory(Revision(database, clock), clock, 10, size=3)
    memory.get("k", source)
    clock.advance(10)
    assert memory.get("k", source) == 2
    for number in range(5):
        memory.get(number, source)
    assert memory.get("k", source) > 2
