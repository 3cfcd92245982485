"""A host is wired again after its agent starts, whatever happens meanwhile."""

from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import NotFound


def booted(folder):
    """A cloud with a server, the agent of its host, and the server's network."""
    cloud = InProcess(folder).start()
    cloud.run(1)
    networks = cloud.request("GET", "/network/v2.0/networks", as_="demo").json["networks"]
    network = next(one["id"] for one in networks if not one["router:external"])
    image = cloud.request("POST", "/image/v2/images", {"name": "i", "disk_format": "raw",
                                                       "container_format": "bare"}, as_="demo").json["id"]
    cloud.request("PUT", f"/image/v2/images/{image}/file", b"\0" * 512, as_="demo",
                  headers={"Content-Type": "application/octet-stream"})
    flavor = cloud.request("GET", "/compute/v2.1/flavors").json["flavors"][0]["id"]
    body = {"server": {"name": "s", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}}
    assert cloud.request("POST", "/compute/v2.1/servers", body, as_="demo").status == 202
    cloud.run(5)
    agent = cloud.cloud.agents["network"]
    agent = getattr(agent, "hosts", [agent])[0]
    return cloud, agent, network


def test_a_network_that_goes_while_a_host_is_restored_stops_nothing(tmp_path):
    cloud, agent, network = booted(tmp_path)
    ports = set(agent.driver.observe().ports)
    assert ports
    for port in ports:
        agent.driver.remove_port(port)
    agent.driver.fail("apply_port", 1, NotFound(f"network {network} is not on this host"))
    agent._begin()
    assert not set(agent.driver.observe().ports) & ports
    cloud.run(10)
    assert set(agent.driver.observe().ports) == ports
    cloud.stop()


def test_a_network_that_a_port_has_come_to_meanwhile_stays(tmp_path):
    cloud, agent, network = booted(tmp_path)
    there, wiring = agent.driver.observe(), cloud.cloud.services["network"].wiring
    # Both were decided before the port came.
    agent.unplug([], [network])
    wiring._forget([network], agent.kit.host)
    assert agent.driver.observe() == there and network in there.networks
    assert network in {one.id for one in wiring.expected(agent.kit.host).networks}
    agent.unplug(there.ports, [network])
    assert network not in agent.driver.observe().networks
    cloud.stop()
