"""Many hosts in one process: they are told of together, in as many queries whatever their number, and stay hosts of
their own."""

import dataclasses

import pytest
import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.drivers.hypervisor import GuestSpec
from stratolith.core.errors import BackendBusy
from stratolith.core.services.scheduler import Request
from stratolith.plugins.compute.agency import Enrolment
from stratolith.plugins.compute.tables import aggregate_hosts, aggregates

from tests.statements import counted

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
    kits = made.cloud.cloud.kits
    with counted(kits["compute"].db) as count:
        made.cloud.run(10 * PERIODS)
        living = len(count)
        for number in range(3):
            made.cloud.clock.sleep(2)
            made.cloud.cloud.services["scheduler"].select(kits["scheduler"].context(), Request(
                server_id=f"server-{number}", project_id="p", user_id="u", resources={"VCPU": 1, "MEMORY_MB": 64}))
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


def came(many, names, prefix):
    """The statements in which so many new hosts come that an aggregate knows already, and their providers."""
    kit, control = many.cloud.cloud.kits["compute"], many.cloud.cloud.services["compute"].control
    facts = many.agent("node-1").enrolment().facts
    uuid = many.cloud.request("POST", "/compute/v2.1/os-aggregates", {"aggregate": {"name": prefix}},
                              version="compute 2.90").json["aggregate"]["uuid"]
    hosts = [f"{prefix}-{number}" for number in range(names)]
    with kit.db.write() as tx:
        number = tx.value(sa.select(aggregates.c.id).where(aggregates.c.uuid == uuid))
        tx.insert(aggregate_hosts, [{"aggregate_id": number, "host": host} for host in hosts])
    told = [Enrolment(host=host, provider=kit.clock.uuid(), facts=dataclasses.replace(facts, hostname=host), guests=[])
            for host in hosts]
    count = []

    def note(*args):
        count.append(args[2].split("(")[0].split("VALUES")[0])
    engines = {id(kit.db.engine): kit.db.engine for kit in (kit, many.cloud.cloud.kits["placement"])}.values()
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    control.enlist(kit.context(), told)
    for engine in engines:
        sa.event.remove(engine, "before_cursor_execute", note)
    return count, uuid, told


def test_hosts_that_come_into_aggregates_cost_the_same_queries_however_many_they_are(many):
    few = came(many, 3, "few")[0]
    count, uuid, told = came(many, 100, "more")
    assert len(count) == len(few)
    # Their rows; what placement knows of them; that nothing has to be removed there.
    assert sum(one.startswith("BEGIN") for one in count) <= 3
    for one in (told[0], told[99]):
        path = f"/placement/resource_providers/{one.provider}/aggregates"
        assert many.cloud.request("GET", path, version="placement 1.19").json["aggregates"] == [uuid]
    # Those that come back have been members for long; nobody else's memberships are taken from them.
    kit, control = many.cloud.cloud.kits["compute"], many.cloud.cloud.services["compute"].control
    other = kit.clock.uuid()
    many.cloud.cloud.services["placement"].change_provider(kit.context(), told[0].provider, {}, {other: True})
    control.enlist(kit.context(), told[:2])
    path = f"/placement/resource_providers/{told[0].provider}/aggregates"
    assert many.cloud.request("GET", path, version="placement 1.19").json["aggregates"] == [uuid, other]


def test_a_host_that_comes_alone_is_a_member_of_its_aggregates(many):
    kit, control = many.cloud.cloud.kits["compute"], many.cloud.cloud.services["compute"].control
    uuid, told = came(many, 1, "alone")[1:]
    many.cloud.cloud.services["placement"].change_provider(kit.context(), told[0].provider, {}, {uuid: False})
    control.register(kit.context(), told[0].host, told[0].provider, told[0].facts)
    path = f"/placement/resource_providers/{told[0].provider}/aggregates"
    assert many.cloud.request("GET", path, version="placement 1.19").json["aggregates"] == [uuid]


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
