"""A cloud that is killed at any moment ends, once it is started again, all that it had promised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stratolith.core.conformance.cases import until
from stratolith.plugins.image.demo.placeholder import empty_disk

from .cloud_process import CloudProcess, running

pytestmark = pytest.mark.live
SERVERS = 20
FLAGS = ("--hypervisors-simulated-delays", "spawn=0.3,destroy=0.3", "--compute-quota-instances", "50",
         "--compute-quota-cores", "100")


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[CloudProcess]:
    """A cloud whose simulated guests take a moment to come and go."""
    with running(tmp_path / "state", *FLAGS) as cloud:
        yield cloud


def statuses(cloud: CloudProcess) -> dict[str, Any]:
    """Servers by id."""
    return {one["id"]: one for one in cloud.call("GET", "compute", "/servers/detail")["servers"]}


def resting(server: dict[str, Any]) -> bool:
    """Whether a server is done: active, or in error and says why."""
    if server["OS-EXT-STS:task_state"] is not None:
        return False
    return server["status"] == "ACTIVE" or server["status"] == "ERROR" and bool(server["fault"]["message"])


@pytest.mark.parametrize("ready", [0, 7])
def test_killed_while_servers_boot_and_while_they_go(cloud: CloudProcess, ready: int) -> None:
    image, flavor = cloud.image("empty", empty_disk()), cloud.flavor("m1.nano")
    body = {"server": {"name": "many", "imageRef": image, "flavorRef": flavor, "networks": "auto"}}
    promised = [cloud.call("POST", "compute", "/servers", body)["server"]["id"] for _ in range(SERVERS)]
    until(lambda: sum(map(resting, statuses(cloud).values())) >= ready, 120, f"{ready} servers are there")
    cloud.kill()
    cloud.up()
    found = until(lambda: (all(map(resting, statuses(cloud).values())) and statuses(cloud)), 180, "all servers rest")
    assert set(found) == set(promised)
    assert [one["fault"] for one in found.values() if one["status"] == "ERROR"] == []

    for server in promised:
        cloud.call("DELETE", "compute", f"/servers/{server}")
    until(lambda: len(statuses(cloud)) <= SERVERS - ready, 120, f"{ready} servers are gone")
    cloud.kill()
    cloud.up()
    until(lambda: not statuses(cloud), 180, "all servers are gone")
    until(lambda: not left(cloud), 60, "nothing is left")


def left(cloud: CloudProcess) -> dict[str, Any]:
    """What deleted servers left behind."""
    ports = cloud.call("GET", "network", "/ports?device_owner=compute:nova")["ports"]
    found = {"ports": ports, "allocations": cloud.rows("SELECT * FROM placement_allocations"),
             "guests": sorted((cloud.state / "hypervisors.simulated").glob("guests/*")),
             "operations": cloud.rows("SELECT kind, state FROM operations WHERE state NOT IN ('done', 'failed')")}
    return {name: what for name, what in found.items() if what}
