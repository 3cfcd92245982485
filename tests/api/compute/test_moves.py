"""Moves of servers between the hosts of one cloud: cold, live, and away from a host that is down."""

import dataclasses
import ipaddress

import pytest
import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.drivers.hypervisor import Power
from stratolith.core.errors import NotSupported
from stratolith.core.operations.tables import outbox

from tests.api.test_events import documented

VERIFY = "VERIFY_RESIZE"


class Moves:
    """A world whose hosts can be looked at."""

    def __init__(self, world):
        self.world = world
        self.cloud = world.cloud
        self.large = world.flavor_of("large", 128, 2, 2)
        self.kit = self.cloud.cloud.kits["compute"]

    def act(self, server, body, version="2.79", as_="admin", run_s=30):
        answer = self.world.ask("POST", f"/servers/{server}/action", body, version, as_)
        self.cloud.run(run_s)
        return answer

    def ok(self, server, body, **more):
        answer = self.act(server, body, **more)
        assert answer.status < 300, answer
        return answer

    def show(self, server):
        return self.world.show(server, as_="admin")

    def host(self, server):
        return self.show(server)["OS-EXT-SRV-ATTR:host"]

    def status(self, server):
        return self.show(server)["status"]

    def agent(self, host):
        return next(one for one in self.cloud.cloud.agents["compute"].hosts if one.host == host)

    def guests(self, server):
        """Where guests of the server are, and what they do."""
        return {one.host: seen.power for one in self.cloud.cloud.agents["compute"].hosts
                for seen in one.driver.observe() if seen.guest == server}

    def claims(self, consumer):
        return self.cloud.request("GET", f"/placement/allocations/{consumer}").json["allocations"]

    def port_hosts(self, server):
        ports = self.cloud.request("GET", f"/network/v2.0/ports?device_id={server}").json["ports"]
        return {(one["binding:host_id"], one["status"]) for one in ports}

    def wired(self, server):
        """Hosts on which a port of the server is wired."""
        ports = {one["id"] for one in
                 self.cloud.request("GET", f"/network/v2.0/ports?device_id={server}").json["ports"]}
        return {one.kit.host for one in self.cloud.cloud.agents["network"].hosts
                if ports & set(one.driver.observe().ports)}

    def migrations(self, query="", version="2.80"):
        return self.world.ask("GET", f"/os-migrations{query}", version=version, as_="admin").json["migrations"]

    def last(self, server):
        return self.migrations(f"?instance_uuid={server}")[0]

    def actions(self, server):
        found = self.world.ask("GET", f"/servers/{server}/os-instance-actions", version="2.62").json["instanceActions"]
        return [one["action"] for one in found]

    def volume(self, size=1):
        body = {"volume": {"size": size}}
        made = self.cloud.request("POST", "/volume/v3/volumes", body, as_="demo").json["volume"]["id"]
        self.cloud.run(5)
        return made

    def down(self, host):
        """Cut a host off until it is taken for dead."""
        agent = self.agent(host)
        agent.stop()
        self.cloud.run(100)
        return agent

    def settled(self, server, host, guest=Power.RUNNING):
        """See that nothing of the server is anywhere but on ``host``."""
        assert self.host(server) == host
        assert self.guests(server) == {host: guest}
        assert self.port_hosts(server) <= {(host, "ACTIVE")}
        assert self.wired(server) in ({host}, set())
        provider = self.cloud.request("GET", f"/placement/resource_providers?name={self.node(server)}").json
        assert provider["resource_providers"]
        assert self.claims(self.last(server)["uuid"]) == {}
        assert len(self.claims(server)) == 1

    def node(self, server):
        return self.show(server)["OS-EXT-SRV-ATTR:hypervisor_hostname"]


@pytest.fixture(scope="module")
def moves(tmp_path_factory, world_of):
    made = cloud_of(tmp_path_factory.mktemp("moves"), "a,b,c")
    yield Moves(world_of(made))
    made.stop()


@pytest.fixture
def pair(tmp_path, world_of):
    made = cloud_of(tmp_path, "a,b")
    yield Moves(world_of(made))
    made.stop()


def cloud_of(folder, hosts, **compute):
    options = {"compute": {"hosts": hosts, **compute}, "network": {"hosts": hosts}}
    return InProcess(folder, persistent=True, options=options).start()


