"""Many hosts in one process: they are told of together, in as many queries whatever their number, and stay hosts of
their own."""

import pytest
import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.drivers.hypervisor import GuestSpec
from stratolith.core.errors import BackendBusy
from stratolith.core.services.scheduler import Request

SERVICES = ("identity", "compute", "placement", "scheduler")
PERIODS = 6


def started(folder, hosts, **more):
    """A cloud of so many hosts without networks."""
    names = f"node-{{1..{hosts}}}"
    return InProcess(folder, services=SERVICES, options={
        "compute": {"hosts": names, "console_listen": ""}, "network": {"hosts": names}}, **more).start()


class Many:
    """A cloud and what its hosts look like from outside."""

    def __init__(self, folder, hosts=30, **more):
        self.cloud = started(folder, hosts, **more)

    def seen(self):
        kit = self.cloud.cloud.kits["compute"]
        return {one.host: one for one in self.cloud.cloud.services["compute"].hosts(kit.context())}

    def agent(self, host):
        return next(one for one in self.cloud.cloud.agents["compute"].hosts if one.host == host)


@pytest.fixture
def many(tmp_path):
    """Thirty hosts."""
    made = Many(tmp_path)
    yield made
    made.cloud.stop()


def statements(folder, hosts):
    """The queries of a minute in which so many hosts live, and of three decisions; the hosts are read anew for each."""
    made = Many(folder, hosts)
    made.cloud.run(30)
    count = []
    kits = made.cloud.cloud.kits

    def note(*args):
        count.append(args[2])
    sa.event.listen(kits["compute"].db.engine, "before_cursor_execute", note)
    made.cloud.run(10 * PERIODS)
    living = len(count)
    for number in range(3):
        made.cloud.clock.sleep(2)
        made.cloud.cloud.services["scheduler"].select(kits["scheduler"].context(), Request(
            server_id=f"server-{number}", project_id="p", user_id="u", resources={"VCPU": 1, "MEMORY_MB": 64}))
    sa.event.remove(kits["compute"].db.engine, "before_cursor_execute", note)
    assert all(one.up for one in made.seen().values())
    made.cloud.stop()
    return living, len(count) - living


def test_a_period_and_a_decision_cost_the_same_queries_for_any_number_of_hosts(tmp_path):
    few = statements(tmp_path / "few", 25)
    assert statements(tmp_path / "many", 300) == few
    assert few[0] < 25 * PERIODS and few[1] < 3 * 25


def test_all_register_and_stay_up(many):
    seen = many.seen()
    assert list(seen) == [f"node-{number}" for number in range(1, 31)]
    assert len({one.provider for one in seen.values()}) == 30 and all(one.up for one in seen.values())
    listed = many.cloud.request("GET", "/placement/resource_providers").json["resource_providers"]
    assert {one["uuid"] for one in listed} == {one.provider for one in seen.values()}
    inventories = many.cloud.request("GET", f"/placement/resource_providers/{seen['node-7'].provider}/inventories").json
    assert set(inventories["inventories"]) == {"VCPU", "MEMORY_MB", "DISK_GB"}
    traits = many.cloud.request("GET", f"/placement/resource_providers/{seen['node-7'].provider}/traits",
                                version="placement 1.6").json["traits"]
    assert "COMPUTE_NODE" in traits and "COMPUTE_VOLUME_EXTEND" in traits
    many.cloud.run(300)
    assert all(one.up for one in many.seen().values())


def test_one_that_is_out_of_touch_is_down_alone_and_compared_when_it_is_back(many):
    agent = many.agent("node-3")

    def silence():
        raise BackendBusy("nobody answers")
    agent._control = silence
    agent.driver.spawn(GuestSpec(guest="stranger", name="stranger", vcpus=1, memory_mib=1, disks=[]))
    many.cloud.run(75)
    assert [name for name, one in many.seen().items() if not one.up] == ["node-3"]
    del agent._control
    many.cloud.run(15)
    assert all(one.up for one in many.seen().values()) and agent.driver.observe() == []


def test_one_that_stops_goes_down_alone(many):
    many.agent("node-9").stop()
    many.cloud.run(75)
    assert [name for name, one in many.seen().items() if not one.up] == ["node-9"]


def test_a_restart_finds_the_same_hosts(tmp_path):
    first = Many(tmp_path, persistent=True)
    before = {name: one.provider for name, one in first.seen().items()}
    first.cloud.stop()
    again = Many(tmp_path, persistent=True)
    assert {name: one.provider for name, one in again.seen().items()} == before
    again.cloud.stop()


def test_what_one_has_wrong_does_not_keep_the_others_out(many):
    kit, control = many.cloud.cloud.kits["compute"], many.cloud.cloud.services["compute"].control
    told = [many.agent(f"node-{number}").enrolment() for number in (1, 2)]
    placement = many.cloud.cloud.services["placement"]
    claim = {told[0].provider: {"DISK_GB": 1}}
    placement.claim(kit.context(), "consumer", claim, "p", "u", "INSTANCE")
    facts = [type(one.facts)(**{**{name: getattr(one.facts, name) for name in one.facts.__dataclass_fields__},
                                "disk_gib": 0}) for one in told]
    control.enlist(kit.context(), [type(one)(host=one.host, provider=one.provider, facts=fact, guests=[])
                                   for one, fact in zip(told, facts, strict=True)])
    left = [many.cloud.request("GET", f"/placement/resource_providers/{one.provider}/inventories").json["inventories"]
            for one in told]
    assert ["DISK_GB" in one for one in left] == [True, False]
