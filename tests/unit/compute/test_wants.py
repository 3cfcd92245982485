"""What flavors and images may ask of processors, cells and devices."""

import pytest
from stratolith.core.drivers.topology import CellWish
from stratolith.core.errors import BadConfiguration, BadRequest
from stratolith.plugins.compute import wants
from stratolith.plugins.compute.pci import Aliases, PciOptions
from stratolith.plugins.compute.plans import resources

ALIASES = Aliases(PciOptions(aliases=("name=gpu vendor_id=10DE product_id=1db6 numa_policy=preferred",
                                      "name=nic resource_class=nic traits=fast+HW_NIC_SRIOV device_type=type-VF")))


def of(image=None, vcpus=4, memory=1024, **specs):
    spelt = {("hw:" if name[:3] in ("cpu", "mem", "num") else "") + name.replace("__", ":").replace("_N", "."): value
             for name, value in specs.items()}
    return wants.of({"vcpus": vcpus, "memory_mib": memory, "extra_specs": spelt}, image or {}, ALIASES)


def test_most_want_nothing():
    assert not of()
    assert not of(cpu_policy="shared")
    assert not of(cpu_cores="2")


def test_dedicated_processors_are_one_cell():
    found = of(cpu_policy="dedicated", cpu_thread_policy="isolate")
    assert found.topology.cells == (CellWish(cpus=(0, 1, 2, 3), dedicated=(0, 1, 2, 3), memory_mib=1024),)
    assert (found.topology.thread_policy, found.dedicated) == ("isolate", 4)
    assert of({"hw_cpu_policy": "dedicated"}).dedicated == 4
    assert of({"hw_cpu_policy": "shared"}, cpu_policy="dedicated").dedicated == 4
    assert of(resources__PCPU="4").dedicated == 4


@pytest.mark.parametrize(("mask", "dedicated"), [("1-2", (1, 2)), ("^0", (1, 2, 3)), ("^0-1", (2, 3)), ("3", (3,))])
def test_mixed_processors(mask, dedicated):
    assert of(cpu_policy="mixed", cpu_dedicated_mask=mask).topology.cells[0].dedicated == dedicated


def test_cells_are_even_unless_they_say():
    assert [(one.cpus, one.memory_mib) for one in of(numa_nodes="2").topology.cells] == [((0, 1), 512), ((2, 3), 512)]
    found = of(numa_nodes="2", numa_cpus_N0="0,3", numa_mem_N0="24", numa_cpus_N1="1-2", numa_mem_N1="1000",
               cpu_policy="mixed", cpu_dedicated_mask="3")
    assert [(one.cpus, one.dedicated, one.memory_mib) for one in found.topology.cells] == [
        ((0, 3), (3,), 24), ((1, 2), (), 1000)]
    assert len(of({"hw_numa_nodes": "2"}, numa_nodes="2").topology.cells) == 2


@pytest.mark.parametrize(("text", "page"), [("small", "small"), ("large", "large"), ("any", "any"), ("2048", "2048"),
                                            ("2MB", "2048"), ("1GiB", "1048576"), ("2MiB", "2048")])
def test_pages(text, page):
    assert of(mem_page_size=text).topology.page == page
    assert of({"hw_mem_page_size": "2MB"}, mem_page_size="large").topology.page == "2048"


def test_devices_by_alias():
    found = of({"hw_pci_numa_affinity_policy": "required"}, pci_passthrough__alias="gpu:2,nic:1")
    assert found.topology is None
    assert [(one.alias, one.count, one.resource_class, one.affinity) for one in found.devices] == [
        ("gpu", 2, "CUSTOM_PCI_10DE_1DB6", "required"), ("nic", 1, "CUSTOM_NIC", "required")]
    assert found.devices[1].traits == ("CUSTOM_FAST", "HW_NIC_SRIOV")
    assert [one.affinity for one in of(pci_passthrough__alias="gpu:1").devices] == ["preferred"]


