"""What images, flavors and administrators wish for, as placement is asked for it."""

import pytest
from stratolith.core.context import service_context
from stratolith.core.drivers.ability import FAMILIES, UNTOLD, image_type, mark, untold
from stratolith.core.errors import BadRequest, NoValidHost
from stratolith.core.services.scheduler import Aggregate
from stratolith.plugins.placement.standard import TRAITS
from stratolith.plugins.scheduler.asking import asked
from stratolith.plugins.scheduler.options import Options
from stratolith.plugins.scheduler.view import View
from stratolith.plugins.scheduler.wishes import MODELS, SWITCHES, WORDS

from .conftest import World

CONTEXT = service_context("req-test")


def wanted(options=None, hosts=(), **more):
    return asked(World().request(**more), Options(**(options or {})), View(list(hosts)), 0).request


def in_aggregates(*metadata):
    """A host in an aggregate for each of ``metadata``."""
    world = World()
    host = world.hosts[0]
    host.aggregates = [Aggregate(id=n, uuid=f"agg-{n}", name=f"a{n}", metadata=one) for n, one in enumerate(metadata)]
    return [host]


@pytest.mark.parametrize(("image", "specs", "traits"), [
    ({"hw_disk_bus": "scsi"}, {}, ["COMPUTE_STORAGE_BUS_SCSI"]),
    ({"hw_cdrom_bus": "ide", "hw_disk_bus": "virtio"}, {}, ["COMPUTE_STORAGE_BUS_IDE", "COMPUTE_STORAGE_BUS_VIRTIO"]),
    ({"hw_vif_model": "spapr-vlan"}, {}, ["COMPUTE_NET_VIF_MODEL_SPAPR_VLAN"]),
    ({"hw_video_model": "qxl"}, {}, ["COMPUTE_GRAPHICS_MODEL_QXL"]),
    ({"hw_firmware_type": "uefi", "os_secure_boot": "required"}, {},
     ["COMPUTE_FIRMWARE_UEFI", "COMPUTE_SECURITY_UEFI_SECURE_BOOT"]),
    ({"os_secure_boot": "optional"}, {"os:secure_boot": "required"}, []),
    ({}, {"os:secure_boot": "required"}, ["COMPUTE_SECURITY_UEFI_SECURE_BOOT"]),
    ({}, {"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"},
     ["COMPUTE_SECURITY_TPM_CRB", "COMPUTE_SECURITY_TPM_2_0"]),
    ({"hw_tpm_version": "1.2"}, {"hw:tpm_version": "2.0"}, ["COMPUTE_SECURITY_TPM_1_2"]),
    ({"hw_virtio_packed_ring": "yes"}, {}, ["COMPUTE_NET_VIRTIO_PACKED"]),
    ({"hw_virtio_packed_ring": "false"}, {}, []),
    ({}, {"hw:maxphysaddr_mode": "emulate"}, ["COMPUTE_ADDRESS_SPACE_EMULATED"]),
    ({"hw_sound_model": "ich9", "hw_usb_model": "qemu-xhci", "hw_viommu_model": "intel"}, {},
     ["COMPUTE_SOUND_MODEL_ICH9", "COMPUTE_USB_MODEL_QEMU_XHCI", "COMPUTE_VIOMMU_MODEL_INTEL"]),
    ({"os_type": "linux", "hw_disk_bus": ""}, {"hw:cpu_policy": "shared"}, [])])
def test_wishes_become_traits(image, specs, traits):
    found = wanted(image_properties=image, extra_specs=specs)
    assert [one[0] for one in found.any_of] == traits
    assert all(one[1:] == [mark(one[0])] for one in found.any_of)
    assert wanted({"image_metadata_prefilter": False}, image_properties=image, extra_specs=specs).any_of == []


def test_all_traits_that_are_asked_for_are_known_to_placement():
    known = set(TRAITS)
    assert {*SWITCHES.values(), *WORDS.values()} <= known
    assert all(any(trait.startswith(beginning) for trait in known) for beginning in MODELS.values())


def test_image_formats():
    assert wanted(image_format="qcow2").any_of == [["COMPUTE_IMAGE_TYPE_QCOW2"]]
    assert wanted(image_format="").any_of == wanted(image_format="luks").any_of == []
    assert wanted({"query_placement_for_image_type_support": False}, image_format="qcow2").any_of == []
    assert image_type("raw") in set(TRAITS)


def test_a_driver_is_taken_at_its_word_family_by_family():
    assert untold([]) == [UNTOLD + name for name in FAMILIES]
    assert untold(["COMPUTE_STORAGE_BUS_IDE", "COMPUTE_FIRMWARE_BIOS"]) == [
        f"{UNTOLD}GRAPHICS_MODEL", f"{UNTOLD}NET_MODEL"]
    assert mark("COMPUTE_SECURITY_TPM_2_0") == f"{UNTOLD}MACHINE"
    assert mark("HW_CPU_X86_AVX") == ""


def test_accelerators_and_encrypted_memory_are_not_to_be_had():
    with pytest.raises(BadRequest, match="no accelerators here"):
        wanted(extra_specs={"accel:device_profile": "gpu"})
    assert wanted(extra_specs={"hw:mem_encryption": "true"}).resources["MEM_ENCRYPTION_CONTEXT"] == 1
    assert "MEM_ENCRYPTION_CONTEXT" not in wanted(image_properties={"hw_mem_encryption": "false"}).resources


