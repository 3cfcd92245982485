"""Guests of QEMU in need: rescue, crash dumps, passwords through an agent, figures, swapped volumes."""

from __future__ import annotations

import dataclasses
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.cases import until
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Image
from stratolith.core.drivers.volume import Connection
from stratolith.core.errors import NotSupported

from . import demo_image
from .libvirt_host import LibvirtHost
from .test_hypervisor_libvirt import READY, says

if TYPE_CHECKING:
    from stratolith.hypervisors.libvirt.driver import Libvirt

pytestmark = pytest.mark.live
DISKS = b"#!/bin/sh\necho disks: $(ls /sys/block | grep vd)\n"
AGENT = b"""#!/bin/sh
port=/dev/$(ls /sys/class/virtio-ports | head -n 1)
echo agent on $port
exec 3<>$port
while true; do
    read -r line <&3 || { sleep 1; continue; }
    case "$line" in
        *guest-sync*) id=${line##*:}; echo "{\\"return\\": ${id%%\\}*}}" >&3 ;;
        *guest-set-user-password*) echo "agent heard $line" > /dev/console; echo '{"return": {}}' >&3 ;;
        *) echo '{"error": {"class": "CommandNotFound", "desc": "no"}}' >&3 ;;
    esac
done &
"""


@pytest.fixture(scope="module")
def driver(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Libvirt]:
    """The driver on the daemon of the tests."""
    raw = {"hypervisor.libvirt": {"uri": libvirt_host.uri, "translation_cache_mib": "32"}}
    subject = registry("hypervisor").load("libvirt")
    made = opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("driver"))
    yield from made  # type: ignore[misc]


@pytest.fixture
def spec(driver: Libvirt) -> Iterator[GuestSpec]:
    """A guest of the demo image that tells which disks it has; destroyed at the end."""
    files = {"openstack/latest/meta_data.json": b'{"hostname": "tended", "uuid": "a-uuid", "public_keys": {}}',
             "openstack/latest/user_data": DISKS}
    wanted = GuestSpec(str(uuid.uuid4()), "tended", 1, 96, [Disk("vda", 1, image=demo_image.image())],
                       config_drive=files)
    yield wanted
    driver.destroy(wanted.guest)


def with_script(spec: GuestSpec, script: bytes) -> GuestSpec:
    """``spec`` with other user data."""
    files = {**(spec.config_drive or {}), "openstack/latest/user_data": script}
    return dataclasses.replace(spec, config_drive=files)


def other(image: Image) -> Image:
    """The same image under another id."""
    return dataclasses.replace(image, id=str(uuid.uuid4()))


def rescue_images() -> list[Image]:
    """The demo image as a rescue disk: by default, as a CD, and as a SCSI disk."""
    image = demo_image.image()
    return [dataclasses.replace(other(image), properties=properties) for properties in (
        {}, {"hw_rescue_device": "cdrom", "hw_rescue_bus": "ide"}, {"hw_rescue_bus": "scsi"})]


def test_a_rescued_guest_runs_from_the_rescue_disk_beside_its_own(driver: Libvirt, spec: GuestSpec) -> None:
    driver.spawn(spec)
    says(driver, spec.guest, b"disks: vda\r")
    own = dataclasses.replace(spec.disks[0], device="vdb")
    rescue = Disk("vda", 0, image=other(demo_image.image()), kind="rescue")
    rescued = with_script(dataclasses.replace(spec, disks=[rescue, own], boot_device="vda"), DISKS + b"# rescued\n")
    driver.rescue(rescued)
    says(driver, spec.guest, b"disks: vda vdb\r")
    folder = driver.folder(spec.guest)
    assert folder.drive(rescued) != folder.config_drive and folder.drive(rescued).exists()
    assert str(folder.drive(rescued)) in driver.domain(spec.guest).XMLDesc(0)
    before = driver.console_log(spec.guest, 1_000_000).count(READY)
    driver.unrescue(spec)
    until(lambda: driver.console_log(spec.guest, 1_000_000).count(READY) > before, 120, "the guest boots again")
    assert not list(driver.folder(spec.guest).path.glob("rescue-*"))


