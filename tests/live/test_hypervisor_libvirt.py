"""The hypervisor suite on the libvirt driver, with guests of QEMU that really run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.cases import until
from stratolith.core.conformance.hypervisor import HypervisorSuite
from stratolith.core.conformance.hypervisor_guest import Specs
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver, require
from stratolith.core.drivers.hypervisor import (
    Disk,
    GuestSpec,
    Hypervisor,
    Image,
    Interfaces,
    LiveMigration,
    Movable,
    Power,
    Volumes,
)
from stratolith.core.drivers.network import Vif
from stratolith.core.drivers.volume import Connection
from stratolith.core.errors import BackendFailed, CloudError

from . import demo_image
from .libvirt_host import LibvirtHost

pytestmark = pytest.mark.live


READY = b"demo: ready"
CONFIG_DRIVE = {
    "openstack/latest/meta_data.json": b'{"hostname": "live-guest", "uuid": "a-uuid", "public_keys": {}}',
    "openstack/latest/user_data": b"#!/bin/sh\necho user-data ran on $(hostname)\n",
}


def says(driver: Hypervisor, guest: str, text: bytes, timeout_s: float = 120) -> bytes:
    """The console log of ``guest`` as soon as it has ``text``."""
    def log() -> bytes:
        found = driver.console_log(guest, 1_000_000)
        return found if text in found else b""

    return until(log, timeout_s, f"the guest says {text!r}")


def options(host: LibvirtHost) -> dict[str, str]:
    """The driver's options on a host."""
    return {"uri": host.uri, "translation_cache_mib": "32", "live_uri": f"qemu+tcp://{host.address}/system",
            "live_tls": "false"}


