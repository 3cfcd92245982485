"""Faults that a request asks for by header: they happen there, and nothing is left behind."""

import pytest
from stratolith.core.conformance.cloud import InProcess

HEADER = "X-Stratolith-Fault"


class World:
    """A cloud and the few requests that these tests send."""

    def __init__(self, cloud):
        self.cloud = cloud
        made = cloud.request("POST", "/image/v2/images", {"name": "disk", "disk_format": "raw",
                                                          "container_format": "bare"}, as_="demo").json
        cloud.request("PUT", f"/image/v2/images/{made['id']}/file", bytes(65536), as_="demo",
                      headers={"Content-Type": "application/octet-stream"})
        flavor = cloud.request("POST", "/compute/v2.1/flavors", {"flavor": {"name": "small", "ram": 64, "vcpus": 1,
                                                                            "disk": 1}}).json["flavor"]
        self.server = {"name": "one", "flavorRef": flavor["id"], "imageRef": made["id"], "networks": "auto"}

    def boot(self, fault="", **more):
        """The server that a boot with ``fault`` ends in, as its administrator sees it."""
        answer = self.cloud.request("POST", "/compute/v2.1/servers", {"server": {**self.server, **more}}, as_="demo",
                                    version="compute 2.79", headers={HEADER: fault} if fault else {})
        assert answer.status == 202, answer
        self.cloud.run(60)
        return self.show(answer.json["server"]["id"])

    def show(self, server_id):
        return self.cloud.request("GET", f"/compute/v2.1/servers/{server_id}", version="compute 2.79").json["server"]

    def act(self, server_id, name, fault=""):
        answer = self.cloud.request("POST", f"/compute/v2.1/servers/{server_id}/action", {name: None}, as_="demo",
                                    headers={HEADER: fault} if fault else {})
        assert answer.status == 202, answer
        self.cloud.run(60)
        return self.show(server_id)["status"]

    def left(self):
        """All that a server may leave: guests, wired ports, ports, allocations."""
        driver = self.cloud.cloud.agents["compute"].hosts[0].driver
        wired = self.cloud.cloud.agents["network"].driver.ports
        ports = self.cloud.request("GET", "/network/v2.0/ports").json["ports"]
        providers = self.cloud.request("GET", "/placement/resource_providers").json["resource_providers"]
        usages = [self.cloud.request("GET", f"/placement/resource_providers/{one['uuid']}/usages").json["usages"]
                  for one in providers]
        return (sorted(one.guest for one in driver.observe()), sorted(wired),
                sorted(one["id"] for one in ports if one["device_owner"].startswith("compute:")),
                sum(sum(one.values()) for one in usages))


@pytest.fixture(scope="module")
def world(cloud):
    return World(cloud)


@pytest.fixture(autouse=True)
def clean(world):
    """Servers go at the end; nothing of them stays."""
    yield
    for one in world.cloud.request("GET", "/compute/v2.1/servers?all_tenants=1").json["servers"]:
        world.cloud.request("DELETE", f"/compute/v2.1/servers/{one['id']}")
    world.cloud.run(60)
    assert world.left() == ([], [], [], 0)


@pytest.mark.parametrize("fault", ["spawn=NoSpace", "apply_port=BackendFailed", "hypervisor.spawn=odd",
                                   "network.apply_network=NoSpace"])
def test_a_boot_fails_there_and_leaves_nothing(world, fault):
    server = world.boot(fault)
    assert server["status"] == "ERROR"
    assert server["fault"]["message"]
    guests, wired, ports, used = world.left()
    assert (guests, wired, used) == ([], [], 0)
    assert world.boot()["status"] == "ACTIVE"


@pytest.mark.parametrize("fault", ["spawn=lost", "apply_port=lost", "spawn=BackendBusy*2", "volume.spawn=NoSpace",
                                   "spawn=delay:2.5", "apply_port=delay:1;spawn=lost"])
def test_a_boot_overcomes_it(world, fault):
    server = world.boot(fault)
    assert server["status"] == "ACTIVE"
    assert world.left()[0] == [server["id"]]


def test_a_delay_takes_its_time(world):
    begun = world.cloud.clock.time()
    sent = {HEADER: "spawn=delay:120"}
    made = world.cloud.request("POST", "/compute/v2.1/servers", {"server": world.server}, version="compute 2.79",
                               headers=sent).json["server"]
    world.cloud.run(5)
    assert world.show(made["id"])["status"] == "ACTIVE"
    assert world.cloud.clock.time() - begun >= 120


def test_it_is_of_the_request_alone(world):
    server = world.boot("stop=BackendFailed")
    assert world.act(server["id"], "os-stop") == "SHUTOFF"
    assert world.act(server["id"], "os-start", "start=NoSpace") == "SHUTOFF"
    assert world.act(server["id"], "os-start") == "ACTIVE"


def test_volumes(world):
    asked = {"volume": {"name": "v", "size": 1}}
    made = world.cloud.request("POST", "/volume/v3/volumes", asked, headers={HEADER: "volume.create=NoSpace"})
    world.cloud.run(60)
    path = "/volume/v3/volumes/" + made.json["volume"]["id"]
    assert world.cloud.request("GET", path).json["volume"]["status"] == "error"
    driver = next(iter(world.cloud.cloud.services["volume"].backends.drivers.values()))
    assert driver.observe().volumes == {}
    assert world.cloud.request("DELETE", path, headers={HEADER: "delete=BackendBusy*2"}).status == 202
    world.cloud.run(60)
    assert world.cloud.request("GET", path).status == 404


def test_only_ephemeral_clouds_listen(tmp_path):
    made = InProcess(tmp_path)
    for one in made.cloud.applications:
        one.edge.ephemeral = False
    try:
        assert World(made.start()).boot("spawn=NoSpace")["status"] == "ACTIVE"
    finally:
        made.stop()
