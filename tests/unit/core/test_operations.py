"""The engine: order, undo, retries, waits, interruption, and life after a crash at every write."""

import logging

import pytest
import sqlalchemy as sa
from stratolith.core.clock import Virtual
from stratolith.core.context import Context
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import upgrade
from stratolith.core.errors import BackendBusy, BackendFailed
from stratolith.core.executor import Seeded
from stratolith.core.operations.engine import Engine
from stratolith.core.operations.tables import SCHEMA, operations
from stratolith.core.operations.workflow import Step, Wait, Workflow

CONTEXT = Context(request_id="req-1", user_id="u", project_id="p", token="secret")


class Crash(BaseException):
    """The process is gone."""


class World:
    """An engine, its database file, and what steps did to the outside."""

    def __init__(self, path, log=None):
        self.path = path
        self.did = [] if log is None else log
        self.start()

    def start(self, incarnation="1"):
        self.clock = Virtual(1)
        self.executor = Seeded(self.clock)
        self.database = Database(DatabaseOptions(), f"sqlite:///{self.path}")
        upgrade(self.database, SCHEMA)
        self.engine = Engine("test", self.database, self.executor, self.clock, f"host:one/{incarnation}")

    def register(self, *steps, **more):
        self.engine.register([Workflow("test.work", steps, **more)])

    def step(self, name, do=None, undo=True):
        def act(job):
            self.did.append(name)
            return do(job) if do else None

        def back(job):
            self.did.append("un" + name)
        return Step(name, act, back if undo else None)

    def begin(self, subject="s", **more):
        with self.database.write() as tx:
            return self.engine.start(tx, "test.work", subject, CONTEXT, **more)

    def rows(self):
        with self.database.read() as tx:
            return tx.rows(sa.select(operations).order_by(operations.c.number))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "db")


def test_steps_run_in_order_and_their_memory_is_kept(world):
    def remember(job):
        job.data["seen"] = job.data.get("seen", 0) + 1
    world.register(world.step("a", remember), world.step("b", remember))
    world.begin(data={"x": 1})
    assert world.did == []
    world.executor.run()
    row, = world.rows()
    assert (world.did, row.state, row.data) == (["a", "b"], "done", {"x": 1, "seen": 2})
    assert [entry[0] for entry in row.history] == ["a", "b"]


def test_the_token_is_not_kept(world):
    world.register(world.step("a"))
    world.begin()
    assert "secret" not in str(world.rows()[0].context)


def test_nothing_runs_when_the_transaction_is_rolled_back(world):
    world.register(world.step("a"))
    with pytest.raises(ZeroDivisionError), world.database.write() as tx:
        world.engine.start(tx, "test.work", "s", CONTEXT)
        raise ZeroDivisionError
    world.executor.run(60)
    assert (world.did, world.rows()) == ([], [])


def test_a_failure_undoes_from_the_failed_step_back(world):
    def fail(job):
        raise BackendFailed("broken")
    ended = []
    world.register(world.step("a"), world.step("b", fail), world.step("c"),
                   failed=lambda tx, job, error: ended.append((error.code, error.message)))
    world.begin()
    world.executor.run()
    assert world.did == ["a", "b", "unb", "una"]
    assert (ended, world.rows()[0].state) == ([("backend-failed", "broken")], "failed")


def test_a_foreign_exception_does_not_reach_the_record(world):
    def crash(job):
        raise KeyError("password=hunter2")
    logging.getLogger("stratolith.operations").disabled = True
    world.register(world.step("a", crash))
    world.begin()
    world.executor.run()
    logging.getLogger("stratolith.operations").disabled = False
    assert world.rows()[0].state == "failed"
    assert "hunter2" not in str(world.rows()[0].error)


def test_an_error_worth_a_retry_is_tried_again_with_pauses(world):
    def busy(job):
        if job.attempt < 3:
            raise BackendBusy()
    world.register(world.step("a", busy))
    world.begin()
    world.executor.run()
    assert world.did == ["a"]
    world.executor.run(10)
    assert (world.did, world.rows()[0].state) == (["a"] * 3, "done")


def test_retries_end(world):
    def busy(job):
        raise BackendBusy()
    world.register(world.step("a", busy), attempts=3)
    world.begin()
    world.executor.run(120)
    assert (world.did, world.rows()[0].state) == (["a", "a", "a", "una"], "failed")


