"""Deletion that can be taken back for a while."""

import pytest
import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess

from tests.api.compute.conftest import World


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    made = InProcess(tmp_path_factory.mktemp("deferred"), options={
        "compute": {"reclaim_instance_interval_s": "300", "shelved_offload_time_s": "120"}}).start()
    yield made
    made.cloud.stop()


@pytest.fixture(scope="module")
def world(cloud):
    return World(cloud)


@pytest.fixture(autouse=True)
def clean(world):
    yield
    for one in world.ask("GET", "/servers?all_tenants=1&soft_deleted=1", as_="admin").json["servers"]:
        world.act(one["id"], "forceDelete", as_="admin")
    assert list(world.driver().observe()) == []


def used(world):
    absolute = world.ask("GET", "/limits").json["limits"]["absolute"]
    return absolute["totalInstancesUsed"], absolute["totalCoresUsed"], absolute["totalRAMUsed"]


def listed(world, query="", as_="demo"):
    return [one["id"] for one in world.ask("GET", "/servers" + query, as_=as_).json["servers"]]


def test_restored(world):
    server = world.boot()
    assert world.ask("DELETE", f"/servers/{server}").status == 204
    world.cloud.run(5)
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:vm_state"]) == ("SOFT_DELETED", "soft-delete")
    assert used(world) == (0, 0, 0)
    assert listed(world) == []
    assert listed(world, "?soft_deleted=1&all_tenants=1", "admin") == [server]
    assert [one.power.value for one in world.driver().observe()] == ["shutdown"]
    assert world.ask("DELETE", f"/servers/{server}").status == 204
    assert world.act(server, "os-start").status == 409
    assert world.act(server, "restore").status == 202
    assert world.show(server)["status"] == "ACTIVE"
    assert used(world) == (1, 1, 64)
    assert world.act(server, "restore").status == 409
    world.cloud.run(400)
    assert world.show(server)["status"] == "ACTIVE"


def test_reclaimed(world):
    server = world.boot()
    world.ask("DELETE", f"/servers/{server}")
    world.cloud.run(400)
    assert world.ask("GET", f"/servers/{server}").status == 404
    assert used(world) == (0, 0, 0)
    assert list(world.driver().observe()) == []


def test_at_once(world):
    server = world.boot()
    assert world.act(server, "forceDelete").status == 202
    assert world.ask("GET", f"/servers/{server}").status == 404
    second = world.boot()
    world.ask("DELETE", f"/servers/{second}")
    world.cloud.run(5)
    world.act(second, "forceDelete")
    assert used(world) == (0, 0, 0)


def test_no_room_left(world):
    server = world.boot()
    world.ask("DELETE", f"/servers/{server}")
    world.cloud.run(5)
    path = "/os-quota-sets/" + world.project()
    world.ask("PUT", path, {"quota_set": {"instances": 0}}, as_="admin")
    assert world.act(server, "restore").status == 403
    world.ask("PUT", path, {"quota_set": {"instances": -1}}, as_="admin")
    world.driver().fail("start", times=-1)
    world.act(server, "restore", run_s=120)
    assert world.show(server)["status"] == "SOFT_DELETED"
    assert used(world) == (0, 0, 0)
    world.driver().heal()


def test_offloaded_when_its_time_is_over(world):
    server = world.boot()
    world.act(server, "shelve")
    assert world.show(server)["status"] == "SHELVED"
    assert [one.power.value for one in world.driver().observe()] == ["shutdown"]
    assert world.act(server, "unshelve", {"availability_zone": "nova"}, version="2.77").status == 409
    world.act(server, "unshelve")
    assert world.show(server)["status"] == "ACTIVE"
    world.act(server, "shelve")
    world.cloud.run(200)
    assert world.show(server)["status"] == "SHELVED_OFFLOADED"
    world.act(server, "unshelve")
    world.act(server, "shelve")
    assert world.act(server, "shelveOffload", as_="admin").status == 202
    assert world.show(server)["status"] == "SHELVED_OFFLOADED"
    world.delete(server)


def test_a_resized_server_keeps_its_new_size(world):
    server, larger = world.boot(), world.flavor_of("larger", 128, 2, 1)
    world.act(server, "resize", {"flavorRef": larger})
    assert world.show(server)["status"] == "VERIFY_RESIZE"
    world.ask("DELETE", f"/servers/{server}")
    world.cloud.run(5)
    assert world.show(server)["status"] == "SOFT_DELETED"
    assert used(world) == (0, 0, 0)
    moved = world.ask("GET", f"/os-migrations?instance_uuid={server}", version="2.59", as_="admin").json["migrations"]
    assert [one["status"] for one in moved] == ["confirmed"]
    assert world.act(server, "restore").status == 202
    shown = world.show(server)
    assert (shown["status"], shown["flavor"]["ram"]) == ("ACTIVE", 128)
    assert used(world) == (1, 2, 128)
    assert world.act(server, "revertResize").status == 409
    with world.cloud.cloud.kits["placement"].db.read() as tx:
        consumers = tx.values(sa.text("SELECT DISTINCT consumer_id FROM placement_allocations"))
    assert consumers == [server]


@pytest.mark.parametrize("action", ["pause", "suspend", "rescue", "os-stop"])
def test_every_resting_state_can_be_restored(world, action):
    server = world.boot()
    assert world.act(server, action).status < 300
    world.ask("DELETE", f"/servers/{server}")
    world.cloud.run(5)
    assert world.show(server)["status"] == "SOFT_DELETED"
    assert world.act(server, "restore").status == 202
    assert world.show(server)["status"] == "ACTIVE"


def test_servers_that_never_ran_go_at_once(world):
    server = world.boot(metadata={"stratolith:fault": "spawn=NoSpace"})
    assert world.show(server)["status"] == "ERROR"
    world.delete(server)
    assert world.ask("GET", f"/servers/{server}").status == 404


def test_servers_that_have_no_guest_go_at_once(world):
    server = world.boot()
    world.act(server, "shelve")
    world.act(server, "shelveOffload", as_="admin")
    world.delete(server)
    assert world.ask("GET", f"/servers/{server}").status == 404
