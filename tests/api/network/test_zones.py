"""Networks and routers tell the zones they are in, and routers go where they are asked to."""

import pytest
from stratolith.core.context import Context
from stratolith.core.services.network import NicRequest
from stratolith.plugins.network.control import Beat, NetworkAgent, queue


class Obedient(NetworkAgent):
    """An agent that does whatever it is told."""

    def plug(self, networks, ports):
        return []

    def unplug(self, ports, networks):
        return None

    def apply(self, networks, ports, routers):
        return None

    def remove(self, routers, networks):
        return None


@pytest.fixture
def hosts(net):
    """Three further hosts, two of them in a zone of their own; ``tell`` has one of them beat."""
    def tell(host, zone, started="2026-01-01 00:00:00"):
        net.service.beats(net.kit.context(), [Beat(
            host=host, agent_type="fake", vif_type="other", network_types=["vxlan"], mtu=1500, port_filter=True,
            started_at=started, availability_zone=zone)])
    for host, zone in (("z1", "nova"), ("z2", "east"), ("z3", "east")):
        net.kit.mesh.serve(queue(host), NetworkAgent, Obedient())
        tell(host, zone)
    yield tell
    for host in ("z1", "z2", "z3"):
        net.kit.mesh.withdraw(queue(host))
    for one in net.get("/agents", as_="admin")["agents"]:
        if one["host"].startswith("z"):
            net.delete(f"/agents/{one['id']}", as_="admin")


@pytest.fixture
def wired(net):
    """Wires a server's port on a host, and unwires it."""
    project = net.get("/networks?name=private")["networks"][0]["project_id"]
    user = Context(request_id="r", user_id="u", project_id=project, roles=("member", "reader"))
    count = []

    def wire(network, host):
        server = f"zoned-{len(count)}"
        count.append(server)
        net.service.allocate(user, server, project, host, "nova", server, [NicRequest(network_id=network["id"])], [])
        net.service.plug(user, server, host)

        def leave():
            net.service.unplug(user, server, host)
            net.service.release(user, server)
        return leave
    return wire


def zones(net, noun, one):
    return net.get(f"/{noun}s/{one['id']}")[noun]["availability_zones"]


def test_a_network_is_in_the_zones_where_it_is_wired(net, hosts, wired):
    network = net.network(name="zoned")
    net.subnet(network, "10.77.0.0/24")
    assert (network["availability_zones"], network["availability_zone_hints"]) == ([], [])
    first, second, third = (wired(network, host) for host in ("z1", "z2", "z3"))
    assert zones(net, "network", network) == ["east", "nova"]
    assert net.get("/networks?name=zoned")["networks"][0]["availability_zones"] == ["east", "nova"]
    second()
    assert zones(net, "network", network) == ["east", "nova"]
    third()
    assert zones(net, "network", network) == ["nova"]
    first()
    assert zones(net, "network", network) == []
    net.delete(f"/networks/{network['id']}")


def test_a_zone_that_an_agent_leaves(net, hosts, wired):
    network = net.network()
    net.subnet(network, "10.78.0.0/24")
    leave = wired(network, "z2")
    hosts("z2", "west")
    assert zones(net, "network", network) == ["west"]
    assert {one["availability_zone"] for one in net.get("/agents?host=z2", as_="admin")["agents"]} == {"west"}
    # An agent of the release before says nothing of its zone.
    hosts("z2", "")
    assert zones(net, "network", network) == ["west"]
    leave()
    hosts("z2", "east")


def test_a_router_stands_in_the_zone_it_asks_for(net, hosts):
    routers = [net.router(availability_zone_hints=hints) for hints in (["east"], ["east"], ["nova"])]
    network = net.network()
    for number, router in enumerate(routers):
        subnet = net.subnet(network, f"10.79.{number}.0/24")
        assert net.interface(router, subnet_id=subnet["id"]).status == 200
    hosts("z1", "nova")
    net.cloud.run(5)
    assert [zones(net, "router", one) for one in routers] == [["east"], ["east"], ["nova"]]
    assert routers[0]["availability_zone_hints"] == ["east"]
    for number, router in enumerate(routers):
        subnet = net.get(f"/subnets?network_id={network['id']}&cidr=10.79.{number}.0/24")["subnets"][0]
        assert net.interface(router, "remove", subnet_id=subnet["id"]).status == 200
        net.delete(f"/routers/{router['id']}")


@pytest.mark.parametrize("noun", ["network", "router"])
def test_hints(net, hosts, noun):
    error = net.make(noun, f"/{noun}s", status=404, availability_zone_hints=["nova", "nowhere"])
    assert (error["type"], error["message"]) == ("AvailabilityZoneNotFound",
                                                 "AvailabilityZone nowhere could not be found.")
    made = net.make(noun, f"/{noun}s", availability_zone_hints=["east", "nova", "east"])
    assert made["availability_zone_hints"] == ["east", "nova"]
    net.delete(f"/{noun}s/{made['id']}")


def test_zones_of_many_agents_cost_the_same_queries(net, hosts):
    def beats(number, zone):
        return [Beat(host=f"z-many-{one}", agent_type="fake", vif_type="other", network_types=[], mtu=1,
                     port_filter=True, started_at="2026-01-01", availability_zone=zone) for one in range(number)]
    context = net.kit.context()

    def cost(told):
        return net.queries(lambda: net.service.beats(context, told))
    come = cost(beats(3, "east"))
    assert cost(beats(100, "east")) <= come + 1
    assert cost(beats(100, "east")) == 1, "there is nothing to write so soon"
    assert cost(beats(100, "west")) == cost(beats(3, "east"))
    net.cloud.clock.advance(30)
    hosts("z1", "nova")
    assert cost(beats(100, "west")) <= 6
    net.cloud.clock.advance(30)
    assert cost([*beats(3, "east"), *beats(100, "west")[3:]]) <= 7
