"""Servers that go from one real host to another, and what is left of them when their host dies."""

from __future__ import annotations

import base64
import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stratolith.core.conformance.cases import until

from . import demo_image
from .cloud_process import BIN, run
from .two_hosts import TwoHosts, two_hosts

pytestmark = pytest.mark.live
PATIENCE_S = 120.0
READY = "demo: ready"
TICKS = "#!/bin/sh\n(n=0; while true; do n=$((n+1)); echo tick $n > /dev/console; sleep 1; done) &\n"
PINGS = "#!/bin/sh\n(while true; do ping -c 1 -W 1 {} > /dev/null && echo pong > /dev/console; sleep 1; done) &\n"
OTHER = {"one": "two", "two": "one"}


class World:
    """The cloud and what its servers share."""

    def __init__(self, cloud: TwoHosts) -> None:
        self.cloud = cloud
        self.image = self.public_image()
        self.network = cloud.admin("POST", "network", "/networks", {"network": {"name": "net"}})["network"]["id"]
        cloud.admin("POST", "network", "/subnets", {"subnet": {
            "network_id": self.network, "ip_version": 4, "cidr": "10.88.0.0/24"}})
        group = cloud.admin("POST", "network", "/security-groups", {"security_group": {"name": "open"}})
        cloud.admin("POST", "network", "/security-group-rules", {"security_group_rule": {
            "security_group_id": group["security_group"]["id"], "direction": "ingress", "protocol": "icmp"}})
        self._last = 10

    def public_image(self) -> str:
        """The id of the demo image."""
        made = self.cloud.admin("POST", "image", "/images", {
            "name": "demo", "disk_format": "qcow2", "container_format": "bare", "visibility": "public"})
        self.cloud.admin("PUT", "image", f"/images/{made['id']}/file", demo_image.path().read_bytes())
        return str(made["id"])

    def free_address(self) -> str:
        """An address of the network that nobody has."""
        self._last += 1
        return f"10.88.0.{self._last}"

    def boot(self, name: str, host: str, script: str = TICKS, **more: Any) -> str:
        """The id of a server on a host; its guest is ready."""
        source = {} if "block_device_mapping_v2" in more else {"imageRef": self.image}
        body = {"name": name, "flavorRef": self.cloud.flavor("m1.nano"), "host": host, "config_drive": True,
                "networks": [{"uuid": self.network, "fixed_ip": self.free_address()}],
                "security_groups": [{"name": "open"}], "user_data": base64.b64encode(script.encode()).decode(),
                **source, **more}
        made = str(self.cloud.admin("POST", "compute", "/servers", {"server": body})["server"]["id"])
        self.settled(made, "ACTIVE")
        self.says(made, READY)
        return made

    def server(self, server: str) -> dict[str, Any]:
        """A server as administrators see it."""
        return dict(self.cloud.admin("GET", "compute", f"/servers/{server}")["server"])

    def settled(self, server: str, status: str) -> dict[str, Any]:
        """The server once it has the status and nothing is under way."""
        def there() -> dict[str, Any] | None:
            found = self.server(server)
            assert found["status"] in (status, "BUILD") or found["status"] != "ERROR", found.get("fault")
            return found if found["status"] == status and not found["OS-EXT-STS:task_state"] else None

        return dict(until(there, PATIENCE_S, f"server {server} is {status}", 0.2))

    def console(self, server: str) -> str:
        """What the guest wrote to its console on the host where it is."""
        body = {"os-getConsoleOutput": {"length": None}}
        return str(self.cloud.admin("POST", "compute", f"/servers/{server}/action", body)["output"])

    def says(self, server: str, text: str) -> None:
        """Wait until the guest wrote it."""
        until(lambda: text in self.console(server), PATIENCE_S, f"the guest says {text!r}", 0.3)

    def last_tick(self, server: str) -> int:
        """How far the guest has counted; a guest that is started anew counts from one."""
        return int(([0, *re.findall(r"tick (\d+)\s", self.console(server))])[-1])

    def act(self, server: str, **action: Any) -> None:
        """Ask for an action."""
        self.cloud.admin("POST", "compute", f"/servers/{server}/action", action)

    def address(self, server: str) -> str:
        """The server's address."""
        return str(next(iter(self.server(server)["addresses"].values()))[0]["addr"])

    def answers(self, server: str) -> None:
        """Wait until the guest answers at its address, on the host where the cloud says that it is."""
        host = self.cloud.hosts[self.server(server)["OS-EXT-SRV-ATTR:host"]]
        until(lambda: host.pings(self.network, self.address(server)), PATIENCE_S, "the guest answers", 0.3)

    def is_on(self, server: str, host: str) -> None:
        """The server is on this host alone: its record, its process, its claim; the hypervisors count right."""
        assert self.server(server)["OS-EXT-SRV-ATTR:host"] == host
        assert self.server(server)["OS-EXT-SRV-ATTR:hypervisor_hostname"]
        assert list(self.cloud.allocations(server)) == [host]
        until(lambda: self.cloud.copies(server) == [host], PATIENCE_S, f"one copy lives, on host {host}", 0.3)
        until(lambda: self.cloud.running_guests() == {name: len(one.guests()) for name, one
                                                      in self.cloud.hosts.items()}, PATIENCE_S, "guests counted", 0.3)

    def moved(self, server: str, kind: str, status: str) -> dict[str, Any]:
        """The newest migration of the server, once it has the status; it holds nothing any more."""
        newest: dict[str, Any] = until(lambda: next(
            (one for one in self.cloud.migrations(server)[:1] if one["status"] == status), None), PATIENCE_S,
            f"the {kind} is {status}", 0.2)
        assert newest["migration_type"] == kind
        assert self.cloud.allocations(newest["uuid"]) == {}
        return newest

    def delete(self, server: str) -> None:
        """Delete a server and wait until nothing of it is left."""
        self.cloud.admin("DELETE", "compute", f"/servers/{server}")
        until(lambda: not self.cloud.admin("GET", "compute", f"/servers?uuid={server}")["servers"], PATIENCE_S,
              "the server is gone", 0.2)
        assert self.cloud.copies(server) == [] and self.cloud.allocations(server) == {}

    @contextlib.contextmanager
    def passing(self, *given: str, **more: Any) -> Iterator[str]:
        """A server for a test alone."""
        made = self.boot(*given, **more)
        yield made
        self.delete(made)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The cloud of this module."""
    with two_hosts(tmp_path_factory.mktemp("two")) as cloud:
        yield World(cloud)


def live_migrate(world: World, server: str, target: str | None) -> None:
    """Ask for a live migration as OpenStack's clients do."""
    world.act(server, **{"os-migrateLive": {"host": target, "block_migration": "auto"}})


