"""Seeded lives of a whole cloud: a seed is the same life again, and what is broken is found."""

import datetime
import os
import subprocess
import sys

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from stratolith.core.cli.main import main
from stratolith.core.conformance.simulation import faults, tenants
from stratolith.core.conformance.simulation.cradle import Broken, Cradle
from stratolith.core.conformance.simulation.events import EVENTS
from stratolith.core.conformance.simulation.life import Life, Plan
from stratolith.core.conformance.simulation.quick import Quick
from stratolith.core.conformance.simulation.seeds import Outcome, Summary, many
from stratolith.core.conformance.simulation.wires import Killed, Trouble
from stratolith.core.db.columns import Bytes, Json, Moment, id_column, text
from stratolith.core.db.engine import Transaction
from stratolith.core.drivers.hypervisor import Power


@pytest.fixture(scope="module")
def cradle(tmp_path_factory):
    """The cloud that all lives begin with."""
    return Cradle(tmp_path_factory.mktemp("cradle"), 3)


@pytest.fixture
def life(cradle, tmp_path):
    """Begins a life by its seed, and ends it."""
    begun = []

    def begin(seed, name="life"):
        begun.append(Life(cradle, Plan(seed), tmp_path / f"{name}-{seed}"))
        return begun[-1]
    yield begin
    for one in begun:
        one._abandon()


@pytest.fixture
def lived(life):
    """A life with a server on each of two hosts."""
    one = life(31)
    for _ in range(6):
        tenants.boot(one, "demo")
        one.cloud.run(5)
    return one


def test_the_same_seed_is_the_same_life(life):
    first = life(21).run()
    again = life(21, "again").run()
    assert (first.digest, first.events) == (again.digest, again.events)
    assert life(22).run().digest != first.digest


def test_a_life_is_the_same_the_long_way_to_the_database(life, tmp_path):
    long = Cradle(tmp_path / "long", 3, quick=False)
    for seed in (23, 24):
        assert Life(long, Plan(seed), tmp_path / f"long-{seed}").run().digest == life(seed).run().digest


def test_a_statement_of_any_kind_gives_the_same_the_short_way(cradle):
    table = sa.Table("kinds", sa.MetaData(), id_column(), sa.Column("word", text(9)), sa.Column("moment", Moment),
                     sa.Column("json", Json), sa.Column("yes", sa.Boolean, default=True), sa.Column("bytes", Bytes))
    engine = cradle.database.engine
    with engine.begin() as connection:
        table.create(connection)
    with engine.connect() as connection:
        short = Quick(cradle.database, connection)
    row = {"word": "a", "moment": datetime.datetime(2030, 1, 2, 3), "json": {"b": [1]}, "bytes": b"c"}
    for id in "123":
        short.insert(table, {"id": id, **row})
    some = table.c.id.in_(sa.bindparam("ids", expanding=True))
    found = sa.select(table).where(table.c.yes, some).order_by(table.c.id)
    for ids in (["1", "2"], ["3"], [], ["1", "2", "3"], {"2"}):
        rows = short.rows(found, {"ids": ids})
        assert rows == Transaction(short.database, short.connection).rows(found, {"ids": ids})
        assert [one._asdict() for one in rows] == [{"id": id, **row, "yes": True} for id in sorted(ids)]
    assert (short.row(found, {"ids": ["9"]}), short.value(found, {"ids": ["2"]})) == (None, "2")
    assert [short.change(table, "1", {"word": ("a", "b")}, word=word) for word in "abbcd"] == [True] * 4 + [False]
    for _ in range(3):
        with pytest.raises(IntegrityError):
            short.insert(table, {"id": "1", **row})
    assert short.delete(table, "1") and not short.delete(table, "1") and not short.delete(table, "1")
    with engine.begin() as connection:
        table.drop(connection)


def test_a_seed_is_the_same_life_in_every_process():
    said = set()
    for salt in ("1", "2"):
        words = [sys.executable, "-m", "stratolith.core.cli", "simulate", "--seeds", "41..42"]
        done = subprocess.run(words, env={**os.environ, "PYTHONHASHSEED": salt}, capture_output=True, text=True,
                              check=True)
        said.add(tuple(line for line in done.stdout.splitlines() if line.startswith("seed ")))
    assert len(said) == 1
    assert len(said.pop()) == 2


def test_every_event_is_tried_somewhere(life):
    one = life(33)
    for name, event in EVENTS.items():
        one.event(name, event)
    assert one.kinds.total() == len(EVENTS)


def test_a_claim_that_nobody_needs_is_found(lived):
    placement = lived.cloud.cloud.services["placement"]
    provider = lived.agents("compute")[0]._provider()
    placement.claim(lived.cloud.cloud.kits["compute"].context(), "11111111-2222-4333-8444-555555555555",
                    {provider: {"VCPU": 1}}, "p", "u", "INSTANCE")
    with pytest.raises(Broken, match="claimed for 11111111"):
        lived.checks.always()


