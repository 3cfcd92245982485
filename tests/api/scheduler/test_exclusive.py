"""A whole host for one project: by flavor, by hint, by aggregate; in races, moves and audits."""

import random

import pytest
import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.services.placement import Tenancy

HOSTS = ("h1", "h2", "h3")


class World:
    """A cloud of three hosts; ``demo`` and ``admin`` boot in projects of their own."""

    def __init__(self, folder, seed=0):
        names = ",".join(HOSTS)
        self.cloud = InProcess(folder, seed=seed, options={
            "compute": {"hosts": names, "console_listen": "", "quota_instances": "100", "quota_cores": "100"},
            "network": {"hosts": names}}).start()
        self.cloud.run(1)
        self.image = self.ok("POST", "/image/v2/images", {
            "name": "i", "disk_format": "raw", "container_format": "bare", "visibility": "public"}, "admin")["id"]
        self.cloud.request("PUT", f"/image/v2/images/{self.image}/file", b"\0" * 512,
                           headers={"Content-Type": "application/octet-stream"})
        self.plain, self.alone = self.flavor("plain"), self.flavor("alone")
        self.ok("POST", f"/compute/v2.1/flavors/{self.alone}/os-extra_specs",
                {"extra_specs": {"scheduler:exclusive": "true"}}, "admin")

    def flavor(self, name):
        return self.ok("POST", "/compute/v2.1/flavors", {"flavor": {"name": name, "ram": 64, "vcpus": 1, "disk": 1}},
                       "admin")["flavor"]["id"]

    def ask(self, method, path, body=None, as_="demo", version="2.74"):
        return self.cloud.request(method, path, body, as_=as_, version=f"compute {version}")

    def ok(self, method, path, body=None, as_="demo", version="2.74"):
        answer = self.ask(method, path, body, as_, version)
        assert answer.status < 300, answer
        return answer.json if answer.data else None

    def create(self, flavor, as_, **more):
        server = {"name": "s", "imageRef": self.image, "flavorRef": flavor, "networks": "none"}
        hints = more.pop("hints", None)
        body = {"server": {**server, **more}, **({"os:scheduler_hints": hints} if hints else {})}
        return self.ok("POST", "/compute/v2.1/servers", body, as_)["server"]["id"]

    def boot(self, flavor, as_, **more):
        made = self.create(flavor, as_, **more)
        self.cloud.run(2)
        return made

    def act(self, server, body, as_="admin", for_s=30):
        answer = self.ask("POST", f"/compute/v2.1/servers/{server}/action", body, as_)
        self.cloud.run(for_s)
        return answer

    def show(self, server):
        return self.ok("GET", f"/compute/v2.1/servers/{server}", as_="admin")["server"]

    def host(self, server):
        return self.show(server)["OS-EXT-SRV-ATTR:host"]

    def delete(self, server):
        self.ok("DELETE", f"/compute/v2.1/servers/{server}", as_="admin")
        self.cloud.run(2)

    def servers(self):
        return self.ok("GET", "/compute/v2.1/servers/detail?all_tenants=1", as_="admin")["servers"]

    def shared(self):
        """Hosts where a server that wants its host alone meets servers of another project, guests as they are."""
        found, servers = set(), {one["id"]: one for one in self.servers()}
        for host in self.cloud.cloud.agents["compute"].hosts:
            here = [servers[one.guest] for one in host.driver.observe() if one.guest in servers]
            if any(one["flavor"]["original_name"] == "alone" for one in here) and len(
                    {one["tenant_id"] for one in here}) > 1:
                found.add(host.host)
        return found

    def audit(self, mend=False):
        slices = {one.name: one for one in self.cloud.cloud.slices}
        compute = self.cloud.cloud
        return list(slices["compute"].audit(compute.services["compute"], compute.kits["compute"], mend))


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.cloud.stop()


def test_no_other_project_comes_while_an_exclusive_server_is_there(world):
    alone = world.boot(world.alone, "demo")
    place = world.host(alone)
    strangers = [world.boot(world.plain, "admin") for _ in range(4)]
    assert place not in {world.host(one) for one in strangers}
    refused = world.boot(world.plain, "admin", host=place)
    assert world.show(refused)["status"] == "ERROR"
    assert "Another project has a resource provider to itself" in world.show(refused)["fault"]["details"]
    world.delete(alone)
    assert world.host(world.boot(world.plain, "admin", host=place)) == place


def test_the_project_itself_may_use_its_host(world):
    place = world.host(world.boot(world.alone, "demo"))
    for name in HOSTS:
        if name != place:
            world.ok("PUT", "/compute/v2.1/os-services/disable", {"host": name, "binary": "nova-compute"}, "admin",
                     version="2.1")
    assert world.host(world.boot(world.plain, "demo")) == place
    assert world.show(world.boot(world.plain, "admin"))["status"] == "ERROR"


def test_an_exclusive_server_needs_a_host_without_others(world):
    places = {world.host(world.boot(world.plain, "admin", host=name)) for name in HOSTS}
    assert places == set(HOSTS)
    server = world.boot(world.alone, "demo")
    assert world.show(server)["status"] == "ERROR"
    said = world.ok("GET", f"/scheduler/v1/servers/{server}/explanation", as_="demo")["explanation"]["lines"]
    assert said[-1] == "nearest miss: only ExclusiveHostFilter stands in the way"


