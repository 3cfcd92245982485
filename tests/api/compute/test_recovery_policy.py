"""Recovery by itself: which hosts, which servers, how many at the same time, and when not at all."""

import pytest
from stratolith.core.drivers.hypervisor import Power
from stratolith.core.errors import BackendBusy, BadConfiguration
from stratolith.plugins.compute.vigil import Vigil

from .test_recovery import OFF, World

BY_ITSELF = {"fence": "simulated", "recover_after_s": "60", "recover_local_disks": "true"}


@pytest.fixture
def worlds(tmp_path):
    """Makes a world with options; it is stopped afterwards."""
    made = []

    def make(**options):
        if "hosts" in options["compute"]:
            options["network"] = {"hosts": options["compute"]["hosts"]}
        made.append(World(tmp_path / str(len(made)), **options))
        return made[-1]
    yield make
    for one in made:
        one.cloud.stop()


def hosts(count):
    """Names of hosts."""
    return [f"h{number}" for number in range(1, count + 1)]


def fall(one, *names):
    """Hosts die, with all that runs there."""
    for name in names:
        one.agent(name).stop()


# Which servers.

def test_only_flagged_servers_move(worlds):
    one = worlds(compute={**BY_ITSELF, "recover_servers": "flagged"})
    plain = one.boot("h1")
    flagged = one.boot("h1", metadata={"HA_Enabled": "True"})
    one.ok("POST", f"/compute/v2.1/flavors/{one.flavor}/os-extra_specs", {"extra_specs": {"HA_Enabled": "true"}})
    by_flavor = one.boot("h1")
    refuses = one.boot("h1", metadata={"HA_Enabled": "no"})
    fall(one, "h1")
    one.cloud.run(300)
    found = one.recovery("h1")
    assert (found["state"], found["moved"]) == ("done", [flagged, by_flavor])
    assert set(found["left"]) == {plain, refuses}
    assert "Nothing says" in found["left"][plain]
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    one.cloud.run(60)
    assert one.recovery("h1")["moved"] == [plain, refuses]


def test_another_flag_and_an_operator_who_wants_only_flagged_servers(worlds):
    one = worlds(compute={"fence": "simulated", "recover_flag": "important"})
    plain, flagged = one.boot("h1"), one.boot("h1", metadata={"important": "1"})
    fall(one, "h1")
    one.cloud.run(120)
    one.ok("POST", OFF.format("h1"), {"recovery": {"flagged_only": True}})
    one.cloud.run(60)
    assert one.recovery("h1")["moved"] == [flagged]
    assert set(one.recovery("h1")["left"]) == {plain}


def test_a_word_that_is_none(worlds):
    with pytest.raises(BadConfiguration):
        worlds(compute={"recover_servers": "some"})


# How many at the same time.

def moving(one):
    """How many evacuations are under way."""
    with one.cloud.cloud.kits["compute"].db.read() as tx:
        return len(list(tx.connection.exec_driver_sql(
            "SELECT number FROM operations WHERE kind = 'compute.evacuate' AND state NOT IN ('done', 'failed')")))


def test_so_many_servers_move_at_the_same_time(worlds):
    one = worlds(**{"compute": {**BY_ITSELF, "recover_at_once": "2"}, "hypervisors.simulated": {"delays": "spawn=3"}})
    servers = [one.boot("h1") for _ in range(7)]
    one.cloud.run(30)
    fall(one, "h1")
    most = 0
    for _ in range(300):
        one.cloud.run(1)
        most = max(most, moving(one))
    assert most <= 2
    found = one.recovery("h1")
    assert (found["state"], sorted(found["moved"])) == ("done", sorted(servers))
    assert {one.server(id)["status"] for id in servers} == {"ACTIVE"}


def test_a_recovery_has_ended_when_its_servers_are_there(worlds):
    one = worlds(**{"compute": {"fence": "simulated"}, "hypervisors.simulated": {"delays": "spawn=40"}})
    server = one.boot("h1")
    one.cloud.run(60)
    fall(one, "h1")
    one.cloud.run(120)
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    while one.recovery("h1")["state"] == "running":
        assert one.recovery("h1")["moved"] in ([], [server])
        assert one.ask("DELETE", OFF.format("h1")).status == 409
        one.cloud.run(1)
    assert one.server(server)["status"] == "ACTIVE"
    assert one.host(server) in one.running(server)
    assert one.host(server) != "h1"


def test_servers_that_could_not_be_made_elsewhere_are_told(worlds):
    one = worlds(compute={"fence": "simulated"})
    server = one.boot("h1")
    fall(one, "h1")
    one.cloud.run(120)
    for name in ("h2", "h3"):
        one.agent(name).driver.fail("spawn", -1)
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    one.cloud.run(300)
    found = one.recovery("h1")
    assert (found["state"], found["moved"], list(found["left"])) == ("done", [], [server])
    assert found["left"][server]
    for name in ("h2", "h3"):
        one.agent(name).driver.heal()
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    one.cloud.run(60)
    assert one.recovery("h1")["moved"] == [server]
    assert one.server(server)["status"] == "ACTIVE"


def test_what_was_being_done_to_a_server_ends_first(worlds):
    one = worlds(compute={"fence": "simulated"})
    server = one.boot("h1")
    fall(one, "h1")
    one.cloud.run(55)
    one.ok("POST", f"/compute/v2.1/servers/{server}/action", {"reboot": {"type": "HARD"}})
    one.cloud.run(8)
    one.force_down("h1")
    assert one.server(server)["OS-EXT-STS:task_state"] is not None
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    one.cloud.run(300)
    found = one.recovery("h1")
    assert (found["state"], found["moved"], found["left"]) == ("done", [server], {})
    assert one.server(server)["status"] == "ACTIVE"


