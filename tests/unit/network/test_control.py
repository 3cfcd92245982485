"""What travels between the service and its agents comes out as it went in."""

from stratolith.core.bus.proxy import Stub, make_proxy
from stratolith.core.drivers.network import NetworkSpec, PortSpec, RouterSpec, Rule, Subnet, Vif
from stratolith.plugins.network.control import NetworkAgent, NetworkControl, queue


class Wire:
    """A bus of one queue."""

    def __init__(self, stub):
        self.stub = stub

    def call(self, name, body, timeout_s):
        assert name == queue("h1")
        return self.stub.handle(body)


class Recorder(NetworkAgent):
    """Remembers what it was told."""

    def __init__(self):
        self.told = []

    def plug(self, networks, ports):
        self.told.append((list(networks), list(ports)))
        return [Vif(port_id=one.id, kind="none", mac=one.mac) for one in ports]

    def unplug(self, ports, networks):
        self.told.append((list(ports), list(networks)))

    def apply(self, networks, ports, routers):
        self.told.append((list(networks), list(ports), list(routers)))

    def remove(self, routers, networks):
        self.told.append((list(routers), list(networks)))


NETWORK = NetworkSpec(id="n", network_type="vxlan", segment=1, mtu=1450, peers=("192.0.2.1",), subnets=(
    Subnet(id="s", cidr="10.0.0.0/24", ip_version=4, host_routes=(("10.1.0.0/16", "10.0.0.9"),)),))
PORT = PortSpec(id="p", network_id="n", mac="fa:16:3e:00:00:01", addresses=(("s", "10.0.0.2"),),
                rules=(Rule(direction="ingress", ethertype="IPv4", remote=("10.0.0.0/8",)),))
ROUTER = RouterSpec(id="r", interfaces=(("n", "fa:16:3e:00:00:02", "10.0.0.1/24"),), floating=(("a", "b"),))


def test_specifications_travel():
    recorder = Recorder()
    agent = make_proxy(NetworkAgent, Wire(Stub(NetworkAgent, recorder)), queue("h1"), 1.0)
    assert agent.plug([NETWORK], [PORT]) == [Vif(port_id="p", kind="none", mac=PORT.mac)]
    agent.apply([NETWORK], [PORT], [ROUTER])
    agent.unplug(["p"], [])
    agent.remove(["r"], ["n"])
    networks, ports, routers = recorder.told[1]
    assert networks[0].subnets[0].id == "s" and tuple(networks[0].peers) == ("192.0.2.1",)
    assert tuple(ports[0].addresses[0]) == ("s", "10.0.0.2") and ports[0].rules[0].direction == "ingress"
    assert tuple(routers[0].interfaces[0])[2] == "10.0.0.1/24"
    assert recorder.told[2:] == [(["p"], []), (["r"], ["n"])]


def test_agents_reach_the_service_by_its_whole_interface():
    assert {"beat", "expected", "allocate", "plug", "owner_of_address"} <= set(NetworkControl.__abstractmethods__)
