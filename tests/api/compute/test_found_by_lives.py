"""Mistakes that seeded lives have found (``stratolith simulate``), each by itself."""

import pytest
from stratolith.core.drivers.hypervisor import Power
from stratolith.core.errors import BackendBusy
from stratolith.plugins.compute import recovery

from tests.api.compute.test_recovery import OFF, World, worlds  # noqa: F401 - a fixture

FENCED = {"compute": {"fence": "simulated"}, "fences.simulated": {"takes_s": "30"}}
ACTION = "/compute/v2.1/servers/{}/action"


def act(world, server, action, value=None):
    world.ok("POST", ACTION.format(server), {action: value})
    world.cloud.run(5)


def test_a_move_goes_back_only_once_the_fence_has_stopped_the_other_host(worlds):  # noqa: F811
    world = worlds(**FENCED)
    server = world.boot("h1")
    act(world, server, "migrate", {"host": "h2"})
    assert world.server(server)["status"] == "VERIFY_RESIZE"
    world.part("h2")
    world.cloud.run(80)
    world.ok("POST", OFF.format("h2"), {"recovery": {}})
    act(world, server, "revertResize")
    # The host does not answer and is not known to have stopped: it may run the guest still.
    assert world.running(server) == ["h2"]
    world.agent("h2").driver.outside(server, Power.SHUTDOWN)
    world.cloud.run(120)
    assert world.running(server) == ["h1"]
    assert world.server(server)["status"] == "ACTIVE"


def test_a_paused_guest_that_lost_its_power_can_be_started(worlds):  # noqa: F811
    world = worlds()
    server = world.boot("h1")
    act(world, server, "pause")
    world.cloud.run(70)
    world.agent("h1").driver.outside(server, Power.SHUTDOWN)
    world.cloud.run(70)
    assert world.server(server)["status"] == "SHUTOFF"
    act(world, server, "os-start")
    assert world.running(server) == ["h1"]


def come_back(world, host):
    """The host's agent starts anew."""
    fleet, old = world.cloud.cloud.agents["compute"], world.agent(host)
    old.stop()
    fresh = type(old)(old.kit)
    fleet.hosts[fleet.hosts.index(old)] = fresh
    fresh.start()


@pytest.fixture
def busy_evacuated(worlds):  # noqa: F811
    """A world, and a server that was evacuated from h1 and that something is being done to."""
    world = worlds()
    server = world.boot("h1")
    world.agent("h1").stop()
    world.agent("h1").driver.outside(server, Power.SHUTDOWN)
    world.cloud.run(80)
    act(world, server, "evacuate", {})
    home = world.agent(world.host(server))
    home.driver.fail("suspend", 2, lost=True)
    world.ok("POST", ACTION.format(server), {"suspend": None})
    world.cloud.run(0)
    return world, server


def test_a_guest_that_was_left_is_removed_though_its_server_is_busy_when_its_host_is_back(busy_evacuated):
    world, server = busy_evacuated
    come_back(world, "h1")
    assert [one.guest for one in world.agent("h1").driver.observe()] == [server]
    world.cloud.run(60)
    assert list(world.agent("h1").driver.observe()) == []
    assert world.server(server)["status"] == "SUSPENDED"


def test_a_guest_is_started_though_its_server_was_busy_when_its_host_came_back(worlds):  # noqa: F811
    world = worlds()
    server = world.boot("h1")
    world.agent("h1").driver.fail("snapshot", 2, lost=True)
    world.ok("POST", ACTION.format(server), {"createImage": {"name": "i"}})
    world.cloud.run(0)
    world.agent("h1").driver.outside(server, Power.SHUTDOWN)
    come_back(world, "h1")
    assert world.running(server) == []
    world.cloud.run(60)
    assert world.running(server) == ["h1"]


def test_a_power_state_that_changed_amid_an_operation_is_seen(worlds):  # noqa: F811
    world = worlds()
    server = world.boot("h1")
    world.cloud.run(61)
    world.agent("h1").driver.fail("snapshot", 4, lost=True)
    world.agent("h1").driver.outside(server, Power.SHUTDOWN)
    with world.cloud.cloud.kits["compute"].db.write() as tx:
        tx.connection.exec_driver_sql("UPDATE servers SET task_state = 'image_snapshot'")
    world.cloud.run(61)
    with world.cloud.cloud.kits["compute"].db.write() as tx:
        tx.connection.exec_driver_sql("UPDATE servers SET task_state = NULL")
    assert world.server(server)["status"] == "ACTIVE"
    world.cloud.run(400)
    assert world.server(server)["status"] == "SHUTOFF"


