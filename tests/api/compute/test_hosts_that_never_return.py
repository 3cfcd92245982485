"""Operations whose host is gone come to an end without it; its part is done once it is back."""

import pytest
from stratolith.core.drivers.hypervisor import Power
from stratolith.core.errors import BackendBusy
from stratolith.plugins.compute.workflows.live import DOUBT_S

from tests.api.compute.test_recovery import worlds  # noqa: F401 - a fixture

ACTION = "/compute/v2.1/servers/{}/action"
PATIENCE_S = 500


def last_word(world, host, verb):
    """The host does the verb, and is not heard of any more."""
    agent = world.agent(host)
    do = getattr(agent, verb)

    def done(*arguments):
        world.part(host)
        delattr(agent, verb)
        do(*arguments)
        raise BackendBusy("nobody answers")
    setattr(agent, verb, done)


def act(world, server, action, value=None):
    world.ok("POST", ACTION.format(server), {action: value})
    world.cloud.run(PATIENCE_S)


def at_rest(world, server, expected):
    found = world.server(server)
    assert (found["status"], found["OS-EXT-STS:task_state"]) == (expected, None)


def back(world, host):
    world.rejoin(host)
    world.cloud.run(PATIENCE_S)


@pytest.fixture
def served(worlds):  # noqa: F811
    world = worlds()
    return world, world.boot("h1")


def test_a_rescue(served):
    world, server = served
    last_word(world, "h1", "rescue")
    act(world, server, "rescue", {})
    at_rest(world, server, "ACTIVE")
    assert world.agent("h1").driver.guest(server).rescue
    back(world, "h1")
    assert not world.agent("h1").driver.guest(server).rescue
    assert world.running(server) == ["h1"]


def test_shelving(served):
    world, server = served
    last_word(world, "h1", "act")
    act(world, server, "shelve")
    at_rest(world, server, "ACTIVE")
    back(world, "h1")
    assert world.running(server) == ["h1"]


def test_a_move_whose_old_host_is_gone(served):
    world, server = served
    last_word(world, "h1", "depart")
    act(world, server, "migrate", {"host": "h2"})
    at_rest(world, server, "ACTIVE")
    assert world.host(server) == "h1"
    back(world, "h1")
    assert world.running(server) == ["h1"]


def test_a_move_of_a_server_that_came_into_error_meanwhile(served):
    world, server = served
    last_word(world, "h1", "depart")
    act(world, server, "migrate", {"host": "h2"})
    world.ok("POST", ACTION.format(server), {"os-resetState": {"state": "error"}})
    back(world, "h1")
    at_rest(world, server, "ERROR")
    act(world, server, "reboot", {"type": "HARD"})
    at_rest(world, server, "ACTIVE")
    assert world.running(server) == ["h1"]


def test_a_move_whose_new_host_is_gone_goes_back_only_once_that_has_no_guest(served):
    world, server = served
    last_word(world, "h2", "arrive")
    act(world, server, "migrate", {"host": "h2"})
    at_rest(world, server, "ERROR")
    assert world.running(server) == ["h2"]
    back(world, "h2")
    at_rest(world, server, "ACTIVE")
    assert world.running(server) == ["h1"]


def test_an_evacuation_whose_new_host_is_gone_leaves_the_server_there(served):
    world, server = served
    world.part("h1")
    world.agent("h1").driver.outside(server, Power.SHUTDOWN)
    world.cloud.run(80)
    last_word(world, "h2", "spawn")
    act(world, server, "evacuate", {"host": "h2"})
    at_rest(world, server, "ERROR")
    assert world.host(server) == "h2"
    assert world.running(server) == ["h2"]
    back(world, "h1")
    assert world.running(server) == ["h2"]


def test_unshelving_waits_with_another_guest_until_the_first_is_certain_to_be_gone(served):
    world, server = served
    act(world, server, "shelve")
    at_rest(world, server, "SHELVED_OFFLOADED")
    for host in ("h1", "h2", "h3"):
        last_word(world, host, "spawn")
    act(world, server, "unshelve")
    at_rest(world, server, "ERROR")
    (host,) = world.running(server)
    back(world, host)
    at_rest(world, server, "SHELVED_OFFLOADED")
    assert world.running(server) == []


def test_an_attachment(served):
    world, server = served
    volume = world.ok("POST", "/volume/v3/volumes", {"volume": {"size": 1}})["volume"]["id"]
    world.cloud.run(5)
    last_word(world, "h1", "attach_volume")
    world.ok("POST", f"/compute/v2.1/servers/{server}/os-volume_attachments", {"volumeAttachment": {
        "volumeId": volume}})
    world.cloud.run(PATIENCE_S)
    # The guest may use the volume, so that nobody else may have it.
    assert volume in world.agent("h1").driver.guest(server).volumes
    assert world.ok("GET", f"/volume/v3/volumes/{volume}")["volume"]["status"] != "available"
    back(world, "h1")
    assert world.ok("GET", f"/volume/v3/volumes/{volume}")["volume"]["status"] == "available"
    assert volume not in world.agent("h1").driver.guest(server).volumes


