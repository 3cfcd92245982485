"""A cloud of hosts with two cells, dedicated processors and PCI devices, and what must be true of it at any rest."""

import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.drivers.topology import Seat
from stratolith.plugins.compute.seats import read
from stratolith.plugins.compute.tables import hosts, seats

DEVICES = ("address=0000:0a:00.0 vendor_id=10de product_id=1db6 node=0",
           "address=0000:8a:00.0 vendor_id=10de product_id=1db6 node=1",
           "address=0000:0b:00.0 vendor_id=8086 product_id=10fb node=0 kind=type-PF",
           *(f"address=0000:0b:10.{n} vendor_id=8086 product_id=10ed node=0 kind=type-VF parent=0000:0b:00.0"
             for n in range(2)))
PCI = {"devices": "vendor_id=10de product_id=1db6, vendor_id=8086 product_id=10ed resource_class=vf traits=fast",
       "aliases": "name=gpu vendor_id=10de product_id=1db6 numa_policy=legacy, name=nic resource_class=vf traits=fast"}
GPU, VF = "CUSTOM_PCI_10DE_1DB6", "CUSTOM_VF"


def options(names="a,b", **more):
    """Eight processors a host in two cells; all but one of each cell may be a guest's own."""
    return {"compute": {"hosts": names, "dedicated_cpus": "1-3,5-7", "reserved_memory_mib": "0", **more},
            "network": {"hosts": names}, "pci": PCI,
            "hypervisors.simulated": {"vcpus": "8", "memory_mib": "4096", "numa_cells": "2",
                                      "large_pages": "2048:256", "pci_devices": ",".join(DEVICES)}}


class Seated:
    """Requests to such a cloud, and looks behind them."""

    def __init__(self, world):
        self.world, self.cloud = world, world.cloud

    @classmethod
    def start(cls, folder, world_of, **more):
        return cls(world_of(InProcess(folder, persistent=True, options=options(**more)).start()))

    def flavor(self, vcpus=2, ram=512, **specs):
        made = self.world.flavor_of(self.cloud.clock.uuid(), ram, vcpus, 1)
        spelt = {name.replace("__", ":").replace("_N", "."): value for name, value in specs.items()}
        answer = self.world.ask("POST", f"/flavors/{made}/os-extra_specs", {"extra_specs": spelt}, as_="admin")
        assert answer.status == 200, answer
        return made

    def boot(self, flavor, run_s=20, **more):
        return self.world.boot(flavorRef=flavor, run_s=run_s, **more)

    def act(self, server, action, version="2.79", run_s=40):
        answer = self.world.ask("POST", f"/servers/{server}/action", action, version, "admin")
        assert answer.status < 300, answer
        self.cloud.run(run_s)

    def show(self, server):
        return self.world.show(server, as_="admin")

    def host(self, server):
        return self.show(server)["OS-EXT-SRV-ATTR:host"]

    def status(self, server):
        return self.show(server)["status"]

    def claims(self, consumer):
        found = self.cloud.request("GET", f"/placement/allocations/{consumer}").json["allocations"]
        return {provider: one["resources"] for provider, one in found.items()}

    def summed(self, consumer):
        found = {}
        for amounts in self.claims(consumer).values():
            for class_, amount in amounts.items():
                found[class_] = found.get(class_, 0) + amount
        return found

    def topology(self, server, as_="admin"):
        return self.world.ask("GET", f"/servers/{server}/topology", version="2.78", as_=as_).json

    def seat(self, server) -> Seat:
        return seat_of(self.cloud, server)

    def sound(self):
        sound(self.cloud)

    def end(self):
        self.cloud.stop()


def rows(cloud, statement):
    with cloud.cloud.kits["compute"].db.read() as tx:
        return tx.rows(statement)


def seat_of(cloud, server):
    found = [read(row.seat) for row in rows(cloud, sa.select(seats)) if row.consumer == server]
    return found[0] if found else None


def parts(seat):
    return [*(f"cpu {cpu}" for cpu in sorted(seat.taken)), *(f"device {one.address}" for one in seat.devices)]


def sound(cloud, context=""):
    """See that nothing is given twice, that guests have what their seats say, and that placement says the same."""
    by_host = {row.id: row.host for row in rows(cloud, sa.select(hosts))}
    given = {}
    for row in rows(cloud, sa.select(seats)):
        seat = read(row.seat)
        for part in parts(seat):
            assert given.setdefault((by_host[row.provider], part), row.consumer) == row.consumer, (context, part)
        claimed = cloud.request("GET", f"/placement/allocations/{row.consumer}").json["allocations"]
        own = len(seat.pins) + sum(len(cell.emulator) for cell in seat.cells)
        assert claimed[row.provider]["resources"].get("PCPU", 0) == own, (context, claimed)
        for device in seat.devices:
            assert device.resource_class in claimed[device.provider]["resources"], (context, claimed)
    for agent in cloud.cloud.agents["compute"].hosts:
        for guest in agent.driver._guests.values():
            for part in (*guest.parts, *guest.parts_before):
                assert (agent.host, part) in given, (context, agent.host, part)
    one = next(one for one in cloud.cloud.slices if one.name == "compute")
    found = list(one.audit(cloud.cloud.services["compute"], cloud.cloud.kits["compute"], False))
    assert found == [], (context, found)
