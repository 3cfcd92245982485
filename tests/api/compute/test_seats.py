"""Dedicated processors, cells of memory and PCI devices: claimed, shown, refused, moved and given back."""

import pytest
import sqlalchemy as sa
from stratolith.plugins.compute.seats import HOSTS, empty
from stratolith.plugins.compute.tables import hosts, seats

from tests.api.compute.seated import GPU, VF, Seated

DEDICATED = {"hw__cpu_policy": "dedicated"}


@pytest.fixture(scope="module")
def seated(tmp_path_factory, world_of):
    made = Seated.start(tmp_path_factory.mktemp("seated"), world_of)
    yield made
    made.end()


@pytest.fixture(scope="module")
def world_of():
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path
    spec = spec_from_file_location("compute_world", Path(__file__).parent / "conftest.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.World


@pytest.fixture(autouse=True)
def alone(seated):
    """No server outlives its test, and nothing is left of it. Tokens end with the hour, which is a virtual one."""
    seated.cloud._tokens.clear()
    yield
    seated.sound()
    for one in seated.world.ask("GET", "/servers?all_tenants=1", as_="admin").json["servers"]:
        seated.world.ask("DELETE", f"/servers/{one['id']}", as_="admin")
    seated.cloud.run(20)
    seated.sound()
    answer = seated.cloud.request("GET", "/placement/resource_providers")
    assert answer.status == 200, answer
    for provider in answer.json["resource_providers"]:
        used = seated.cloud.request("GET", f"/placement/resource_providers/{provider['uuid']}/usages").json["usages"]
        assert set(used.values()) <= {0}, used


def tree(seated, host):
    found = seated.cloud.request("GET", "/placement/resource_providers", version="placement 1.14").json
    root = next(one for one in found["resource_providers"] if one["name"] == host)
    return root["uuid"], [one for one in found["resource_providers"] if one["parent_provider_uuid"] == root["uuid"]]


def inventory(seated, provider):
    found = seated.cloud.request("GET", f"/placement/resource_providers/{provider}/inventories").json["inventories"]
    return {class_: one["total"] for class_, one in found.items()}


def claimed(seated, server):
    found = seated.cloud.request("GET", f"/placement/allocations/{server}").json["allocations"]
    return [one["resources"].get("PCPU") for one in found.values()]


def test_the_emulator_has_a_processor_of_its_own_that_is_claimed_and_moves_along(seated):
    flavor = seated.flavor(vcpus=2, **DEDICATED, hw__cpu_realtime="true", hw__emulator_threads_policy="isolate")
    server = seated.boot(flavor)
    assert seated.status(server) == "ACTIVE" and claimed(seated, server) == [3]
    before = seated.host(server)
    seated.act(server, {"migrate": None})
    assert seated.status(server) == "VERIFY_RESIZE" and seated.host(server) != before
    seated.act(server, {"confirmResize": None})
    assert seated.status(server) == "ACTIVE" and claimed(seated, server) == [3]
    # Each of the two cells of a host has three processors to give away.
    others = [seated.boot(flavor) for _ in range(4)]
    assert sorted(seated.status(one) for one in others) == ["ACTIVE"] * 3 + ["ERROR"]
    refused = seated.world.post(flavorRef=seated.flavor(hw__cpu_realtime="true"))
    assert refused.status == 400 and "realtime" in str(refused.json)


def test_hosts_offer_what_they_have(seated):
    root, children = tree(seated, "a")
    assert inventory(seated, root) == {"VCPU": 2, "PCPU": 6, "MEMORY_MB": 4096, "DISK_GB": 8192}
    assert {one["name"]: inventory(seated, one["uuid"]) for one in children} == {
        "a_0000:0a:00.0": {GPU: 1}, "a_0000:8a:00.0": {GPU: 1}, "a_0000:0b:00.0": {VF: 2}}
    nic = next(one for one in children if one["name"].endswith("0b:00.0"))
    path = f"/placement/resource_providers/{nic['uuid']}/traits"
    assert seated.cloud.request("GET", path, version="placement 1.14").json["traits"] == ["CUSTOM_FAST"]


def test_dedicated_processors_are_claimed_and_pinned(seated):
    server = seated.boot(seated.flavor(3, **DEDICATED))
    assert seated.status(server) == "ACTIVE"
    assert seated.summed(server) == {"PCPU": 3, "MEMORY_MB": 512, "DISK_GB": 1}
    seat = seated.seat(server)
    assert len(set(seat.pins.values())) == 3
    assert set(seat.pins.values()) in ({1, 2, 3}, {5, 6, 7})
    shown = seated.topology(server)
    assert shown == {"pagesize_kb": None, "nodes": [{
        "memory_mb": 512, "vcpu_set": [0, 1, 2], "siblings": [], "host_node": seat.cells[0].node,
        "cpu_pinning": {str(virtual): cpu for virtual, cpu in seat.pins.items()}}]}
    assert seated.topology(server, as_="demo")["nodes"] == [{"memory_mb": 512, "vcpu_set": [0, 1, 2], "siblings": []}]


def test_plain_servers_have_no_cells(seated):
    server = seated.boot(seated.flavor(1))
    assert seated.topology(server) == {"nodes": [], "pagesize_kb": None}
    assert seated.summed(server) == {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}


def test_processors_are_given_once(seated):
    flavor = seated.flavor(3, **DEDICATED)
    servers = [seated.boot(flavor) for _ in range(5)]
    assert [seated.status(one) for one in servers] == ["ACTIVE"] * 4 + ["ERROR"]
    seated.sound()
    fault = seated.show(servers[4])["fault"]
    assert fault["message"].startswith("No valid host was found.")
    assert "PCPU=3" in fault["details"]
    seated.world.delete(servers[0])
    assert seated.status(seated.boot(flavor)) == "ACTIVE"


def test_what_no_cell_has_is_refused_by_the_filter(seated):
    server = seated.boot(seated.flavor(4, **DEDICATED))
    assert seated.status(server) == "ERROR"
    assert "NUMATopologyFilter: 0 of 2 left" in seated.show(server)["fault"]["details"]
    forced = seated.boot(seated.flavor(4, **DEDICATED), availability_zone="nova:a", as_="admin")
    assert seated.status(forced) == "ERROR"


def test_mixed_servers_claim_both(seated):
    server = seated.boot(seated.flavor(3, hw__cpu_policy="mixed", hw__cpu_dedicated_mask="^0"))
    assert seated.summed(server) == {"VCPU": 1, "PCPU": 2, "MEMORY_MB": 512, "DISK_GB": 1}
    seat = seated.seat(server)
    assert sorted(seat.pins) == [1, 2]
    assert seat.cells[0].shared in ((0,), (4,))


def test_two_cells(seated):
    flavor = seated.flavor(4, 1024, hw__numa_nodes="2", hw__numa_cpus_N0="0", hw__numa_cpus_N1="1-3",
                           hw__numa_mem_N0="256", hw__numa_mem_N1="768", **DEDICATED)
    server = seated.boot(flavor)
    nodes = seated.topology(server)["nodes"]
    assert [(one["vcpu_set"], one["memory_mb"]) for one in nodes] == [([0], 256), ([1, 2, 3], 768)]
    assert {one["host_node"] for one in nodes} == {0, 1}
    assert seated.summed(server)["PCPU"] == 4


def test_large_pages(seated):
    flavor = seated.flavor(1, 512, hw__mem_page_size="large")
    servers = [seated.boot(flavor) for _ in range(5)]
    assert [seated.status(one) for one in servers] == ["ACTIVE"] * 4 + ["ERROR"]
    assert seated.topology(servers[0])["pagesize_kb"] == 2048


def test_devices_are_claimed_and_given_back(seated):
    flavor = seated.flavor(1, pci_passthrough__alias="gpu:2,nic:1")
    first, second, third = (seated.boot(flavor) for _ in range(3))
    assert [seated.status(one) for one in (first, second, third)] == ["ACTIVE", "ACTIVE", "ERROR"]
    assert seated.summed(first) == {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1, GPU: 2, VF: 1}
    assert len(seated.claims(first)) == 4
    seat = seated.seat(first)
    assert sorted(one.alias for one in seat.devices) == ["gpu", "gpu", "nic"]
    assert "PciPassthroughFilter: 0 of 2 left" in seated.show(third)["fault"]["details"]
    seated.world.delete(first)
    assert seated.claims(first) == {}
    assert seated.status(seated.boot(flavor)) == "ACTIVE"


def test_processors_are_beside_the_device(seated):
    flavor = seated.flavor(2, pci_passthrough__alias="gpu:1", **DEDICATED)
    for _ in range(4):
        seat = seated.seat(seated.boot(flavor))
        assert [one.node for one in seat.devices] == [one.node for one in seat.cells]
    assert seated.status(seated.boot(flavor)) == "ERROR"


@pytest.mark.parametrize("specs", [DEDICATED, {"pci_passthrough__alias": "gpu:1", **DEDICATED},
                                   {"pci_passthrough__alias": "nic:2"}])
def test_cold_migration_seats_anew(seated, specs):
    server = seated.boot(seated.flavor(2, **specs))
    before, host, claims = seated.seat(server), seated.host(server), seated.claims(server)
    seated.act(server, {"migrate": None})
    assert seated.host(server) != host
    seated.sound()
    seated.act(server, {"revertResize": None})
    assert (seated.seat(server), seated.host(server), seated.claims(server)) == (before, host, claims)
    seated.sound()
    seated.act(server, {"migrate": None})
    seated.act(server, {"confirmResize": None})
    assert seated.status(server) == "ACTIVE"
    assert seated.claims(server).keys().isdisjoint(claims)


def test_live_migration_seats_anew(seated):
    server = seated.boot(seated.flavor(3, **DEDICATED))
    host = seated.host(server)
    seated.act(server, {"os-migrateLive": {"host": None, "block_migration": "auto"}}, run_s=80)
    assert seated.host(server) != host
    assert seated.status(server) == "ACTIVE"
    seated.act(server, {"os-migrateLive": {"host": host, "block_migration": "auto", "force": True}}, "2.60", run_s=80)
    assert seated.host(server) == host


def test_who_has_devices_does_not_move_live(seated):
    server = seated.boot(seated.flavor(2, pci_passthrough__alias="gpu:1", **DEDICATED))
    before, claims = seated.seat(server), seated.claims(server)
    body = {"os-migrateLive": {"host": None, "block_migration": True, "disk_over_commit": False}}
    early = seated.world.ask("POST", f"/servers/{server}/action", body, "2.1", "admin")
    assert early.status == 400
    assert "PCI devices" in early.json["badRequest"]["message"]
    seated.act(server, {"os-migrateLive": {"host": None, "block_migration": "auto"}}, run_s=80)
    assert seated.status(server) == "ACTIVE"
    assert (seated.seat(server), seated.claims(server)) == (before, claims)


def test_many_at_once_get_each_their_own(seated):
    flavor = seated.flavor(3, **DEDICATED)
    for _ in range(6):
        assert seated.world.post(flavorRef=flavor).status == 202
    seated.cloud.run(60)
    found = seated.world.ask("GET", "/servers/detail", version="2.79").json["servers"]
    assert sorted(one["status"] for one in found) == ["ACTIVE"] * 4 + ["ERROR"] * 2
    taken = [(seated.host(one["id"]), cpu) for one in found if one["status"] == "ACTIVE"
             for cpu in seated.seat(one["id"]).taken]
    assert len(taken) == len(set(taken)) == 12


def test_who_comes_too_late_for_a_seat_is_told_so_and_holds_nothing(seated, monkeypatch):
    for host in ("a", "b"):
        for _ in range(2):
            seated.boot(seated.flavor(2, **DEDICATED), availability_zone=f"nova:{host}", as_="admin")
    # The scheduler sees hosts as if nobody was there: one processor is left in each cell, two on each host.
    service = seated.cloud.cloud.services["compute"]
    with service.kit.db.read() as tx:
        providers = tx.values(sa.select(hosts.c.id))
        known = {row.id: empty(service.kit.options, row) for row in tx.rows(HOSTS, {"providers": providers})}
    monkeypatch.setattr(service, "rooms", lambda context, providers: known)
    late = seated.boot(seated.flavor(2, **DEDICATED))
    assert seated.status(late) == "ERROR"
    assert "taken meanwhile" in seated.show(late)["fault"]["message"]
    assert seated.claims(late) == {}


@pytest.mark.parametrize(("old", "new"), [({}, DEDICATED), (DEDICATED, {}), (DEDICATED, DEDICATED),
                                          ({}, {"pci_passthrough__alias": "gpu:2"})])
@pytest.mark.parametrize("end", ["confirmResize", "revertResize"])
def test_resize_changes_the_seat(seated, old, new, end):
    server = seated.boot(seated.flavor(2, **old))
    before, claims = seated.seat(server), seated.summed(server)
    seated.act(server, {"resize": {"flavorRef": seated.flavor(3 if new == DEDICATED else 1, **new)}})
    assert seated.status(server) == "VERIFY_RESIZE"
    assert (seated.seat(server) is None) == (not new)
    seated.sound()
    seated.act(server, {end: None})
    assert seated.status(server) == "ACTIVE"
    if end == "revertResize":
        assert (seated.seat(server), seated.summed(server)) == (before, claims)


@pytest.mark.parametrize("end", ["confirmResize", "revertResize"])
def test_resize_on_the_same_host_has_both_seats_until_it_is_confirmed(tmp_path, world_of, end):
    one = Seated.start(tmp_path, world_of, names="a")
    server = one.boot(one.flavor(2, pci_passthrough__alias="gpu:1", **DEDICATED))
    before = one.seat(server)
    one.act(server, {"resize": {"flavorRef": one.flavor(3, pci_passthrough__alias="gpu:1", **DEDICATED)}})
    assert one.status(server) == "VERIFY_RESIZE"
    after = one.seat(server)
    assert after.taken.isdisjoint(before.taken)
    assert one.status(one.boot(one.flavor(2, **DEDICATED))) == "ERROR", "one processor is left"
    one.sound()
    one.act(server, {end: None})
    assert one.seat(server) == (before if end == "revertResize" else after)
    assert one.status(server) == "ACTIVE"
    one.sound()
    one.end()


def test_resize_to_what_cannot_be_is_refused(seated):
    server = seated.boot(seated.flavor(2))
    odd = seated.flavor(3, hw__numa_nodes="2")
    answer = seated.world.ask("POST", f"/servers/{server}/action", {"resize": {"flavorRef": odd}})
    assert answer.status == 400
    assert "cannot be evenly distributed" in answer.json["badRequest"]["message"]


def test_the_shelf_has_no_seat(seated):
    server = seated.boot(seated.flavor(2, pci_passthrough__alias="gpu:1", **DEDICATED))
    seated.act(server, {"shelve": None})
    assert seated.status(server) == "SHELVED_OFFLOADED"
    assert seated.seat(server) is None
    seated.act(server, {"unshelve": None})
    assert seated.status(server) == "ACTIVE"
    assert len(seated.seat(server).devices) == 1


def test_evacuation_seats_anew(seated):
    server = seated.boot(seated.flavor(2, pci_passthrough__alias="gpu:1", **DEDICATED))
    host = seated.host(server)
    down = {"host": host, "binary": "nova-compute", "forced_down": True}
    seated.world.ask("PUT", "/os-services/force-down", down, "2.11", "admin")
    seated.cloud.run(3)
    seated.act(server, {"evacuate": {}})
    assert seated.host(server) != host
    seated.world.ask("PUT", "/os-services/force-down", {**down, "forced_down": False}, "2.11", "admin")
    seated.cloud.run(90)
    assert seated.status(server) == "ACTIVE"


def test_a_boot_that_fails_leaves_nothing(seated):
    server = seated.boot(seated.flavor(2, pci_passthrough__alias="gpu:1", **DEDICATED), run_s=200,
                         metadata={"stratolith:fault": "spawn=BackendFailed"})
    assert seated.status(server) == "ERROR"
    assert (seated.seat(server), seated.claims(server)) == (None, {})


def test_rebuild_keeps_the_seat_and_no_image_changes_it(seated):
    server = seated.boot(seated.flavor(2, **DEDICATED))
    before = seated.seat(server)
    seated.act(server, {"rebuild": {"imageRef": seated.world.image}})
    assert seated.status(server) == "ACTIVE"
    assert seated.seat(server) == before
    other = seated.cloud.request("POST", "/image/v2/images", {
        "name": "cells", "disk_format": "raw", "container_format": "bare", "hw_numa_nodes": "2"}, as_="demo").json["id"]
    seated.cloud.request("PUT", f"/image/v2/images/{other}/file", bytes(1024), as_="demo",
                         headers={"Content-Type": "application/octet-stream"})
    answer = seated.world.ask("POST", f"/servers/{server}/action", {"rebuild": {"imageRef": other}})
    assert answer.status == 400
    assert "NUMA topology cannot be changed" in answer.json["badRequest"]["message"]


def test_what_cannot_be_asked_for_is_refused(seated):
    answer = seated.world.post(flavorRef=seated.flavor(1, pci_passthrough__alias="disk:1"))
    assert answer.status == 400
    assert answer.json["badRequest"]["message"] == "PCI alias disk is not defined"
    answer = seated.world.post(flavorRef=seated.flavor(2, hw__cpu_thread_policy="isolate"))
    assert "CPU thread policy" in answer.json["badRequest"]["message"]


def test_quotas_and_hypervisors_count_processors_as_before(seated):
    server = seated.boot(seated.flavor(3, **DEDICATED))
    limits = seated.world.ask("GET", "/limits").json["limits"]["absolute"]
    assert limits["totalCoresUsed"] == 3
    shown = seated.world.ask("GET", "/os-hypervisors/detail", as_="admin").json["hypervisors"]
    assert {one["vcpus"] for one in shown} == {8}
    assert sorted(one["vcpus_used"] for one in shown) == [0, 3]
    assert seated.world.show(server)["flavor"]["vcpus"] == 3


def test_a_host_that_says_the_same_again_changes_nothing(seated):
    server = seated.boot(seated.flavor(2, pci_passthrough__alias="gpu:1", **DEDICATED))
    claims = seated.claims(server)
    for agent in seated.cloud.cloud.agents["compute"].hosts:
        agent._register()
    seated.cloud.run(30)
    assert seated.claims(server) == claims
    assert seated.status(server) == "ACTIVE"


def audited(seated, mend=False):
    compute = next(one for one in seated.cloud.cloud.slices if one.name == "compute")
    cloud = seated.cloud.cloud
    return [(one.id, one.kind, one.mended) for one in compute.audit(cloud.services["compute"], cloud.kits["compute"],
                                                                    mend)]


def test_seats_of_nobody_are_found_and_given_back(seated):
    server = seated.boot(seated.flavor(2, **DEDICATED))
    database, stranger = seated.cloud.cloud.kits["compute"].db, seated.cloud.clock.uuid()
    with database.write() as tx:
        row = dict(tx.row(sa.select(seats).where(seats.c.consumer == server))._mapping)
        tx.insert(seats, {**row, "consumer": stranger, "server_id": stranger})
    found = audited(seated)
    assert (stranger, "seat", False) in found
    assert len(found) == 3, "and the two processors that two have"
    assert (stranger, "seat", True) in audited(seated, mend=True)
    assert audited(seated) == []


def test_a_server_without_its_seat_is_told_and_moved_to_one(seated):
    server = seated.boot(seated.flavor(2, **DEDICATED))
    with seated.cloud.cloud.kits["compute"].db.write() as tx:
        tx.execute(seats.delete())
    assert audited(seated, mend=True) == [(server, "seat", False)]
    seated.act(server, {"migrate": None})
    seated.act(server, {"confirmResize": None})
    assert audited(seated) == []
    assert len(seated.seat(server).pins) == 2


def test_a_race_that_is_lost_again_and_again_costs_no_other_choice(seated):
    database = seated.cloud.cloud.kits["compute"].db
    lost = []

    def rival(point):
        if point == f"update {hosts.name}" and len(lost) < 20:
            database.probe = None
            with database.write() as tx:
                lost.append(tx.execute(hosts.update().values(seated=hosts.c.seated + 1)))
            database.probe = rival

    database.probe = rival
    try:
        server = seated.boot(seated.flavor(2, **DEDICATED))
    finally:
        database.probe = None
    assert len(lost) == 20 and seated.status(server) == "ACTIVE"
