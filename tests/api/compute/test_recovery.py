"""Hosts that died: their servers get a new home, and never two."""

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.drivers.hypervisor import Power
from stratolith.core.errors import BackendBusy
from stratolith.plugins.compute.agency import ComputeAgent, agent_queue

OFF_BY_DEFAULT = "Hosts are not recovered by themselves: recover_after_s is 0."
OFF = "/compute/v2.1/os-hosts/{}/recovery"


class World:
    """A cloud of three hosts."""

    def __init__(self, folder, **options):
        self.cloud = InProcess(folder, options={
            "compute": {"hosts": "h1,h2,h3", "console_listen": "", **options.pop("compute", {})},
            "network": {"hosts": "h1,h2,h3"}, **options}).start()
        self.cloud.run(1)
        self.image = self.ok("POST", "/image/v2/images", {"name": "i", "disk_format": "raw",
                                                          "container_format": "bare"})["id"]
        self.cloud.request("PUT", f"/image/v2/images/{self.image}/file", b"\0" * 512,
                           headers={"Content-Type": "application/octet-stream"})
        self.flavor = self.ok("POST", "/compute/v2.1/flavors", {"flavor": {"name": "f", "ram": 64, "vcpus": 1,
                                                                          "disk": 1}})["flavor"]["id"]

    def ask(self, method, path, body=None):
        return self.cloud.request(method, path, body, version="compute 2.74" if "/compute" in path else "")

    def ok(self, method, path, body=None):
        answer = self.ask(method, path, body)
        assert answer.status < 300, answer
        return answer.json if answer.data else None

    def boot(self, host, **more):
        body = {"server": {"name": "s", "imageRef": self.image, "flavorRef": self.flavor, "networks": "none",
                           "host": host, **more}}
        made = self.ok("POST", "/compute/v2.1/servers", body)["server"]["id"]
        self.cloud.run(2)
        return made

    def boot_from_volume(self, host):
        disk = {"source_type": "image", "uuid": self.image, "destination_type": "volume", "volume_size": 1,
                "boot_index": 0, "delete_on_termination": True}
        made = self.boot(host, imageRef="", block_device_mapping_v2=[disk])
        self.cloud.run(5)
        return made

    def server(self, id):
        return self.ok("GET", f"/compute/v2.1/servers/{id}")["server"]

    def host(self, id):
        return self.server(id)["OS-EXT-SRV-ATTR:host"]

    def agent(self, host):
        return next(one for one in self.cloud.cloud.agents["compute"].hosts if one.host == host)

    def part(self, host):
        """The control side and the host hear nothing of each other; its guests go on."""
        self.cloud.cloud.mesh.withdraw(agent_queue(host))

        def silence():
            raise BackendBusy("nobody answers")
        self.agent(host)._control = silence

    def rejoin(self, host):
        del self.agent(host)._control
        self.cloud.cloud.mesh.serve(agent_queue(host), ComputeAgent, self.agent(host))

    def running(self, id):
        """The hosts on which a server's guest runs."""
        return [agent.host for agent in self.cloud.cloud.agents["compute"].hosts
                for one in agent.driver.observe() if one.guest == id and one.power is Power.RUNNING]

    def force_down(self, host):
        """Say that a host is down."""
        row = next(row for row in self.ok("GET", f"/compute/v2.1/os-services?host={host}")["services"]
                   if row["binary"] == "nova-compute")
        self.ok("PUT", f"/compute/v2.1/os-services/{row['id']}", {"forced_down": True})

    def recovery(self, host):
        return self.ok("GET", OFF.format(host))["recovery"]


@pytest.fixture
def worlds(tmp_path):
    """Makes a world with options; it is stopped afterwards."""
    made = []

    def make(**options):
        made.append(World(tmp_path / str(len(made)), **options))
        return made[-1]
    yield make
    for one in made:
        one.cloud.stop()


def test_a_host_that_is_up_is_not_recovered(worlds):
    one = worlds(compute={"fence": "simulated"})
    assert one.ask("POST", OFF.format("h1"), {"recovery": {}}).status == 409
    assert one.ask("POST", OFF.format("unheard-of"), {"recovery": {}}).status == 404
    assert one.recovery("h1") == {"host": "h1", "state": "none", "error": "", "moved": [], "left": {},
                                  "held": OFF_BY_DEFAULT}


def test_the_servers_of_a_dead_host_get_a_new_home(worlds):
    one = worlds(**{"compute": {"fence": "simulated"}, "fences.simulated": {"takes_s": "20"}})
    servers = [one.boot("h1"), one.boot("h1")]
    other = one.boot("h2")
    one.agent("h1").stop()
    one.cloud.run(120)
    assert one.ask("POST", OFF.format("h1"), {"recovery": {}}).json["recovery"]["state"] == "running"
    assert one.ask("POST", OFF.format("h1"), {"recovery": {}}).status == 409
    one.cloud.run(10)
    assert [one.host(id) for id in servers] == ["h1", "h1"]
    one.cloud.run(60)
    assert one.recovery("h1") == {"host": "h1", "state": "done", "error": "", "moved": servers, "left": {},
                                   "held": OFF_BY_DEFAULT}
    assert "h1" not in {one.host(id) for id in servers}
    assert {one.server(id)["status"] for id in servers} == {"ACTIVE"}
    assert one.host(other) == "h2"


