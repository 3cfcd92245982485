"""How containers are described, and what their disks are made of, without libvirt."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Image
from stratolith.core.drivers.network import Vif
from stratolith.core.drivers.volume import Connection, Encryption
from stratolith.core.errors import BackendFailed, NotSupported
from stratolith.hypervisors.libvirt.capability import Kind, kinds
from stratolith.hypervisors.libvirt.containers.domain import command, container_xml, find_interface
from stratolith.hypervisors.libvirt.containers.file_system import FileSystems
from stratolith.hypervisors.libvirt.containers.folder import ContainerFolder, write_files
from stratolith.hypervisors.libvirt.containers.inside import first_processes, is_from, root_of
from stratolith.hypervisors.libvirt.containers.volume_device import devices_of
from stratolith.hypervisors.libvirt.device import find_volume, volume_disk
from stratolith.hypervisors.libvirt.encryption import lock
from stratolith.hypervisors.libvirt.limited import Limits
from stratolith.hypervisors.libvirt.options import LibvirtOptions
from stratolith.hypervisors.libvirt.plain_wish import refuse_all
from stratolith.hypervisors.libvirt.wish import Wishes

GUEST = "11111111-2222-4333-8444-555555555555"
VOLUME = "31111111-2222-4333-8444-555555555555"
CAPABILITIES = """<capabilities><host><cpu><arch>x86_64</arch></cpu></host>
<guest><os_type>hvm</os_type><arch name='i686'><domain type='xen'/></arch></guest>
<guest><os_type>exe</os_type><arch name='x86_64'><domain type='lxc'/></arch></guest>
<guest><os_type>hvm</os_type><arch name='x86_64'><machine>xenfv</machine><domain type='xen'/></arch></guest>
</capabilities>"""


def described(*vifs: Vif, specs: dict[str, str] | None = None, disks: tuple[Disk, ...] = (),
              **properties: str) -> ET.Element:
    image = Image("i", "raw", 512, 512, "", "", lambda: iter(()), properties)
    spec = GuestSpec(GUEST, "guest", 2, 64, [Disk("vda", 1, image=image), *disks], vifs, {"a": b"b"},
                     extra_specs=specs or {})
    return ET.fromstring(container_xml(spec, ContainerFolder(Path("/guests"), GUEST), "x86_64"))


def test_a_container_never_has_the_hosts_network_nor_its_dangerous_rights() -> None:
    root = described()
    assert root.find("features/privnet") is not None and root.get("type") == "lxc"
    for right in ("dac_read_search", "sys_rawio", "syslog"):
        found = root.find(f"features/capabilities/{right}")
        assert found is not None and found.get("state") == "off"


def test_names_of_mounted_files_are_short_enough_for_the_kernel() -> None:
    root = described(disks=(Disk("vdbc", 1, kind="ephemeral"),))
    files = [one.get("file", "") for one in root.iterfind("devices/filesystem[@type='file']/source")]
    assert len(files) == 2 and all(len(file) < 64 for file in files)
    places = [one.get("dir") for one in root.iterfind("devices/filesystem/target")]
    assert places == ["/", "/mnt/vdbc", "/var/lib/cloud/seed/config_drive"]


def test_shares_of_processors_and_memory() -> None:
    tune = described().find("cputune")
    assert tune is not None and (tune.findtext("period"), tune.findtext("quota")) == ("100000", "200000")
    tune = described(specs={"quota:cpu_quota": "5000", "quota:cpu_shares": "7"}).find("cputune")
    assert tune is not None and (tune.findtext("quota"), tune.findtext("shares")) == ("10000", "7")
    tune = described(specs={"quota:cpu_quota": "-1"}).find("cputune")
    assert tune is not None and tune.findtext("quota") == "-1"
    assert described().find("memtune") is None
    swapping = described(disks=(Disk("vdb", 0, kind="swap", size_mib=32),))
    assert swapping.findtext("memtune/swap_hard_limit") == "96"


@pytest.mark.parametrize(("line", "wanted"), [
    ("", ["/sbin/init"]), ("quiet", ["/sbin/init", "quiet"]), ("init=/bin/a b 'c d'", ["/bin/a", "b", "c d"]),
    ("init=/bin/a init=/bin/b", ["/bin/b"])])
def test_what_it_starts(line: str, wanted: list[str]) -> None:
    assert command(Wishes({"os_command_line": line}, {})) == wanted


def test_a_line_with_half_a_quote_is_refused() -> None:
    with pytest.raises(NotSupported):
        command(Wishes({"os_command_line": "init='/bin/a"}, {}))


def test_interfaces_join_bridges_or_nothing() -> None:
    bridge, loose = Vif("p", "bridge", "fa:16:3e:00:00:01", "tap-a", "br"), Vif("q", "none", "fa:16:3e:00:00:02")
    root = described(bridge, loose)
    text = ET.tostring(root, encoding="unicode")
    found = find_interface(text, "FA:16:3E:00:00:01")
    assert found is not None and found.get("type") == "bridge"
    assert find_interface(text, "fa:16:3e:00:00:03") is None
    with pytest.raises(NotSupported):
        described(Vif("r", "tap", "fa:16:3e:00:00:04", "tap-b"))


def test_what_is_asked_of_machines_is_refused() -> None:
    for properties, specs in (({"hw_machine_type": "q35"}, {}), ({"os_secure_boot": "required"}, {}),
                              ({}, {"hw:numa_nodes": "2"}), ({}, {"quota:vif_inbound_average": "1"})):
        with pytest.raises(NotSupported):
            refuse_all(Wishes(properties, specs))
    refuse_all(Wishes({"hw_architecture": "aarch64", "hw_qemu_guest_agent": "no", "os_type": "linux"},
                      {"hw:cpu_policy": "shared", "trait:X": "required"}))


def test_kinds_of_the_hosts_own_processor_come_first() -> None:
    assert [kind for kind in kinds(CAPABILITIES) if kind.os_type == "hvm"] == [
        Kind("hvm", "xen", "x86_64", "xenfv"), Kind("hvm", "xen", "i686")]


def test_a_config_drive_leads_nowhere_else(tmp_path: Path) -> None:
    write_files(tmp_path / "drive", {"openstack/latest/a": b"1", "/b": b"2"})
    assert (tmp_path / "drive" / "openstack" / "latest" / "a").read_bytes() == b"1"
    assert (tmp_path / "drive" / "b").read_bytes() == b"2"
    with pytest.raises(BackendFailed):
        write_files(tmp_path / "evil", {"../../out": b"3"})
    assert not (tmp_path / "evil").exists() and not (tmp_path.parent / "out").exists()


def test_others_cannot_read_what_a_container_has(tmp_path: Path) -> None:
    folder = ContainerFolder(tmp_path, GUEST)
    for _ in range(2):
        folder.make()
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_links_are_made_anew_and_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratolith.hypervisors.libvirt.containers.folder.SHORT", tmp_path / "run")
    folder = ContainerFolder(tmp_path / "guests", GUEST)
    for _ in range(2):
        folder.link()
    assert folder.short(folder.root).parent.resolve() == folder.path
    for _ in range(2):
        folder.unlink()
    assert list((tmp_path / "run").iterdir()) == []


def pretended(proc: Path, number: int, name: str, child: int, root: Path) -> None:
    """A process that says it is the controller of the container ``name``, and its child with that root."""
    (proc / str(number) / "task" / str(number)).mkdir(parents=True)
    words = ["/usr/libexec/libvirt_lxc", "--name", name, ""]
    (proc / str(number) / "cmdline").write_text("\0".join(words))
    (proc / str(number) / "task" / str(number) / "children").write_text(f"{child} ")
    (proc / str(child)).mkdir()
    (proc / str(child) / "root").symlink_to(root)


def test_a_folder_of_the_host_is_never_a_containers_root(tmp_path: Path) -> None:
    name = f"stratolith-{GUEST}"
    pretended(tmp_path / "proc", 10, name, 11, tmp_path)
    pretended(tmp_path / "proc", 20, name, 21, Path("/"))
    pretended(tmp_path / "proc", 30, "another", 31, tmp_path)
    assert sorted(first_processes(name, tmp_path / "proc")) == [11, 21]
    with pytest.raises(BackendFailed):
        root_of(name, tmp_path / "root.raw", tmp_path / "proc")


def test_a_device_is_known_by_the_file_behind_it(tmp_path: Path) -> None:
    disk, other = tmp_path / "root.raw", tmp_path / "other.raw"
    disk.touch()
    other.touch()
    loop = tmp_path / "devices" / "7:3" / "loop"
    loop.mkdir(parents=True)
    (loop / "backing_file").write_text(f"{disk}\n")
    assert is_from(os.makedev(7, 3), disk, tmp_path / "devices")
    assert not is_from(os.makedev(7, 3), other, tmp_path / "devices")
    assert not is_from(os.makedev(7, 4), disk, tmp_path / "devices")


def file_system(path: Path) -> Path:
    subprocess.run(["mke2fs", "-q", "-t", "ext4", str(path), "1M"], check=True, capture_output=True)
    return path


def spoilt(path: Path, offset: int, content: bytes) -> Path:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
    return path


@pytest.mark.parametrize(("offset", "content"), [
    (1024 + 56, b"XX"), (1024 + 208, b"\x07" * 16), (1024 + 228, b"\x07"), (1024 + 4, b"\xff" * 40)])
def test_file_systems_that_are_none_or_damaged_or_look_elsewhere_are_refused(
        tmp_path: Path, offset: int, content: bytes) -> None:
    path = spoilt(file_system(tmp_path / "fs"), offset, content)
    with pytest.raises(BackendFailed):
        FileSystems(Limits(LibvirtOptions())).tame(path, 0)


def test_a_tamed_file_system_is_larger_and_has_no_other_name(tmp_path: Path) -> None:
    path = spoilt(file_system(tmp_path / "fs"), 0, b"hsqs and what else a first block may claim to be")
    FileSystems(Limits(LibvirtOptions())).tame(path, 4 << 20)
    assert path.stat().st_size == 4 << 20 and path.read_bytes()[:1024] == bytes(1024)
    with pytest.raises(BackendFailed):
        FileSystems(Limits(LibvirtOptions())).tame(spoilt(path, 1024 + 56, b"XX"), 0)


def test_a_volume_is_decrypted_by_a_passphrase_that_is_not_in_its_description() -> None:
    connection = Connection("file", {"path": "/v"}, encryption=Encryption("a passphrase"))
    disk = Disk("vdb", 1, connection=connection, volume_id=VOLUME, kind="volume")
    text = ET.tostring(lock(volume_disk(disk), disk, GUEST), encoding="unicode")
    assert f'usage="stratolith/{GUEST}/{VOLUME}"' in text and 'format="luks"' in text
    assert "a passphrase" not in text and "a passphrase" not in repr(disk)
    with pytest.raises(NotSupported):
        odd = Disk("vdb", 1, connection=Connection("file", {"path": "/v"}, encryption=Encryption("x", "plain")))
        lock(volume_disk(odd), odd, GUEST)


def volume(disk_format: str = "raw", protocol: str = "file", **more: object) -> Disk:
    connection = Connection(protocol, {"path": "/x", "format": disk_format}, **more)  # type: ignore[arg-type]
    return Disk("vdb", 1, connection=connection, volume_id=VOLUME, kind="volume")


def test_volumes_are_block_devices_that_are_found_again() -> None:
    root = described(disks=(volume(read_only=True),))
    disk = find_volume(ET.tostring(root, encoding="unicode"), VOLUME)
    assert disk is not None and disk.get("type") == "file" and disk.find("readonly") is not None
    source, target = disk.find("source"), disk.find("target")
    assert source is not None and len(source.get("file", "")) < 64 and source.get("file", "").endswith("/vdb.vol")
    assert target is not None and target.get("dev") == "vdb"


@pytest.mark.parametrize("disk", [
    volume("qcow2"), volume(protocol="nbd"), volume(encryption=Encryption("x")),
    Disk("vdb", 1, connection=Connection("file", {"path": "/x"}), volume_id=VOLUME)])
def test_volumes_that_the_kernel_cannot_read_are_refused(disk: Disk) -> None:
    with pytest.raises(NotSupported, match="a container has volumes"):
        described(disks=(disk,))


def test_a_rescued_container_starts_from_another_disk_beside_its_own() -> None:
    rescue = Disk("vdc", 0, image=Image("r", "raw", 512, 512, "", "", lambda: iter(())), kind="rescue")
    root = described(disks=(Disk("vdb", 1, kind="ephemeral"), rescue))
    places = {one.get("dir") for one in root.iterfind("devices/filesystem/target")}
    files = [one.get("file", "") for one in root.iterfind("devices/filesystem[@type='file']/source")]
    assert places == {"/", "/mnt/vdb", "/var/lib/cloud/seed/config_drive"}
    assert any(file.endswith("/rescue-vdc") for file in files) and all(len(file) < 64 for file in files)
    own = root.find("devices/disk/source")
    assert own is not None and own.get("file", "").endswith("/root.raw")
    folder = root.find("devices/filesystem[@type='mount']/source")
    assert folder is not None and folder.get("dir", "").endswith("/rescue-config-drive")


def test_what_a_rescue_left_is_removed(tmp_path: Path) -> None:
    folder = ContainerFolder(tmp_path, GUEST)
    folder.make()
    (folder.path / "rescue-config-drive").mkdir()
    (folder.path / "rescue-config-drive" / "a").touch()
    for name in ("rescue-vda", "root.raw", "before-rescue.xml"):
        (folder.path / name).touch()
    assert set(folder.disks()) == {"root"}
    folder.forget_rescue()
    assert [one.name for one in folder.path.iterdir() if "rescue" in one.name] == []


def test_loop_devices_are_known_by_their_file(tmp_path: Path) -> None:
    for name, file in (("loop0", tmp_path / "a"), ("loop1", tmp_path / "b")):
        file.touch()
        (tmp_path / "block" / name / "loop").mkdir(parents=True)
        (tmp_path / "block" / name / "loop" / "backing_file").write_text(f"{file}\n")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    assert devices_of(tmp_path / "link", tmp_path / "block") == [Path("/dev/loop1")]
    assert devices_of(tmp_path / "none", tmp_path / "block") == []
