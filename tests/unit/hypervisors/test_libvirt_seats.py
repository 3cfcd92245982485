"""A guest's seat as it stands in its domain, and what libvirt's descriptions of hosts come to."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Image
from stratolith.core.drivers.topology import HostCell, Pages, PciDevice, Seat, SeatCell, SeatDevice
from stratolith.core.errors import NoSpace, NotSupported
from stratolith.hypervisors.libvirt.adapting import adapted
from stratolith.hypervisors.libvirt.cpus import Dedicated
from stratolith.hypervisors.libvirt.disks import GuestFolder
from stratolith.hypervisors.libvirt.domain import domain_xml
from stratolith.hypervisors.libvirt.host import Host
from stratolith.hypervisors.libvirt.options import LibvirtOptions

libvirt = pytest.importorskip("libvirt")
topology = pytest.importorskip("stratolith.hypervisors.libvirt.topology")
GUEST = "11111111-2222-4333-8444-555555555555"
OTHER = "21111111-2222-4333-8444-555555555555"
CAPABILITIES = """<capabilities><host><topology><cells num='2'>
<cell id='0'><memory unit='KiB'>4194304</memory><pages unit='KiB' size='4'>1000</pages>
<pages unit='KiB' size='2048'>256</pages><pages unit='KiB' size='1048576'>0</pages><cpus num='4'>
<cpu id='0' socket_id='0' core_id='0' siblings='0,2'/><cpu id='1' socket_id='0' core_id='1' siblings='1,3'/>
<cpu id='2' socket_id='0' core_id='0' siblings='0,2'/><cpu id='3' socket_id='0' core_id='1' siblings='1,3'/>
</cpus></cell>
<cell id='1'><memory unit='KiB'>2097152</memory><cpus num='1'><cpu id='4' socket_id='1' siblings='4'/></cpus></cell>
</cells></topology></host></capabilities>"""
VF = """<device><name>pci_0000_0b_10_1</name><capability type='pci'><domain>0</domain><bus>11</bus><slot>16</slot>
<function>1</function><product id='0x10ED'>x</product><vendor id='0x8086'>y</vendor>
<capability type='phys_function'><address domain='0x0000' bus='0x0b' slot='0x00' function='0x0'/></capability>
<numa node='1'/></capability></device>"""
PF = VF.replace("phys_function", "virt_functions").replace("<numa node='1'/>", "")
PINNED = SeatCell(id=0, node=1, cpus=(0, 1), memory_mib=64, pins=((0, 5), (1, 7)))
SECOND = SeatCell(id=1, node=0, cpus=(2,), memory_mib=64, page_kib=2048, shared=(2, 3))
GPU = SeatDevice(address="0000:8a:00.1", alias="gpu", vendor_id="10de", product_id="1db6", kind="type-PCI",
                 resource_class="CUSTOM_GPU", provider="p")


def spec(seat: Seat | None, **specs: str) -> GuestSpec:
    image = Image("i", "raw", 512, 512, "", "", lambda: iter(()), {})
    vcpus = sum(len(cell.cpus) for cell in seat.cells) if seat is not None else 2
    return GuestSpec(GUEST, "guest", max(vcpus, 1), 128, [Disk("vda", 1, image=image)], seat=seat,
                     extra_specs={name.replace("__", ":").replace("_N", "."): value for name, value in specs.items()})


def described(wanted: GuestSpec, virt_type: str = "kvm", **host: object) -> ET.Element:
    folder = GuestFolder(Path("/guests"), GUEST)
    return ET.fromstring(domain_xml(wanted, folder, LibvirtOptions(virt_type=virt_type), Host(**host)))  # type: ignore


def pins(root: ET.Element) -> dict[str, str]:
    return {one.get("vcpu", "emulator"): one.get("cpuset", "") for one in (*root.iter("vcpupin"),
                                                                           *root.iter("emulatorpin"))}


def memory(root: ET.Element) -> list[dict[str, str]]:
    return [dict(one.attrib) for one in root.iterfind("./numatune/*")]


def test_each_processor_is_pinned_and_memory_comes_from_its_cell() -> None:
    root = described(spec(Seat(cells=(PINNED,)), hw__cpu_policy="dedicated", hw__cpu_thread_policy="isolate"), cells=2)
    assert pins(root) == {"0": "5", "1": "7", "emulator": "5,7"}
    assert root.find("vcpu").get("cpuset") == "5,7"  # type: ignore[union-attr]
    assert memory(root) == [{"mode": "strict", "nodeset": "1"}]
    assert root.find("cpu/numa") is None


def test_two_cells() -> None:
    wanted = spec(Seat(cells=(PINNED, SECOND)), hw__numa_nodes="2", hw__numa_cpus_N0="0-1", hw__numa_cpus_N1="2",
                  hw__numa_mem_N0="64", hw__numa_mem_N1="64", hw__cpu_policy="mixed", hw__cpu_dedicated_mask="0-1",
                  hw__mem_page_size="any")
    root = described(wanted, cells=2)
    assert pins(root) == {"0": "5", "1": "7", "2": "2-3", "emulator": "2-3,5,7"}
    assert memory(root) == [{"mode": "strict", "nodeset": "0-1"}, {"cellid": "0", "mode": "strict", "nodeset": "1"},
                            {"cellid": "1", "mode": "strict", "nodeset": "0"}]
    assert [one.get("cpus") for one in root.iterfind("cpu/numa/cell")] == ["0,1", "2"]
    assert [dict(one.attrib) for one in root.iterfind("memoryBacking/hugepages/page")] == [
        {"size": "2048", "unit": "KiB", "nodeset": "1"}]


def test_a_host_of_one_cell_binds_no_memory() -> None:
    assert memory(described(spec(Seat(cells=(PINNED,))))) == []


def test_emulated_guests_run_on_all_of_their_seat() -> None:
    root = described(spec(Seat(cells=(PINNED, SECOND))), "qemu")
    assert pins(root) == {}
    assert root.find("vcpu").get("cpuset") == "2-3,5,7"  # type: ignore[union-attr]
    assert root.find("cputune") is None


ISOLATED = SeatCell(id=0, node=0, cpus=(0, 1), memory_mib=64, pins=((0, 5), (1, 7)), emulator=(3,))


@pytest.mark.parametrize(("seat", "specs", "realtime", "emulator"), [
    (PINNED, {"hw__cpu_realtime": "yes", "hw__cpu_realtime_mask": "^0"}, "1", "5"),
    (PINNED, {"hw__cpu_realtime": "yes", "hw__emulator_threads_policy": "share"}, "0-1", "0-1"),
    (ISOLATED, {"hw__cpu_realtime": "yes", "hw__emulator_threads_policy": "isolate"}, "0-1", "3"),
    (ISOLATED, {"hw__emulator_threads_policy": "isolate"}, None, "3"),
    (PINNED, {"hw__emulator_threads_policy": "share"}, None, "0-1")])
@pytest.mark.parametrize("virt_type", ["kvm", "qemu"])
def test_threads_that_differ(seat: SeatCell, specs: dict[str, str], realtime: str | None, emulator: str,
                             virt_type: str) -> None:
    root = described(spec(Seat(cells=(seat,)), hw__cpu_policy="dedicated", **specs), virt_type,
                     shared=frozenset((0, 1)))
    assert pins(root) == {"0": "5", "1": "7", "emulator": emulator}
    found = root.find("cputune/vcpusched")
    assert (dict(found.attrib) if found is not None else None) == (
        {"vcpus": realtime, "scheduler": "fifo", "priority": "1"} if realtime else None)
    assert (root.find("memoryBacking/locked") is not None) is bool(realtime)
    assert root.find("features/acpi") is not None


def test_memory_is_locked_beside_large_pages_unless_the_operator_says_no() -> None:
    pages = SeatCell(id=0, node=0, cpus=(0, 1), memory_mib=64, page_kib=2048, pins=((0, 5), (1, 7)))
    wanted = spec(Seat(cells=(pages,)), hw__cpu_realtime="1", hw__cpu_realtime_mask="1")
    folder = GuestFolder(Path("/guests"), GUEST)
    root = ET.fromstring(domain_xml(wanted, folder, LibvirtOptions(realtime_lock_memory=False, realtime_priority=7)))
    assert [one.tag for one in root.iterfind("memoryBacking/*")] == ["hugepages", "nosharepages"]
    found = root.find("cputune/vcpusched")
    assert found is not None and found.get("priority") == "7"


@pytest.mark.parametrize(("seat", "specs"), [
    (None, {"hw__cpu_realtime": "yes", "hw__cpu_realtime_mask": "^0"}),
    (None, {"hw__emulator_threads_policy": "isolate"}),
    (PINNED, {"hw__emulator_threads_policy": "isolate"}), (PINNED, {"hw__emulator_threads_policy": "near"}),
    (SECOND, {"hw__cpu_realtime": "yes"}), (PINNED, {"hw__cpu_realtime": "yes", "hw__cpu_realtime_mask": "9"}),
    (PINNED, {"hw__cpu_realtime": "yes", "hw__cpu_realtime_mask": "x"})])
def test_threads_that_cannot_differ_so(seat: SeatCell | None, specs: dict[str, str]) -> None:
    with pytest.raises(NotSupported):
        described(spec(Seat(cells=(seat,)) if seat is not None else None, **specs))


def test_on_its_way_a_guest_in_real_time_stays_so() -> None:
    wanted = spec(Seat(cells=(PINNED,)), hw__cpu_realtime="yes", hw__cpu_realtime_mask="^0")
    other = SeatCell(id=0, node=0, cpus=(0, 1), memory_mib=64, pins=((0, 2), (1, 3)))
    there = spec(Seat(cells=(other,)), hw__cpu_realtime="yes", hw__cpu_realtime_mask="^0")
    root = adapted(described(wanted), GuestFolder(Path("/guests"), GUEST), there, {"folder": f"/others/{GUEST}"})
    assert pins(root) == {"0": "2", "1": "3", "emulator": "2"}
    assert len(root.findall("cputune/vcpusched")) == 1


def test_devices_are_handed_over() -> None:
    root = described(spec(Seat(devices=(GPU,)), pci_passthrough__alias="gpu:1"), shared=frozenset((0, 1)))
    found = root.find("devices/hostdev")
    assert found is not None and found.get("managed") == "yes"
    assert dict(found.find("source/address").attrib) == {  # type: ignore[union-attr]
        "domain": "0x0000", "bus": "0x8a", "slot": "0x00", "function": "0x1"}
    assert root.find("vcpu").get("cpuset") == "0-1"  # type: ignore[union-attr]


@pytest.mark.parametrize("specs", [{"pci_passthrough__alias": "gpu:1"}, {"hw__cpu_thread_policy": "isolate"},
                                   {"hw__cpu_dedicated_mask": "0"}])
def test_without_a_seat_they_are_refused(specs: dict[str, str]) -> None:
    with pytest.raises(NotSupported):
        described(spec(None, **specs))


def test_on_its_way_a_guest_gets_its_seat_on_the_other_host() -> None:
    root = described(spec(Seat(cells=(PINNED, SECOND))), cells=2)
    there = Seat(cells=(SeatCell(id=0, node=3, cpus=(0, 1), memory_mib=64, pins=((0, 30), (1, 31))),
                        SeatCell(id=1, node=2, cpus=(2,), memory_mib=64, page_kib=2048, shared=(20,))))
    offer = {"folder": "/elsewhere", "shared": "20", "cells": "4"}
    moved = adapted(root, GuestFolder(Path("/guests"), GUEST), spec(there), offer)
    assert pins(moved) == {"0": "30", "1": "31", "2": "20", "emulator": "20,30-31"}
    assert [one.get("nodeset") for one in moved.iterfind("./numatune/*")] == ["2-3", "3", "2"]
    assert len(moved.findall("cputune")) == len(moved.findall("numatune")) == 1


# hosts


def test_cells_of_a_host() -> None:
    assert topology.cells(CAPABILITIES, 9999) == (
        HostCell(id=0, cpus="0-3", memory_mib=4096, pages=(Pages(2048, 256),), cores=("0,2", "1,3")),
        HostCell(id=1, cpus="4", memory_mib=2048, socket=1))
    assert topology.cells("<capabilities><host/></capabilities>", 1) == ()


def test_an_only_cell_has_all_memory() -> None:
    root = ET.fromstring(CAPABILITIES)
    every = root.find("./host/topology/cells")
    assert every is not None
    every.remove(every[1])
    assert [one.memory_mib for one in topology.cells(ET.tostring(root, encoding="unicode"), 9999)] == [9999]


def test_devices_of_a_host() -> None:
    assert topology.device(VF) == PciDevice(address="0000:0b:10.1", vendor_id="8086", product_id="10ed", node=1,
                                            kind="type-VF", parent="0000:0b:00.0")
    assert topology.device(PF) == PciDevice(address="0000:0b:10.1", vendor_id="8086", product_id="10ed",
                                            kind="type-PF")
    assert topology.device("<device><capability type='usb'/></device>") is None


class Listing:
    """A connection that lists, or cannot."""

    def __init__(self, *texts: str, code: int = 0) -> None:
        self.texts, self.code = texts, code

    def listAllDevices(self, flags: int) -> list[Listing]:
        self._fail()
        return [Listing(text) for text in self.texts]

    def XMLDesc(self, flags: int) -> str:
        return self.texts[0]

    def _fail(self) -> None:
        if self.code:
            error = libvirt.libvirtError("no")
            error.err = (self.code, 0, "no", 2, "", "", "", 0, 0)
            raise error


def test_a_libvirt_without_device_driver_has_none() -> None:
    assert [one.address for one in topology.devices(Listing(VF))] == ["0000:0b:10.1"]
    assert topology.devices(Listing(code=libvirt.VIR_ERR_NO_SUPPORT)) == ()
    with pytest.raises(libvirt.libvirtError):
        topology.devices(Listing(code=libvirt.VIR_ERR_INTERNAL_ERROR))


def test_what_a_guest_without_a_seat_has_is_nobody_elses(tmp_path: Path) -> None:
    dedicated, old, new = Dedicated(tmp_path, {1, 2, 3}), GuestFolder(tmp_path, GUEST), GuestFolder(tmp_path, OTHER)
    old.path.mkdir()
    assert dedicated.take(old, 1) == (1,)
    dedicated.see_free(new, {2, 3})
    dedicated.see_free(old, {1})
    with pytest.raises(NoSpace, match="processor 1"):
        dedicated.see_free(new, {1, 2})
