"""What images and flavors ask of libvirt, on guests of QEMU that really run."""

from __future__ import annotations

import dataclasses
import os
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.cases import until
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Image, Power
from stratolith.core.drivers.network import Vif
from stratolith.core.drivers.topology import Seat, SeatCell, cpu_list
from stratolith.core.drivers.volume import Connection
from stratolith.core.errors import CloudError, NoSpace, NotSupported

from . import demo_image
from .libvirt_host import LibvirtHost
from .test_hypervisor_libvirt import READY, options, says

if TYPE_CHECKING:
    from stratolith.hypervisors.libvirt.driver import Libvirt

pytestmark = pytest.mark.live
FIRMWARE = b"BdsDxe"
"""What OVMF writes to the serial line when it looks for something to boot."""
LOOK = b"""#!/bin/sh
echo disks: $(ls /sys/block | grep -E '^(sd|vd)')
echo cells: $(ls -d /sys/devices/system/node/node* | wc -l)
echo siblings: $(cat /sys/devices/system/cpu/cpu0/topology/core_siblings_list)
echo cards: $(cat /sys/bus/pci/devices/*/device | sort | uniq | tr '\\n' ' ')
"""
AGENT = b"""#!/bin/sh
port=/dev/$(ls /sys/class/virtio-ports | head -n 1)
exec 3<>$port
while true; do
    read -r line <&3 || { sleep 1; continue; }
    case "$line" in
        *guest-sync*) id=${line##*:}; echo "{\\"return\\": ${id%%\\}*}}" >&3 ;;
        *fsfreeze*) echo "agent heard $line" > /dev/console; echo '{"return": 1}' >&3 ;;
        *) echo '{"error": {"class": "CommandNotFound", "desc": "no"}}' >&3 ;;
    esac
done &
"""
"""An agent that says what it heard."""


def made(host: LibvirtHost, folder: Path) -> Iterator[Libvirt]:
    """The driver on a host, one processor of which is dedicated."""
    raw = {"hypervisor.libvirt": {**options(host), "cpu_dedicated_set": "1"}}
    subject = registry("hypervisor").load("libvirt")
    for one in opened(subject, "hypervisor.libvirt", Configuration(raw), folder):
        assert type(one).__name__ == "Libvirt"
        yield one
        for seen in one.observe():
            one.destroy(seen.guest)


@pytest.fixture(scope="module")
def driver(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Libvirt]:
    """The driver on the daemon of the tests."""
    yield from made(libvirt_host, tmp_path_factory.mktemp("wishes"))


@pytest.fixture(autouse=True)
def _clean(driver: Libvirt) -> Iterator[None]:
    """No guest outlives its test."""
    yield
    for seen in driver.observe():
        driver.destroy(seen.guest)


@pytest.fixture
def second(libvirt_other: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Libvirt]:
    """The driver on the second daemon."""
    yield from made(libvirt_other, tmp_path_factory.mktemp("second"))


def image(**properties: str) -> Image:
    """The demo image with properties."""
    return dataclasses.replace(demo_image.image(), properties=properties)


def wanted(properties: Mapping[str, str], specs: Mapping[str, str] | None = None, vcpus: int = 1,
           vifs: tuple[Vif, ...] = (), script: bytes = LOOK) -> GuestSpec:
    """A guest of the demo image that tells what it sees."""
    files = {"openstack/latest/meta_data.json": b'{"hostname": "wishes", "uuid": "a-uuid", "public_keys": {}}',
             "openstack/latest/user_data": script}
    return GuestSpec(str(uuid.uuid4()), "wishes", vcpus, 96, [Disk("vda", 1, image=image(**properties))], vifs, files,
                     extra_specs=specs or {})


def described(driver: Libvirt, guest: str) -> ET.Element:
    """The running guest as libvirt has it."""
    return ET.fromstring(driver.domain(guest).XMLDesc(0))


def left(driver: Libvirt) -> list[str]:
    """Folders of guests."""
    return [path.name for path in (driver.surroundings.state_dir / "guests").iterdir()]


def test_facts_tell_what_can_be_asked(driver: Libvirt) -> None:
    assert {"COMPUTE_FIRMWARE_BIOS", "COMPUTE_FIRMWARE_UEFI", "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
            "COMPUTE_SECURITY_TPM_2_0", "COMPUTE_SECURITY_TPM_CRB", "COMPUTE_GRAPHICS_MODEL_VGA",
            "COMPUTE_STORAGE_BUS_IDE", "COMPUTE_STORAGE_BUS_SATA"} <= set(driver.facts().traits)