def test_disks_on_the_buses_that_are_asked_for(driver: Libvirt, spec: GuestSpec, tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.write_bytes(bytes(1 << 20))
    driver.spawn(dataclasses.replace(spec, disks=[
        *spec.disks, Disk("vdb", 1, kind="ephemeral", bus="scsi"),
        Disk("vdc", 1, kind="volume", volume_id=str(uuid.uuid4()), bus="sata", type="cdrom",
             connection=Connection("file", {"path": str(film), "format": "raw"}))]))
    text = driver.domain(spec.guest).XMLDesc(0)
    assert "dev='vdb' bus='scsi'" in text and "dev='vdc' bus='sata'" in text
    says(driver, spec.guest, READY)


@pytest.mark.parametrize(("number", "device"), [(1, "hda"), (2, "sda")])
def test_a_rescue_disk_behind_the_others(driver: Libvirt, spec: GuestSpec, number: int, device: str) -> None:
    driver.spawn(spec)
    rescue = Disk(device, 0, image=rescue_images()[number], kind="rescue")
    driver.rescue(dataclasses.replace(spec, disks=[*spec.disks, rescue], boot_device=device))
    text = driver.domain(spec.guest).XMLDesc(0)
    assert "<boot order='1'/>" in text and f"dev='{device}'" in text
    driver.unrescue(spec)
    assert f"dev='{device}' bus" not in driver.domain(spec.guest).XMLDesc(0) or device == "hda"


def test_a_crash_dump_is_an_interrupt(driver: Libvirt, spec: GuestSpec) -> None:
    driver.spawn(spec)
    says(driver, spec.guest, READY)
    driver.crash_dump(spec.guest)
    says(driver, spec.guest, b"NMI")


def test_a_password_through_the_agent(driver: Libvirt, spec: GuestSpec) -> None:
    driver.spawn(with_script(spec, AGENT))
    says(driver, spec.guest, READY)
    says(driver, spec.guest, b"agent on /dev/vport")

    def set_now() -> bool:
        try:
            driver.set_password(spec.guest, "root", "secret")
        except NotSupported:
            return False
        return True

    until(set_now, 120, "the agent answers")
    assert b"guest-set-user-password" in says(driver, spec.guest, b"agent heard")


def test_what_a_guest_used(driver: Libvirt, spec: GuestSpec) -> None:
    driver.spawn(spec)
    says(driver, spec.guest, READY)
    use = driver.use(spec.guest)
    assert use.uptime_s > 0.5 and sum(use.cpu_times_ns) > 10 ** 8
    assert use.disks["vda"].read_bytes > 0 and use.disks["vda"].read_requests > 0
    assert use.memory_used_mib is not None and use.memory_used_mib > 10


def test_a_swapped_volume_has_what_the_old_one_had(driver: Libvirt, spec: GuestSpec, tmp_path: Path) -> None:
    files = [tmp_path / "old.qcow2", tmp_path / "new.qcow2"]
    for file in files:
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(file), "64M"], check=True)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 1M 2M", str(files[0])], check=True,
                   capture_output=True)
    old, new = (Disk("vdb", 1, connection=Connection("file", {"path": str(file), "format": "qcow2"}),
                     volume_id=str(uuid.uuid4()), kind="volume") for file in files)
    driver.spawn(spec)
    says(driver, spec.guest, READY)
    driver.attach_volume(spec.guest, old)
    driver.swap_volume(spec.guest, old.volume_id, new)
    for scope in (0, 2):
        text = driver.domain(spec.guest).XMLDesc(scope)
        assert str(files[1]) in text and str(files[0]) not in text
    before = driver.console_log(spec.guest, 1_000_000).count(READY)
    driver.stop(spec.guest, 0)
    driver.start(spec.guest)
    # A guest that still boots does not let go of a disk.
    until(lambda: driver.console_log(spec.guest, 1_000_000).count(READY) > before, 120, "the guest boots again")
    driver.detach_volume(spec.guest, new.volume_id)
    driver.stop(spec.guest, 0)
    read = subprocess.run(["qemu-io", "-f", "qcow2", "-c", "read -P 0x5a 1M 2M", str(files[1])], check=True,
                          capture_output=True, text=True)
    assert "verification failed" not in read.stdout
    assert str(files[1]) not in driver.domain(spec.guest).XMLDesc(0)
