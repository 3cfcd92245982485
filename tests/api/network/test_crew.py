"""Many hosts in one process tell together that they live, and stay hosts of their own."""

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import BackendBusy, BackendFailed

from tests.statements import counted

PERIODS = 4


def started(folder, hosts, **more):
    return InProcess(folder, services=["identity", "network"],
                     options={"network": {"hosts": f"node-{{1..{hosts}}}"}}, **more).start()


@pytest.fixture
def many(tmp_path):
    """Thirty hosts."""
    made = started(tmp_path, 30)
    yield made
    made.stop()


def alive(cloud):
    """Each host, and whether its agent is taken to be alive."""
    agents = cloud.request("GET", "/network/v2.0/agents").json["agents"]
    return {one["host"]: one["alive"] for one in agents}


def host(cloud, name):
    return next(one for one in cloud.cloud.agents["network"].hosts if one.kit.host == name)


def test_a_period_costs_the_same_queries_for_any_number_of_hosts(tmp_path):
    def queries(hosts):
        cloud = started(tmp_path / str(hosts), hosts)
        cloud.run(30)
        with counted(cloud.cloud.kits["network"].db) as seen:
            cloud.run(30 * PERIODS)
        assert all(alive(cloud).values()) and len(alive(cloud)) == hosts
        cloud.stop()
        return [one for one in seen if "network_agents" in one]
    few = queries(20)
    assert len(queries(200)) == len(few) <= 2 * (PERIODS + 1)


def test_one_that_stops_or_cannot_say_how_it_is_holds_up_no_other(many, monkeypatch):
    def broken():
        raise BackendFailed("broken")
    host(many, "node-3").stop()
    monkeypatch.setattr(host(many, "node-4").driver, "facts", broken)
    many.run(120)
    assert [name for name, lives in alive(many).items() if not lives] == ["node-3", "node-4"]
    monkeypatch.undo()
    many.run(31)
    assert [name for name, lives in alive(many).items() if not lives] == ["node-3"]


def test_those_that_were_out_of_touch_are_restored(many, monkeypatch):
    service, restored = many.cloud.services["network"], []
    for one in many.cloud.agents["network"].hosts:
        monkeypatch.setattr(one, "restore", lambda one=one: restored.append(one.kit.host))
    many.run(31)
    assert restored == []

    def away(context, beats):
        raise BackendBusy("nobody answers")
    monkeypatch.setattr(service, "beats", away)
    many.run(31)
    monkeypatch.delattr(service, "beats")
    many.run(31)
    assert restored == [f"node-{number}" for number in range(1, 31)]


def test_a_host_that_cannot_be_restored_is_tried_again_alone(tmp_path, monkeypatch):
    cloud = started(tmp_path, 20)
    agents, tries = cloud.cloud.agents["network"].hosts, []
    for one in agents:
        one.lost = False

    def restore():
        tries.append(cloud.clock.monotonic())
        if len(tries) < 3:
            raise BackendBusy("away")
    agents[5].lost = True
    monkeypatch.setattr(agents[5], "restore", restore)
    cloud.run(100)
    assert len(tries) == 3 and not agents[5].lost
    cloud.stop()