@pytest.fixture(scope="module")
def driver(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver on the daemon of the tests."""
    raw = {"hypervisor.libvirt": options(libvirt_host)}
    subject = registry("hypervisor").load("libvirt")
    yield from opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="module")
def image() -> Image:
    """The demo image."""
    return demo_image.image()


class TestLibvirt(HypervisorSuite):
    """All cases; guests are as small as QEMU takes them."""

    memory_mib = 96
    parallel = 6
    patience_s = 120.0

    @classmethod
    def make_bootable(cls, folder: Path) -> Image:
        """The demo image."""
        return demo_image.image()

    def ready(self, driver: Hypervisor, guest: str) -> None:
        """When the demo guest says so."""
        says(driver, guest, READY)

    @pytest.fixture
    def other(self, libvirt_other: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hypervisor]:
        """The driver on the second daemon."""
        raw = {"hypervisor.libvirt": options(libvirt_other)}
        subject = registry("hypervisor").load("libvirt")
        for made in opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("other")):
            assert isinstance(made, Hypervisor)
            yield made
            for seen in made.observe():
                made.destroy(seen.guest)

    def lengthy(self, spec: Specs) -> GuestSpec:
        """A guest with a disk that holds something."""
        return spec(disks=[Disk("vda", self.disk_gib, image=demo_image.image())])

    def begun(self, driver: Hypervisor, other: Hypervisor, wanted: GuestSpec) -> list[CloudError | None]:
        """As the suite has it, over a slow cable."""
        driver.domain(wanted.guest).migrateSetMaxSpeed(64)  # type: ignore[attr-defined]
        return super().begun(driver, other, wanted)

    def make_volume(self, folder: Path, number: int) -> Connection:
        """A qcow2 file."""
        path = folder / f"volume-{number}.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "1G"], check=True)
        return Connection("file", {"path": str(path), "format": "qcow2"})


def test_boot_from_image_with_config_drive_and_leave_nothing(
        driver: Hypervisor, image: Image, libvirt_host: LibvirtHost) -> None:
    guest = str(uuid.uuid4())
    vif = Vif(str(uuid.uuid4()), "none", "fa:16:3e:00:00:01")
    driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image)], [vif], CONFIG_DRIVE))
    log = says(driver, guest, READY)
    assert b"source config-drive, hostname live-guest, uuid a-uuid" in log
    assert b"user-data ran on live-guest" in log
    assert len(libvirt_host.processes()) == 1
    driver.destroy(guest)
    assert driver.observe() == []
    until(lambda: libvirt_host.processes() == [], 60, "no QEMU is left")
    assert [path.name for path in (driver.surroundings.state_dir / "guests").iterdir()] == []


def test_snapshot_of_a_written_disk_boots_with_what_was_written(
        driver: Hypervisor, image: Image, tmp_path: Path) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    mark = {**CONFIG_DRIVE, "openstack/latest/user_data": b"#!/bin/sh\necho kept > /mark\nsync\n"}
    driver.spawn(GuestSpec(first, "live", 1, 96, [Disk("vda", 1, image=image)], config_drive=mark))
    says(driver, first, READY)
    disk_format = driver.snapshot(first, tmp_path / "copy")
    driver.destroy(first)
    content = (tmp_path / "copy").read_bytes()
    copy = Image(str(uuid.uuid4()), disk_format, len(content), 1 << 30, "", "", lambda: iter((content,)))
    read = {**CONFIG_DRIVE, "openstack/latest/user_data": b"#!/bin/sh\necho mark is $(cat /mark)\n"}
    driver.spawn(GuestSpec(second, "live", 1, 96, [Disk("vda", 1, image=copy)], config_drive=read))
    assert b"mark is kept" in says(driver, second, READY)
    driver.destroy(second)


def test_volume_over_nbd_is_seen_by_the_guest(driver: Hypervisor, image: Image, tmp_path: Path) -> None:
    subprocess.run(["qemu-img", "create", "-q", "-f", "raw", str(tmp_path / "volume"), "64M"], check=True)
    socket = tmp_path / "nbd"
    server = subprocess.Popen(["qemu-nbd", "-f", "raw", "-k", str(socket), "-x", "volume", "-t", "-e", "4",
                               str(tmp_path / "volume")])
    guest = str(uuid.uuid4())
    script = {**CONFIG_DRIVE, "openstack/latest/user_data": b"#!/bin/sh\necho sectors $(cat /sys/block/vdb/size)\n"}
    try:
        until(socket.exists, 60, "the NBD server listens")
        volume = Disk("vdb", 1, connection=Connection("nbd", {"socket": str(socket), "export": "volume"}),
                      volume_id=str(uuid.uuid4()), kind="volume")
        driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image), volume], config_drive=script))
        assert b"sectors 131072" in says(driver, guest, READY)
    finally:
        driver.destroy(guest)
        server.terminate()
        server.wait()


def test_guest_killed_behind_our_back_is_seen_as_crashed(
        driver: Hypervisor, libvirt_host: LibvirtHost) -> None:
    guest = str(uuid.uuid4())
    driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1)]))
    libvirt_host.kill_guests()
    until(lambda: driver.power(guest) is Power.CRASHED, 60, "the guest is seen as crashed")
    driver.start(guest)
    assert driver.power(guest) is Power.RUNNING
    driver.destroy(guest)


def test_strangers_domains_are_left_alone(driver: Hypervisor, libvirt_host: LibvirtHost) -> None:
    import libvirt
    connection = libvirt.open(libvirt_host.uri)
    root = ET.fromstring("<domain type='qemu'><memory>65536</memory><os><type>hvm</type></os></domain>")
    ET.SubElement(root, "name").text = "stratolith-of-somebody-else"
    domain = connection.defineXML(ET.tostring(root, encoding="unicode"))
    try:
        assert driver.observe() == []
    finally:
        domain.undefine()
        connection.close()


def hostile(disk_format: str, content: bytes) -> Image:
    """An image that lies."""
    return Image(str(uuid.uuid4()), disk_format, len(content), len(content), "", "", lambda: iter((content,)))


def test_image_with_a_backing_file_leaves_nothing(driver: Hypervisor, tmp_path: Path) -> None:
    for name in ("secret", "evil"):
        subprocess.run(["qemu-img", "create", "-q", "-f", "raw", str(tmp_path / name), "1M"], check=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(tmp_path / "secret"), "-F", "raw",
                    str(tmp_path / "evil")], check=True)
    guest = str(uuid.uuid4())
    with pytest.raises(BackendFailed):
        driver.spawn(GuestSpec(guest, "evil", 1, 96,
                               [Disk("vda", 1, image=hostile("qcow2", (tmp_path / "evil").read_bytes()))]))
    assert driver.observe() == []
    assert list((driver.surroundings.state_dir / "guests").iterdir()) == []


def test_what_a_killed_spawn_left_is_no_hindrance(driver: Hypervisor) -> None:
    guest = str(uuid.uuid4())
    folder = driver.surroundings.state_dir / "guests" / guest
    folder.mkdir()
    (folder / "root-0.qcow2").write_bytes(b"half a disk")
    driver.spawn(GuestSpec(guest, "again", 1, 96, [Disk("vda", 1)]))
    assert driver.power(guest) is Power.RUNNING
    driver.destroy(guest)
    assert not folder.exists()


def test_facts_name_the_processor(driver: Hypervisor) -> None:
    facts = driver.facts()
    assert facts.kind == "QEMU" and facts.cpu_model and "HW_CPU_X86_SSE42" in facts.traits


def links(host: LibvirtHost, bridge: str) -> dict[str, int]:
    """The MTU of each interface that is joined to the bridge."""
    return {link["ifname"]: link["mtu"] for link in json.loads(host.run("ip", "-j", "link", "show", "master", bridge))}


def test_interfaces_join_bridges_and_taps(driver: Hypervisor, libvirt_host: LibvirtHost, image: Image) -> None:
    libvirt_host.run("ip", "link", "add", "br-live", "type", "bridge")
    libvirt_host.run("ip", "tuntap", "add", "dev", "tap-made", "mode", "tap")
    first = Vif(str(uuid.uuid4()), "bridge", "fa:16:3e:00:00:01", "tap-first", "br-live", 1450)
    second = Vif(str(uuid.uuid4()), "tap", "fa:16:3e:00:00:02", "tap-made", mtu=1400)
    third = Vif(str(uuid.uuid4()), "bridge", "fa:16:3e:00:00:03", "tap-third", "br-live", 1450)
    guest = str(uuid.uuid4())
    # Without any route the guest asks nobody for metadata; its user-data lists what it has.
    script = {**CONFIG_DRIVE, "openstack/latest/user_data": b"#!/bin/sh\ncat /sys/class/net/eth1/address\n"}
    try:
        driver.spawn(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image)], [first, second], script))
        assert links(libvirt_host, "br-live") == {"tap-first": 1450}
        assert b"fa:16:3e:00:00:02" in says(driver, guest, READY)
        facet = require(driver, Interfaces)
        facet.attach_interface(guest, third)
        assert links(libvirt_host, "br-live") == {"tap-first": 1450, "tap-third": 1450}
        facet.detach_interface(guest, third.port_id)
        assert links(libvirt_host, "br-live") == {"tap-first": 1450}
    finally:
        driver.destroy(guest)
    until(lambda: links(libvirt_host, "br-live") == {}, 60, "nothing is joined to the bridge")
    libvirt_host.run("ip", "link", "del", "tap-made")
    libvirt_host.run("ip", "link", "del", "br-live")


@pytest.fixture
def second(libvirt_other: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hypervisor]:
    """The driver on the second daemon."""
    raw = {"hypervisor.libvirt": options(libvirt_other)}
    subject = registry("hypervisor").load("libvirt")
    for made in opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("second")):
        assert isinstance(made, Hypervisor)
        yield made


def test_what_a_guest_wrote_moves_with_it_and_its_disk_grows(
        driver: Hypervisor, second: Hypervisor, image: Image) -> None:
    guest = str(uuid.uuid4())
    mark = {**CONFIG_DRIVE, "openstack/latest/user_data": b"#!/bin/sh\necho kept > /mark\nsync\n"}
    read = {**CONFIG_DRIVE, "openstack/latest/user_data":
            b"#!/bin/sh\necho mark is $(cat /mark), sectors $(cat /sys/block/vda/size)\n",
            "openstack/latest/meta_data.json": b'{"hostname": "live-guest", "uuid": "another-uuid"}'}
    spec = GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image), Disk("vdb", 1, kind="ephemeral")],
                     config_drive=mark)
    driver.spawn(spec)
    says(driver, guest, READY)
    offer = require(driver, Movable).depart(guest, 20)
    larger = dataclasses.replace(spec, disks=[Disk("vda", 2, image=image), spec.disks[1]], config_drive=read)
    require(second, Movable).arrive(larger, offer, start=True)
    assert b"mark is kept, sectors 4194304" in says(second, guest, READY)
    driver.destroy(guest)
    assert servers_of(driver) == []
    second.destroy(guest)


def servers_of(driver: Hypervisor) -> list[str]:
    """Servers of disks that live."""
    top = str(driver.surroundings.state_dir).encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if b"qemu-nbd" in command and top in command:
                found.append(entry.name)
    return found


def test_a_stranger_without_the_key_reads_no_disk(driver: Hypervisor, image: Image) -> None:
    guest = str(uuid.uuid4())
    spec = GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image)])
    driver.spawn(spec)
    offer = require(driver, Movable).depart(guest, 0)
    port = json.loads(offer["ports"])["root-0"]
    done = subprocess.run(["qemu-img", "info", f"nbd://{offer['address']}:{port}/root-0"], capture_output=True,
                          text=True, check=False)
    assert done.returncode != 0 and "TLS" in done.stderr
    require(driver, Movable).stay(spec, start=True)
    assert driver.power(guest) is Power.RUNNING and servers_of(driver) == []
    driver.destroy(guest)


def test_a_guest_goes_on_where_it_was_with_hot_plugged_devices(
        driver: Hypervisor, second: Hypervisor, image: Image, tmp_path: Path) -> None:
    guest = str(uuid.uuid4())
    path = tmp_path / "volume.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "1G"], check=True)
    volume = Disk("vdb", 1, connection=Connection("file", {"path": str(path), "format": "qcow2"}),
                  volume_id=str(uuid.uuid4()), kind="volume")
    script = {**CONFIG_DRIVE, "openstack/latest/user_data":
              b"#!/bin/sh\n(n=0; while true; do n=$((n+1)); echo tick $n > /dev/console; sleep 1; done) &\n"}
    vif = Vif(str(uuid.uuid4()), "none", "fa:16:3e:00:00:01")
    spec = GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image)], [vif], script)
    driver.spawn(spec)
    says(driver, guest, b"tick 3")
    require(driver, Volumes).attach_volume(guest, volume)
    wanted = dataclasses.replace(spec, disks=[*spec.disks, volume])
    offer = require(second, LiveMigration).prepare_live(wanted, block=True)
    require(driver, LiveMigration).migrate_live(wanted, offer, block=True)
    assert [one.guest for one in driver.observe()] == []
    until(lambda: second.power(guest) is Power.RUNNING, 60, "it goes on there")
    log = says(second, guest, b"tick ")
    first = int(log.split(b"tick ")[1].split()[0])
    assert first > 3, "the guest was started anew"
    says(second, guest, b"tick %d" % (first + 3))
    require(second, Volumes).detach_volume(guest, volume.volume_id)
    second.destroy(guest)


BEGINNER = """
import json, sys
from pathlib import Path
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.hypervisor import Disk, GuestSpec
from tests.live import demo_image
options, folder, guest, offer = json.loads(sys.argv[1])
subject = registry("hypervisor").load("libvirt")
driver = next(iter(opened(subject, "hypervisor.libvirt", Configuration({"hypervisor.libvirt": options}), Path(folder))))
driver.migrate_live(GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=demo_image.image())]), offer, True)
"""
"""A process that moves a guest."""


def test_a_migration_goes_on_when_its_beginner_is_killed(
        driver: Hypervisor, second: Hypervisor, image: Image, libvirt_host: LibvirtHost) -> None:
    guest = str(uuid.uuid4())
    spec = GuestSpec(guest, "live", 1, 96, [Disk("vda", 1, image=image)])
    driver.spawn(spec)
    says(driver, guest, READY)
    # Slow enough to be under way when its beginner dies.
    driver.domain(guest).migrateSetMaxSpeed(16)  # type: ignore[attr-defined]
    facet, offer = require(driver, LiveMigration), require(second, LiveMigration).prepare_live(spec, block=True)
    folder = driver.surroundings.state_dir.parent
    order = json.dumps([options(libvirt_host), str(folder), guest, offer])
    beginner = subprocess.Popen([sys.executable, "-c", BEGINNER, order], cwd=Path(__file__).parents[2])
    try:
        until(lambda: facet.live_progress(guest) or beginner.poll() is not None, 120, "the migration has begun")
    finally:
        beginner.kill()
        beginner.wait()
    assert facet.live_progress(guest) is not None or second.observe(), "it went on without its beginner"
    until(lambda: second.observe(), 180, "the guest has come")
    # It comes paused, and goes on once the source has let go of it.
    until(lambda: second.power(guest) is Power.RUNNING, 60, "it goes on there")
    until(lambda: not driver.observe(), 60, "the source has let go of it")
    driver.destroy(guest)
    assert [path.name for path in (driver.surroundings.state_dir / "guests").iterdir()] == []
    second.destroy(guest)