@pytest.fixture
def wired(worlds):  # noqa: F811
    """A world and a server of it with a port."""
    world = worlds(network={"hosts": "h1,h2,h3"})
    network = world.ok("POST", "/network/v2.0/networks", {"network": {"name": "n"}})["network"]["id"]
    world.ok("POST", "/network/v2.0/subnets", {"subnet": {"network_id": network, "ip_version": 4,
                                                         "cidr": "10.20.0.0/24"}})
    server = world.boot("h1", networks=[{"uuid": network}])
    (port,) = world.ok("GET", f"/network/v2.0/ports?device_id={server}")["ports"]
    return world, server, port["id"]


def test_what_left_a_suspended_server_of_a_stopped_host_leaves_its_guest_once_it_is_back(worlds):  # noqa: F811
    world = worlds(**FENCED, network={"hosts": "h1,h2,h3"})
    network = world.ok("POST", "/network/v2.0/networks", {"network": {"name": "n"}})["network"]["id"]
    world.ok("POST", "/network/v2.0/subnets", {"subnet": {"network_id": network, "ip_version": 4,
                                                         "cidr": "10.20.0.0/24"}})
    server = world.boot("h1", networks=[{"uuid": network}])
    volume = world.ok("POST", "/volume/v3/volumes", {"volume": {"size": 1}})["volume"]["id"]
    world.cloud.run(5)
    where = f"/compute/v2.1/servers/{server}/os-volume_attachments"
    world.ok("POST", where, {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(5)
    act(world, server, "suspend")
    (port,) = world.ok("GET", f"/network/v2.0/ports?device_id={server}")["ports"]
    world.part("h1")
    world.cloud.run(80)
    stopped = recovery.stopped
    try:
        recovery.stopped = lambda kit, host: host == "h1"
        world.ok("DELETE", f"/network/v2.0/ports/{port['id']}")
        world.ok("DELETE", f"{where}/{volume}")
        world.cloud.run(20)
    finally:
        recovery.stopped = stopped
    assert world.ok("GET", f"/volume/v3/volumes/{volume}")["volume"]["status"] == "available"
    world.rejoin("h1")
    world.cloud.run(120)
    guest = world.agent("h1").driver.guest(server)
    assert (guest.macs, guest.volumes, guest.power) == ({}, type(guest.volumes)(), Power.SUSPENDED)


def test_a_port_that_is_deleted_leaves_the_guest(wired):
    world, server, port = wired
    assert set(world.agent("h1").driver.guest(server).macs) == {port}
    world.ok("DELETE", f"/network/v2.0/ports/{port}")
    world.cloud.run(2)
    assert world.server(server)["addresses"] == {}
    assert world.agent("h1").driver.guest(server).macs == {}


def test_a_port_that_is_deleted_while_its_host_is_away_leaves_the_guest_later(wired):
    world, server, port = wired
    world.part("h1")
    world.ok("DELETE", f"/network/v2.0/ports/{port}")
    world.cloud.run(30)
    world.rejoin("h1")
    world.cloud.run(30)
    assert world.agent("h1").driver.guest(server).macs == {}
    assert isinstance(world, World)


def test_a_port_that_is_deleted_while_its_host_is_away_for_long_leaves_the_guest_and_keeps_nobody_waiting(wired):
    world, server, port = wired
    world.part("h1")
    world.cloud.run(80)
    world.ok("DELETE", f"/network/v2.0/ports/{port}")
    world.cloud.run(5)
    assert world.server(server)["OS-EXT-STS:task_state"] is None
    kit = world.cloud.cloud.kits["compute"]
    with kit.db.read() as tx:
        assert kit.engine.unfinished(tx, server) is None
    world.cloud.run(1200)
    world.rejoin("h1")
    world.cloud.run(90)
    assert world.agent("h1").driver.guest(server).macs == {}


def test_a_card_that_its_host_does_not_give_up_is_asked_for_again(wired):
    world, server, port = wired
    driver = world.agent("h1").driver
    driver.fail("detach_interface", -1)
    world.ok("DELETE", f"/network/v2.0/ports/{port}")
    world.cloud.run(120)
    assert set(driver.guest(server).macs) == {port}
    driver.heal()
    world.cloud.run(120)
    assert driver.guest(server).macs == {}


def test_a_fenced_host_is_not_waited_for_by_what_goes_back(worlds):  # noqa: F811
    world = worlds(**FENCED)
    server = world.boot("h1")
    volume = world.ok("POST", "/volume/v3/volumes", {"volume": {"size": 1}})["volume"]["id"]
    world.cloud.run(5)
    world.part("h1")
    world.ok("POST", f"/compute/v2.1/servers/{server}/os-volume_attachments", {"volumeAttachment": {
        "volumeId": volume}})
    world.cloud.run(100)
    world.ok("POST", OFF.format("h1"), {"recovery": {}})
    world.cloud.run(20)
    world.agent("h1").driver.outside(server, Power.SHUTDOWN)
    world.cloud.run(120)
    assert world.server(server)["status"] == "ACTIVE"
    assert world.running(server) != ["h1"]
    assert world.ok("GET", f"/volume/v3/volumes/{volume}")["volume"]["status"] == "available"


def test_a_boot_whose_host_has_gone_ends_in_error_and_can_be_deleted(worlds):  # noqa: F811
    world = worlds()
    world.agent("h1").driver.fail("spawn", 1, lost=True)
    world.agent("h1").driver.fail("destroy", 1)
    spawn = world.agent("h1").spawn

    def last_word(context, plan):
        world.part("h1")
        spawn(context, plan)
    world.agent("h1").spawn = last_word
    server = world.boot("h1", networks="none")
    world.cloud.run(150)
    assert world.server(server)["status"] == "ERROR"
    assert world.running(server) == ["h1"]
    assert world.ask("DELETE", f"/compute/v2.1/servers/{server}").status == 204
    world.cloud.run(10)
    assert world.ask("GET", f"/compute/v2.1/servers/{server}").status == 404
    world.rejoin("h1")
    world.cloud.run(120)
    assert world.running(server) == []


def test_a_guest_that_stays_has_the_ports_of_now(wired):
    world, server, port = wired
    act(world, server, "migrate", {"host": "h2"})
    world.ok("DELETE", f"/network/v2.0/ports/{port}")
    world.cloud.run(2)
    act(world, server, "revertResize")
    assert world.running(server) == ["h1"]
    assert world.agent("h1").driver.guest(server).macs == {}


def agent_of_network(world, host):
    return next(one for one in world.cloud.cloud.agents["network"].hosts if one.kit.host == host)


def test_a_host_that_is_away_does_not_keep_others_from_being_wired_anew(wired):
    world, server, port = wired
    network = world.ok("GET", f"/network/v2.0/ports/{port}")["port"]["network_id"]
    other = world.boot("h2", networks=[{"uuid": network}])
    (second,) = world.ok("GET", f"/network/v2.0/ports?device_id={other}")["ports"]
    for away, host, id in (("h1", "h2", second["id"]), ("h2", "h1", port)):
        agent_of_network(world, away).driver.fail("apply_network", -1)
        body = {"port": {"allowed_address_pairs": [{"ip_address": "10.20.0.99"}]}}
        world.ok("PUT", f"/network/v2.0/ports/{id}", body)
        world.cloud.run(3)
        assert agent_of_network(world, host).driver.ports[id].allowed_pairs
        agent_of_network(world, away).driver.heal()
        world.cloud.run(20)


def test_a_host_that_fails_does_not_have_others_wired_again_and_again(wired):
    world, server, port = wired
    network = world.ok("GET", f"/network/v2.0/ports/{port}")["port"]["network_id"]
    world.boot("h2", networks=[{"uuid": network}])
    world.cloud.run(5)
    driver, applied = agent_of_network(world, "h1").driver, []
    apply = driver.apply_network

    def counted(spec):
        applied.append(spec.id)
        apply(spec)
    driver.apply_network = counted
    agent_of_network(world, "h2").driver.fail("apply_network", -1)
    world.ok("PUT", f"/network/v2.0/ports/{port}", {"port": {"allowed_address_pairs": [{"ip_address": "10.20.0.9"}]}})
    world.cloud.run(60)
    assert applied.count(network) <= 2
    assert driver.ports[port].allowed_pairs


def test_a_port_whose_unwiring_failed_is_unwired_when_it_is_deleted(wired):
    world, server, port = wired
    driver = agent_of_network(world, "h1").driver
    world.ok("PUT", f"/network/v2.0/ports/{port}", {"port": {"admin_state_up": False}})
    world.cloud.run(2)
    assert port in driver.ports
    world.ok("DELETE", f"/network/v2.0/ports/{port}")
    world.cloud.run(2)
    assert port not in driver.ports


@pytest.mark.parametrize(("action", "undo", "status"), [("pause", "unpause", "PAUSED"),
                                                        ("suspend", "resume", "SUSPENDED")])
def test_a_guest_whose_answers_were_lost_is_what_it_is(worlds, action, undo, status):  # noqa: F811
    world = worlds()
    server = world.boot("h1")
    driver = world.agent("h1").driver
    driver.fail(action, 9, lost=True)
    world.ok("POST", ACTION.format(server), {action: None})
    world.cloud.run(400)
    driver.heal()
    assert world.server(server)["status"] == status
    driver.fail(undo, 9, lost=True)
    world.ok("POST", ACTION.format(server), {undo: None})
    world.cloud.run(400)
    assert world.server(server)["status"] == "ACTIVE"
    assert world.running(server) == ["h1"]


def test_a_driver_that_fails_behind_a_live_migration_leaves_no_claim(wired):
    world, server, port = wired
    agent_of_network(world, "h1").driver.fail("remove_port", 1)
    world.ok("POST", ACTION.format(server), {"os-migrateLive": {"host": "h2", "block_migration": "auto"}})
    world.cloud.run(30)
    assert world.running(server) == ["h2"]
    assert port not in agent_of_network(world, "h1").driver.ports
    rows = world.cloud.cloud.kits["placement"].db
    with rows.read() as tx:
        holders = tx.connection.exec_driver_sql("SELECT DISTINCT consumer_id FROM placement_allocations").fetchall()
    assert [one[0] for one in holders] == [server]


def test_a_host_that_was_out_of_touch_is_unwired_once_it_is_heard(wired):
    world, server, port = wired
    agent = agent_of_network(world, "h1")
    control = agent._control
    agent._control = silence
    world.cloud.run(40)
    with world.cloud.cloud.kits["network"].db.write() as tx:
        tx.connection.exec_driver_sql(f"UPDATE ports SET binding_host_id = 'h2' WHERE id = '{port}'")
    agent._control = control
    world.cloud.run(40)
    assert port not in agent.driver.ports


def test_a_host_that_is_down_to_compute_alone_is_unwired(wired):
    world, server, port = wired
    world.agent("h1").stop()
    world.agent("h1").driver.outside(server, Power.SHUTDOWN)
    world.cloud.run(80)
    act(world, server, "evacuate", {})
    home = world.host(server)
    assert home != "h1"
    world.cloud.run(10)
    assert port not in agent_of_network(world, "h1").driver.ports
    assert port in agent_of_network(world, home).driver.ports


def test_an_unwiring_that_comes_late_leaves_a_port_that_is_back(wired):
    world, server, port = wired
    kit = world.cloud.cloud.kits["network"]
    network = world.ok("GET", f"/network/v2.0/ports/{port}")["port"]["network_id"]
    with kit.db.write() as tx:
        kit.engine.start(tx, "network.unplug", port, kit.context(), {"host": "h1", "network_id": network})
    world.cloud.run(5)
    assert port in agent_of_network(world, "h1").driver.ports


def test_a_port_that_is_deleted_amid_a_live_migration_is_unwired_on_both_hosts(wired):
    world, server, port = wired
    prepare = world.agent("h2").prepare_live

    def late(context, plan, block):
        assert port in agent_of_network(world, "h2").driver.ports
        world.ok("DELETE", f"/network/v2.0/ports/{port}")
        return prepare(context, plan, block)
    world.agent("h2").prepare_live = late
    act(world, server, "os-migrateLive", {"host": "h2", "block_migration": "auto"})
    world.cloud.run(20)
    assert [port in agent_of_network(world, host).driver.ports for host in ("h1", "h2", "h3")] == [False] * 3


def test_a_port_that_goes_to_a_host_is_no_stranger_there(wired):
    world, server, port = wired
    wiring = world.cloud.cloud.services["network"]
    context = world.cloud.cloud.kits["compute"].context()
    wiring.plug(context, server, "h2")
    agent_of_network(world, "h2").restore()
    assert port in agent_of_network(world, "h2").driver.ports
    wiring.unplug(context, server, "h2", True)
    world.cloud.run(20)
    assert port not in agent_of_network(world, "h2").driver.ports
    assert port in agent_of_network(world, "h1").driver.ports


def test_a_host_that_is_away_does_not_keep_a_port_wired_on_others(wired):
    world, server, port = wired
    wiring = world.cloud.cloud.services["network"]
    wiring.plug(world.cloud.cloud.kits["compute"].context(), server, "h2")
    agent_of_network(world, "h2").driver.fail("remove_port", -1)
    wiring.unplug(world.cloud.cloud.kits["compute"].context(), server, "h2", True)
    world.cloud.run(5)
    world.ok("DELETE", f"/network/v2.0/ports/{port}")
    world.cloud.run(5)
    assert port not in agent_of_network(world, "h1").driver.ports
    agent_of_network(world, "h2").driver.heal()
    world.cloud.run(20)
    assert port not in agent_of_network(world, "h2").driver.ports


def test_a_card_whose_taking_out_was_not_answered_is_the_guests_as_it_is_the_servers(wired):
    world, server, port = wired
    agent = world.agent("h1")
    detach = agent.detach_interface

    def mute(context, guest, port_id):
        detach(context, guest, port_id)
        raise BackendBusy("nobody answers")
    agent.detach_interface = mute
    world.ok("DELETE", f"/compute/v2.1/servers/{server}/os-interface/{port}")
    world.cloud.run(60)
    assert world.server(server)["addresses"]
    assert set(agent.driver.guest(server).macs) == {port}


def test_a_volume_whose_taking_out_was_not_answered_is_the_guests_as_it_is_the_servers(worlds):  # noqa: F811
    world = worlds()
    server = world.boot("h1", networks="none")
    volume = world.ok("POST", "/volume/v3/volumes", {"volume": {"size": 1}})["volume"]["id"]
    world.cloud.run(5)
    where = f"/compute/v2.1/servers/{server}/os-volume_attachments"
    world.ok("POST", where, {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(5)
    agent = world.agent("h1")
    detach = agent.detach_volume

    def mute(context, guest, volume_id):
        detach(context, guest, volume_id)
        raise BackendBusy("nobody answers")
    agent.detach_volume = mute
    world.ok("DELETE", f"{where}/{volume}")
    world.cloud.run(60)
    assert world.ok("GET", f"/volume/v3/volumes/{volume}")["volume"]["status"] == "in-use"
    assert set(agent.driver.guest(server).volumes) == {volume}


def test_a_live_migration_that_never_began_leaves_the_server_where_it_is(worlds):  # noqa: F811
    world = worlds(**FENCED)
    server = world.boot("h1", networks="none")
    prepare = world.agent("h2").prepare_live

    def last_word(context, plan, block):
        offer = prepare(context, plan, block)
        world.part("h1")
        world.part("h2")
        return offer
    world.agent("h2").prepare_live = last_word
    act(world, server, "os-migrateLive", {"host": "h2", "block_migration": "auto"})
    world.cloud.run(80)
    world.ok("POST", OFF.format("h1"), {"recovery": {}})
    world.cloud.run(60)
    world.agent("h1").driver.outside(server, Power.SHUTDOWN)
    world.cloud.run(120)
    assert world.host(server) != "h2"


def test_a_delete_does_not_wait_for_what_goes_back_behind_a_host_that_is_gone(worlds):  # noqa: F811
    world = worlds()
    server = world.boot("h1")
    prepare = world.agent("h2").prepare_live

    def last_word(context, plan, block):
        world.part("h2")
        return prepare(context, plan, block)
    world.agent("h2").prepare_live = last_word
    # The guest vanishes, too, so that the migration can never be undone.
    act(world, server, "os-migrateLive", {"host": "h2", "block_migration": "auto"})
    world.agent("h1").driver.destroy(server)
    world.cloud.run(100)
    assert world.ask("DELETE", f"/compute/v2.1/servers/{server}").status == 204
    world.cloud.run(10)
    assert world.ask("GET", f"/compute/v2.1/servers/{server}").status == 404


def silence():
    raise BackendBusy("nobody answers")
