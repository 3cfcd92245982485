"""Hosts for guests that are particular about processors, cells and PCI devices."""

import pytest
from stratolith.core.drivers.topology import CellWish, DeviceWish, FreeCell, PciDevice, Room, TopologyWish
from stratolith.core.errors import NoValidHost
from stratolith.core.services.compute import ComputeService
from stratolith.core.services.scheduler import Host
from stratolith.plugins.scheduler.choosing import TOGETHER
from stratolith.plugins.scheduler.request import resource_request

from .conftest import RESOURCES, World
from .test_select import refused, select

PINNED = TopologyWish(cells=(CellWish(cpus=(0, 1), dedicated=(0, 1), memory_mib=64),))
GPU = DeviceWish(alias="gpu", count=1, resource_class="CUSTOM_GPU")


def device(name, node=None):
    return PciDevice(address=f"0000:{name}:00.0", vendor_id="1", product_id="2", node=node,
                     resource_class="CUSTOM_GPU", provider=f"child-{name}")


def room(*dedicated, devices=()):
    cell = FreeCell(id=0, dedicated=dedicated, memory_mib=1024, most_memory_mib=1024)
    return Room(cells=(cell,), devices=tuple(devices))


class Furnished(World):
    """Ten hosts, of some of which more is known."""

    def __init__(self, rooms, **options):
        super().__init__(**options)
        self.rooms, self.asked = rooms, []
        self.scheduler.kit.peers.of(ComputeService).rooms = self.told

    def add(self, count):
        """So many more hosts, each fuller than those before."""
        first = len(self.hosts)
        self.hosts += [Host(provider=f"p{n}", host=f"h{n}", node=f"n{n}") for n in range(first, first + count)]

    def told(self, context, providers):
        self.asked.append(list(providers))
        return {name: one for name, one in self.rooms.items() if name in providers}


def test_nobody_is_asked_for_a_plain_server():
    world = Furnished({})
    select(world)
    assert world.asked == []


def test_only_hosts_with_the_processors_are_left():
    world = Furnished({"p3": room(1), "p4": room(4, 5), "p5": Room()})
    assert select(world, topology=PINNED).host == "h4"
    world.rooms["p4"] = room(5)
    lines = refused(world, server_id="t", topology=PINNED)
    assert "NUMATopologyFilter: 0 of 10 left" in lines
    assert any(line.startswith("nearest miss: NUMATopologyFilter alone turned away 10 hosts") for line in lines)


def test_rooms_are_asked_for_the_best_hosts_first():
    world = Furnished({f"p{number}": room(1, 2) for number in range(5 * TOGETHER)})
    world.add(5 * TOGETHER - len(world.hosts))
    lines = select(world, topology=PINNED).explanation
    assert [len(asked) for asked in world.asked] == [TOGETHER] and "p0" in world.asked[0]
    assert f"seats: looked for on the best {TOGETHER} of {5 * TOGETHER}" in lines
    assert f"NUMATopologyFilter: {TOGETHER} of {TOGETHER} left" in lines


def test_the_last_host_is_found_too():
    last = 3 * TOGETHER
    world = Furnished({f"p{last}": room(1, 2)})
    world.add(last + 1 - len(world.hosts))
    found = select(world, topology=PINNED)
    assert found.host == f"h{last}" and sum(map(len, world.asked)) == last + 1
    assert f"NUMATopologyFilter: 1 of {last + 1} left" in found.explanation


def test_devices_are_claimed_where_they_are():
    world = Furnished({"p2": room(), "p6": room(devices=[device("0a"), device("0b")])})
    select(world, pci_devices=[GPU, GPU])
    one = {"CUSTOM_GPU": 1}
    assert world.placement.claims["s"] == {"p6": RESOURCES, "child-0a": one, "child-0b": one}
    assert "PciPassthroughFilter: 0 of 10 left" in refused(world, server_id="t", pci_devices=[GPU, GPU, GPU])


def test_devices_beside_the_processors():
    world = Furnished({"p1": room(1, 2, devices=[device("0a", 1)]), "p2": room(1, 2, devices=[device("0a", 0)])})
    assert select(world, topology=PINNED, pci_devices=[GPU]).host == "h2"


def test_a_forced_host_needs_room_all_the_same():
    world = Furnished({"p1": room(1)})
    with pytest.raises(NoValidHost):
        select(world, topology=PINNED, forced_host="h1")
    world.rooms["p1"] = room(1, 2)
    assert select(world, topology=PINNED, forced_host="h1").host == "h1"


@pytest.mark.parametrize(("policy", "required", "forbidden"), [
    ("", [], []), ("prefer", [], []), ("require", ["HW_CPU_HYPERTHREADING"], []),
    ("isolate", [], ["HW_CPU_HYPERTHREADING"])])
def test_thread_policies_are_traits(policy, required, forbidden):
    wish = TopologyWish(cells=PINNED.cells, thread_policy=policy)
    asked = resource_request(World().request(topology=wish), 1)
    assert (asked.required, asked.forbidden) == (required, forbidden)


def test_hosts_with_devices_are_kept_for_those_who_want_them():
    world = Furnished({}, enabled_weighers=("PCIWeigher",))
    for host in world.hosts:
        host.pci_devices = 3
    world.hosts[7].pci_devices = 1
    assert select(world).host == "h7"


def test_reasons_name_what_is_missing():

    filters = dict(World().scheduler.policies.default.filters)
    numa, pci = filters["NUMATopologyFilter"], filters["PciPassthroughFilter"]
    request = World().request(topology=PINNED, pci_devices=[GPU])
    bare = Host(provider="p", host="h", node="n")
    assert numa.reason(bare, request) == "it tells nothing of its cells"
    assert "the guest's need" in numa.reason(Host(provider="p", host="h", node="n", room=room(1)), request)
    assert pci.reason(bare, request) == "it has not 1 of gpu among its free PCI devices"
