"""What hosts offer: sets of processors, inventories, children of placement, and room for particular guests."""

import dataclasses
import json

import pytest
from stratolith.core.drivers.hypervisor import HypervisorFacts
from stratolith.core.drivers.topology import HostCell, Pages, PciDevice
from stratolith.core.errors import BadConfiguration
from stratolith.plugins.compute import offer
from stratolith.plugins.compute.options import Options
from stratolith.plugins.compute.pci import PciOptions, offered

CELLS = (HostCell(id=0, cpus="0-3", memory_mib=1000, cores=("0,2", "1,3"), pages=(Pages(2048, 100),)),
         HostCell(id=1, cpus="4-7", memory_mib=1000, socket=1))
FACTS = HypervisorFacts("fake", 1, "n", 8, 2000, 10, cells=CELLS)
GPU = PciDevice(address="0000:0a:00.0", vendor_id="10de", product_id="1db6", node=1)
PF = PciDevice(address="0000:0b:00.0", vendor_id="8086", product_id="10fb", kind="type-PF")
VF = PciDevice(address="0000:0b:10.0", vendor_id="8086", product_id="10ed", kind="type-VF", parent=PF.address)


def settled(facts=FACTS, **options):
    return offer.settled(Options(**options), facts)


def test_processors_are_shared_unless_they_are_dedicated():
    assert (settled().dedicated_cpus, settled().shared_cpus) == ("", "")
    found = settled(dedicated_cpus="2-5,^4")
    assert (found.dedicated_cpus, found.shared_cpus) == ("2-3,5", "0-1,4,6-7")
    assert settled(dedicated_cpus="2", shared_cpus="0").shared_cpus == "0"


def test_options_win_over_what_the_driver_says():
    said = dataclasses.replace(FACTS, dedicated_cpus="7", shared_cpus="1")
    assert (settled(said).dedicated_cpus, settled(said).shared_cpus) == ("7", "1")
    assert settled(said, dedicated_cpus="2").dedicated_cpus == "2"


@pytest.mark.parametrize("options", [{"dedicated_cpus": "8"}, {"dedicated_cpus": "a"}, {"shared_cpus": "0-8"},
                                     {"dedicated_cpus": "1", "shared_cpus": "1"}])
def test_improper_sets_are_refused(options):
    with pytest.raises(BadConfiguration, match="dedicated_cpus"):
        settled(**options)


def totals(facts, **options):
    return {class_: one.total for class_, one in offer.inventories(Options(**options), facts).items()}


def test_inventories():
    assert totals(settled()) == {"VCPU": 8, "MEMORY_MB": 2000, "DISK_GB": 10}
    assert totals(settled(dedicated_cpus="2-5")) == {"VCPU": 4, "PCPU": 4, "MEMORY_MB": 2000, "DISK_GB": 10}
    assert totals(settled(dedicated_cpus="0-7")) == {"PCPU": 8, "MEMORY_MB": 2000, "DISK_GB": 10}
    assert offer.inventories(Options(), settled(dedicated_cpus="2-5"))["PCPU"].allocation_ratio == 1.0


def test_a_host_with_threads_has_the_trait():
    assert "HW_CPU_HYPERTHREADING" in offer.traits(FACTS, False)
    assert "HW_CPU_HYPERTHREADING" not in offer.traits(dataclasses.replace(FACTS, cells=CELLS[1:]), False)


def test_rooms():
    facts = {"dedicated_cpus": "2-5", "shared_cpus": "0-1,6-7", "devices": [],
             "cells": [{"id": 0, "cpus": "0-3", "memory_mib": 1000, "pages": [[2048, 100]], "cores": ["0,2"]},
                       {"id": 1, "cpus": "4-7", "memory_mib": 1000, "socket": 1}]}
    facts["cells"][0]["pages"] = [{"size_kib": 2048, "count": 100}]
    first, second = offer.room("p", json.dumps(facts), 4.0, 1.5).cells
    assert (first.dedicated, first.shared, first.vcpus, first.cores) == ((2, 3), (0, 1), 8, ((0, 2),))
    assert (first.memory_mib, first.most_memory_mib, first.pages) == (1200, 800, (Pages(2048, 100),))
    assert (second.dedicated, second.shared, second.socket) == ((4, 5), (6, 7), 1)
    assert offer.room("p", "{}", 4.0, 1.0).cells == ()


def test_only_devices_that_are_named_are_offered():
    options = PciOptions(devices=("vendor_id=10DE address=0000:0a:* resource_class=card traits=fast+HW_GPU_API_VULKAN",
                                  "vendor_id=8086 product_id=10ed"))
    card, function = offered(options, (GPU, PF, VF))
    assert (card.resource_class, card.traits) == ("CUSTOM_CARD", ("CUSTOM_FAST", "HW_GPU_API_VULKAN"))
    assert function.resource_class == "CUSTOM_PCI_8086_10ED"
    assert offered(PciOptions(), (GPU,)) == ()


def test_a_physical_function_excludes_its_virtual_ones():
    with pytest.raises(BadConfiguration, match="virtual functions"):
        offered(PciOptions(devices=("vendor_id=8086",)), (PF, VF))


@pytest.mark.parametrize("entry", ["colour=red", "vendor_id"])
def test_improper_entries(entry):
    with pytest.raises(BadConfiguration):
        offered(PciOptions(devices=(entry,)), (GPU,))


def test_children_are_named_by_address():
    devices = offered(PciOptions(devices=("vendor_id=10de", "product_id=10ed")), (GPU, PF, VF))
    facts = dataclasses.replace(FACTS, devices=devices)
    first, second = offer.children("p", facts)
    assert (first.name, second.name) == ("n_0000:0a:00.0", "n_0000:0b:00.0")
    assert second.inventories["CUSTOM_PCI_8086_10ED"].total == 1
    assert first.id == offer.children("p", facts)[0].id != offer.children("q", facts)[0].id