@pytest.fixture(scope="module")
def world_of():
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path
    spec = spec_from_file_location("compute_world", Path(__file__).parent / "conftest.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.World


@pytest.fixture
def server(moves):
    return moves.world.boot()


def test_the_host_of_the_creation_binds_no_unshelving(moves):
    server = moves.world.boot(host="a", version="2.74", as_="admin")
    assert moves.host(server) == "a"
    moves.ok(server, {"shelve": None})
    moves.world.ask("PUT", "/os-services/disable", {"host": "a", "binary": "nova-compute"}, "2.1", as_="admin")
    moves.ok(server, {"unshelve": None})
    moves.world.ask("PUT", "/os-services/enable", {"host": "a", "binary": "nova-compute"}, "2.1", as_="admin")
    assert moves.status(server) == "ACTIVE"
    assert moves.host(server) != "a"


# Cold.

def test_migrate_and_confirm(moves, server):
    source, address = moves.host(server), moves.show(server)["addresses"]
    moves.ok(server, {"migrate": None}, version="2.1")
    assert moves.status(server) == VERIFY
    target = moves.host(server)
    assert target != source
    assert moves.guests(server) == {source: Power.SHUTDOWN, target: Power.RUNNING}
    assert moves.port_hosts(server) == {(target, "ACTIVE")}
    assert moves.wired(server) == {target}
    migration = moves.last(server)
    assert (migration["status"], migration["migration_type"]) == ("finished", "migration")
    assert (migration["source_compute"], migration["dest_compute"]) == (source, target)
    assert moves.claims(migration["uuid"]) and moves.claims(server)
    assert set(moves.claims(migration["uuid"])) != set(moves.claims(server))
    assert moves.ok(server, {"confirmResize": None}, as_="demo").status == 204
    assert moves.status(server) == "ACTIVE"
    moves.settled(server, target)
    assert moves.last(server)["status"] == "confirmed"
    assert moves.show(server)["addresses"] == address
    assert moves.actions(server) == ["confirmResize", "migrate", "create"]


def test_events_of_a_migration(moves, server):
    request_id = moves.ok(server, {"migrate": None}).headers["x-compute-request-id"]
    path = f"/servers/{server}/os-instance-actions/{request_id}"
    found = moves.world.ask("GET", path, version="2.62", as_="admin").json["instanceAction"]
    assert [one["event"] for one in found["events"]] == [
        "compute_prep_resize", "compute_resize_instance", "compute_finish_resize"]
    assert {one["result"] for one in found["events"]} == {"Success"}


def test_migrate_and_revert(moves, server):
    source = moves.host(server)
    moves.ok(server, {"migrate": None})
    moves.ok(server, {"revertResize": None}, as_="demo")
    assert moves.status(server) == "ACTIVE"
    moves.settled(server, source)
    assert moves.last(server)["status"] == "reverted"


def test_migrate_to_a_host(moves, server):
    source = moves.host(server)
    target = next(one for one in "abc" if one != source)
    moves.ok(server, {"migrate": {"host": target}}, version="2.56")
    assert moves.host(server) == target
    moves.ok(server, {"confirmResize": None})
    moves.settled(server, target)
    own = moves.act(server, {"migrate": {"host": target}}, version="2.56")
    assert (own.status, own.json["badRequest"]["message"]) == (
        400, "Cannot migrate to the host where the server exists.")
    assert moves.act(server, {"migrate": {"host": "nowhere"}}, version="2.56").status == 400
    assert moves.act(server, {"migrate": {"host": source}}, version="2.55").status < 300


def test_a_stopped_server_stays_stopped(moves, server):
    moves.ok(server, {"os-stop": None})
    moves.ok(server, {"migrate": None})
    target = moves.host(server)
    assert moves.show(server)["OS-EXT-STS:power_state"] == 4
    moves.ok(server, {"confirmResize": None})
    assert moves.status(server) == "SHUTOFF"
    moves.settled(server, target, Power.SHUTDOWN)
    moves.ok(server, {"migrate": None})
    moves.ok(server, {"revertResize": None})
    assert moves.status(server) == "SHUTOFF"
    moves.settled(server, target, Power.SHUTDOWN)


def test_resize_goes_to_another_host(moves, server):
    source = moves.host(server)
    moves.ok(server, {"resize": {"flavorRef": moves.large}}, as_="demo")
    target = moves.host(server)
    assert target != source
    assert moves.show(server)["flavor"]["vcpus"] == 2
    assert next(iter(moves.claims(server).values()))["resources"]["VCPU"] == 2
    moves.ok(server, {"revertResize": None}, as_="demo")
    assert moves.show(server)["flavor"]["vcpus"] == 1
    moves.settled(server, source)
    moves.ok(server, {"resize": {"flavorRef": moves.large}}, as_="demo")
    moves.ok(server, {"confirmResize": None}, as_="demo")
    moves.settled(server, moves.host(server))
    assert moves.last(server)["migration_type"] == "resize"
    old, new = moves.last(server)["old_instance_type_id"], moves.last(server)["new_instance_type_id"]
    assert isinstance(old, int) and isinstance(new, int) and old != new


def test_a_resize_may_stay_when_the_operator_says_so(tmp_path, world_of):
    made = cloud_of(tmp_path, "a,b", allow_resize_to_same_host="true")
    moves = Moves(world_of(made))
    server = moves.world.boot()
    source = moves.host(server)
    other = next(one for one in "ab" if one != source)
    made.request("PUT", "/compute/v2.1/os-services/disable", {"host": other, "binary": "nova-compute"})
    made.run(2)
    moves.ok(server, {"resize": {"flavorRef": moves.large}})
    assert (moves.status(server), moves.host(server)) == (VERIFY, source)
    moves.ok(server, {"confirmResize": None})
    moves.settled(server, source)
    made.stop()


def test_no_host_is_left(pair):
    server = pair.world.boot()
    source = pair.host(server)
    other = next(one for one in "ab" if one != source)
    pair.cloud.request("PUT", "/compute/v2.1/os-services/disable", {"host": other, "binary": "nova-compute"})
    pair.cloud.run(2)
    assert pair.act(server, {"migrate": None}).status == 202
    assert pair.status(server) == "ACTIVE"
    pair.settled(server, source)
    assert pair.last(server)["status"] == "error"
    assert pair.world.ask("GET", f"/servers/{server}/os-instance-actions",
                          version="2.62").json["instanceActions"][0]["message"] == "Error"


@pytest.mark.parametrize("verb", ["depart", "arrive"])
def test_a_move_that_fails_leaves_the_server_where_it_was(pair, verb):
    server = pair.world.boot()
    source = pair.host(server)
    for host in "ab":
        pair.agent(host).driver.fail(verb, times=-1)
    pair.ok(server, {"resize": {"flavorRef": pair.large}}, run_s=200)
    assert pair.status(server) == "ACTIVE"
    pair.settled(server, source)
    assert pair.show(server)["flavor"]["vcpus"] == 1


def test_a_host_that_fails_is_left_for_another(tmp_path, world_of):
    made = cloud_of(tmp_path, "a,b,c")
    moves = Moves(world_of(made))
    server = moves.world.boot()
    source = moves.host(server)
    broken = next(one for one in "abc" if one != source)
    moves.agent(broken).driver.fail("arrive", times=-1)
    for _ in range(3):
        moves.ok(server, {"migrate": None}, run_s=100)
        assert moves.status(server) == VERIFY
        assert moves.host(server) not in (source, broken)
        moves.ok(server, {"revertResize": None})
        moves.settled(server, source)
    made.stop()


def test_a_resize_stays_where_hypervisors_hand_nothing_over(pair):
    server = pair.world.boot()
    source = pair.host(server)
    for host in "ab":
        pair.agent(host).driver.fail("depart", times=-1, error=NotSupported("this driver cannot"))
    pair.ok(server, {"migrate": None})
    assert (pair.status(server), pair.last(server)["status"]) == ("ACTIVE", "error")
    pair.settled(server, source)
    pair.ok(server, {"resize": {"flavorRef": pair.large}})
    assert (pair.status(server), pair.host(server)) == (VERIFY, source)
    pair.ok(server, {"confirmResize": None})
    pair.settled(server, source)


def test_a_lost_answer_changes_nothing(pair):
    server = pair.world.boot()
    source = pair.host(server)
    for host in "ab":
        for verb in ("depart", "arrive", "destroy", "stay"):
            pair.agent(host).driver.fail(verb, lost=True)
    pair.ok(server, {"migrate": None}, run_s=100)
    assert pair.status(server) == VERIFY
    pair.ok(server, {"revertResize": None}, run_s=100)
    pair.settled(server, source)


def test_volumes_follow(moves, server):
    volume = moves.volume()
    moves.ok(server, {"os-stop": None})
    attachment = {"volumeAttachment": {"volumeId": volume}}
    assert moves.world.ask("POST", f"/servers/{server}/os-volume_attachments", attachment).status == 200
    moves.cloud.run(5)
    for end in ("confirmResize", "revertResize"):
        moves.ok(server, {"migrate": None})
        moves.ok(server, {end: None})
        found = moves.cloud.request("GET", f"/volume/v3/volumes/{volume}").json["volume"]
        assert found["status"] == "in-use"
        assert [one["host_name"] for one in found["attachments"]] == [moves.host(server)]


def test_deleted_while_it_waits_to_be_confirmed(moves, server):
    moves.ok(server, {"resize": {"flavorRef": moves.large}})
    uuid = moves.last(server)["uuid"]
    moves.world.ask("DELETE", f"/servers/{server}")
    moves.cloud.run(30)
    assert moves.guests(server) == {}
    assert moves.claims(server) == moves.claims(uuid) == {}
    assert moves.last(server)["status"] == "confirmed"


def test_a_move_that_was_given_up_by_resetting_the_state(moves, server):
    first = moves.host(server)
    moves.ok(server, {"migrate": None})
    second, uuid = moves.host(server), moves.last(server)["uuid"]
    moves.ok(server, {"os-resetState": {"state": "active"}})
    moves.ok(server, {"migrate": None})
    assert moves.claims(uuid) == {}
    third = moves.host(server)
    assert set(moves.guests(server)) == {second, third} and third != second
    moves.ok(server, {"confirmResize": None})
    moves.settled(server, third)
    assert first != second


def test_it_confirms_itself(tmp_path, world_of):
    made = cloud_of(tmp_path, "a,b", resize_confirm_window_s="1000")
    moves = Moves(world_of(made))
    server = moves.world.boot()
    moves.ok(server, {"migrate": None})
    target = moves.host(server)
    made.run(900)
    assert moves.status(server) == VERIFY
    made.run(200)
    assert moves.status(server) == "ACTIVE"
    moves.settled(server, target)
    made.stop()


def test_groups_are_heeded(pair):
    def booted(policy):
        body = {"server_group": {"name": policy, "policy": policy}}
        group = pair.world.ask("POST", "/os-server-groups", body, "2.64").json["server_group"]["id"]
        return [pair.world.boot(hints={"group": group}) for _ in range(2)]
    for one in (booted("anti-affinity")[0], booted("affinity")[0]):
        source = pair.host(one)
        pair.ok(one, {"migrate": None})
        assert (pair.status(one), pair.host(one)) == ("ACTIVE", source)
        pair.settled(one, source)


def test_what_may_be_migrated(moves, server):
    moves.ok(server, {"pause": None})
    answer = moves.act(server, {"migrate": None})
    assert answer.status == 409
    assert answer.json["conflictingRequest"]["message"] == (
        f"Cannot 'migrate' instance {server} while it is in vm_state paused")
    assert moves.act(server, {"migrate": None}, as_="demo").status == 403
    assert moves.act("8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000", {"migrate": None}).status == 404


def manager_of(moves):
    """A token of a manager of the servers' project."""
    cloud, project = moves.cloud, moves.world.project()
    body = {"user": {"name": "manager", "password": "secret", "domain_id": "default"}}
    user = cloud.request("POST", "/identity/v3/users", body).json["user"]["id"]
    role = cloud.request("GET", "/identity/v3/roles?name=manager").json["roles"][0]["id"]
    cloud.request("PUT", f"/identity/v3/projects/{project}/users/{user}/roles/{role}")
    scope = {"project": {"id": project}}
    return cloud.token("manager", password="secret", scope=scope)


def test_managers_move_servers_and_see_no_hosts(pair):
    server, token = pair.world.boot(), manager_of(pair)

    def ask(method, path, body=None, version="2.79"):
        return pair.cloud.request(method, "/compute/v2.1" + path, body, as_=None, headers={"X-Auth-Token": token},
                                  version=f"compute {version}")
    action, other = f"/servers/{server}/action", next(one for one in "ab" if one != pair.host(server))
    assert ask("POST", action, {"migrate": {"host": other}}).status == 403
    assert ask("POST", action, {"os-migrateLive": {"host": other, "block_migration": "auto"}}).status == 403
    assert ask("POST", action, {"evacuate": {}}).status == 403
    assert ask("POST", action, {"migrate": None}).status == 202
    pair.cloud.run(30)
    shown = ask("GET", "/os-migrations", version="2.80").json["migrations"]
    assert [one["instance_uuid"] for one in shown] == [server]
    hosts = ("source_compute", "source_node", "dest_compute", "dest_node", "dest_host")
    assert [shown[0][name] for name in hosts] == [None] * 5
    assert ask("GET", "/os-migrations?project_id=other", version="2.80").status == 403
    assert ask("GET", f"/servers/{server}/migrations").json == {"migrations": []}
    assert ask("GET", f"/servers/{server}/migrations/1").status == 403


# Migrations.

def test_migrations_by_version(moves, server):
    moves.ok(server, {"migrate": None})
    first = {"id", "status", "instance_uuid", "source_node", "source_compute", "dest_node", "dest_compute",
             "dest_host", "old_instance_type_id", "new_instance_type_id", "created_at", "updated_at"}
    for version, more in (("2.1", set()), ("2.23", {"migration_type"}), ("2.59", {"migration_type", "uuid"}),
                          ("2.80", {"migration_type", "uuid", "user_id", "project_id"})):
        found = next(one for one in moves.migrations(version=version) if one["instance_uuid"] == server)
        assert set(found) == first | more


def test_hosts_are_shown_with_their_addresses(moves, server):
    moves.ok(server, {"migrate": None})
    shown = moves.world.ask("GET", "/os-hypervisors/detail", version="2.79", as_="admin").json["hypervisors"]
    at = {one["service"]["host"]: one["host_ip"] for one in shown}
    assert all(ipaddress.ip_address(one) for one in at.values())
    found = next(one for one in moves.migrations(version="2.80") if one["instance_uuid"] == server)
    assert found["dest_host"] == at[found["dest_compute"]]


def test_migrations_are_paged_and_filtered(moves):
    servers = [moves.world.boot() for _ in range(3)]
    for one in servers:
        moves.ok(one, {"migrate": None})
    newest = moves.migrations("?limit=2", "2.59")
    assert [one["instance_uuid"] for one in newest] == [servers[2], servers[1]]
    page = moves.world.ask("GET", "/os-migrations?limit=2", version="2.59", as_="admin").json
    assert "marker=" + newest[1]["uuid"] in page["migrations_links"][0]["href"]
    after = moves.migrations(f"?limit=1&marker={newest[1]['uuid']}", "2.59")
    assert [one["instance_uuid"] for one in after] == [servers[0]]
    bad = moves.world.ask("GET", "/os-migrations?marker=8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000", version="2.59",
                          as_="admin")
    assert bad.status == 400
    assert moves.migrations("?status=confirmed&migration_type=resize&instance_uuid=" + servers[0]) == []
    assert moves.migrations("?status=finished&instance_uuid=" + servers[0])
    assert moves.migrations("?host=nowhere") == []
    assert moves.migrations("?changes-since=2200-01-01T00:00:00", "2.59") == []
    assert moves.migrations("?changes-before=2001-01-01T00:00:00", "2.66") == []
    project = moves.show(servers[0])["tenant_id"]
    assert all(one["project_id"] == project for one in moves.migrations(f"?project_id={project}"))
    assert moves.world.ask("GET", "/os-migrations?user_id=x", version="2.79", as_="admin").status == 400
    assert moves.world.ask("GET", "/os-migrations", as_="demo").status == 403


def test_a_host_that_waits_for_a_move_to_be_confirmed_is_not_forgotten(pair):
    # In a cloud of its own, so that no other server is why the host is kept.
    moves, server = pair, pair.world.boot()
    source = moves.host(server)
    moves.ok(server, {"migrate": None})
    assert moves.status(server) == VERIFY
    found = moves.world.ask("GET", f"/os-services?host={source}&binary=nova-compute", version="2.53", as_="admin")
    path = "/os-services/" + found.json["services"][0]["id"]
    refused = moves.world.ask("DELETE", path, version="2.53", as_="admin")
    assert (refused.status, "in-progress migrations" in refused.json["conflictingRequest"]["message"]) == (409, True)
    moves.ok(server, {"confirmResize": None})


# Live.

def live(moves, server, host=None, version="2.79", **more):
    return moves.act(server, {"os-migrateLive": {"host": host, "block_migration": "auto", **more}}, version)


def test_live_migration(moves, server):
    source, boots = moves.host(server), boots_of(moves, server)
    assert live(moves, server).status == 202
    target = moves.host(server)
    assert (moves.status(server), target != source) == ("ACTIVE", True)
    moves.settled(server, target)
    assert boots_of(moves, server) == boots, "the guest was started anew"
    migration = moves.last(server)
    assert (migration["status"], migration["migration_type"]) == ("completed", "live-migration")
    assert moves.show(server)["OS-EXT-STS:task_state"] is None
    assert moves.actions(server) == ["live-migration", "create"]


def boots_of(moves, server):
    return moves.agent(moves.host(server)).driver.guest(server).boots


def test_live_migration_of_a_paused_server_to_a_host(moves, server):
    moves.ok(server, {"pause": None})
    source = moves.host(server)
    target = next(one for one in "abc" if one != source)
    body = {"os-migrateLive": {"host": target, "block_migration": True, "disk_over_commit": False}}
    moves.ok(server, body, version="2.1")
    assert moves.status(server) == "PAUSED"
    moves.settled(server, target, Power.PAUSED)
    assert live(moves, server, target, "2.33").status == 400
    assert live(moves, server, "nowhere").status == 400
    assert live(moves, server, source, "2.30", force=True).status == 202
    moves.settled(server, source, Power.PAUSED)
    assert live(moves, server, source, "2.68", force=True).status == 400
    assert moves.act(server, {"os-migrateLive": {"host": None, "block_migration": False}}, "2.33").status == 400


@pytest.mark.parametrize("own_host", [True, False])
def test_a_live_migration_that_may_not_be_fails_behind_its_answer(moves, server, own_host):
    source, boots = moves.host(server), boots_of(moves, server)
    wish = {"host": source, "block_migration": "auto"} if own_host else {"host": None, "block_migration": False}
    assert moves.act(server, {"os-migrateLive": wish}, "2.34").status == 202
    assert moves.last(server)["status"] in ("error", "failed")
    assert (moves.status(server), moves.host(server), boots_of(moves, server)) == ("ACTIVE", source, boots)
    moves.settled(server, source)


def blocks(moves, monkeypatch):
    """Whether local disks went along, for each live migration that is begun."""
    found = []
    for one in moves.cloud.cloud.agents["compute"].hosts:
        original = one.driver.prepare_live
        monkeypatch.setattr(one.driver, "prepare_live", lambda spec, block, original=original: (
            found.append(block), original(spec, block))[1])
    return found


def share(moves, hosts):
    """Have only these hosts share their disks."""
    for one in moves.cloud.cloud.agents["compute"].hosts:
        one.driver._facts = dataclasses.replace(one.driver._facts, shared_disks=one.host in hosts)
        one._register()


def test_shared_disks_stay_where_they_are(moves, server, monkeypatch):
    found, source = blocks(moves, monkeypatch), moves.host(server)
    other = next(one for one in "abc" if one != source)
    try:
        share(moves, {source, other})
        body = {"os-migrateLive": {"host": other, "block_migration": True}}
        assert moves.act(server, body, "2.33").status == 400
        moves.ok(server, {"os-migrateLive": {"host": None, "block_migration": False}})
        assert moves.host(server) == other
        moves.ok(server, {"os-migrateLive": {"host": source, "block_migration": "auto"}})
        moves.settled(server, source)
        third = next(one for one in "abc" if one not in (source, other))
        assert moves.act(server, {"os-migrateLive": {"host": third, "block_migration": False}}, "2.33").status == 400
        moves.ok(server, {"os-migrateLive": {"host": None, "block_migration": True}})
        assert moves.host(server) == third
        moves.ok(server, {"os-migrateLive": {"host": other, "block_migration": "auto"}})
        assert found == [False, False, True, True]
    finally:
        share(moves, ())


def test_a_volume_backed_server_migrates_live_without_block(moves):
    disk = {"source_type": "image", "uuid": moves.world.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}
    server = moves.world.boot(block_device_mapping_v2=[disk], imageRef="", run_s=20)
    assert moves.act(server, {"os-migrateLive": {"host": None, "block_migration": True}}, "2.33").status == 400
    moves.ok(server, {"os-migrateLive": {"host": None, "block_migration": False}})
    moves.settled(server, moves.host(server))
    volume = moves.show(server)["os-extended-volumes:volumes_attached"][0]["id"]
    found = moves.cloud.request("GET", f"/volume/v3/volumes/{volume}").json["volume"]
    assert [one["host_name"] for one in found["attachments"]] == [moves.host(server)]


def test_a_live_migration_that_fails(pair):
    server = pair.world.boot()
    source = pair.host(server)
    for verb in ("prepare_live", "migrate_live"):
        for host in "ab":
            pair.agent(host).driver.fail(verb)
        assert live(pair, server).status == 202
        assert (pair.status(server), pair.last(server)["status"]) == ("ACTIVE", "error")
        pair.settled(server, source)
        for host in "ab":
            pair.agent(host).driver.heal()


class Meddler:
    """Does something while a guest is on its way: each slice of the copy's time calls it once."""

    def __init__(self, moves, monkeypatch, call):
        self.moves, self.call, self.calls = moves, call, 0
        clock = moves.cloud.clock
        monkeypatch.setattr(clock, "sleep", self.sleep, raising=False)

    def sleep(self, seconds):
        self.moves.cloud.clock.advance(seconds)
        self.calls += 1
        if self.calls == 3:
            self.call()
        self.moves.cloud.executor.run(6)


def slow(moves):
    return moves.world.boot(metadata={"stratolith:delay": "copy_live=60"})


def under_way(moves, server):
    return moves.world.ask("GET", f"/servers/{server}/migrations", version="2.80", as_="admin").json["migrations"]


def test_a_live_migration_is_watched_and_aborted(pair, monkeypatch):
    server = slow(pair)
    source = pair.host(server)
    seen = {}

    def abort():
        shown = pair.show(server)
        seen["status"] = (shown["status"], shown["OS-EXT-STS:task_state"])
        seen["list"] = under_way(pair, server)
        number = seen["list"][0]["id"]
        path = f"/servers/{server}/migrations/{number}"
        seen["one"] = pair.world.ask("GET", path, version="2.80", as_="admin").json["migration"]
        seen["answer"] = pair.world.ask("DELETE", path, version="2.24", as_="admin").status
        seen["links"] = pair.last(server)["links"]
    Meddler(pair, monkeypatch, abort)
    assert live(pair, server).status == 202
    pair.cloud.run(60)
    assert seen["status"] == ("MIGRATING", "migrating")
    assert seen["one"]["status"] == "running" and seen["one"]["memory_total_bytes"] == 64 << 20
    assert seen["one"]["server_uuid"] == server
    assert seen["answer"] == 202
    assert seen["links"][0]["href"].endswith(f"/servers/{server}/migrations/{seen['one']['id']}")
    assert (pair.status(server), pair.last(server)["status"]) == ("ACTIVE", "cancelled")
    pair.settled(server, source)
    assert under_way(pair, server) == []
    gone = pair.world.ask("GET", f"/servers/{server}/migrations/{seen['one']['id']}", version="2.23", as_="admin")
    assert gone.status == 404
    assert pair.actions(server) == ["live_migration_cancel", "live-migration", "create"]


def test_a_live_migration_is_forced(pair, monkeypatch):
    server = slow(pair)
    source, answers = pair.host(server), []

    def force():
        path = f"/servers/{server}/migrations/{under_way(pair, server)[0]['id']}/action"
        answers.append(pair.world.ask("POST", path, {"force_complete": None}, "2.22", "admin").status)
    meddler = Meddler(pair, monkeypatch, force)
    live(pair, server)
    pair.cloud.run(60)
    assert answers == [202] and meddler.calls < 30
    assert pair.host(server) != source
    pair.settled(server, pair.host(server))


def test_an_agent_that_forgot_a_live_migration(pair):
    """The source's agent died after it took the order: the operation asks where the guest is and begins anew."""
    server = pair.world.boot()
    source = pair.host(server)
    lives, orders = pair.agent(source).lives, []
    begin = lives.begin

    def forgetful(guest, migration, work):
        orders.append(migration)
        if len(orders) > 1:
            begin(guest, migration, work)
    lives.begin = forgetful
    live(pair, server)
    assert len(orders) == 2
    assert pair.host(server) != source
    pair.settled(server, pair.host(server))


def test_a_guest_that_went_over_unheard_of(pair):
    """It has arrived, and both agents died before they told: the operation finds it by asking both hosts."""
    server = pair.world.boot()
    source = pair.host(server)
    lives = pair.agent(source).lives
    lives.begin = lambda guest, migration, work: work()
    boots = boots_of(pair, server)
    live(pair, server)
    assert pair.host(server) != source
    assert boots_of(pair, server) == boots
    pair.settled(server, pair.host(server))


def test_a_live_migration_that_is_lost_again_and_again(pair):
    server = pair.world.boot()
    source = pair.host(server)
    pair.agent(source).lives.begin = lambda guest, migration, work: None
    live(pair, server)
    assert (pair.host(server), pair.status(server)) == (source, "ACTIVE")
    pair.settled(server, source)
    assert pair.last(server)["status"] == "error"


def test_a_live_migration_that_waits_is_aborted(pair):
    server = pair.world.boot()
    source = pair.host(server)
    body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    pair.world.ask("POST", f"/servers/{server}/action", body, "2.79", "admin")
    path = f"/servers/{server}/migrations/{under_way(pair, server)[0]['id']}"
    early = pair.world.ask("DELETE", path, version="2.64", as_="admin")
    assert early.status == 400 and "queued" in early.json["badRequest"]["message"]
    assert pair.world.ask("DELETE", path, version="2.65", as_="admin").status == 202
    pair.cloud.run(30)
    assert pair.last(server)["status"] == "cancelled"
    pair.settled(server, source)
    assert pair.world.ask("DELETE", path, version="2.65", as_="admin").status == 409
    assert pair.world.ask("DELETE", path, version="2.23", as_="admin").status == 404


def test_deleted_on_its_way(pair, monkeypatch):
    server = slow(pair)
    Meddler(pair, monkeypatch, lambda: pair.world.ask("DELETE", f"/servers/{server}"))
    live(pair, server)
    pair.cloud.run(120)
    assert pair.world.ask("GET", f"/servers/{server}").status == 404
    assert pair.guests(server) == {}
    assert pair.claims(server) == pair.claims(pair.last(server)["uuid"]) == {}


# Evacuation.

def test_evacuate(pair):
    server = pair.world.boot()
    source, address = pair.host(server), pair.show(server)["addresses"]
    target = next(one for one in "ab" if one != source)
    up = pair.act(server, {"evacuate": {}}, version="2.14")
    assert (up.status, up.json["badRequest"]["message"]) == (
        400, f"Compute service of {source} is still in use.")
    agent = pair.down(source)
    assert pair.act(server, {"evacuate": {"host": source}}, version="2.14").status == 400
    assert pair.act(server, {"evacuate": {"host": "nowhere"}}, version="2.14").status == 400
    answer = pair.ok(server, {"evacuate": {"onSharedStorage": False}}, version="2.1")
    assert (answer.status, len(answer.json["adminPass"])) == (200, 12)
    assert (pair.status(server), pair.host(server)) == ("ACTIVE", target)
    assert pair.guests(server) == {source: Power.RUNNING, target: Power.RUNNING}
    assert pair.port_hosts(server) == {(target, "ACTIVE")}
    assert pair.show(server)["addresses"] == address
    assert pair.last(server)["status"] == "done"
    assert pair.last(server)["migration_type"] == "evacuation"
    back(agent, pair)
    pair.settled(server, target)
    assert pair.last(server)["status"] == "completed"
    assert pair.actions(server) == ["evacuate", "create"]


def back(agent, moves):
    """The agent of a host that was cut off is reached again."""
    from stratolith.plugins.compute.agency import ComputeAgent, agent_queue
    agent.kit.mesh.serve(agent_queue(agent.host), ComputeAgent, agent)
    agent._stopped = False
    moves.cloud.run(40)


def test_a_stopped_server_is_evacuated_stopped_and_to_a_host(pair):
    server = pair.world.boot()
    pair.ok(server, {"os-stop": None})
    source = pair.host(server)
    target = next(one for one in "ab" if one != source)
    pair.down(source)
    answer = pair.ok(server, {"evacuate": {"host": target, "force": True}}, version="2.29")
    assert answer.data == b""
    assert (pair.status(server), pair.host(server)) == ("SHUTOFF", target)
    assert pair.guests(server)[target] is Power.SHUTDOWN


def test_a_host_forced_down_is_compared_when_it_may_be_up_again(pair):
    server = pair.world.boot()
    source = pair.host(server)
    force = {"host": source, "binary": "nova-compute", "forced_down": True}
    pair.world.ask("PUT", "/os-services/force-down", force, "2.11", "admin")
    pair.cloud.run(30)
    pair.ok(server, {"evacuate": {}})
    target = pair.host(server)
    assert target != source
    pair.world.ask("PUT", "/os-services/force-down", {**force, "forced_down": False}, "2.11", "admin")
    pair.cloud.run(60)
    pair.settled(server, target)


def test_an_evacuation_that_finds_no_host(pair):
    server = pair.world.boot()
    source = pair.host(server)
    pair.down(source)
    other = next(one for one in "ab" if one != source)
    pair.cloud.request("PUT", "/compute/v2.1/os-services/disable", {"host": other, "binary": "nova-compute"})
    pair.cloud.run(2)
    pair.ok(server, {"evacuate": {}}, version="2.79")
    assert (pair.status(server), pair.host(server)) == ("ERROR", source)
    assert "No valid host" in pair.show(server)["fault"]["message"]
    assert pair.last(server)["status"] == "error"


def test_events_of_moves_are_told_and_documented(pair):
    server = pair.world.boot()
    pair.ok(server, {"migrate": None})
    pair.ok(server, {"confirmResize": None})
    live(pair, server)
    with pair.kit.db.read() as tx:
        told = [row.event_type for row in tx.rows(sa.select(outbox).order_by(outbox.c.number))
                if row.event_type.startswith("instance.")]
    assert told[told.index("instance.resize_prep.start"):] == [
        "instance.resize_prep.start", "instance.resize_prep.end", "instance.resize.end", "instance.resize_finish.end",
        "instance.resize_confirm.start", "instance.resize_confirm.end", "instance.live_migration_pre.start",
        "instance.live_migration_pre.end", "instance.live_migration_post.start", "instance.live_migration_post.end"]
    assert set(told) <= set(documented())