def test_disabled_hosts_are_not_asked_for_unless_one_is_forced():
    world = World()
    assert wanted(hosts=world.hosts).forbidden == []
    world.hosts[3].enabled = False
    assert wanted(hosts=world.hosts).forbidden == ["COMPUTE_STATUS_DISABLED"]
    assert wanted(hosts=world.hosts, forced_host="h3").forbidden == []


def test_projects_have_their_aggregates():
    hosts = in_aggregates({"filter_tenant_id": "p"}, {"filter_tenant_id2": "other, p"}, {"filter_tenant_id": "other"})
    keep = {"limit_tenants_to_placement_aggregate": True}
    assert wanted(hosts=hosts).member_of == []
    assert wanted(keep, hosts).member_of == [["agg-0", "agg-1"]]
    assert wanted(keep, hosts, project_id="stranger").member_of == []
    with pytest.raises(NoValidHost) as caught:
        wanted({**keep, "placement_aggregate_required_for_tenants": True}, hosts, project_id="stranger")
    assert caught.value.facts["explanation"] == ["placement: no aggregate is kept for the project"]


def test_zones_by_aggregates():
    hosts, ask = in_aggregates({"availability_zone": "z"}, {"availability_zone": "y"}), {
        "query_placement_for_availability_zone": True}
    assert wanted(ask, hosts, zone="z").member_of == [["agg-0"]]
    assert wanted(ask, hosts, zone="nova").member_of == wanted(hosts=hosts, zone="z").member_of == []


def test_isolated_aggregates():
    hosts = in_aggregates({"trait:CUSTOM_LICENSED": "required", "trait:HW_CPU_X86_AVX": "required"},
                          {"trait:CUSTOM_LICENSED": "forbidden"})
    isolate = {"enable_isolated_aggregate_filtering": True}
    licensed = {"trait:CUSTOM_LICENSED": "required"}
    assert wanted(hosts=hosts).forbidden_aggregates == []
    assert wanted(isolate, hosts).forbidden_aggregates == ["agg-0"]
    assert wanted(isolate, hosts, extra_specs=licensed).forbidden_aggregates == ["agg-0"]
    both = {**licensed, "trait:HW_CPU_X86_AVX": "required"}
    assert wanted(isolate, hosts, extra_specs=licensed, image_properties=both).forbidden_aggregates == []


def test_groups_go_to_placement():
    found = wanted(extra_specs={
        "resources1:VCPU": "2", "resources_NIC:CUSTOM_VF": "1", "trait_NIC:CUSTOM_FAST": "required",
        "trait_NIC:CUSTOM_SLOW": "forbidden", "trait_NUMA:HW_NUMA_ROOT": "required", "in_tree_NIC": "provider",
        "group_policy": "isolate", "same_subtree": "_NIC,_NUMA", "in_tree": "tree", "resourcesX:VCPU": "1"})
    assert set(found.groups) == {"1", "_NIC", "_NUMA"}
    assert found.groups["1"].resources == {"VCPU": 2}
    nic = found.groups["_NIC"]
    assert (nic.resources, nic.required, nic.forbidden, nic.in_tree) == (
        {"CUSTOM_VF": 1}, ["CUSTOM_FAST"], ["CUSTOM_SLOW"], "provider")
    assert (found.isolate, found.subtrees, found.in_tree) == (True, [["_NIC", "_NUMA"]], "tree")


@pytest.mark.parametrize("specs", [
    {"resources1:VCPU": "many"}, {"trait1:HW_NUMA_ROOT": "perhaps"}, {"group_policy": "some"},
    {"resources1:VCPU": "1", "resources2:VCPU": "1"}, {"same_subtree": "_A"}])
def test_groups_that_cannot_be_understood(specs):
    with pytest.raises(BadRequest):
        wanted(extra_specs=specs)


def test_what_is_missing_is_called_by_its_name():
    world = World()
    world.placement.candidates = lambda context, request: (
        [] if request.any_of or request.groups else [object()])
    def misses(**more):
        return [line for line in world.scheduler.explain(CONTEXT, world.request(**more)) if "miss" in line]
    assert misses(image_properties={"hw_disk_bus": "fdc"}) == [
        "nearest miss: only a host with hw_disk_bus=fdc (COMPUTE_STORAGE_BUS_FDC) is not to be had"]
    assert misses(image_format="iso") == [
        "nearest miss: only a host that boots images of the format iso is not to be had"]
    assert misses(extra_specs={"resources1:CUSTOM_GPU": "2", "trait1:CUSTOM_BIG": "required"}) == [
        "nearest miss: only group 1: CUSTOM_GPU=2, trait CUSTOM_BIG is not to be had"]


def test_exclusive_servers_claim_their_host_alone():
    world = World()
    world.placement.used = ["p0", "p1"]
    assert world.scheduler.select(CONTEXT, world.request(exclusive=True)).host == "h2"
    assert world.placement.sole == {"s": "p2"}
    world.placement.held = ["p0"]
    assert world.scheduler.select(CONTEXT, world.request(server_id="t")).host == "h1"
    assert world.placement.sole["t"] == ""


def test_hosts_of_exclusive_aggregates_are_claimed_alone():
    world = World()
    world.hosts[0].aggregates = [Aggregate(id=1, uuid="a", name="a", metadata={"exclusive": "True"})]
    assert world.scheduler.select(CONTEXT, world.request()).host == "h0"
    assert world.placement.sole == {"s": "p0"}
    world.placement.used = ["p0"]
    assert world.scheduler.select(CONTEXT, world.request(server_id="t", project_id="q")).host == "h1"
