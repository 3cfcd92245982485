"""Several hosts, and what an agent finds when it starts again."""

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.drivers.hypervisor import Power
from stratolith.plugins.compute.agency import ComputeAgent, agent_queue
from stratolith.plugins.compute.agent import HostAgent


@pytest.fixture
def many(tmp_path, cloud_world):
    """A cloud with three hosts, kept in a folder."""
    hosts = {"hosts": "host1,host2,host3"}
    made = InProcess(tmp_path, persistent=True, options={"compute": hosts, "network": hosts}).start()
    yield cloud_world(made)
    made.stop()


@pytest.fixture
def one(tmp_path, cloud_world):
    """A cloud with one host, kept in a folder."""
    made = InProcess(tmp_path, persistent=True).start()
    yield cloud_world(made)


@pytest.fixture
def cloud_world():
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path
    spec = spec_from_file_location("compute_world", Path(__file__).parent / "conftest.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.World


def agents(world):
    return world.cloud.cloud.agents["compute"].hosts


def hosts_of(world):
    rows = world.ask("GET", "/servers/detail?all_tenants=1", as_="admin").json["servers"]
    return sorted(row["OS-EXT-SRV-ATTR:host"] for row in rows)


def test_servers_spread(many):
    for _ in range(3):
        many.boot(networks="none")
    assert hosts_of(many) == ["host1", "host2", "host3"]


def test_a_failing_host_is_left_for_another(many):
    for agent in agents(many)[:2]:
        agent.driver.fail("spawn", times=-1)
    server = many.boot(networks="none", run_s=120)
    assert many.show(server)["status"] == "ACTIVE"
    assert hosts_of(many) == ["host3"]
    rows = many.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"]
    assert [row["action"] for row in rows] == ["create"]


def test_all_hosts_fail(many):
    for agent in agents(many):
        agent.driver.fail("spawn", times=-1)
    server = many.boot(networks="none", run_s=300)
    assert many.show(server)["status"] == "ERROR"
    assert many.cloud.request("GET", f"/placement/allocations/{server}").json["allocations"] == {}


def test_hints(many):
    first = many.boot(networks="none")
    host = many.show(first, as_="admin")["OS-EXT-SRV-ATTR:host"]
    same = many.boot(networks="none", hints={"same_host": first})
    other = many.boot(networks="none", hints={"different_host": [first]})
    assert many.show(same, as_="admin")["OS-EXT-SRV-ATTR:host"] == host
    assert many.show(other, as_="admin")["OS-EXT-SRV-ATTR:host"] != host


def test_groups(many):
    group = many.ask("POST", "/os-server-groups", {"server_group": {"name": "g", "policy": "anti-affinity"}},
                     "2.64").json["server_group"]["id"]
    servers = [many.boot(networks="none", hints={"group": group}) for _ in range(3)]
    assert len(set(hosts_of(many))) == 3
    assert many.show(servers[0])["server_groups"] == [group]
    assert many.show(many.boot(networks="none", hints={"group": group}))["status"] == "ERROR"
    assert many.post(hints={"group": "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"}).status == 400


def test_members_that_are_made_at_once_keep_apart(many):
    """The scheduler decides for both before either is on its host."""
    group = many.ask("POST", "/os-server-groups", {"server_group": {"name": "g", "policy": "anti-affinity"}},
                     "2.64").json["server_group"]["id"]
    scheduler = many.cloud.cloud.services["scheduler"]
    select, held = type(scheduler).select, []

    def slow(context, request):
        chosen = select(scheduler, context, request)
        if not held:
            held.append(request.server_id)
            many.cloud.run()
        return chosen
    scheduler.select = slow
    answer = many.post(min_count=2, max_count=2, networks="none", hints={"group": group})
    assert answer.status == 202
    many.cloud.run(30)
    del scheduler.select
    rows = many.ask("GET", "/servers/detail?all_tenants=1", as_="admin").json["servers"]
    assert [row["status"] for row in rows] == ["ACTIVE", "ACTIVE"]
    assert len(set(hosts_of(many))) == 2


def test_start_repairs_guests(one):
    running, lost, deleted = one.boot(), one.boot(), one.boot()
    driver = agents(one)[0].driver
    driver.outside(running, Power.SHUTDOWN)
    driver.outside(lost, None)
    world, clock = one, one.cloud.clock
    folder = one.cloud.cloud.place.state_dir.parent
    with one.cloud.cloud.kits["compute"].db.write() as tx:
        from stratolith.plugins.compute.tables import servers
        tx.update(servers, deleted, deleted=True)
    one.cloud.stop()
    again = InProcess(folder, persistent=True, clock=clock).start()
    again.run(5)
    world.cloud = again
    assert world.show(running)["status"] == "ACTIVE"
    assert world.show(lost)["status"] == "ERROR"
    assert "no longer" in world.show(lost)["fault"]["message"]
    assert [(guest.guest, guest.power) for guest in agents(world)[0].driver.observe()] == [(running, Power.RUNNING)]
    again.stop()


def delete_while_down(many):
    """A server whose host dies before it is deleted; returns its agent and its id."""
    server = many.boot()
    host = many.show(server, as_="admin")["OS-EXT-SRV-ATTR:host"]
    agent = next(one for one in agents(many) if one.host == host)
    agent.stop()
    assert many.ask("DELETE", f"/servers/{server}").status == 204
    many.cloud.run(150)
    assert many.ask("GET", f"/servers/{server}").status == 404
    assert many.cloud.request("GET", f"/placement/allocations/{server}").json["allocations"] == {}
    assert many.cloud.request("GET", f"/network/v2.0/ports?device_id={server}").json["ports"] == []
    assert [one.guest for one in agent.driver.observe()] == [server]
    return agent


def test_delete_on_a_dead_host(many):
    agent = delete_while_down(many)
    again = HostAgent(agent.kit)
    again.start()
    many.cloud.run(5)
    assert list(again.driver.observe()) == []
    again.stop()


def test_a_delete_under_way_when_the_host_comes_back(many):
    server = many.boot()
    agent = next(one for one in agents(many) if one.driver.observe())
    agent.stop()
    many.cloud.run(100)
    many.cloud.cloud.kits["compute"].engine.stop()
    assert many.ask("DELETE", f"/servers/{server}").status == 204
    again = HostAgent(agent.kit)
    again.start()
    assert many.show(server)["OS-EXT-STS:task_state"] == "deleting"
    assert list(again.driver.observe()) == []
    again.stop()


def test_delete_on_a_host_that_was_cut_off(many):
    agent = delete_while_down(many)
    agent.kit.mesh.serve(agent_queue(agent.host), ComputeAgent, agent)
    agent._stopped = False
    many.cloud.run(30)
    assert list(agent.driver.observe()) == []