def test_facts_tell_nothing_that_cannot_be_had(driver: Libvirt) -> None:
    """Servers are sent where a trait is told, so each one must be true: a guest starts with it."""
    told = {"hw_disk_bus": "COMPUTE_STORAGE_BUS_", "hw_video_model": "COMPUTE_GRAPHICS_MODEL_"}
    asked = [(name, trait.removeprefix(start).lower()) for name, start in told.items()
             for trait in sorted(driver.facts().traits) if trait.startswith(start)]
    assert len(asked) > 4
    refused = {}
    for name, value in asked:
        properties = {name: value, "hw_machine_type": "q35" if value == "sata" else "pc"}
        spec = wanted(properties)
        try:
            driver.spawn(spec)
            driver.destroy(spec.guest)
        except CloudError as error:
            refused[name, value] = str(error)
    assert refused == {}


@pytest.mark.parametrize(("properties", "secure"), [
    ({"hw_firmware_type": "uefi"}, "no"), ({"hw_firmware_type": "uefi", "os_secure_boot": "required"}, "yes")])
def test_uefi_runs_and_its_variables_go_with_the_guest(
        driver: Libvirt, properties: dict[str, str], secure: str) -> None:
    spec = wanted(properties)
    driver.spawn(spec)
    says(driver, spec.guest, FIRMWARE)
    nvram = driver.folder(spec.guest).nvram
    loader = described(driver, spec.guest).find("os/loader")
    assert nvram.exists() and loader is not None and loader.get("secure", "no") == secure
    driver.reboot(spec.guest, hard=True)
    driver.destroy(spec.guest)
    assert not nvram.exists() and left(driver) == []


def test_variables_of_the_firmware_move_with_a_guest_that_is_off(driver: Libvirt, second: Libvirt) -> None:
    spec = wanted({"hw_firmware_type": "uefi"})
    driver.spawn(spec)
    says(driver, spec.guest, FIRMWARE)
    offer = driver.depart(spec.guest, 0)
    kept = driver.folder(spec.guest).nvram.read_bytes()
    second.arrive(spec, offer, start=False)
    assert second.folder(spec.guest).nvram.read_bytes() == kept
    driver.destroy(spec.guest)
    second.start(spec.guest)
    says(second, spec.guest, FIRMWARE)
    second.destroy(spec.guest)


def volume(folder: Path) -> Disk:
    """A volume that is a file."""
    with (folder / "volume").open("wb") as file:
        file.truncate(64 << 20)
    return Disk("vdb", 1, connection=Connection("file", {"path": str(folder / "volume"), "format": "raw"}),
                volume_id="a-volume", kind="volume")


def test_guest_sees_the_devices_and_processors_it_asked_for(driver: Libvirt, tmp_path: Path) -> None:
    asked = {"hw_watchdog_action": "reset", "hw_video_model": "cirrus", "hw_pointer_model": "usbtablet",
             "hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi", "hw_vif_model": "rtl8139", "hw_rng_model": "virtio"}
    specs = {"hw:watchdog_action": "pause", "hw_rng:rate_bytes": "1024", "hw_rng:rate_period": "1000",
             "hw:cpu_sockets": "1", "hw:cpu_max_sockets": "1", "hw:numa_nodes": "2",
             "quota:disk_read_bytes_sec": str(100 << 20), "quota:disk_write_iops_sec": "5000"}
    spec = wanted(asked, specs, 2, (Vif(str(uuid.uuid4()), "none", "fa:16:3e:00:00:01"),))
    driver.spawn(spec)
    log = says(driver, spec.guest, READY)
    assert b"disks: sda" in log and b"siblings: 0-1" in log and b"cells: 2" in log
    # The watchdog, the screen and the network card by their PCI identities.
    assert b"0x25ab" in log and b"0x00b8" in log and b"0x8139" in log
    root = described(driver, spec.guest)
    assert root.find("devices/watchdog[@action='reset']") is not None
    assert root.find("devices/rng/rate[@bytes='1024']") is not None
    assert root.findtext("devices/disk/iotune/read_bytes_sec") == str(100 << 20)
    assert root.find("devices/input[@type='tablet']") is not None
    driver.attach_volume(spec.guest, volume(tmp_path))
    found = described(driver, spec.guest)
    assert [one.get("bus") for one in found.iterfind("devices/disk[@device='disk']/target")] == ["scsi", "scsi"]
    driver.detach_volume(spec.guest, "a-volume")
    assert len(described(driver, spec.guest).findall("devices/disk[@device='disk']")) == 1
    driver.attach_interface(spec.guest, Vif(str(uuid.uuid4()), "none", "fa:16:3e:00:00:02"))
    assert [one.get("type") for one in described(driver, spec.guest).iterfind("devices/interface/model")] == [
        "rtl8139", "rtl8139"]
    driver.destroy(spec.guest)


