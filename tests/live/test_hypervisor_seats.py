"""A whole cloud over libvirt whose host gives one of its processors away: claimed, pinned, shown, and given back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest
from stratolith.core.conformance.cases import until

from .cloud_process import CloudProcess, Refused, running
from .libvirt_host import LibvirtHost

pytestmark = pytest.mark.live
ADMIN = "stratolith-admin"


@pytest.fixture(scope="module")
def cloud(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud whose guests get processor 1 for themselves, or share processor 0."""
    if os.cpu_count() == 1:
        pytest.skip("there is but one processor")
    flags = ("--hypervisor", "libvirt", "--hypervisors-libvirt-uri", libvirt_host.uri,
             "--hypervisors-libvirt-realtime-lock-memory", "false",
             "--compute-dedicated-cpus", "1", "--compute-shared-cpus", "0", "--compute-shutdown-timeout-s", "1")
    with running(tmp_path_factory.mktemp("seats") / "state", *flags) as made:
        yield made


def ask(cloud: CloudProcess, method: str, path: str, as_: str = "stratolith", **body: Any) -> Any:
    return cloud.call(method, "compute", path, body or None, as_)


def flavor(cloud: CloudProcess, name: str, **specs: str) -> str:
    """The id of a new flavor with extra specs."""
    size = {"name": name, "ram": 64, "vcpus": 1, "disk": 1}
    made = ask(cloud, "POST", "/flavors", ADMIN, flavor=size)["flavor"]["id"]
    if specs:
        spelt = {name.replace("__", ":"): value for name, value in specs.items()}
        ask(cloud, "POST", f"/flavors/{made}/os-extra_specs", ADMIN, extra_specs=spelt)
    return str(made)


def boot(cloud: CloudProcess, image: str, of: str) -> str:
    """The id of a new server, which is on no network."""
    wanted = {"name": "one", "imageRef": image, "flavorRef": of, "networks": "none"}
    return str(ask(cloud, "POST", "/servers", server=wanted)["server"]["id"])


def places(host: LibvirtHost) -> list[list[int]]:
    """The processors that each guest may run on."""
    return sorted(sorted(os.sched_getaffinity(one)) for one in host.processes())


def test_a_processor_is_one_servers_own(cloud: CloudProcess, libvirt_host: LibvirtHost) -> None:
    made = cloud.call("POST", "image", "/images", {"name": "i", "disk_format": "raw", "container_format": "bare"})
    image = made["id"]
    cloud.call("PUT", "image", f"/images/{image}/file", bytes(1 << 20))
    pinned, plain = flavor(cloud, "pinned", hw__cpu_policy="dedicated"), flavor(cloud, "plain")
    first, shared = boot(cloud, image, pinned), boot(cloud, image, plain)
    for server in (first, shared):
        cloud.settled(server, "ACTIVE")
    assert places(libvirt_host) == [[0], [1]]
    nodes = ask(cloud, "GET", f"/servers/{first}/topology", ADMIN)["nodes"]
    assert [one["cpu_pinning"] for one in nodes] == [{"0": 1}]
    claimed = cloud.call("GET", "placement", f"/allocations/{first}", as_=ADMIN)["allocations"]
    assert [one["resources"]["PCPU"] for one in claimed.values()] == [1]
    late = boot(cloud, image, pinned)
    until(lambda: cloud.server(late)["status"] == "ERROR", 120, "nothing is left for the third")
    assert "PCPU=1" in ask(cloud, "GET", f"/servers/{late}", ADMIN)["server"]["fault"]["details"]
    for server in (first, late):
        ask(cloud, "DELETE", f"/servers/{server}")
        cloud.gone(server)
    again = boot(cloud, image, pinned)
    cloud.settled(again, "ACTIVE")
    assert places(libvirt_host) == [[0], [1]]
    for server in (again, shared):
        ask(cloud, "DELETE", f"/servers/{server}")
        cloud.gone(server)
    assert places(libvirt_host) == []


def test_a_processor_in_real_time(cloud: CloudProcess, libvirt_host: LibvirtHost) -> None:
    made = cloud.call("POST", "image", "/images", {"name": "rt", "disk_format": "raw", "container_format": "bare"})
    cloud.call("PUT", "image", f"/images/{made['id']}/file", bytes(1 << 20))
    of = flavor(cloud, "realtime", hw__cpu_policy="dedicated", hw__cpu_realtime="true",
                hw__emulator_threads_policy="share")
    server = boot(cloud, made["id"], of)
    cloud.settled(server, "ACTIVE")
    (process,) = libvirt_host.processes()
    threads = {(one / "comm").read_text().strip(): int(one.name) for one in Path(f"/proc/{process}/task").iterdir()}
    virtual = [number for name, number in threads.items() if name.startswith("CPU 0/")]
    assert [os.sched_getscheduler(one) for one in virtual] == [os.SCHED_FIFO]
    assert [os.sched_getaffinity(one) for one in virtual] == [{1}]
    assert os.sched_getscheduler(process) == os.SCHED_OTHER and os.sched_getaffinity(process) == {0}
    isolated = flavor(cloud, "isolated", hw__cpu_policy="dedicated", hw__emulator_threads_policy="isolate")
    ask(cloud, "DELETE", f"/servers/{server}")
    cloud.gone(server)
    late = boot(cloud, made["id"], isolated)
    until(lambda: cloud.server(late)["status"] == "ERROR", 120, "the host has not two processors to give away")
    ask(cloud, "DELETE", f"/servers/{late}")
    cloud.gone(late)


def test_a_server_with_encrypted_disks(cloud: CloudProcess, libvirt_host: LibvirtHost) -> None:
    made = cloud.call("POST", "image", "/images", {"name": "e", "disk_format": "raw", "container_format": "bare"})
    cloud.call("PUT", "image", f"/images/{made['id']}/file", bytes(1 << 20))
    server = boot(cloud, made["id"], flavor(cloud, "sealing", hw__ephemeral_encryption="true"))
    cloud.settled(server, "ACTIVE")
    (disk,) = cloud.state.rglob(f"guests/{server}/root-0.qcow2")
    assert b"LUKS\xba\xbe" in disk.read_bytes()
    with pytest.raises(Refused, match="encrypted"):
        ask(cloud, "POST", f"/servers/{server}/action", createImage={"name": "copy"})
    ask(cloud, "POST", f"/servers/{server}/action", **{"os-stop": None})
    cloud.settled(server, "SHUTOFF")
    connection = libvirt.open(libvirt_host.uri)
    for secret in connection.listAllSecrets():
        secret.undefine()
    connection.close()
    ask(cloud, "POST", f"/servers/{server}/action", **{"os-start": None})
    cloud.settled(server, "ACTIVE")
    ask(cloud, "DELETE", f"/servers/{server}")
    cloud.gone(server)