@pytest.mark.parametrize(("image", "specs", "words"), [
    ({"hw_cpu_policy": "dedicated"}, {"cpu_policy": "shared"}, "not permitted to override CPU pinning policy"),
    ({}, {"cpu_policy": "mine"}, "is none of"),
    ({}, {"cpu_thread_policy": "isolate"}, "Invalid CPU thread policy configuration"),
    ({"hw_cpu_thread_policy": "isolate"}, {"cpu_policy": "dedicated", "cpu_thread_policy": "require"}, "override"),
    ({"hw_cpu_thread_policy": "odd"}, {"cpu_policy": "dedicated"}, "is none of prefer"),
    ({}, {"cpu_policy": "mixed"}, "requires hw:cpu_dedicated_mask"),
    ({}, {"cpu_policy": "mixed", "cpu_dedicated_mask": "0-3"}, "at least 1 pinned"),
    ({}, {"cpu_policy": "mixed", "cpu_dedicated_mask": "4"}, "at least 1 pinned"),
    ({}, {"cpu_policy": "dedicated", "cpu_dedicated_mask": "1"}, "requires hw:cpu_policy=mixed"),
    ({}, {"cpu_policy": "dedicated", "resources__PCPU": "4"}, "conflict with the CPU policy"),
    ({}, {"resources__PCPU": "3"}, "must be the flavor's 4 processors"),
    ({}, {"numa_nodes": "3"}, "cannot be evenly distributed"),
    ({}, {"numa_nodes": "0"}, "is no number of cells"),
    ({}, {"numa_nodes": "8"}, "cannot share 4 processors"),
    ({"hw_numa_nodes": "1"}, {"numa_nodes": "2"}, "override"),
    ({}, {"numa_cpus_N0": "0-3"}, "require hw:numa_nodes"),
    ({}, {"numa_nodes": "2", "numa_cpus_N0": "0-3"}, "must be provided for all NUMA nodes"),
    ({}, {"numa_nodes": "1", "numa_cpus_N1": "0-3"}, "beyond the 1 cells"),
    ({}, {"numa_nodes": "2", "numa_cpus_N0": "0-2", "numa_cpus_N1": "2-3", "numa_mem_N0": "1", "numa_mem_N1": "2"},
     "CPU number 2 is assigned to two nodes"),
    ({}, {"numa_nodes": "1", "numa_cpus_N0": "0-4", "numa_mem_N0": "1024"}, "CPU number 4 is larger than max 3"),
    ({"hw_numa_nodes": "1", "hw_numa_cpus.0": "0-99999", "hw_numa_mem.0": "1024"}, {}, "CPU number 4 is larger"),
    ({"hw_numa_nodes": "1" * 5000}, {}, "is no number of cells"),
    ({"hw_numa_nodes": "1", "hw_numa_cpus.0": "0-3", "hw_numa_mem.0": "1" * 5000}, {}, "is no number of MiB"),
    ({}, {"numa_nodes": "1", "numa_cpus_N0": "0-2", "numa_mem_N0": "1024"}, r"CPU number\(s\) 3 are not assigned"),
    ({}, {"numa_nodes": "1", "numa_cpus_N0": "0-3", "numa_mem_N0": "1000"}, "1000 MB of memory assigned"),
    ({"hw_mem_page_size": "2MB"}, {}, "requires a flavor"),
    ({"hw_mem_page_size": "small"}, {"mem_page_size": "large"}, "forbidden against 'large'"),
    ({}, {"mem_page_size": "huge"}, "Invalid memory page size"),
    ({}, {"pci_passthrough__alias": "disk:1"}, "PCI alias disk is not defined"),
    ({}, {"pci_passthrough__alias": "gpu"}, "names with counts"),
    ({"hw_pci_numa_affinity_policy": "odd"}, {"pci_passthrough__alias": "gpu:1"}, "is none of required"),
])
def test_what_cannot_be_is_refused(image, specs, words):
    with pytest.raises(BadRequest, match=words):
        of(image, **specs)


def rt(image=None, vcpus=4, policy="dedicated", **more):
    specs = {"hw:cpu_policy": policy, "hw:cpu_realtime": "yes",
             **{f"hw:{name}": value for name, value in more.items()}}
    return wants.of({"vcpus": vcpus, "memory_mib": 1024, "extra_specs": specs}, image or {}, ALIASES)


def test_processors_in_real_time():
    assert rt(cpu_realtime_mask="^0").dedicated == 4
    assert rt({"hw_cpu_realtime_mask": "2-3"}, cpu_realtime_mask="9").topology.emulator is False
    assert rt(policy="mixed", cpu_realtime_mask="^0-1").topology.cells[0].dedicated == (2, 3)
    assert rt(emulator_threads_policy="share").emulator == 0
    assert rt(policy="mixed", cpu_realtime_mask="3", emulator_threads_policy="isolate").emulator == 1


def test_the_emulators_processor_is_claimed_beside_the_guests():
    flavor = {"vcpus": 4, "memory_mib": 1024, "root_gib": 1, "ephemeral_gib": 0, "swap_mib": 0, "extra_specs": {}}
    assert resources(flavor, False, 4, 1) == {"PCPU": 5, "MEMORY_MB": 1024, "DISK_GB": 1}
    assert resources(flavor, False) == {"VCPU": 4, "MEMORY_MB": 1024, "DISK_GB": 1}
    own = {**flavor, "extra_specs": {"resources:PCPU": "4", "resources:VCPU": "0"}}
    assert resources(own, False, 4, 1)["PCPU"] == 5


@pytest.mark.parametrize(("image", "more", "words"), [
    ({}, {"policy": "shared", "cpu_realtime_mask": "^0"}, "non dedicated cpu pinning policy"),
    ({}, {}, "one or more non-realtime"),
    ({}, {"cpu_realtime_mask": "0-3"}, "one or more non-realtime"),
    ({"hw_cpu_realtime_mask": "^0-3"}, {}, "at least one of the guest's 4"),
    ({"hw_cpu_realtime_mask": "7"}, {}, "at least one of the guest's 4"),
    ({"hw_cpu_realtime_mask": "x"}, {}, "no list of processors"),
    ({}, {"policy": "mixed", "cpu_realtime_mask": "^0", "cpu_dedicated_mask": "1"}, "not from both"),
    ({}, {"policy": "mixed", "emulator_threads_policy": "share"}, "at least 1 pinned vCPU"),
    ({}, {"policy": "", "emulator_threads_policy": "isolate"}, "dedicated CPU policy"),
    ({}, {"emulator_threads_policy": "near"}, "is none of share, isolate"),
])
def test_real_time_that_cannot_be_is_refused(image, more, words):
    with pytest.raises(BadRequest, match=words):
        rt(image, **more)


@pytest.mark.parametrize("aliases", [("name=a",), ("vendor_id=1",),
                                     ("name=a resource_class=b", "name=a resource_class=c"),
                                     ("name=a resource_class=b device_type=odd",), ("name=a colour=red",),
                                     ("name=a resource_class=b numa_policy=odd",)])
def test_improper_aliases(aliases):
    with pytest.raises(BadConfiguration):
        Aliases(PciOptions(aliases=aliases))