def test_an_undo_that_fails_is_tried_until_it_works(world):
    tries = []

    def stubborn(job):
        tries.append(1)
        if len(tries) < 4:
            raise BackendFailed()

    def fail(job):
        raise BackendFailed()
    world.register(Step("a", fail, stubborn))
    world.begin()
    world.executor.run(300)
    assert (len(tries), world.rows()[0].state) == (4, "failed")


def test_a_waiting_step_goes_on_when_woken(world):
    ready = []

    def wait(job):
        if not ready:
            raise Wait("volume:1", at_most_s=1000)
    world.register(world.step("a", wait))
    world.begin()
    world.executor.run(10)
    assert world.rows()[0].state == "waiting"
    ready.append(1)
    world.engine.wake("volume:1")
    world.executor.run()
    assert world.rows()[0].state == "done"


def test_a_wake_between_check_and_wait_is_not_lost(world):
    def wait(job):
        if len(world.did) == 1:
            world.engine.wake("volume:1")
            raise Wait("volume:1", at_most_s=1000)
    world.register(world.step("a", wait))
    world.begin()
    world.executor.run()
    assert world.rows()[0].state == "done"


def test_a_lost_wake_costs_time_only(world):
    def wait(job):
        if len(world.did) == 1:
            raise Wait("volume:1", at_most_s=20)
    world.register(world.step("a", wait))
    world.begin()
    world.executor.run(21)
    assert world.rows()[0].state == "done"


def test_operations_on_one_subject_run_in_order(world):
    seen = []
    world.register(Step("a", lambda job: seen.append(job.data["n"])))
    for number in range(5):
        world.begin(data={"n": number})
    world.executor.run()
    assert seen == [0, 1, 2, 3, 4]


def test_a_later_operation_interrupts_an_earlier_one(world):
    def wait(job):
        raise Wait("never", at_most_s=1000)
    world.engine.register([Workflow("test.slow", [world.step("a"), world.step("b", wait)]),
                           Workflow("test.delete", [world.step("gone")])])
    with world.database.write() as tx:
        world.engine.start(tx, "test.slow", "s", CONTEXT)
    world.executor.run(1)
    with world.database.write() as tx:
        world.engine.start(tx, "test.delete", "s", CONTEXT, interrupt=True)
    world.executor.run(1)
    assert world.did == ["a", "b", "unb", "una", "gone"]
    assert [row.state for row in world.rows()] == ["failed", "done"]


def test_a_deadline_ends_an_operation(world):
    def wait(job):
        raise Wait("never", at_most_s=30)
    world.register(world.step("a", wait), deadline_s=100)
    world.begin()
    world.executor.run(200)
    row, = world.rows()
    assert (row.state, row.error["code"], world.did[-1]) == ("failed", "deadline-passed", "una")


def test_a_lease_of_another_process_is_respected_until_it_ends(world):
    world.register(world.step("a"))
    world.begin()
    with world.database.write() as tx:
        tx.execute(operations.update().values(state="running", owner="other:two/9",
                                              lease_until=world.clock.time() + 50))
    world.engine.resume()
    world.executor.run(40)
    assert world.did == []
    world.executor.run(30)
    assert (world.did, world.rows()[0].state) == (["a"], "done")


def run_until_crash(world, point):
    """Run an operation in a process that dies at the given write; tell whether it died."""
    count = [0]

    def probe(name):
        count[0] += 1
        if count[0] == point:
            raise Crash(name)
    world.register(world.step("a"), world.step("b"), done=lambda tx, job: None)
    try:
        world.begin()
        world.database.probe = probe
        world.executor.run(1)
    except Crash:
        return True
    return False


def test_a_crash_at_any_write_is_survived(tmp_path):
    points = 0
    for point in range(1, 100):
        world = World(tmp_path / f"db{point}")
        died = run_until_crash(world, point)
        again = World(world.path, world.did)
        again.start("2")
        again.register(again.step("a"), again.step("b"))
        again.engine.resume()
        again.executor.run(1)
        row, = again.rows()
        assert row.state == "done", point
        assert list(dict.fromkeys(world.did)) == ["a", "b"]
        assert len(world.did) <= 3, "a crash may repeat one step at the most"
        if not died:
            break
        points += 1
    print(f"{points} points of a crash")
    assert points > 5