def test_dedicated_processors_are_given_once(driver: Libvirt, libvirt_host: LibvirtHost) -> None:
    first, later, plain = wanted({}, {"hw:cpu_policy": "dedicated"}), wanted({"hw_cpu_policy": "dedicated"}), wanted({})
    driver.spawn(first)
    assert [os.sched_getaffinity(one) for one in libvirt_host.processes()] == [{1}]
    with pytest.raises(NoSpace, match="dedicated"):
        driver.spawn(later)
    driver.spawn(plain)
    assert sorted(map(sorted, map(os.sched_getaffinity, libvirt_host.processes()))) == [[0], [1]]
    driver.destroy(first.guest)
    driver.spawn(later)
    for spec in (later, plain):
        driver.destroy(spec.guest)
    assert left(driver) == []


def test_the_host_tells_of_its_cells(driver: Libvirt) -> None:
    facts = driver.facts()
    assert sorted(cpu for cell in facts.cells for cpu in cpu_list(cell.cpus)) == list(range(facts.vcpus))
    assert sum(cell.memory_mib for cell in facts.cells) <= facts.memory_mib
    assert facts.dedicated_cpus == "1"


def test_a_seat_is_kept(driver: Libvirt, libvirt_host: LibvirtHost) -> None:
    cell = SeatCell(id=0, node=0, cpus=(0,), memory_mib=96, pins=((0, 1),))
    first = wanted({}, {"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "isolate"})
    spec = dataclasses.replace(first, seat=Seat(cells=(cell,)), shared_cpus=(0,))
    driver.spawn(spec)
    assert [os.sched_getaffinity(one) for one in libvirt_host.processes()] == [{1}]
    driver.resize(dataclasses.replace(spec, extra_specs={}, seat=None))
    assert [os.sched_getaffinity(one) for one in libvirt_host.processes()] == [{0}]
    driver.revert_resize(spec)
    assert described(driver, spec.guest).find("vcpu").get("cpuset") == "1"  # type: ignore[union-attr]
    driver.destroy(spec.guest)


def test_resize_from_dedicated_and_back(driver: Libvirt) -> None:
    spec = wanted({}, {"hw:cpu_policy": "dedicated"})
    shared = dataclasses.replace(spec, extra_specs={})
    driver.spawn(spec)
    driver.resize(shared)
    with pytest.raises(NoSpace):
        driver.spawn(wanted({}, {"hw:cpu_policy": "dedicated"}))
    driver.revert_resize(spec)
    assert described(driver, spec.guest).find("vcpu").get("cpuset") == "1"  # type: ignore[union-attr]
    driver.resize(shared)
    driver.confirm_resize(spec.guest)
    other = wanted({}, {"hw:cpu_policy": "dedicated"})
    driver.spawn(other)
    for one in (spec, other):
        driver.destroy(one.guest)


@pytest.mark.parametrize("version", ["1.2", "2.0"])
def test_tpm_lives_and_dies_with_its_guest(driver: Libvirt, libvirt_host: LibvirtHost, version: str) -> None:
    spec = wanted({"hw_tpm_version": version})
    state = libvirt_host.folder / "lib" / "swtpm" / spec.guest
    driver.spawn(spec)
    assert driver.power(spec.guest) is Power.RUNNING and state.exists()
    driver.reboot(spec.guest, hard=True)
    assert state.exists()
    with pytest.raises(NotSupported, match="TPM"):
        driver.depart(spec.guest, 0)
    assert driver.power(spec.guest) is Power.RUNNING
    driver.destroy(spec.guest)
    assert not state.exists()


def test_uefi_and_tpm_migrate_live(driver: Libvirt, second: Libvirt, libvirt_host: LibvirtHost,
                                   libvirt_other: LibvirtHost) -> None:
    spec = wanted({"hw_firmware_type": "uefi", "hw_tpm_version": "2.0", "hw_tpm_model": "tpm-crb",
                   "hw_machine_type": "q35"}, {"hw:cpu_policy": "dedicated"})
    driver.spawn(spec)
    says(driver, spec.guest, FIRMWARE)
    driver.migrate_live(spec, second.prepare_live(spec, block=True), block=True)
    until(lambda: second.power(spec.guest) is Power.RUNNING, 60, "it goes on there")
    assert left(driver) == []
    assert not (libvirt_host.folder / "lib" / "swtpm" / spec.guest).exists()
    assert second.folder(spec.guest).nvram.exists()
    second.reboot(spec.guest, hard=True)
    second.destroy(spec.guest)
    assert not (libvirt_other.folder / "lib" / "swtpm" / spec.guest).exists()


def test_interface_has_a_queue_for_each_processor(driver: Libvirt, libvirt_host: LibvirtHost) -> None:
    libvirt_host.run("ip", "link", "add", "br-wish", "type", "bridge")
    vif = Vif(str(uuid.uuid4()), "bridge", "fa:16:3e:00:00:01", "tap-wish", "br-wish", 1450)
    spec = wanted({"hw_vif_multiqueue_enabled": "true"}, {}, 2, (vif,))
    try:
        driver.spawn(spec)
        assert "multi_queue" in libvirt_host.run("ip", "-d", "link", "show", "tap-wish")
    finally:
        driver.destroy(spec.guest)
        until(lambda: libvirt_host.processes() == [], 60, "no QEMU is left")
        libvirt_host.run("ip", "link", "del", "br-wish")


def test_snapshot_freezes_what_the_guest_writes(driver: Libvirt, tmp_path: Path) -> None:
    spec = wanted({"os_require_quiesce": "yes"}, script=AGENT)
    driver.spawn(spec)
    says(driver, spec.guest, READY)
    driver.snapshot(spec.guest, tmp_path / "copy")
    log = says(driver, spec.guest, b"fsfreeze-thaw")
    assert log.index(b"fsfreeze-freeze") < log.index(b"fsfreeze-thaw")
    assert (tmp_path / "copy").exists() and driver.power(spec.guest) is Power.RUNNING


def test_snapshot_that_must_be_quiesced_fails_without_an_agent(driver: Libvirt, tmp_path: Path) -> None:
    spec = wanted({"os_require_quiesce": "yes", "hw_qemu_guest_agent": "yes"})
    driver.spawn(spec)
    with pytest.raises(NotSupported, match="frozen"):
        driver.snapshot(spec.guest, tmp_path / "copy")
    assert driver.power(spec.guest) is Power.RUNNING and list(tmp_path.iterdir()) == []
    driver.destroy(spec.guest)


@pytest.mark.parametrize(("properties", "specs"), [
    ({"hw_machine_type": "a-typewriter"}, {}), ({"hw_video_model": "xen"}, {}),
    ({}, {"hw:mem_page_size": "16M"}), ({}, {"hw:mem_page_size": "large"}), ({}, {"hw:cpu_policy": "mixed"}),
    ({"hw_disk_bus": "ide", "hw_machine_type": "q35"}, {}), ({"os_secure_boot": "required"}, {}),
    ({}, {"quota:cpu_shares": "10"}), ({}, {"quota:cpu_quota": "10000"}),
])
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(
        driver: Libvirt, properties: dict[str, str], specs: dict[str, str]) -> None:
    with pytest.raises(CloudError) as caught:
        driver.spawn(wanted(properties, specs))
    assert isinstance(caught.value, NotSupported | NoSpace)
    assert driver.observe() == [] and left(driver) == []


def test_the_uri_says_whether_containers_or_machines_run(libvirt_host: LibvirtHost, tmp_path: Path) -> None:
    raw = {"hypervisor.libvirt": {"uri": libvirt_host.uri.replace("qemu:", "lxc:")}}
    subject = registry("hypervisor").load("libvirt")
    for one in opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path):
        assert type(one).__name__ == "Containers"