# When not at all.

def test_hosts_that_fall_silent_together_are_a_partition(worlds):
    one = worlds(compute={**BY_ITSELF, "hosts": ",".join(hosts(6)), "recover_storm_percent": "34"})
    servers = {name: one.boot(name) for name in hosts(3)}
    fallen = list(servers)
    for name in fallen:
        one.part(name)
    one.cloud.run(900)
    for name, server in servers.items():
        assert one.recovery(name)["state"] == "none"
        assert "3 of 6 hosts fell silent at the same time" in one.recovery(name)["held"]
        assert one.running(server) == [name]
    one.rejoin("h1")
    one.cloud.run(60)
    assert one.host(servers["h1"]) == "h1"
    one.cloud.run(200)
    assert [one.recovery(name)["state"] for name in fallen] == ["none", "done", "done"]
    assert one.host(servers["h2"]) not in fallen


def test_one_host_is_no_storm_however_few_there_are(worlds):
    one = worlds(compute={**BY_ITSELF, "hosts": "h1,h2", "recover_storm_percent": "0"})
    server = one.boot("h1")
    fall(one, "h1")
    one.cloud.run(300)
    assert one.host(server) == "h2"


def test_hosts_that_fall_one_after_another_are_no_storm(worlds):
    one = worlds(compute={**BY_ITSELF, "hosts": ",".join(hosts(4)), "recover_storm_percent": "25"})
    servers = [one.boot("h1"), one.boot("h2")]
    for name in ("h1", "h2"):
        fall(one, name)
        one.cloud.run(600)
    assert [one.recovery(name)["state"] for name in ("h1", "h2")] == ["done", "done"]
    assert {one.host(id) for id in servers} <= {"h3", "h4"}


def test_disabled_hosts_are_not_counted(worlds):
    one = worlds(compute={**BY_ITSELF, "hosts": ",".join(hosts(4)), "recover_storm_percent": "25"})
    for row in one.ok("GET", "/compute/v2.1/os-services")["services"]:
        if row["host"] in ("h3", "h4") and row["binary"] == "nova-compute":
            one.ok("PUT", f"/compute/v2.1/os-services/{row['id']}", {"status": "disabled"})
    server = one.boot("h1")
    fall(one, "h1", "h3", "h4")
    one.cloud.run(300)
    assert one.host(server) == "h2"
    assert "disabled" in one.recovery("h3")["held"]


def test_a_control_side_that_was_away_itself_listens_first(worlds):
    one = worlds(compute=BY_ITSELF)
    server = one.boot("h1")
    fall(one, "h1")
    one.cloud.run(100)
    service = one.cloud.cloud.services["compute"]
    service.vigil = Vigil(service.kit, service.fleet, service.fence)
    one.cloud.run(50)
    assert "it is recovered after 60 s" in one.recovery("h1")["held"]
    assert one.host(server) == "h1"
    one.cloud.run(60)
    assert one.host(server) != "h1"


def test_a_released_host_has_time_to_come_back(worlds):
    one = worlds(compute=BY_ITSELF)
    one.boot("h1")
    fall(one, "h1")
    one.cloud.run(300)
    assert "by its last recovery" in one.recovery("h1")["held"]
    before = one.recovery("h1")
    assert one.ask("DELETE", OFF.format("h1")).status == 204
    one.cloud.run(40)
    assert one.recovery("h1")["moved"] == before["moved"]
    assert "counts as down for" in one.recovery("h1")["held"]
    one.cloud.run(60)
    assert one.recovery("h1")["moved"] == []


def test_a_fence_that_proves_nothing_recovers_nobody(worlds):
    one = worlds(compute={"recover_after_s": "60"})
    server = one.boot("h1")
    fall(one, "h1")
    one.cloud.run(600)
    assert one.host(server) == "h1"
    assert "only an operator" in one.recovery("h1")["held"]
    assert one.agent("h1").driver.power(server) is Power.RUNNING


def test_the_fence_is_asked_though_somebody_vouches(worlds, tmp_path):
    (tmp_path / "shared").mkdir()
    one = worlds(**{"compute": {"fence": "lease"}, "fences.lease": {"folder": str(tmp_path / "shared")}})
    server = one.boot("h1")
    one.part("h1")
    one.cloud.run(120)
    assert one.running(server) == ["h1"]
    one.ok("POST", OFF.format("h1"), {"recovery": {"confirmed_off": True}})
    one.cloud.run(60)
    assert one.running(server) == [one.host(server)] != ["h1"]


def test_a_host_that_somebody_switches_on_meanwhile_is_stopped_again(worlds):
    one = worlds(**{"compute": {"fence": "simulated", "recover_at_once": "1"}, "fences.simulated": {"takes_s": "40"}})
    servers = [one.boot("h1") for _ in range(3)]
    one.cloud.run(30)
    fall(one, "h1")
    one.cloud.run(120)
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    for name in ("h2", "h3"):
        one.agent(name).driver.fail("spawn", 4, error=BackendBusy("not now"))
    while not one.recovery("h1")["moved"]:
        one.cloud.run(1)
    fence = one.cloud.cloud.services["compute"].fence
    fence.release("h1")
    fence.fail("fence", 2, error=BackendBusy("not now"))
    one.cloud.run(35)
    assert len(one.recovery("h1")["moved"]) == 1
    one.cloud.run(120)
    assert one.recovery("h1")["moved"] == servers
