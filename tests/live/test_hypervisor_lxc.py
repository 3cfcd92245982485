"""The hypervisor suite on libvirt's containers, which really run: a file system of busybox and a few lines of shell."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.cases import until
from stratolith.core.conformance.hypervisor import HypervisorSuite
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver, require
from stratolith.core.drivers.hypervisor import (
    ConsoleKind,
    Consoles,
    Disk,
    GuestSpec,
    Hypervisor,
    Image,
    Interfaces,
    Movable,
    Power,
    Rescuable,
    Resizable,
    Snapshots,
    Volumes,
)
from stratolith.core.drivers.network import Vif
from stratolith.core.drivers.volume import Connection
from stratolith.core.errors import BackendBusy, BackendFailed, NotSupported
from stratolith.hypervisors.libvirt.containers import inside
from stratolith.hypervisors.libvirt.containers.driver import Containers

from .libvirt_host import LibvirtHost

pytestmark = pytest.mark.live

READY = b"container: ready"
INIT = """#!/bin/sh
trap 'echo obeyed; exit 0' TERM
ip link set lo up
hostname
echo "init $0 $*"
cat /mark 2>/dev/null
cat /var/lib/cloud/seed/config_drive/openstack/latest/user_data 2>/dev/null | sh
echo "container: ready"
(while read line; do echo "heard $line"; done) < /dev/console &
while :; do sleep 1 & wait $!; done
"""
TOOLS = ("cat", "df", "echo", "grep", "hostname", "ip", "ls", "mkdir", "ping", "sh", "sleep", "tail", "wc")


def make_root(folder: Path, init: str = INIT) -> Path:
    """A file system that holds what a container needs."""
    top = folder / "root"
    for name in ("bin", "sbin", "proc", "sys", "dev", "tmp", "mnt", "var"):
        (top / name).mkdir(parents=True)
    (top / "bin" / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    for tool in TOOLS:
        (top / "bin" / tool).symlink_to("busybox")
    for program in (top / "bin" / "busybox", top / "sbin" / "init", top / "sbin" / "other"):
        if program.name != "busybox":
            program.write_text(init)
        program.chmod(0o755)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(top), str(folder / "root.raw"), "12M"], check=True)
    return folder / "root.raw"


def image_of(path: Path, disk_format: str = "raw", **properties: str) -> Image:
    """A file as an image."""
    content = path.read_bytes()
    return Image(str(uuid.uuid4()), disk_format, len(content), len(content), "sha256",
                 hashlib.sha256(content).hexdigest(), lambda: iter((content,)), properties)


def says(driver: Hypervisor, guest: str, text: bytes, timeout_s: float = 60) -> bytes:
    """The console log of ``guest`` as soon as it has ``text``."""
    def log() -> bytes:
        found = driver.console_log(guest, 1_000_000)
        return found if text in found else b""

    return until(log, timeout_s, f"the container says {text!r}")


def opened_on(host: LibvirtHost, folder: Path) -> Iterator[Driver]:
    """The driver on a daemon's containers."""
    raw = {"hypervisor.libvirt": {"uri": host.containers_uri, "soft_reboot_s": "20"}}
    yield from opened(registry("hypervisor").load("libvirt"), "hypervisor.libvirt", Configuration(raw), folder)