@pytest.fixture
def swapping(served):
    """A server whose host is not heard of any more once its guest uses a volume in the place of another: both."""
    world, server = served
    old, new = (world.ok("POST", "/volume/v3/volumes", {"volume": {"size": 1}})["volume"]["id"] for _ in range(2))
    world.cloud.run(5)
    path = f"/compute/v2.1/servers/{server}/os-volume_attachments"
    world.ok("POST", path, {"volumeAttachment": {"volumeId": old}})
    world.cloud.run(5)
    last_word(world, "h1", "swap_volume")
    world.ok("PUT", f"{path}/{old}", {"volumeAttachment": {"volumeId": new}})
    world.cloud.run(PATIENCE_S)
    assert world.agent("h1").driver.guest(server).volumes == [new]
    return world, server, old, new


def of_volumes(world, *ids):
    return [world.ok("GET", f"/volume/v3/volumes/{id}")["volume"]["status"] for id in ids]


def swap(world, server):
    found = world.ok("GET", f"/compute/v2.1/servers/{server}/os-instance-actions")["instanceActions"]
    uuid = next(one["request_id"] for one in found if one["action"] == "swap_volume")
    return world.ok("GET", f"/compute/v2.1/servers/{server}/os-instance-actions/{uuid}")["instanceAction"]


def test_a_swap_of_volumes(swapping):
    world, server, old, new = swapping
    # It has ended; the guest may use the new volume, so that nobody else may have it.
    assert {one["result"] for one in swap(world, server)["events"]} == {"Success", "Error"}
    assert of_volumes(world, old, new) == ["in-use", "attaching"]
    attached = world.ok("GET", f"/compute/v2.1/servers/{server}/os-volume_attachments")["volumeAttachments"]
    assert [one["volumeId"] for one in attached] == [old]
    back(world, "h1")
    assert world.agent("h1").driver.guest(server).volumes == [old]
    assert of_volumes(world, old, new) == ["in-use", "available"]


def test_a_swap_on_a_host_that_is_recovered(swapping):
    world, server, old, new = swapping
    world.ok("POST", "/compute/v2.1/os-hosts/h1/recovery", {"recovery": {"confirmed_off": True}})
    world.cloud.run(PATIENCE_S)
    host = world.host(server)
    assert host != "h1"
    assert world.agent(host).driver.guest(server).volumes == [old]
    assert of_volumes(world, old, new) == ["in-use", "available"]


def test_a_swap_of_a_server_that_is_deleted(swapping):
    world, server, old, new = swapping
    world.ok("DELETE", f"/compute/v2.1/servers/{server}")
    world.cloud.run(60)
    assert of_volumes(world, old, new) == ["available", "available"]


def test_a_guest_that_never_gets_its_old_volume_back_does_not_hold_up_what_comes_after(served):
    world, server = served
    old, new = (world.ok("POST", "/volume/v3/volumes", {"volume": {"size": 1}})["volume"]["id"] for _ in range(2))
    world.cloud.run(5)
    path = f"/compute/v2.1/servers/{server}/os-volume_attachments"
    world.ok("POST", path, {"volumeAttachment": {"volumeId": old}})
    world.cloud.run(5)
    world.agent("h1").driver.fail("swap_volume", times=40)
    world.ok("PUT", f"{path}/{old}", {"volumeAttachment": {"volumeId": new}})
    world.cloud.run(PATIENCE_S)
    act(world, server, "reboot", {"type": "HARD"})
    at_rest(world, server, "ACTIVE")
    world.cloud.run(PATIENCE_S)
    assert of_volumes(world, old, new) == ["in-use", "available"]


def test_a_live_migration_whose_new_host_is_gone(served):
    world, server = served
    last_word(world, "h2", "prepare_live")
    act(world, server, "os-migrateLive", {"host": "h2", "block_migration": "auto"})
    at_rest(world, server, "ACTIVE")
    assert world.running(server) == ["h1"]


def test_a_live_migration_whose_old_host_is_gone(served):
    world, server = served
    last_word(world, "h1", "begin_live")
    world.ok("POST", ACTION.format(server), {"os-migrateLive": {"host": "h2", "block_migration": "auto"}})
    world.cloud.run(PATIENCE_S)
    assert world.running(server) == [world.host(server)]


@pytest.fixture
def fenced(worlds):  # noqa: F811
    """A world whose fence says what a test wants; a server on h1."""
    world = worlds(compute={"fence": "simulated"})
    return world, world.boot("h1")


