"""What images and flavors ask of libvirt, as it stands in the domain."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Image
from stratolith.core.drivers.network import Vif
from stratolith.core.errors import BadConfiguration, NoSpace, NotSupported
from stratolith.hypervisors.libvirt.ability import Abilities
from stratolith.hypervisors.libvirt.adapting import adapted
from stratolith.hypervisors.libvirt.attachment import fit_interface
from stratolith.hypervisors.libvirt.cpus import Dedicated, is_dedicated, parse_cpus
from stratolith.hypervisors.libvirt.device import interface
from stratolith.hypervisors.libvirt.disks import GuestFolder
from stratolith.hypervisors.libvirt.domain import NAMESPACE, domain_xml
from stratolith.hypervisors.libvirt.host import Host, dedicated_cpus, shared_cpus
from stratolith.hypervisors.libvirt.options import LibvirtOptions
from stratolith.hypervisors.libvirt.paging import backing, free_pages, kib
from stratolith.hypervisors.libvirt.processor import cells, layout
from stratolith.hypervisors.libvirt.tuning import tie
from stratolith.hypervisors.libvirt.wish import Wishes, number, truth
from stratolith.plugins.placement.standard import TRAITS

GUEST = "11111111-2222-4333-8444-555555555555"
OTHER = "21111111-2222-4333-8444-555555555555"
ABILITIES = """<domainCapabilities><os><enum name='firmware'><value>efi</value></enum><loader><enum name='secure'>
<value>yes</value><value>no</value></enum></loader></os><cpu><mode name='custom'><model usable='no'>Best</model>
<model usable='yes'>Good</model></mode></cpu><devices><disk><enum name='bus'><value>virtio</value><value>sata</value>
</enum></disk><video><enum name='modelType'><value>vga</value><value>none</value></enum></video><tpm>
<enum name='model'><value>tpm-tis</value><value>tpm-crb</value></enum><enum name='backendModel'><value>emulator</value>
</enum><enum name='backendVersion'><value>2.0</value></enum></tpm></devices></domainCapabilities>"""
KNOWN = Host(lambda machine: Abilities(ABILITIES))
Words = dict[str, str]


def spec(properties: Words | None = None, specs: Words | None = None, vcpus: int = 1, memory_mib: int = 64,
         vifs: tuple[Vif, ...] = (), **changes: object) -> GuestSpec:
    image = Image("i", "raw", 512, 512, "", "", lambda: iter(()), properties or {})
    values: dict[str, object] = {"disks": [Disk("vda", 1, image=image)], "extra_specs": specs or {}, **changes}
    return GuestSpec(GUEST, "guest", vcpus, memory_mib, vifs=vifs, **values)  # type: ignore[arg-type]


def described(wanted: GuestSpec, host: Host | None = None, **options: object) -> ET.Element:
    folder = GuestFolder(Path("/guests"), GUEST)
    return ET.fromstring(domain_xml(wanted, folder, LibvirtOptions(**options), host))  # type: ignore[arg-type]


def asked(properties: Words | None = None, specs: Words | None = None, vcpus: int = 1, **more: object) -> ET.Element:
    return described(spec(properties, specs, vcpus, **more))  # type: ignore[arg-type]


def attributes(root: ET.Element, path: str) -> dict[str, str]:
    found = root.find(path)
    assert found is not None, path
    return dict(found.attrib)


# words


@pytest.mark.parametrize(("text", "meaning"), [("", False), ("Yes", True), ("t", True), ("0", False), ("off", False)])
def test_truths(text: str, meaning: bool) -> None:
    assert truth("x", text) is meaning


def test_strange_words_are_refused() -> None:
    for text in ("maybe", "2"):
        with pytest.raises(NotSupported):
            truth("x", text)
    for text in ("x", "1.5", "-1", "9" * 30):
        with pytest.raises(NotSupported):
            number("x", text)
    assert number("x", "") == 0 and number("x", "-1", -1) == -1


def test_image_and_flavor_must_agree_where_neither_wins() -> None:
    assert Wishes({"hw_tpm_model": "a"}, {"hw:tpm_model": "a"}).agreed("tpm_model") == "a"
    with pytest.raises(NotSupported, match="contradicts"):
        Wishes({"hw_tpm_model": "a"}, {"hw:tpm_model": "b"}).agreed("tpm_model")


def test_rescue_disk_is_on_the_bus_of_its_own_image() -> None:
    for properties, bus in (({}, "virtio"), ({"hw_disk_bus": "sata"}, "sata"),
                            ({"hw_disk_bus": "sata", "hw_rescue_bus": "usb"}, "usb")):
        rescue = Image("r", "raw", 512, 512, "", "", lambda: iter(()), properties)
        disks = [Disk("vda", 1, image=rescue, kind="rescue"), Disk("vdb", 1)]
        root = described(spec(disks=disks))
        assert [one.get("bus") for one in root.iterfind("devices/disk/target")] == [bus, "virtio"]


def test_rescue_image_has_no_say_in_the_machine() -> None:
    rescue = Image("r", "raw", 512, 512, "", "", lambda: iter(()), {"hw_machine_type": "isapc"})
    wanted = spec({"hw_machine_type": "q35"})
    disks = [Disk("vdb", 1, image=rescue, kind="rescue"), *wanted.disks]
    root = described(spec(disks=disks))
    assert attributes(root, "os/type")["machine"] == "q35"


def test_what_lasts_is_kept_in_the_metadata() -> None:
    root = asked({"hw_disk_bus": "sata", "hw_rng_model": "virtio", "os_require_quiesce": "yes"},
                 {"quota:vif_inbound_average": "7", "hw:cpu_sockets": "1"})
    element = root.find(f"./metadata/{{{NAMESPACE}}}guest")
    assert element is not None
    kept = Wishes.kept(ET.tostring(element, encoding="unicode"))
    assert kept.properties == {"hw_disk_bus": "sata", "os_require_quiesce": "yes"}
    assert kept.specs == {"quota:vif_inbound_average": "7"}


# firmware


def test_bios_unless_asked() -> None:
    root = asked()
    assert root.find("os").get("firmware") is None and root.find("os/nvram") is None  # type: ignore[union-attr]


def test_uefi_keeps_its_variables_with_the_guest() -> None:
    root = described(spec({"hw_firmware_type": "uefi"}), KNOWN)
    assert root.findtext("os/nvram") == f"/guests/{GUEST}/nvram.fd"
    assert root.find("features/smm") is None
    assert attributes(root, "os/firmware/feature[@name='secure-boot']")["enabled"] == "no"


@pytest.mark.parametrize(("properties", "specs"), [
    ({"os_secure_boot": "required"}, {}), ({}, {"os:secure_boot": "required"}),
    ({"os_secure_boot": "optional", "hw_machine_type": "q35"}, {})])
def test_secure_boot_takes_the_machine_it_needs(properties: Words, specs: Words) -> None:
    root = described(spec({"hw_firmware_type": "uefi", **properties}, specs), KNOWN)
    assert attributes(root, "os/type")["machine"] == "q35"
    assert [one.get("enabled") for one in root.iterfind("os/firmware/feature")] == ["yes", "yes"]
    assert attributes(root, "features/smm") == {"state": "on"}
    assert len(root.findall("devices/controller[@model='pcie-root-port']")) > 8


def test_optional_secure_boot_yields_to_the_machine() -> None:
    root = described(spec({"hw_firmware_type": "uefi", "os_secure_boot": "optional"}), KNOWN)
    assert [one.get("enabled") for one in root.iterfind("os/firmware/feature")] == ["no", "no"]


@pytest.mark.parametrize("properties", [
    {"os_secure_boot": "required"}, {"hw_firmware_type": "coreboot"},
    {"hw_firmware_type": "uefi", "os_secure_boot": "required", "hw_machine_type": "pc"},
    {"hw_firmware_type": "uefi", "os_secure_boot": "perhaps"}])
def test_firmware_that_cannot_be(properties: Words) -> None:
    with pytest.raises(NotSupported):
        described(spec(properties), KNOWN)


def test_firmware_the_host_has_not() -> None:
    for properties in ({"hw_firmware_type": "uefi"}, {"hw_tpm_version": "2.0"}):
        with pytest.raises(NotSupported, match="this host has no"):
            described(spec(properties), Host(lambda machine: Abilities("<domainCapabilities/>")))


def test_menu_and_counters_and_hiding() -> None:
    root = described(spec({}, {"hw:boot_menu": "true", "hw:pmu": "false", "hw:hide_hypervisor_id": "true"}),
                     virt_type="kvm")
    assert attributes(root, "os/bootmenu") == {"enable": "yes"} and attributes(root, "features/pmu") == {"state": "off"}
    assert attributes(root, "features/kvm/hidden") == {"state": "on"}


def test_traits() -> None:
    found = {one for one in Abilities(ABILITIES).traits() if not one.startswith("COMPUTE_NET_VIF_MODEL_")}
    assert set(Abilities(ABILITIES).traits()) <= set(TRAITS)
    assert found == {
        "COMPUTE_FIRMWARE_BIOS", "COMPUTE_FIRMWARE_UEFI", "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
        "COMPUTE_SECURITY_TPM_2_0", "COMPUTE_SECURITY_TPM_TIS", "COMPUTE_SECURITY_TPM_CRB",
        "COMPUTE_GRAPHICS_MODEL_VGA", "COMPUTE_GRAPHICS_MODEL_NONE", "COMPUTE_STORAGE_BUS_SATA",
        "COMPUTE_STORAGE_BUS_VIRTIO", "COMPUTE_RESCUE_BFV"}


# devices


@pytest.mark.parametrize(("image", "flavor", "action"), [
    ("", "", None), ("reset", "pause", "reset"), ("", "poweroff", "poweroff"), ("disabled", "reset", None),
    ("none", "", "none")])
def test_watchdog_of_the_image_wins(image: str, flavor: str, action: str | None) -> None:
    found = asked({"hw_watchdog_action": image}, {"hw:watchdog_action": flavor}).find("devices/watchdog")
    assert (found.get("action") if found is not None else None) == action


def test_chance_is_bounded_and_forbidden_by_the_flavor() -> None:
    root = asked({}, {"hw_rng:rate_bytes": "2048", "hw_rng:rate_period": "500"})
    assert attributes(root, "devices/rng/rate") == {"bytes": "2048", "period": "500"}
    assert asked().find("devices/rng/rate") is None
    assert asked({}, {"hw_rng:allowed": "False"}).find("devices/rng") is None


def test_screen() -> None:
    root = asked({"hw_video_model": "qxl", "hw_video_ram": "16"}, {"hw_video:ram_max_mb": "32"})
    assert attributes(root, "devices/video/model") == {"type": "qxl", "vram": "16384"}
    assert attributes(described(spec(), vnc=False), "devices/video/model") == {"type": "none"}


def test_pointer() -> None:
    assert attributes(asked({"hw_pointer_model": "usbtablet"}), "devices/input") == {"type": "tablet", "bus": "usb"}
    buses = [(one.get("type"), one.get("bus")) for one in asked({"hw_input_bus": "virtio"}).iterfind("devices/input")]
    assert buses == [("tablet", "virtio"), ("keyboard", "virtio")]
    assert asked().find("devices/input") is None


def test_buses() -> None:
    root = asked({"hw_disk_bus": "scsi", "hw_cdrom_bus": "sata", "hw_scsi_model": "lsilogic"}, config_drive={})
    assert attributes(root, "devices/disk[@device='disk']/target") == {"dev": "vda", "bus": "scsi"}
    assert attributes(root, "devices/disk[@device='cdrom']/target")["bus"] == "sata"
    assert attributes(root, "devices/controller[@type='scsi']")["model"] == "lsilogic"
    assert asked({}, config_drive={}).find("devices/disk[@device='cdrom']/target[@bus='ide']") is not None


def test_interfaces() -> None:
    bridge = Vif("p", "bridge", "fa:16:3e:00:00:01", "tap1", "br1")
    root = asked({"hw_vif_model": "e1000", "hw_vif_multiqueue_enabled": "yes"}, {}, 4, vifs=(bridge,))
    assert attributes(root, "devices/interface/model") == {"type": "e1000"}
    assert root.find("devices/interface/driver") is None, "only virtio has several queues"
    root = asked({}, {"hw:vif_multiqueue_enabled": "true"}, 4, vifs=(bridge,))
    assert attributes(root, "devices/interface/driver") == {"queues": "4"}
    with pytest.raises(NotSupported, match="one queue"):
        asked({"hw_vif_multiqueue_enabled": "yes"}, {}, 4, vifs=(Vif("p", "tap", "fa:16:3e:00:00:01", "tap1"),))


def test_tpm() -> None:
    root = described(spec({"hw_tpm_model": "tpm-crb"}, {"hw:tpm_version": "2.0"}), KNOWN)
    assert attributes(root, "devices/tpm") == {"model": "tpm-crb"}
    assert attributes(root, "devices/tpm/backend") == {"type": "emulator", "version": "2.0"}


@pytest.mark.parametrize(("properties", "specs"), [
    ({"hw_watchdog_action": "bark"}, {}), ({"hw_rng_model": "dice"}, {}), ({"hw_video_model": "xen"}, {}),
    ({"hw_video_ram": "16"}, {}), ({"hw_video_ram": "64"}, {"hw_video:ram_max_mb": "32"}),
    ({"hw_pointer_model": "trackball"}, {}), ({"hw_disk_bus": "scsi"}, {}), ({"hw_disk_bus": "xen"}, {}),
    ({"hw_cdrom_bus": "virtio"}, {}), ({"hw_scsi_model": "best"}, {}), ({"hw_vif_model": "sriov"}, {}),
    ({"hw_tpm_version": "1.2"}, {}), ({"hw_tpm_version": "3"}, {}), ({"hw_tpm_model": "tpm-tis"}, {}),
    ({"hw_tpm_version": "1.2", "hw_tpm_model": "tpm-crb"}, {}), ({}, {"hw:cpu_policy": "mixed", "hw:pmu": "eh"}),
    ({"hw_architecture": "aarch64"}, {}), ({"hw_mem_encryption": "true"}, {}), ({}, {"hw:mem_encryption": "true"}),
    ({}, {"hw:cpu_realtime": "yes"}), ({}, {"hw:cpu_thread_policy": "isolate"}), ({}, {"hw:pmem": "6GB"}),
    ({}, {"pci_passthrough:alias": "gpu:1"}), ({}, {"hw:viommu_model": "virtio"}),
    ({"hw_firmware_stateless": "true"}, {}), ({}, {"accel:device_profile": "fpga"}),
    ({}, {"hw:serial_port_count": "2"}), ({}, {"hw:emulator_threads_policy": "isolate"}),
])
def test_what_cannot_be_kept_is_refused(properties: Words, specs: Words) -> None:
    with pytest.raises(NotSupported):
        described(spec(properties, specs, vifs=(Vif("p", "none", "fa:16:3e:00:00:01"),), config_drive={}), KNOWN)


# processors


@pytest.mark.parametrize(("image", "flavor", "expected"), [
    ({}, {}, None),
    ({}, {"hw:cpu_sockets": "2"}, (2, 4, 1)),
    ({"hw_cpu_cores": "4"}, {"hw:cpu_sockets": "8"}, (2, 4, 1)),
    ({"hw_cpu_threads": "2"}, {}, (4, 1, 2)),
    ({}, {"hw:cpu_max_sockets": "1"}, (1, 8, 1)),
    ({"hw_cpu_max_sockets": "2"}, {"hw:cpu_max_sockets": "4"}, (2, 4, 1)),
    ({}, {"hw:cpu_max_sockets": "2", "hw:cpu_max_cores": "2", "hw:cpu_max_threads": "2"}, (2, 2, 2)),
])
def test_layouts_of_eight(image: Words, flavor: Words, expected: object) -> None:
    assert layout(8, Wishes(image, flavor)) == expected


@pytest.mark.parametrize(("image", "flavor"), [
    ({"hw_cpu_max_sockets": "8"}, {"hw:cpu_max_sockets": "4"}), ({"hw_cpu_sockets": "8"}, {"hw:cpu_max_sockets": "4"}),
    ({}, {"hw:cpu_max_sockets": "1", "hw:cpu_max_cores": "2"}), ({"hw_cpu_sockets": "many"}, {})])
def test_layouts_that_cannot_be(image: Words, flavor: Words) -> None:
    with pytest.raises(NotSupported):
        layout(8, Wishes(image, flavor))


def test_cells_are_even_unless_told() -> None:
    root = asked({}, {"hw:numa_nodes": "2"}, 2)
    assert [dict(one.attrib) for one in root.iterfind("cpu/numa/cell")] == [
        {"id": "0", "cpus": "0", "memory": "32", "unit": "MiB"},
        {"id": "1", "cpus": "1", "memory": "32", "unit": "MiB"}]
    told = {"hw:numa_nodes": "2", "hw:numa_cpus.0": "0-2", "hw:numa_cpus.1": "3", "hw:numa_mem.0": "48",
            "hw:numa_mem.1": "16"}
    assert list(cells(4, 64, Wishes({}, told))) == [([0, 1, 2], 48), ([3], 16)]


@pytest.mark.parametrize("told", [
    {"hw:numa_nodes": "3"}, {"hw:numa_nodes": "2", "hw:numa_cpus.0": "0"},
    {"hw:numa_nodes": "1", "hw:numa_cpus.0": "0-1", "hw:numa_mem.0": "64"},
    {"hw:numa_nodes": "1", "hw:numa_cpus.0": "0-3", "hw:numa_mem.0": "63"}])
def test_cells_that_cannot_be(told: Words) -> None:
    with pytest.raises(NotSupported):
        cells(4, 64, Wishes({}, told))


def test_model_is_the_first_that_the_host_can_give() -> None:
    root = described(spec(), KNOWN, cpu_mode="custom", cpu_models="Best, Good")
    assert root.findtext("cpu/model") == "Good" and attributes(root, "cpu")["match"] == "exact"
    assert described(spec(), cpu_mode="none").find("cpu") is None
    with pytest.raises(NotSupported):
        described(spec(), KNOWN, cpu_mode="custom", cpu_models="Best")
    with pytest.raises(BadConfiguration):
        described(spec(), KNOWN, cpu_mode="custom")


def test_lists_of_processors() -> None:
    assert parse_cpus("0-3,^1, 8") == {0, 2, 3, 8} and parse_cpus("") == frozenset()
    for text in ("a", "1-", "99999"):
        with pytest.raises(NotSupported):
            parse_cpus(text)


def test_policy() -> None:
    assert is_dedicated(Wishes({"hw_cpu_policy": "shared"}, {"hw:cpu_policy": "dedicated"}))
    assert is_dedicated(Wishes({"hw_cpu_policy": "dedicated"}, {})) and not is_dedicated(Wishes({}, {}))
    for image, flavor in (("dedicated", "shared"), ("mixed", "")):
        with pytest.raises(NotSupported):
            is_dedicated(Wishes({"hw_cpu_policy": image}, {"hw:cpu_policy": flavor}))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[GuestFolder, GuestFolder]:
    pair = GuestFolder(tmp_path, GUEST), GuestFolder(tmp_path, OTHER)
    for one in pair:
        one.make()
    return pair


def test_dedicated_processors_outlive_the_process(tmp_path: Path, folders: tuple[GuestFolder, GuestFolder]) -> None:
    first, second = folders
    assert Dedicated(tmp_path, {2, 3, 4}).take(first, 2) == (2, 3)
    again = Dedicated(tmp_path, {2, 3, 4})
    assert again.take(first, 2) == (2, 3) and again.take(second, 1) == (4,)
    second.remove()
    with pytest.raises(NoSpace):
        again.take(second, 2)
    with pytest.raises(NotSupported):
        Dedicated(tmp_path, ()).take(first, 1)


def test_dedicated_processors_are_only_looked_for_without_a_folder(tmp_path: Path) -> None:
    folder = GuestFolder(tmp_path, GUEST)
    assert Dedicated(tmp_path, {1}).take(folder, 1) == (1,) and not folder.path.exists()


@pytest.mark.parametrize(("back", "left"), [(True, [0, 1]), (False, [0])])
def test_resize_keeps_the_way_back(tmp_path: Path, folders: tuple[GuestFolder, GuestFolder], back: bool,
                                   left: list[int]) -> None:
    first, second = folders
    some = Dedicated(tmp_path, range(4))
    some.take(first, 2)
    first.keep_before("<domain/>")
    assert some.take(first, 1) == (0,)
    with pytest.raises(NoSpace):
        some.take(second, 3)
    some.settle(first, back)
    assert json.loads(first.pins.read_text()) == {"now": left, "before": []}


@pytest.mark.parametrize("back", [True, False])
def test_resize_to_shared_ones(tmp_path: Path, folders: tuple[GuestFolder, GuestFolder], back: bool) -> None:
    first, second = folders
    some = Dedicated(tmp_path, {0, 1})
    some.take(first, 2)
    first.keep_before("<domain/>")
    some.release(first)
    some.release(first)
    with pytest.raises(NoSpace):
        some.take(second, 1)
    some.settle(first, back)
    assert first.pins.exists() is back


def test_ties() -> None:
    root = described(spec(vcpus=2), Host(pins=(2, 5)), virt_type="kvm")
    assert [dict(one.attrib) for one in root.iterfind("cputune/vcpupin")] == [
        {"vcpu": "0", "cpuset": "2"}, {"vcpu": "1", "cpuset": "5"}]
    assert attributes(root, "cputune/emulatorpin") == {"cpuset": "2,5"}
    tie(root, (), (0, 1))
    assert root.find("cputune") is None and attributes(root, "vcpu") == {"cpuset": "0,1"}
    root = described(spec(vcpus=2), Host(pins=(2, 5)))
    assert root.find("cputune") is None and attributes(root, "vcpu") == {"cpuset": "2,5"}


def test_others_share_what_is_not_dedicated() -> None:
    assert shared_cpus(LibvirtOptions(cpu_dedicated_set="1-2"), 4) == {0, 3}
    assert shared_cpus(LibvirtOptions(cpu_dedicated_set="1-2", cpu_shared_set="3"), 4) == {3}
    assert shared_cpus(LibvirtOptions(), 4) == frozenset()
    with pytest.raises(NotSupported):
        shared_cpus(LibvirtOptions(cpu_dedicated_set="0-3"), 4)


@pytest.mark.parametrize("options", [
    {"cpu_dedicated_set": "2-4"}, {"cpu_shared_set": "9"}, {"cpu_dedicated_set": "x"},
    {"cpu_dedicated_set": "1", "cpu_shared_set": "0-1"}])
def test_sets_of_processors_that_cannot_be(options: Words) -> None:
    with pytest.raises(BadConfiguration):
        dedicated_cpus(LibvirtOptions(**options), 4)  # type: ignore[arg-type]


def test_description_for_the_target_of_a_live_migration() -> None:
    root = described(spec({"hw_firmware_type": "uefi"}), Host(pins=(2,)), virt_type="kvm")
    offer = {"folder": f"/elsewhere/{GUEST}", "pins": "7", "shared": ""}
    found = adapted(root, GuestFolder(Path("/guests"), GUEST), spec(), offer)
    assert found.findtext("os/nvram") == f"/elsewhere/{GUEST}/nvram.fd"
    assert attributes(found, "cputune/vcpupin") == {"vcpu": "0", "cpuset": "7"}


# memory


@pytest.mark.parametrize(("text", "size_kib"), [("2048", 2048), ("2M", 2048), ("2MB", 2048), ("1GiB", 1 << 20),
                                                ("4kB", 4), ("16Mbit", 2048)])
def test_page_sizes(text: str, size_kib: int) -> None:
    assert kib(text) == size_kib


@pytest.mark.parametrize(("flavor", "image", "free", "size"), [
    ("", "", {}, None), ("small", "", {}, None), ("any", "", {2048: 10}, None), ("any", "", {2048: 32}, "2048"),
    ("large", "", {2048: 31, 65536: 1}, "65536"), ("2M", "", {2048: 32}, "2048"), ("4K", "", {}, None),
    ("any", "2M", {2048: 32}, "2048"), ("any", "small", {2048: 32}, None)])
def test_pages(flavor: str, image: str, free: dict[int, int], size: str | None) -> None:
    found = backing(64, Wishes({"hw_mem_page_size": image}, {"hw:mem_page_size": flavor}), free)
    assert (found.find("hugepages/page").get("size") if found is not None else None) == size  # type: ignore[union-attr]


@pytest.mark.parametrize(("flavor", "image", "free", "error"), [
    ("large", "", {2048: 31}, NoSpace), ("2M", "", {2048: 1}, NoSpace), ("16M", "", {2048: 99}, NotSupported),
    ("1G", "", {1 << 20: 9}, NotSupported), ("", "2M", {2048: 99}, NotSupported), ("2M", "any", {}, NotSupported),
    ("huge", "", {}, NotSupported), ("large", "4K", {2048: 99}, NotSupported), ("large", "small", {}, NotSupported)])
def test_pages_the_host_has_not(flavor: str, image: str, free: dict[int, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        backing(64, Wishes({"hw_mem_page_size": image}, {"hw:mem_page_size": flavor}), free)


def test_free_pages_of_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "hugepages-2048kB").mkdir()
    (tmp_path / "hugepages-2048kB" / "free_hugepages").write_text("7\n")
    assert free_pages(tmp_path) == {2048: 7} and free_pages(tmp_path / "none") == {}


# quotas


def test_quotas_of_processors_disks_and_interfaces() -> None:
    specs = {"quota:cpu_shares": "2048", "quota:cpu_period": "20000", "quota:cpu_quota": "-1",
             "quota:disk_read_bytes_sec": "100", "quota:disk_write_iops_sec": "5", "quota:vif_inbound_average": "8",
             "quota:vif_inbound_burst": "16", "quota:vif_outbound_average": "4"}
    bridge = Vif("p", "bridge", "fa:16:3e:00:00:01", "tap1", "br1")
    root = asked({}, specs, vifs=(bridge, Vif("q", "none", "fa:16:3e:00:00:02")))
    assert {one.tag: one.text for one in root.find("cputune") or ()} == {
        "shares": "2048", "period": "20000", "quota": "-1"}
    assert {one.tag: one.text for one in root.find("devices/disk/iotune") or ()} == {
        "read_bytes_sec": "100", "write_iops_sec": "5"}
    assert attributes(root, "devices/interface/bandwidth/inbound") == {"average": "8", "burst": "16"}
    assert attributes(root, "devices/interface/bandwidth/outbound") == {"average": "4"}
    assert len(root.findall("devices/interface/bandwidth")) == 1


@pytest.mark.parametrize("specs", [
    {"quota:disk_total_bytes_sec": "9", "quota:disk_read_bytes_sec": "1"}, {"quota:cpu_shares": "-1"},
    {"quota:vif_inbound_peak": "9"}])
def test_quotas_that_cannot_be(specs: Words) -> None:
    with pytest.raises(NotSupported):
        asked({}, specs, vifs=(Vif("p", "bridge", "fa:16:3e:00:00:01", "tap1", "br1"),))


def test_hot_plugged_interface_is_like_the_others() -> None:
    wishes = Wishes({"hw_vif_model": "pcnet"}, {"quota:vif_outbound_average": "4"})
    element = fit_interface(interface(Vif("p", "bridge", "fa:16:3e:00:00:01", "tap1", "br1")), wishes, 2)
    assert attributes(element, "model") == {"type": "pcnet"}
    assert attributes(element, "bandwidth/outbound") == {"average": "4"}