def test_the_hint_is_for_those_who_may(world):
    body = {"server": {"name": "s", "imageRef": world.image, "flavorRef": world.plain, "networks": "none"},
            "os:scheduler_hints": {"exclusive": True}}
    assert world.ask("POST", "/compute/v2.1/servers", body).status == 403
    body["os:scheduler_hints"] = {"exclusive": "false"}
    assert world.ask("POST", "/compute/v2.1/servers", body).status == 202
    place = world.host(world.boot(world.plain, "admin", hints={"exclusive": "true"}))
    assert place not in {world.host(world.boot(world.plain, "demo")) for _ in range(4)}


def test_hosts_of_an_exclusive_aggregate_belong_to_who_comes_first(world):
    made = world.ok("POST", "/compute/v2.1/os-aggregates", {"aggregate": {"name": "alone"}}, "admin")["aggregate"]
    for action in ({"add_host": {"host": "h1"}}, {"set_metadata": {"metadata": {"exclusive": "true"}}}):
        world.ok("POST", f"/compute/v2.1/os-aggregates/{made['id']}/action", action, "admin")
    first = world.boot(world.plain, "admin", host="h1")
    assert world.host(first) == "h1"
    assert "h1" not in {world.host(world.boot(world.plain, "demo")) for _ in range(4)}
    assert world.audit() == []
    world.delete(first)
    assert world.host(world.boot(world.plain, "admin", host="h1")) == "h1"


@pytest.mark.parametrize("seed", range(4))
def test_two_projects_that_race_never_share_an_exclusive_host(tmp_path, seed, monkeypatch):
    """Decisions see nothing of other projects, as if all were made at the same moment: only the claim knows."""
    world, chance = World(tmp_path, seed), random.Random(seed)
    try:
        placement = world.cloud.cloud.services["placement"]
        monkeypatch.setattr(placement, "tenancy", lambda context, project_id, used: Tenancy())
        for _ in range(6):
            for _ in range(3):
                world.create(chance.choice((world.plain, world.alone)), chance.choice(("demo", "admin")))
            world.cloud.run(2)
            assert world.shared() == set()
            for one in world.servers():
                if one["status"] == "ERROR" or chance.random() < 0.4:
                    world.delete(one["id"])
                elif chance.random() < 0.3:
                    world.act(one["id"], {"migrate": None})
                    assert world.shared() == set()
                    world.act(one["id"], {chance.choice(("confirmResize", "revertResize")): None})
            assert world.shared() == set()
        assert world.audit() == []
    finally:
        world.cloud.stop()


def test_moves_go_to_hosts_without_others_only(world):
    server = world.boot(world.alone, "demo")
    place = world.host(server)
    near, far = (name for name in HOSTS if name != place)
    stranger = world.boot(world.plain, "admin", host=near)
    assert world.act(server, {"os-migrateLive": {"host": near, "block_migration": "auto"}}).status in (202, 400)
    assert world.host(server) == place
    assert world.act(stranger, {"os-migrateLive": {"host": place, "block_migration": "auto"}}).status in (202, 400)
    assert world.host(stranger) == near
    world.act(server, {"migrate": None})
    assert (world.host(server), world.show(server)["status"]) == (far, "VERIFY_RESIZE")
    # Until it is confirmed the old host is the project's, too.
    assert world.show(world.boot(world.plain, "admin", host=place))["status"] == "ERROR"
    world.act(server, {"confirmResize": None})
    assert world.host(world.boot(world.plain, "admin", host=place)) == place
    assert world.audit() == []


def test_a_forced_move_does_not_break_in(world):
    server, stranger = world.boot(world.alone, "demo"), None
    place = world.host(server)
    stranger = world.boot(world.plain, "admin")
    answer = world.ask("POST", f"/compute/v2.1/servers/{stranger}/action", {
        "os-migrateLive": {"host": place, "block_migration": "auto", "force": True}}, "admin", version="2.30")
    world.cloud.run(30)
    assert answer.status in (202, 400)
    assert world.host(stranger) != place
    assert world.show(stranger)["status"] == "ACTIVE"


def test_an_evacuated_server_keeps_its_host_to_itself(world):
    server = world.boot(world.alone, "demo")
    place = world.host(server)
    near, far = (name for name in HOSTS if name != place)
    world.boot(world.plain, "admin", host=near)
    number = next(one["id"] for one in world.ok("GET", f"/compute/v2.1/os-services?host={place}&binary=nova-compute",
                                                as_="admin")["services"])
    world.ok("PUT", f"/compute/v2.1/os-services/{number}", {"forced_down": True}, "admin")
    world.act(server, {"evacuate": {}})
    assert (world.host(server), world.show(server)["status"]) == (far, "ACTIVE")
    assert world.show(world.boot(world.plain, "admin", host=far))["status"] == "ERROR"


def test_an_audit_finds_a_host_that_is_not_held(world):
    server = world.boot(world.alone, "demo")
    with world.cloud.cloud.kits["placement"].db.write() as tx:
        tx.connection.execute(sa.text("UPDATE placement_consumers SET sole = NULL"))
        tx.dirty = True
    found = world.audit()
    assert [(one.kind, one.id, one.what) for one in found] == [
        ("claim", server, f"has {world.host(server)} not for its project alone")]
    assert [one.mended for one in world.audit(mend=True)] == [True]
    assert world.audit() == []