def test_a_running_guest_goes_to_the_other_host_and_answers_all_the_time(world: World) -> None:
    with world.passing("mover", "one") as mover:
        pinging = PINGS.format(world.address(mover))
        with world.passing("watcher", "one", script=pinging) as watcher:
            world.says(watcher, "pong")
            world.answers(mover)
            before, heard = world.last_tick(mover), world.console(watcher).count("pong")
            live_migrate(world, mover, None)
            moved = world.moved(mover, "live-migration", "completed")
            assert (moved["source_compute"], moved["dest_compute"]) == ("one", "two")
            world.settled(mover, "ACTIVE")
            world.is_on(mover, "two")
            until(lambda: world.last_tick(mover) > before + 2, PATIENCE_S, "it goes on counting", 0.3)
            assert READY not in world.console(mover), "the guest was started anew"
            world.answers(mover)
            until(lambda: world.console(watcher).count("pong") > heard + 2, PATIENCE_S,
                  "the neighbour on the old host reaches it through the tunnel", 0.3)
            live_migrate(world, mover, "one")
            world.moved(mover, "live-migration", "completed")
            world.settled(mover, "ACTIVE")
            world.is_on(mover, "one")
            world.answers(mover)


def test_a_guest_goes_with_its_root_volume(world: World) -> None:
    mapping = {"boot_index": 0, "source_type": "image", "destination_type": "volume", "uuid": world.image,
               "volume_size": 1, "delete_on_termination": True}
    with world.passing("volume", "one", block_device_mapping_v2=[mapping]) as server:
        before = world.last_tick(server)
        live_migrate(world, server, "two")
        world.moved(server, "live-migration", "completed")
        world.settled(server, "ACTIVE")
        world.is_on(server, "two")
        world.answers(server)
        until(lambda: world.last_tick(server) > before, PATIENCE_S, "it goes on counting", 0.3)
        volume = world.server(server)["os-extended-volumes:volumes_attached"][0]["id"]
        attached = world.cloud.admin("GET", "volume", f"/volumes/{volume}")["volume"]["attachments"]
        assert [one["host_name"] for one in attached] == ["two"]


