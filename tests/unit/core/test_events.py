"""The outbox: each event is told, also one whose number is lower than those told already."""

import json
import logging
from pathlib import Path

import pytest
from stratolith.core.bus.events import TOPIC, Events
from stratolith.core.bus.local import Local
from stratolith.core.clock import Virtual
from stratolith.core.context import Context
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import upgrade
from stratolith.core.drivers.base import NoOptions, Surroundings
from stratolith.core.errors import BackendBusy
from stratolith.core.executor import Seeded
from stratolith.core.operations.tables import SCHEMA, outbox

CONTEXT = Context(request_id="req-1", project_id="p")


class Outlet:
    """Events on a bus that may be away, and what was heard."""

    def __init__(self):
        self.clock = Virtual(1)
        self.executor = Seeded(self.clock)
        self.database = Database(DatabaseOptions(), "sqlite://")
        upgrade(self.database, SCHEMA)
        self.bus = Local(NoOptions(), Surroundings(self.clock, logging.getLogger("t"), Path("x"), Path("y")))
        self.bus.open()
        self.heard = []
        self.bus.listen(TOPIC, lambda body: self.heard.append(json.loads(body)["event_type"]))
        self.events = Events("nova-compute:h", "nova", self.database, self.bus, self.executor, self.clock)

    def emit(self, *types):
        with self.database.write() as tx:
            for one in types:
                self.events.emit(tx, CONTEXT, one, "Payload", {"x": 1})


@pytest.fixture
def outlet():
    return Outlet()


def test_events_are_told_in_order_once(outlet):
    outlet.emit("a", "b")
    outlet.emit("c")
    outlet.executor.run(5)
    outlet.events.hint()
    outlet.executor.run(5)
    assert outlet.heard == ["a", "b", "c"]


def test_nothing_is_told_of_what_was_rolled_back(outlet):
    with pytest.raises(KeyError), outlet.database.write() as tx:
        outlet.events.emit(tx, CONTEXT, "never", "Payload", {})
        raise KeyError
    outlet.executor.run(5)
    assert outlet.heard == []


def test_a_lower_number_that_was_committed_later_is_told(outlet):
    outlet.emit("first", "second")
    publish = outlet.bus.publish

    def late(topic, body):
        outlet.bus.publish = publish
        with outlet.database.write() as tx:
            tx.insert(outbox, {"number": 0, "message_id": "m", "event_type": "late", "publisher": "p",
                               "priority": "INFO", "project_id": "p", "request_id": "r", "payload": {},
                               "created_at": outlet.clock.now()})
        publish(topic, body)
    outlet.bus.publish = late
    outlet.executor.run(5)
    outlet.events.hint()
    outlet.executor.run(5)
    assert sorted(outlet.heard) == ["first", "late", "second"]


def test_a_lost_broker_delays(outlet):
    outlet.emit("a")
    publish = outlet.bus.publish

    def away(topic, body):
        raise BackendBusy
    outlet.bus.publish = away
    outlet.executor.run(1)
    assert outlet.heard == []
    outlet.bus.publish = publish
    outlet.executor.run(20)
    assert outlet.heard == ["a"]


def test_old_events_are_forgotten_and_new_ones_kept(outlet):
    outlet.emit("old")
    outlet.executor.run(8 * 24 * 3600)
    outlet.emit("new")
    outlet.executor.run(5)
    outlet.events.trim()
    with outlet.database.read() as tx:
        assert tx.values(outbox.select().with_only_columns(outbox.c.event_type)) == ["new"]