@pytest.fixture(scope="module")
def driver(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver on the containers of the daemon."""
    yield from opened_on(libvirt_host, tmp_path_factory.mktemp("lxc"))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image of the containers."""
    return image_of(make_root(tmp_path_factory.mktemp("root")))


class TestContainers(HypervisorSuite):
    """All cases; what containers cannot do they do not declare."""

    memory_mib = 64
    parallel = 6

    @classmethod
    def make_image(cls, folder: Path) -> Image:
        """A file system of busybox."""
        return image_of(make_root(folder))

    @pytest.fixture
    def other(self, libvirt_other: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hypervisor]:
        """The driver on the second daemon."""
        for made in opened_on(libvirt_other, tmp_path_factory.mktemp("other")):
            assert isinstance(made, Hypervisor)
            yield made
            for seen in made.observe():
                made.destroy(seen.guest)

    def make_volume(self, folder: Path, number: int) -> Connection:
        """A raw file."""
        path = folder / f"volume-{number}.raw"
        with path.open("wb") as file:
            file.truncate(1 << 30)
        return Connection("file", {"path": str(path), "format": "raw"})

    def ready(self, driver: Hypervisor, guest: str) -> None:
        """When its init says so."""
        says(driver, guest, READY)

    def deaf_disk(self, image: Image) -> Disk:
        """Nothing starts from an empty disk, but a shell that sleeps obeys nobody."""
        asleep = dataclasses.replace(image, properties={"os_command_line": "init=/bin/sleep 1000"})
        return Disk("vda", 1, image=asleep)


def test_a_container_has_its_config_drive_its_disk_and_its_memory(driver: Hypervisor, image: Image) -> None:
    guest = str(uuid.uuid4())
    script = b"df -k / | tail -n 1\ngrep MemTotal /proc/meminfo\nls /mnt\n"
    disks = [Disk("vda", 1, image=image), Disk("vdb", 1, kind="ephemeral")]
    driver.spawn(GuestSpec(guest, "live", 1, 64, disks, config_drive={"openstack/latest/user_data": script}))
    log = says(driver, guest, READY)
    assert b"MemTotal:          65536 kB" in log and b"\nvdb" in log
    size_kib = int(next(line for line in log.splitlines() if line.startswith(b"/dev/loop")).split()[1])
    assert 900_000 < size_kib < 1 << 20
    driver.destroy(guest)
    assert list((driver.surroundings.state_dir / "guests").iterdir()) == []


def test_what_a_container_wrote_is_in_its_snapshot_and_a_resize_back_drops_what_came_after(
        driver: Hypervisor, image: Image, tmp_path: Path) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    mark = {"openstack/latest/user_data": b"echo mark >> /mark; echo marks $(wc -l < /mark)\n"}
    spec = GuestSpec(first, "live", 1, 64, [Disk("vda", 1, image=image)], config_drive=mark)
    driver.spawn(spec)
    says(driver, first, b"marks 1")
    disk_format = require(driver, Snapshots).snapshot(first, tmp_path / "copy")
    driver.spawn(GuestSpec(second, "live", 1, 64, [Disk("vda", 1, image=image_of(tmp_path / "copy", disk_format))]))
    assert b"\nmark\r\n" in says(driver, second, READY)
    facet = require(driver, Resizable)
    facet.resize(dataclasses.replace(spec, memory_mib=96, disks=[Disk("vda", 2, image=image)]))
    says(driver, first, b"marks 2")
    facet.revert_resize(spec)
    until(lambda: driver.console_log(first, 10_000).count(b"marks 2") == 2, 60, "it began where it was")
    for guest in (first, second):
        driver.destroy(guest)


def test_what_a_container_wrote_moves_with_it(
        driver: Hypervisor, libvirt_other: LibvirtHost, image: Image, tmp_path: Path) -> None:
    mark = {"openstack/latest/user_data": b"echo mark >> /mark; echo marks $(wc -l < /mark)\n"}
    spec = GuestSpec(str(uuid.uuid4()), "live", 1, 64, [Disk("vda", 1, image=image)], config_drive=mark)
    driver.spawn(spec)
    says(driver, spec.guest, b"marks 1")
    offer = require(driver, Movable).depart(spec.guest, 20)
    assert b"obeyed" in driver.console_log(spec.guest, 10_000)
    for other in opened_on(libvirt_other, tmp_path):
        assert isinstance(other, Hypervisor)
        require(other, Movable).arrive(spec, offer, start=True)
        says(other, spec.guest, b"marks 2")
        other.destroy(spec.guest)
    driver.destroy(spec.guest)
    assert driver.observe() == []


def test_a_container_speaks_over_a_bridge_and_has_nothing_of_the_hosts_network(
        driver: Hypervisor, libvirt_host: LibvirtHost, image: Image) -> None:
    libvirt_host.run("ip", "link", "add", "br-lxc", "type", "bridge")
    libvirt_host.run("ip", "addr", "add", "192.0.2.1/24", "dev", "br-lxc")
    libvirt_host.run("ip", "link", "set", "br-lxc", "up")
    script = b"ip -o link\nip addr add 192.0.2.2/24 dev eth0\nip link set eth0 up\nping -c 1 -w 20 192.0.2.1\n"
    first = Vif(str(uuid.uuid4()), "bridge", "fa:16:3e:00:00:01", "tap-lxc-one", "br-lxc", 1450)
    second = Vif(str(uuid.uuid4()), "bridge", "fa:16:3e:00:00:02", "tap-lxc-two", "br-lxc", 1450)
    guest = str(uuid.uuid4())

    def joined() -> bool:
        return "tap-lxc-two" in libvirt_host.run("ip", "link", "show", "master", "br-lxc")

    try:
        driver.spawn(GuestSpec(guest, "live", 1, 64, [Disk("vda", 1, image=image)], [first],
                               {"openstack/latest/user_data": script}))
        log = says(driver, guest, READY)
        assert b"1 packets received" in log and b"fa:16:3e:00:00:01" in log and b"br-lxc" not in log
        facet = require(driver, Interfaces)
        facet.attach_interface(guest, second)
        assert joined()
        facet.detach_interface(guest, second.port_id)
        assert not joined()
    finally:
        driver.destroy(guest)
        libvirt_host.run("ip", "link", "del", "br-lxc")


def test_its_console_is_heard_and_answers(driver: Hypervisor, image: Image) -> None:
    guest = str(uuid.uuid4())
    driver.spawn(GuestSpec(guest, "live", 1, 64, [Disk("vda", 1, image=image)]))
    says(driver, guest, READY)
    path = require(driver, Consoles).console(guest, ConsoleKind.SERIAL).path
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(path)
        line.send(b"hallo\n")
        found = b""
        while b"heard hallo" not in found:
            found += line.recv(1000)
    assert b"heard hallo" in says(driver, guest, b"heard hallo")
    driver.destroy(guest)


def test_a_recorder_that_was_killed_comes_back(driver: Hypervisor, image: Image) -> None:
    guest = str(uuid.uuid4())
    driver.spawn(GuestSpec(guest, "live", 1, 64, [Disk("vda", 1, image=image)]))
    file = driver.surroundings.state_dir / "guests" / guest / "recorder.pid"
    first = file.read_text()
    os.kill(int(first), signal.SIGKILL)
    until(lambda: file.read_text() != first, 60, "a new recorder has come")
    driver.stop(guest, 0)
    assert driver.power(guest) is Power.SHUTDOWN
    driver.destroy(guest)


def test_a_container_killed_behind_our_back_is_seen_to_be_off(driver: Hypervisor, image: Image) -> None:
    guest = str(uuid.uuid4())
    driver.spawn(GuestSpec(guest, "live", 1, 64, [Disk("vda", 1, image=image)]))
    says(driver, guest, READY)
    os.kill(controller(f"stratolith-{guest}"), signal.SIGKILL)
    until(lambda: driver.power(guest) is Power.SHUTDOWN, 60, "it is seen not to run")
    driver.start(guest)
    assert driver.power(guest) is Power.RUNNING
    driver.destroy(guest)


def controller(name: str) -> int:
    """The process of libvirt's that holds a container."""
    return int(next(entry.name for entry in Path("/proc").glob("[0-9]*")
                    if (words := (entry / "cmdline").read_bytes().split(b"\0")) and words[0].endswith(b"libvirt_lxc")
                    and name.encode() in words))


def test_another_init_is_started_with_its_words(driver: Hypervisor, image: Image) -> None:
    guest = str(uuid.uuid4())
    other = dataclasses.replace(image, properties={"os_command_line": "init=/sbin/other quiet 'two words'"})
    driver.spawn(GuestSpec(guest, "live", 1, 64, [Disk("vda", 1, image=other)]))
    assert b"init /sbin/other quiet two words" in says(driver, guest, READY)
    driver.destroy(guest)


def spoilt(path: Path, offset: int, content: bytes) -> Path:
    """A copy of a file that is spoilt somewhere."""
    other = path.with_name(f"spoilt-{offset}")
    other.write_bytes(path.read_bytes())
    with other.open("r+b") as file:
        file.seek(offset)
        file.write(content)
    return other


def test_hostile_file_systems_never_reach_the_kernel(driver: Hypervisor, tmp_path: Path) -> None:
    root = make_root(tmp_path)
    (tmp_path / "empty").write_bytes(bytes(1 << 20))
    for path in (tmp_path / "empty", spoilt(root, 1024 + 56, b"XX"), spoilt(root, 1024 + 228, b"\x07"),
                 spoilt(root, 1024 + 4, b"\xff" * 40), spoilt(root, 4096, b"\xff" * 4096)):
        guest = str(uuid.uuid4())
        with pytest.raises(BackendFailed):
            driver.spawn(GuestSpec(guest, "evil", 1, 64, [Disk("vda", 1, image=image_of(path))]))
        assert driver.observe() == []
    assert list((driver.surroundings.state_dir / "guests").iterdir()) == []


def test_a_file_system_that_would_stop_the_machine_at_an_error_is_tamed(driver: Hypervisor, tmp_path: Path) -> None:
    root = make_root(tmp_path)
    subprocess.run(["tune2fs", "-e", "panic", str(root)], check=True, stdout=subprocess.DEVNULL)
    guest = str(uuid.uuid4())
    driver.spawn(GuestSpec(guest, "evil", 1, 64, [Disk("vda", 1, image=image_of(root))]))
    file = driver.surroundings.state_dir / "guests" / guest / "root.raw"
    shown = subprocess.run(["tune2fs", "-l", str(file)], check=True, capture_output=True, text=True).stdout
    assert "Remount read-only" in shown
    driver.destroy(guest)


def volume(path: Path, device: str, disk_format: str = "raw") -> Disk:
    """An empty file system as a volume."""
    subprocess.run(["mke2fs", "-q", "-t", "ext4", str(path), "16M"], check=True)
    details = {"path": str(path), "format": disk_format}
    return Disk(device, 1, connection=Connection("file", details), volume_id=str(uuid.uuid4()), kind="volume")


def test_volumes_are_block_devices_of_a_container(driver: Hypervisor, image: Image, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    script = b"""for one in b c; do mkdir -p /mnt/$one; done
busybox mount -t ext4 /dev/vdb /mnt/b && echo first > /mnt/b/word
(until busybox mount -t ext4 /dev/vdc /mnt/c 2>/dev/null; do sleep 1; done
echo second > /mnt/c/word; echo "mounted the second"
until [ -e /mnt/b/leave ]; do sleep 1; done; busybox umount /mnt/c; echo "let go") &
(while sleep 1; do cat /mnt/b/word > /mnt/b/beat; done) &
"""
    first, second = volume(tmp_path / "first", "vdb"), volume(tmp_path / "second", "vdc")
    spec = GuestSpec(str(uuid.uuid4()), "live", 1, 64, [Disk("vda", 1, image=image), first],
                     config_drive={"openstack/latest/user_data": script})
    driver.spawn(spec)
    says(driver, spec.guest, READY)
    facet = require(driver, Volumes)
    for _ in range(2):
        facet.attach_volume(spec.guest, second)
    says(driver, spec.guest, b"mounted the second")
    with monkeypatch.context() as hasty:
        hasty.setattr(driver, "options", dataclasses.replace(driver.options, unplug_s=1.0))
        with pytest.raises(BackendBusy, match="mounted"):
            facet.detach_volume(spec.guest, second.volume_id)
    init = next(inside.first_processes(f"stratolith-{spec.guest}"))
    (Path("/proc") / str(init) / "root" / "mnt" / "b" / "leave").touch()
    says(driver, spec.guest, b"let go")
    for _ in range(2):
        facet.detach_volume(spec.guest, second.volume_id)
    assert loops_of(tmp_path / "second") == 0
    assert b"second" in subprocess.run(["debugfs", "-R", "cat /word", str(tmp_path / "second")], check=True,
                                       capture_output=True).stdout
    driver.stop(spec.guest, 0)
    driver.start(spec.guest)
    driver.destroy(spec.guest)
    until(lambda: loops_of(tmp_path / "first") == 0, 30, "no loop device is left")
    assert (tmp_path / "first").exists()


def loops_of(file: Path) -> int:
    """How many loop devices a file has."""
    done = subprocess.run(["losetup", "--associated", str(file)], check=True, capture_output=True, text=True)
    return len(done.stdout.splitlines())


def test_a_rescued_container_has_its_own_disk_to_mend(driver: Hypervisor, image: Image) -> None:
    mark = {"openstack/latest/user_data": b"echo mark >> /mark\n"}
    look = {"openstack/latest/user_data": b"busybox mount -t ext4 /dev/vdb /mnt && cat /mnt/mark && echo seen\n"}
    spec = GuestSpec(str(uuid.uuid4()), "live", 1, 64, [Disk("vda", 1, image=image)], config_drive=mark)
    driver.spawn(spec)
    says(driver, spec.guest, READY)
    rescue, own = Disk("vda", 0, image=image, kind="rescue"), Disk("vdb", 1, image=image)
    facet = require(driver, Rescuable)
    facet.rescue(dataclasses.replace(spec, disks=[rescue, own], config_drive=look, boot_device="vda"))
    assert b"mark\r\nseen" in says(driver, spec.guest, b"seen")
    facet.unrescue(spec)
    until(lambda: driver.console_log(spec.guest, 10_000).count(READY) == 3, 60, "it runs from its own disk again")
    assert driver.console_log(spec.guest, 10_000).rstrip().endswith(READY)
    folder = driver.surroundings.state_dir / "guests" / spec.guest
    assert not list(folder.glob("*rescue*"))
    driver.destroy(spec.guest)


def test_what_a_container_cannot_have_is_refused(driver: Hypervisor, image: Image) -> None:
    volume = Disk("vdb", 1, connection=Connection("nbd", {"socket": "/x"}), volume_id=str(uuid.uuid4()), kind="volume")
    plain = Disk("vda", 1, image=image)
    asking = dataclasses.replace(plain, image=dataclasses.replace(image, properties={"hw_tpm_version": "2.0"}))
    for disks, specs in (([plain, volume], {}), ([plain], {"hw:mem_page_size": "large"}), ([asking], {})):
        with pytest.raises(NotSupported):
            driver.spawn(GuestSpec(str(uuid.uuid4()), "much", 1, 64, disks, extra_specs=specs))
    assert driver.observe() == [] and isinstance(driver, Containers)