def test_without_a_fence_only_an_operators_word_counts(worlds):
    one = worlds()
    server = one.boot("h1")
    one.agent("h1").stop()
    one.cloud.run(120)
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    one.cloud.run(60)
    failed = one.recovery("h1")
    assert failed["state"] == "failed"
    assert "no fence" in failed["error"]
    assert one.host(server) == "h1"
    one.ok("POST", OFF.format("h1"), {"recovery": {"confirmed_off": True}})
    one.cloud.run(60)
    assert one.recovery("h1")["moved"] == [server]
    assert one.host(server) != "h1"


def test_servers_that_cannot_move_are_named(worlds):
    one = worlds(compute={"fence": "simulated"})
    paused, local, backed = one.boot("h1"), one.boot("h1"), one.boot_from_volume("h1")
    one.ok("POST", f"/compute/v2.1/servers/{paused}/action", {"pause": None})
    one.cloud.run(2)
    one.agent("h1").stop()
    one.cloud.run(120)
    one.ok("POST", OFF.format("h1"), {"recovery": {"volume_backed_only": True}})
    one.cloud.run(60)
    found = one.recovery("h1")
    assert found["moved"] == [backed]
    assert set(found["left"]) == {paused, local}
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    one.cloud.run(60)
    found = one.recovery("h1")
    assert found["moved"] == [local]
    assert set(found["left"]) == {paused}
    assert "paused" in found["left"][paused]


def test_a_host_comes_back_when_it_is_released(worlds):
    one = worlds(compute={"fence": "simulated"})
    server = one.boot("h1")
    one.part("h1")
    one.cloud.run(120)
    one.ok("POST", OFF.format("h1"), {"recovery": {}})
    one.cloud.run(60)
    one.rejoin("h1")
    one.cloud.run(120)
    down = next(row for row in one.ok("GET", "/compute/v2.1/os-services?host=h1")["services"]
                if row["binary"] == "nova-compute")
    assert (down["state"], down["forced_down"]) == ("down", True)
    assert one.ask("DELETE", OFF.format("h1")).status == 204
    one.cloud.run(120)
    up = next(row for row in one.ok("GET", "/compute/v2.1/os-services?host=h1")["services"]
              if row["binary"] == "nova-compute")
    assert (up["state"], up["forced_down"]) == ("up", False)
    assert one.running(server) == [one.host(server)]
    assert [guest.guest for guest in one.agent("h1").driver.observe()] == []


def test_recovery_by_itself(worlds):
    one = worlds(compute={"fence": "simulated", "recover_after_s": "60"})
    local, backed = one.boot("h1"), one.boot_from_volume("h1")
    one.agent("h1").stop()
    one.cloud.run(100)
    assert one.recovery("h1")["state"] == "none"
    one.cloud.run(120)
    assert one.recovery("h1")["moved"] == [backed]
    assert one.host(local) == "h1"


def test_a_disabled_host_is_left_alone(worlds):
    one = worlds(compute={"fence": "simulated", "recover_after_s": "60"})
    row = next(row for row in one.ok("GET", "/compute/v2.1/os-services?host=h1")["services"]
               if row["binary"] == "nova-compute")
    one.ok("PUT", f"/compute/v2.1/os-services/{row['id']}", {"status": "disabled"})
    one.agent("h1").stop()
    one.cloud.run(600)
    assert one.recovery("h1")["state"] == "none"


class Oracle:
    """What a disk sees: who writes to it, and when. Two at once would be its end."""

    def __init__(self, world, server):
        self.world, self.server = world, server
        self.writers = []

    def watch(self, for_s):
        """Look every second."""
        for _ in range(for_s):
            self.world.cloud.run(1)
            running = self.world.running(self.server)
            assert len(running) <= 1, f"the server runs on {running}"
            if running and running != self.writers[-1:]:
                self.writers += running


@pytest.mark.parametrize("storage", ["in reach", "out of reach"])
def test_a_parted_host_never_runs_a_server_that_has_a_new_home(worlds, tmp_path, storage):
    folder = tmp_path / "shared"
    folder.mkdir()
    one = worlds(**{"compute": {"fence": "lease", "recover_after_s": "30", "recover_local_disks": "true"},
                   "fences.lease": {"folder": str(folder), "lease_s": "30", "margin_s": "15"}})
    server = one.boot("h1")
    oracle = Oracle(one, server)
    oracle.watch(60)
    one.part("h1")
    keeping = one.agent("h1").keeper._keeping
    if storage == "out of reach":
        keeping._folder = tmp_path / "gone"
    oracle.watch(400)
    assert oracle.writers[0] == "h1"
    assert len(oracle.writers) == 2, "it has a new home"
    home = oracle.writers[1]
    keeping._folder = folder
    one.rejoin("h1")
    oracle.watch(200)
    assert one.ask("DELETE", OFF.format("h1")).status == 204
    oracle.watch(200)
    assert oracle.writers == ["h1", home]
    assert one.running(server) == [home]
    assert [guest.guest for guest in one.agent("h1").driver.observe()] == []
    assert one.host(one.boot("h1")) == "h1"


def test_a_host_that_only_lost_the_shared_storage_stops_its_servers_and_starts_them_again(worlds, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    one = worlds(**{"compute": {"fence": "lease"}, "fences.lease": {"folder": str(folder)}})
    server = one.boot("h1")
    keeping = one.agent("h1").keeper._keeping
    keeping._folder = tmp_path / "gone"
    one.cloud.run(60)
    assert one.running(server) == []
    keeping._folder = folder
    one.cloud.run(60)
    assert one.running(server) == ["h1"]
    assert one.server(server)["status"] == "ACTIVE"