def test_a_guest_that_nobody_knows_is_found(lived):
    driver = lived.agents("compute")[0].driver
    first = next(guest for _, guest in lived.checks.guests())
    driver.keep(type(first)("stranger", "n", first.size, Power.SHUTDOWN))
    assert any("the guest stranger is left on h1" in wrong for wrong in lived.checks.at_rest())


def test_a_server_that_runs_twice_is_found(lived):
    host, guest = next((host, guest) for host, guest in lived.checks.guests() if guest.power is Power.RUNNING)
    other = next(one for one in lived.agents("compute") if one.host != host)
    other.driver.keep(guest)
    with pytest.raises(Broken, match=f"the server {guest.id} runs on"):
        lived.cloud.run(60)


def test_usage_that_is_not_what_is_used_is_found(lived):
    lived.cradle.connection().execute("UPDATE compute_usage SET instances = instances + 1")
    with pytest.raises(Broken, match="are counted"):
        lived.checks.always()


def test_a_server_that_nobody_moves_is_found(lived):
    lived.cradle.connection().execute("UPDATE servers SET task_state = 'rebooting'")
    with pytest.raises(Broken, match="nobody moves it"):
        lived.checks.always()


def test_a_fence_that_lies_is_found(lived):
    """A fence that does not stop the host lets a server run twice, and that is seen."""
    host = next(host for host, guest in lived.checks.guests() if guest.power is Power.RUNNING)
    lived.wires.cuts[host] = "both"
    lived.cloud.run(80)
    lived.power_off = lambda host: lived.down.setdefault(host, lived.time) and lived.down.pop(host)
    faults_before = len(lived.history)
    with pytest.raises(Broken, match="runs on"):
        lived.ask("POST", f"/compute/v2.1/os-hosts/{host}/recovery", {"recovery": {}}, "admin")
        lived.cloud.run(300)
    assert len(lived.history) > faults_before


def test_messages_are_lost_repeated_and_late(lived):
    seen = []

    def call():
        seen.append(lived.time)
        return "answer"
    wires = lived.wires
    for kind, calls in (("request", 0), ("answer", 1), ("twice", 2), ("late", 1)):
        seen.clear()
        wires.troubles = [Trouble(kind, 0, 2.0)]
        try:
            assert wires.carry("h1", True, "verb", call) == "answer"
            assert kind in ("twice", "late")
        except faults_of_wires():
            assert kind in ("request", "answer")
        assert len(seen) == calls
    wires.troubles = [Trouble("kill after", 0)]
    with pytest.raises(Killed):
        wires.carry("h1", True, "verb", call)


def faults_of_wires():
    from stratolith.core.errors import BackendBusy
    return BackendBusy


def test_hosts_without_power_stay_so_over_a_restart(lived):
    assert lived.crash("h2")
    lived._restart()
    assert "h2" in lived.down
    assert faults.HYPERVISOR
    with pytest.raises(faults_of_wires()):
        lived.agent("compute", "h2").driver.observe()


def test_lives_leave_nothing_open():
    def opened():
        return len(os.listdir("/proc/self/fd"))
    for outcome in many([Plan(1)], 3, 1):
        assert outcome.record
    before = opened()
    for outcome in many([Plan(2, bereaved=True), Plan(3), Plan(4, bereaved=True)], 3, 1):
        assert outcome.record
    assert opened() <= before


def test_the_command_tells_of_each_life(capsys):
    with pytest.raises(SystemExit) as left:
        main(["simulate", "--seed", "5", "--seeds", "2", "--hosts", "2", "--hours", "0.02"])
    assert left.value.code == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 lives, 0 broken"


def test_the_command_says_how_to_see_it_again(capsys, monkeypatch):
    def broken(plans, hosts, jobs):
        yield Outcome(plans[0].seed, None, f"seed {plans[0].seed}: something")
    monkeypatch.setattr("stratolith.core.conformance.simulation.seeds.many", broken)
    with pytest.raises(SystemExit) as left:
        main(["simulate", "--seeds", "7..9"])
    assert left.value.code == 1
    assert "again: stratolith simulate --seed 7 --hosts 3 --hours 0.09" in capsys.readouterr().out
    assert Summary().lives == 0


@pytest.mark.parametrize("wrong", [("--hosts", "1"), ("--jobs", "0"), ("--seeds", "9..1")])
def test_the_command_refuses_nonsense(capsys, wrong):
    with pytest.raises(SystemExit) as left:
        main(["simulate", *wrong])
    assert left.value.code == 1
    assert "above 0" in capsys.readouterr().err