def lose_both(world, server, moved=False):
    """A live migration from h1 to h2 loses both of them; ``moved``: the guest has gone over by then."""
    begin = world.agent("h1").begin_live

    def lost(*arguments):
        if moved:
            begin(*arguments)
            world.cloud.run(30)
        world.part("h1")
        world.part("h2")
        raise BackendBusy("nobody answers")
    world.agent("h1").begin_live = lost
    world.ok("POST", ACTION.format(server), {"os-migrateLive": {"host": "h2", "block_migration": "auto"}})
    world.cloud.run(PATIENCE_S)
    del world.agent("h1").begin_live


def in_doubt(world, server):
    """Time is over: the server rests in error, and only goes when somebody deletes it."""
    assert world.server(server)["OS-EXT-STS:task_state"] == "migrating"
    world.cloud.run(DOUBT_S)
    at_rest(world, server, "ERROR")
    assert "Both hosts of the live migration are gone" in world.server(server)["fault"]["message"]
    for action, value in (("reboot", {"type": "HARD"}), ("rebuild", {"imageRef": world.image}),
                          ("evacuate", {"host": "h3"})):
        answer = world.ask("POST", ACTION.format(server), {action: value})
        assert answer.status == 409, (action, answer)


def test_a_live_migration_that_loses_both_hosts_ends_when_one_is_called_down(served):
    world, server = served
    lose_both(world, server)
    assert world.server(server)["OS-EXT-STS:task_state"] == "migrating"
    world.force_down("h2")
    world.cloud.run(100)
    at_rest(world, server, "ACTIVE")
    assert world.host(server) == "h1"


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("host", "home"), [("h1", "h2"), ("h2", "h1")])
def test_recovery_of_either_host_ends_a_live_migration_that_lost_both(fenced, host, home, late):
    world, server = fenced
    lose_both(world, server)
    if late:
        in_doubt(world, server)
    world.ok("POST", f"/compute/v2.1/os-hosts/{host}/recovery", {"recovery": {}})
    world.cloud.run(PATIENCE_S)
    # It runs on the other one, if anywhere.
    at_rest(world, server, "ACTIVE")
    assert world.host(server) == home
    assert world.recovery(host)["state"] == "done"
    world.ok("POST", f"/compute/v2.1/os-hosts/{home}/recovery", {"recovery": {}})
    world.cloud.run(PATIENCE_S)
    assert world.host(server) == "h3"
    at_rest(world, server, "ACTIVE")


@pytest.mark.parametrize("first", ["h1", "h2"])
@pytest.mark.parametrize(("moved", "home"), [(False, "h1"), (True, "h2")])
def test_a_guest_in_doubt_is_found_once_a_host_is_back(served, moved, home, first):
    world, server = served
    lose_both(world, server, moved)
    in_doubt(world, server)
    assert world.running(server) == [home]
    back(world, first)
    at_rest(world, server, "ACTIVE")
    assert (world.host(server), world.running(server)) == (home, [home])
    back(world, "h2" if first == "h1" else "h1")
    at_rest(world, server, "ACTIVE")
    assert (world.host(server), world.running(server)) == (home, [home])
    assert [one["status"] for one in world.ok("GET", "/compute/v2.1/os-migrations")["migrations"]] == [
        "completed" if moved else "error"]
    act(world, server, "reboot", {"type": "HARD"})
    at_rest(world, server, "ACTIVE")


def test_a_guest_in_doubt_that_is_nowhere(served):
    world, server = served
    lose_both(world, server)
    in_doubt(world, server)
    for host in ("h1", "h2"):
        world.agent(host).driver.destroy(server)
    back(world, "h1")
    back(world, "h2")
    at_rest(world, server, "ERROR")
    act(world, server, "rebuild", {"imageRef": world.image})
    at_rest(world, server, "ACTIVE")


def test_a_server_in_doubt_can_be_deleted(served):
    world, server = served
    lose_both(world, server, moved=True)
    in_doubt(world, server)
    world.ok("DELETE", f"/compute/v2.1/servers/{server}")
    world.cloud.run(10)
    assert world.ask("GET", f"/compute/v2.1/servers/{server}").status == 404
    back(world, "h1")
    back(world, "h2")
    assert world.running(server) == []


def test_a_delete(served):
    world, server = served
    last_word(world, "h1", "rescue")
    world.ok("POST", ACTION.format(server), {"rescue": {}})
    world.cloud.run(80)
    world.ok("DELETE", f"/compute/v2.1/servers/{server}")
    world.cloud.run(10)
    assert world.ask("GET", f"/compute/v2.1/servers/{server}").status == 404
    back(world, "h1")
    assert world.running(server) == []
