"""The agent's part of moves: what goes over the wire, and how live migrations are remembered."""

import threading
from types import SimpleNamespace

import pytest
from stratolith.core.bus.proxy import Stub, make_proxy
from stratolith.core.clock import System, Virtual
from stratolith.core.context import Context
from stratolith.core.drivers.hypervisor import MigrationProgress
from stratolith.core.errors import BackendFailed, Interrupted
from stratolith.core.executor import Seeded, Threads
from stratolith.plugins.compute.agency import ComputeAgent, DiskPlan, GuestPlan, LiveReport, agent_queue
from stratolith.plugins.compute.moving import REMEMBERED, LiveMoves, live_key

CONTEXT = Context(request_id="req-1")
PLAN = GuestPlan(guest="g", name="n", vcpus=1, memory_mib=64, disks=[DiskPlan(device="vda", size_gib=1)])
OFFER = {"guest": "{}"}


class Wire:
    """A bus whose other end is here."""

    def __init__(self, stub):
        self.stub = stub

    def call(self, queue, body, timeout_s):
        return self.stub.handle(body)


class Recorder(ComputeAgent):
    """Notes what it is asked."""

    def __init__(self):
        self.asked = []

    def depart(self, context, guest):
        return OFFER

    def arrive(self, context, plan, offer, start):
        self.asked.append((plan, offer, start))

    def begin_live(self, context, plan, offer, block, migration):
        self.asked.append((plan, offer, block, migration))

    def live(self, context, guest, migration):
        return LiveReport("running", progress=MigrationProgress(10, 4, 6))


Recorder.__abstractmethods__ = frozenset()


def test_verbs_of_moves_go_over_the_wire():
    recorder = Recorder()
    agent = make_proxy(ComputeAgent, Wire(Stub(ComputeAgent, recorder)), agent_queue("h"), 1.0)
    assert agent.depart(CONTEXT, "g") == OFFER
    agent.arrive(CONTEXT, PLAN, OFFER, True)
    agent.begin_live(CONTEXT, PLAN, OFFER, False, "m")
    assert recorder.asked == [(PLAN, OFFER, True), (PLAN, OFFER, False, "m")]
    assert agent.live(CONTEXT, "g", "m") == LiveReport("running", progress=MigrationProgress(10, 4, 6))


@pytest.fixture
def woken():
    return []


@pytest.fixture
def lives(woken):
    executor = Seeded(Virtual())
    made = LiveMoves(SimpleNamespace(executor=executor, wake=woken.append))
    made.run = executor.run
    return made


@pytest.mark.parametrize(("error", "state"), [
    (None, "done"), (Interrupted("stopped"), "interrupted"), (BackendFailed("broken"), "failed")])
def test_the_end_is_told_and_remembered(lives, woken, error, state):
    def work():
        if error is not None:
            raise error
    lives.begin("g", "m", work)
    assert lives.report("g", "m").state == "running"
    lives.run()
    assert lives.report("g", "m").state == state
    assert lives.report("g", "other") is None
    assert woken == [live_key("m")]


def test_a_guest_on_its_way_begins_no_other_move(lives):
    done = []
    lives.begin("g", "m", lambda: done.append("m"))
    lives.begin("g", "n", lambda: done.append("n"))
    lives.run()
    assert done == ["m"]
    lives.begin("g", "n", lambda: done.append("n"))
    lives.run()
    assert done == ["m", "n"]


def test_only_the_last_ends_are_remembered(lives):
    for number in range(REMEMBERED + 1):
        lives.begin("g", str(number), lambda: None)
        lives.run()
    assert lives.report("g", "0") is None
    assert lives.report("g", "1").state == "done"


def test_a_long_move_holds_no_worker():
    executor, release, ended = Threads(System(), workers=1), threading.Event(), threading.Event()
    lives = LiveMoves(SimpleNamespace(executor=executor, wake=lambda key: ended.set()))
    lives.begin("g", "m", lambda: release.wait(10))
    free = threading.Event()
    executor.submit(free.set)
    assert free.wait(10)
    assert lives.report("g", "m").state == "running"
    release.set()
    assert ended.wait(10)
    executor.stop()
