"""A real cloud from its command line: guests that boot, join their network, learn who they are, and leave no trace."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stratolith.core.conformance.cases import until

from . import demo_image, libvirt_host
from .cloud_process import BIN, CloudProcess, Refused, run, running
from .network_host import ip, sweep

pytestmark = pytest.mark.live
READY = "demo: ready"
USER_DATA = "#!/bin/sh\necho told by user-data | tee /root/told\n"
NETWORK = "10.77.0.0/24"


class World:
    """The cloud, the machine it runs on, and what its servers share."""

    def __init__(self, cloud: CloudProcess, uri: str, prefix: str, folder: Path) -> None:
        self.cloud, self.uri, self.prefix, self.folder = cloud, uri, prefix, folder
        self.host = f"{prefix}-host"
        self.key = folder / "key"
        made = cloud.call("POST", "compute", "/os-keypairs", {"keypair": {"name": "key", "type": "ssh"}})["keypair"]
        self.key.touch(mode=0o600)
        self.key.write_text(made["private_key"])
        self.image = cloud.image("demo", demo_image.built().read_bytes())
        self.network = self.make_network("net", NETWORK)
        self.group = cloud.call("POST", "network", "/security-groups", {"security_group": {"name": "open"}})[
            "security_group"]["id"]
        self.allow("tcp", port_range_min=22, port_range_max=22)
        self.ping_rule = self.allow("icmp")

    def make_network(self, name: str, cidr: str) -> str:
        """The id of a new network with one subnet."""
        made = self.cloud.call("POST", "network", "/networks", {"network": {"name": name}})["network"]["id"]
        self.cloud.call("POST", "network", "/subnets", {"subnet": {"network_id": made, "ip_version": 4, "cidr": cidr}})
        return str(made)

    def allow(self, protocol: str, **more: Any) -> str:
        """The id of a new rule that lets something in."""
        rule = {"security_group_id": self.group, "direction": "ingress", "protocol": protocol, **more}
        made = self.cloud.call("POST", "network", "/security-group-rules", {"security_group_rule": rule})
        return str(made["security_group_rule"]["id"])

    def boot(self, name: str, **more: Any) -> str:
        """The id of a new server, which boots."""
        body = {"name": name, "imageRef": self.image, "flavorRef": self.cloud.flavor("m1.nano"), "key_name": "key",
                "networks": [{"uuid": self.network}], "security_groups": [{"name": "open"}], **more}
        return str(self.cloud.call("POST", "compute", "/servers", {"server": body})["server"]["id"])

    def delete(self, server: str) -> None:
        """Delete a server and wait until it is gone."""
        self.cloud.call("DELETE", "compute", f"/servers/{server}")
        self.cloud.gone(server)

    def act(self, server: str, status: str, **action: Any) -> None:
        """Do an action and wait for the status it leads to."""
        self.cloud.call("POST", "compute", f"/servers/{server}/action", action)
        self.cloud.settled(server, status)

    def console(self, server: str) -> str:
        """What the guest wrote to its console."""
        body = {"os-getConsoleOutput": {"length": None}}
        return str(self.cloud.call("POST", "compute", f"/servers/{server}/action", body)["output"])

    def ready(self, server: str, times: int = 1) -> str:
        """The console's text once the guest has come up so many times."""
        self.cloud.settled(server, "ACTIVE")
        until(lambda: self.console(server).count(READY) >= times, 120, "the guest is ready", 0.3)
        return self.console(server)

    def address(self, server: str) -> str:
        """The server's first address."""
        return str(next(iter(self.cloud.server(server)["addresses"].values()))[0]["addr"])

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the namespace of the servers' network."""
        space = f"{self.prefix}-net-{self.network}"
        return subprocess.run(["ip", "netns", "exec", space, *command], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def ssh(self, server: str, command: str) -> str:
        """What a command prints in the guest."""
        done = self.inside("ssh", "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o",
                           "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=40", "-o", "BatchMode=yes",
                           f"root@{self.address(server)}", command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pings(self, server: str) -> bool:
        """Whether the server answers a ping."""
        return self.inside("ping", "-c", "1", "-W", "3", self.address(server)).returncode == 0

    def answers(self, server: str) -> None:
        """Wait until the server answers a ping."""
        until(lambda: self.pings(server), 90, "the guest answers")

    def virsh(self, *words: str) -> str:
        """What libvirt says."""
        command = ["virsh", "-q", "-c", self.uri, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def traces(self) -> dict[str, Any]:
        """All that servers and networks leave on the machine and in the cloud's records."""
        run = self.cloud.state / "run" / "networks.bridge"
        files = [*self.cloud.state.glob("hypervisors.libvirt/guests/**/*"), *self.cloud.state.glob("volumes.file/**/*"),
                 *run.rglob("*")]
        return {
            "domains": self.virsh("list", "--all", "--name").split(),
            "files": sorted(map(str, files)),
            "leases": sorted(path.read_text() for path in run.rglob("dnsmasq.leases")),
            "devices": sorted(line.split()[0] for line in ip("-n", self.host, "-br", "link").splitlines()),
            "namespaces": sorted(line.split()[0] for line in ip("netns", "list").splitlines()
                                 if line.startswith(f"{self.prefix}-")),
            "rules": re.sub(r"ct zone set \d+", "", ip("netns", "exec", self.host, "nft", "list", "ruleset")),
            "processes": self.processes(),
            "allocations": self.cloud.rows("SELECT * FROM placement_allocations ORDER BY 1, 2, 3"),
            "ports": self.cloud.rows("SELECT id, status FROM ports ORDER BY id"),
            "servers": self.cloud.rows("SELECT id, vm_state, task_state FROM servers WHERE NOT deleted ORDER BY id"),
            "operations": self.cloud.rows("SELECT kind, state FROM operations WHERE state NOT IN ('done', 'failed')"),
        }

    def processes(self) -> list[str]:
        """Commands that run on files of this cloud."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if str(self.cloud.state) in " ".join(words) and "stratolith" not in words[1]:
                    found.append(" ".join(words[:8]))
        return sorted(found)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud over a libvirt daemon, a network namespace, a prefix and a port of its own."""
    if os.geteuid() != 0:
        pytest.fail("the live tests need root")
    folder = tmp_path_factory.mktemp("cloud")
    prefix = f"y{uuid.uuid4().hex[:3]}"
    with libvirt_host.running(folder / "libvirt", "cloud") as host:
        try:
            ip("netns", "attach", f"{prefix}-host", str(host.first_process()))
            flags = ("--hypervisor", "libvirt", "--network", "bridge", "--volume-backends", "file",
                     "--hypervisors-libvirt-uri", host.uri, "--hypervisors-libvirt-soft-reboot-s", "20",
                     "--networks-bridge-prefix", prefix, "--networks-bridge-host-namespace", f"{prefix}-host",
                     "--compute-shutdown-timeout-s", "20")
            with running(folder / "state", *flags) as cloud:
                yield World(cloud, host.uri, prefix, folder)
        finally:
            sweep(prefix)


@pytest.fixture(scope="module")
def guest(world: World) -> str:
    """A server that learns who it is from the metadata service; each test leaves it up and ready."""
    made = world.boot("one", user_data=base64.b64encode(USER_DATA.encode()).decode())
    world.ready(made)
    return made


def test_a_guest_learns_all_from_the_metadata_service(world: World, guest: str) -> None:
    text = world.console(guest)
    assert f"demo: lease eth0 {world.address(guest)}" in text
    assert "source metadata-service, hostname one" in text
    assert "keys 1" in text
    assert "told by user-data" in text
    assert world.ssh(guest, "hostname; cat /root/told").split("\n") == ["one", "told by user-data"]
    world.answers(guest)


def test_a_guest_learns_all_from_its_config_drive(world: World) -> None:
    secret = base64.b64encode(USER_DATA.encode()).decode()
    made = world.boot("two", config_drive=True, user_data=secret)
    text = world.ready(made)
    assert "source config-drive, hostname two" in text
    assert world.ssh(made, "hostname; cat /root/told").split("\n") == ["two", "told by user-data"]
    world.delete(made)


def test_power(world: World, guest: str) -> None:
    def boots() -> int:
        return world.console(guest).count(READY)

    before = boots()
    world.act(guest, "ACTIVE", reboot={"type": "SOFT"})
    world.ready(guest, before + 1)
    world.act(guest, "ACTIVE", reboot={"type": "HARD"})
    world.ready(guest, before + 2)
    world.act(guest, "SHUTOFF", **{"os-stop": None})
    assert world.virsh("domstate", f"stratolith-{guest}").strip() == "shut off"
    world.act(guest, "ACTIVE", **{"os-start": None})
    world.ready(guest, before + 3)
    assert world.ssh(guest, "hostname") == "one"


def test_pause_and_suspend(world: World, guest: str) -> None:
    world.ssh(guest, "echo kept > /tmp/memory")
    world.act(guest, "PAUSED", pause=None)
    assert not world.pings(guest)
    world.act(guest, "ACTIVE", unpause=None)
    world.act(guest, "SUSPENDED", suspend=None)
    assert world.virsh("domstate", f"stratolith-{guest}").strip() == "shut off"
    world.act(guest, "ACTIVE", resume=None)
    world.answers(guest)
    assert world.ssh(guest, "cat /tmp/memory") == "kept"


def test_a_volume_is_a_disk_of_the_guest(world: World, guest: str) -> None:
    cloud = world.cloud
    volume = cloud.call("POST", "volume", "/volumes", {"volume": {"name": "data", "size": 1}})["volume"]["id"]

    def status() -> str:
        return str(cloud.call("GET", "volume", f"/volumes/{volume}")["volume"]["status"])

    until(lambda: status() == "available", 90, "the volume is available")
    cloud.call("POST", "compute", f"/servers/{guest}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
    until(lambda: status() == "in-use", 90, "the volume is in use")
    until(lambda: "vdb" in world.ssh(guest, "cat /proc/partitions"), 90, "the guest sees the disk")
    world.ssh(guest, "echo written by the guest > /dev/vdb; sync")
    file = next(cloud.state.glob(f"volumes.file/volumes/{volume}*"))
    with file.open("rb") as data:
        assert data.read(20) == b"written by the guest"
    cloud.call("DELETE", "compute", f"/servers/{guest}/os-volume_attachments/{volume}")
    until(lambda: status() == "available", 90, "the volume is available again")
    assert "vdb" not in world.ssh(guest, "cat /proc/partitions")
    cloud.call("DELETE", "volume", f"/volumes/{volume}")
    until(lambda: not file.exists(), 90, "the volume is gone")


def test_security_groups_deny_and_allow(world: World, guest: str) -> None:
    world.answers(guest)
    world.cloud.call("DELETE", "network", f"/security-group-rules/{world.ping_rule}")
    until(lambda: not world.pings(guest), 90, "the ping is denied")
    assert world.ssh(guest, "hostname") == "one"
    world.ping_rule = world.allow("icmp")
    until(lambda: world.pings(guest), 90, "the ping is allowed again")


def test_a_killed_cloud_finds_its_guests_again(world: World, guest: str) -> None:
    world.cloud.kill()
    assert world.inside("ping", "-c", "1", "-W", "20", "10.77.0.2").returncode == 0
    world.cloud.up()
    assert world.cloud.settled(guest, "ACTIVE")["OS-EXT-STS:power_state"] == 1
    world.answers(guest)
    assert world.ssh(guest, "wget -qO- http://169.254.169.254/latest/meta-data/hostname").startswith("one")


def test_a_network_and_a_server_leave_nothing(world: World, guest: str) -> None:
    before = until(lambda: not world.traces()["operations"] and world.traces(), 90, "the cloud is at rest")
    network = world.make_network("passing", "10.78.0.0/24")
    server = world.boot("passing", networks=[{"uuid": network}], config_drive=True)
    world.ready(server)
    during = world.traces()
    assert all(during[name] != before[name] for name in ("domains", "files", "devices", "namespaces", "rules",
                                                         "processes", "allocations", "ports", "servers"))
    world.delete(server)
    until(lambda: forgiving(world, network), 90, "the network can be deleted")
    until(lambda: world.traces()["operations"] == [], 90, "the cloud is at rest again")
    # What ended leaves the kernel's tables a moment later.
    with contextlib.suppress(AssertionError):
        until(lambda: world.traces() == before, 60, "nothing is left")
    assert world.traces() == before


def forgiving(world: World, network: str) -> bool:
    """Delete a network; false while something still uses it."""
    try:
        world.cloud.call("DELETE", "network", f"/networks/{network}")
    except Refused as refused:
        assert refused.status == 409, refused
        return False
    return True


def test_the_unmodified_client_from_end_to_end(world: World) -> None:
    openstack = world.cloud.openstack
    openstack("network", "create", "cli")
    openstack("subnet", "create", "--network", "cli", "--subnet-range", "10.79.0.0/24", "cli")
    told = json.loads(openstack("server", "create", "--flavor", "m1.nano", "--image", "demo", "--network", "cli",
                                "--key-name", "key", "--security-group", "open", "--wait", "cli", "-f", "json"))
    assert told["status"] == "ACTIVE"
    world.ready(told["id"])
    assert READY in openstack("console", "log", "show", "cli")
    assert "cli" in openstack("server", "list", "-f", "value", "-c", "Name").split()
    openstack("server", "delete", "--wait", "cli")
    assert told["id"] not in world.virsh("list", "--all", "--name")
    openstack("network", "delete", "cli")


def test_a_purged_cloud_leaves_nothing(world: World, guest: str) -> None:
    """The last test here: it ends the cloud, with a guest behind a router that has a volume and a floating address."""
    cloud = world.cloud
    router = cloud.call("POST", "network", "/routers", {"router": {"name": "purged"}})["router"]["id"]
    public = cloud.call("GET", "network", "/networks?name=public")["networks"][0]["id"]
    subnet = cloud.call("GET", "network", f"/networks/{world.network}")["network"]["subnets"][0]
    cloud.call("PUT", "network", f"/routers/{router}", {"router": {"external_gateway_info": {"network_id": public}}})
    cloud.call("PUT", "network", f"/routers/{router}/add_router_interface", {"subnet_id": subnet})
    port = cloud.call("GET", "network", f"/ports?device_id={guest}")["ports"][0]["id"]
    floating = cloud.call("POST", "network", "/floatingips", {"floatingip": {
        "floating_network_id": public, "port_id": port}})["floatingip"]["floating_ip_address"]
    from_host = ["ip", "netns", "exec", world.host, "ping", "-c", "1", "-W", "1", floating]
    until(lambda: subprocess.run(from_host, capture_output=True, check=False).returncode == 0, 90,
          "the floating address answers the host")
    volume = cloud.call("POST", "volume", "/volumes", {"volume": {"name": "purged", "size": 1}})["volume"]["id"]
    until(lambda: cloud.call("GET", "volume", f"/volumes/{volume}")["volume"]["status"] == "available", 90,
          "the volume is available")
    cloud.call("POST", "compute", f"/servers/{guest}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
    until(lambda: "vdb" in world.ssh(guest, "cat /proc/partitions"), 90, "the guest sees the disk")
    said = run(str(BIN / "stratolith"), "purge", "--yes", "--state", str(cloud.state))
    for part in ("1 server", "router", "network", "1 volume", "1 image"):
        assert part in said
    assert not cloud.state.exists()
    assert world.virsh("list", "--all", "--name").split() == []
    until(lambda: world.processes() == [], 60, "nothing runs")
    assert not [line for line in ip("netns", "list").splitlines()
                if line.startswith(f"{world.prefix}-") and not line.startswith(world.host)]
    assert {line.split()[0] for line in ip("-n", world.host, "-br", "link").splitlines()} <= {"lo", "virbr0"}
    assert ip("netns", "exec", world.host, "nft", "list", "tables").strip() == ""