def test_an_aborted_migration_leaves_the_guest_where_it_was(world: World) -> None:
    with world.passing("slow", "one") as server:
        before = world.last_tick(server)
        world.cloud.hosts["one"].virsh("migrate-setspeed", f"stratolith-{server}", "1")
        live_migrate(world, server, "two")
        running = until(lambda: world.cloud.admin("GET", "compute", f"/servers/{server}/migrations")["migrations"],
                        PATIENCE_S, "the migration is listed", 0.2)
        path = f"/servers/{server}/migrations/{running[0]['id']}"
        until(lambda: world.cloud.forgiving("DELETE", "compute", path), PATIENCE_S, "it can be aborted", 0.2)
        world.moved(server, "live-migration", "cancelled")
        world.settled(server, "ACTIVE")
        world.is_on(server, "one")
        world.answers(server)
        until(lambda: world.last_tick(server) > before, PATIENCE_S, "it goes on counting", 0.3)


def test_a_cold_migration_is_confirmed(world: World) -> None:
    with world.passing("cold", "one") as server:
        world.act(server, migrate=None)
        world.settled(server, "VERIFY_RESIZE")
        assert world.cloud.copies(server) == ["two"]
        world.act(server, confirmResize=None)
        world.settled(server, "ACTIVE")
        world.moved(server, "migration", "confirmed")
        world.is_on(server, "two")
        world.says(server, READY)
        world.answers(server)


def test_a_resize_is_reverted(world: World) -> None:
    with world.passing("grown", "one") as server:
        world.act(server, resize={"flavorRef": world.cloud.flavor("m1.micro")})
        world.settled(server, "VERIFY_RESIZE")
        assert world.cloud.copies(server) == ["two"]
        world.says(server, READY)
        world.act(server, revertResize=None)
        world.settled(server, "ACTIVE")
        world.moved(server, "resize", "reverted")
        world.is_on(server, "one")
        assert world.server(server)["flavor"]["original_name"] == "m1.nano"
        world.says(server, READY)
        world.answers(server)


def test_a_shelved_server_comes_back_on_the_other_host(world: World) -> None:
    mark = "#!/bin/sh\n[ -e /mark ] && echo mark is there > /dev/console\ntouch /mark\nsync\n"
    with world.passing("shelved", "one", script=mark) as server:
        world.act(server, shelve=None)
        world.settled(server, "SHELVED_OFFLOADED")
        assert world.cloud.copies(server) == [] and world.cloud.allocations(server) == {}
        service = world.cloud.computes()["one"]["id"]
        world.cloud.admin("PUT", "compute", f"/os-services/{service}", {"status": "disabled"})
        world.act(server, unshelve=None)
        world.settled(server, "ACTIVE")
        world.cloud.admin("PUT", "compute", f"/os-services/{service}", {"status": "enabled"})
        world.is_on(server, "two")
        world.says(server, "mark is there")
        world.answers(server)


def test_servers_of_a_dead_host_live_on_the_other_one_once(world: World) -> None:
    """The last test here: it cuts the power of host one, and lets it come back."""
    cloud, dead = world.cloud, world.cloud.hosts["one"]
    mapping = {"boot_index": 0, "source_type": "image", "destination_type": "volume", "uuid": world.image,
               "volume_size": 1, "delete_on_termination": True}
    servers = [world.boot("local", "one"), world.boot("kept", "one", block_device_mapping_v2=[mapping])]
    service = cloud.computes()["one"]["id"]
    dead.power_off()
    # A minute without a beat would do as well.
    cloud.admin("PUT", "compute", f"/os-services/{service}", {"forced_down": True})
    assert [cloud.copies(server) for server in servers] == [[], []]
    run(str(BIN / "stratolith"), "host", "recover", "one", "--confirmed-off", "--state", str(cloud.state))
    for server in servers:
        until(lambda server=server: world.server(server)["OS-EXT-SRV-ATTR:host"] == "two", PATIENCE_S, "evacuated", 0.3)
        world.settled(server, "ACTIVE")
        world.says(server, READY)
        world.answers(server)
        assert cloud.copies(server) == ["two"] and list(cloud.allocations(server)) == ["two"]
    # The host comes back with its old disks and domains.
    dead.power_on()
    cloud.join()
    dead.start_agents()
    dead.ready()
    run(str(BIN / "stratolith"), "host", "release", "one", "--state", str(cloud.state))
    until(lambda: "one" in cloud.computes(), PATIENCE_S, "the host is up again", 0.3)
    until(lambda: dead.virsh("list", "--all", "--name").split() == [], PATIENCE_S, "it has nothing any more", 0.3)
    for server in servers:
        world.moved(server, "evacuation", "completed")
        world.is_on(server, "two")
        world.delete(server)
    assert not subprocess.run(["find", str(Path(dead.folder) / "state"), "-name", "root-*"], capture_output=True,
                              check=True).stdout
