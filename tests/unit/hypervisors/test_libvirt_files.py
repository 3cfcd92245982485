"""The parts of the libvirt driver that need no daemon: images, disks, config drive, console, domain."""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pycdlib
import pytest
from stratolith.core.clock import Virtual
from stratolith.core.drivers.hypervisor import ConsoleEndpoint, ConsoleKind, Disk, GuestSpec, Image
from stratolith.core.drivers.network import Vif
from stratolith.core.drivers.volume import Connection
from stratolith.core.errors import BackendBusy, BackendFailed, NoSpace, NotFound, NotSupported
from stratolith.hypervisors.libvirt.capability import may_close
from stratolith.hypervisors.libvirt.config_drive import write_config_drive
from stratolith.hypervisors.libvirt.console import tail
from stratolith.hypervisors.libvirt.device import find_interface, find_volume, interface, volume_disk
from stratolith.hypervisors.libvirt.disks import Disks, GuestFolder
from stratolith.hypervisors.libvirt.domain import NAMESPACE, domain_xml
from stratolith.hypervisors.libvirt.images import ImageCache
from stratolith.hypervisors.libvirt.limited import Limits
from stratolith.hypervisors.libvirt.options import LibvirtOptions
from stratolith.hypervisors.libvirt.qemu_img import QemuImg
from stratolith.hypervisors.libvirt.screen import endpoint

GUEST = "11111111-2222-4333-8444-555555555555"
MIB = 1 << 20


def qcow2(version: int = 3, backing: int = 0, features: int = 0, encryption: int = 0, size: int = MIB) -> bytes:
    head = struct.pack(">4sIQIIQI", b"QFI\xfb", version, backing, 0, 16, size, encryption)
    return head.ljust(72, b"\0") + struct.pack(">Q", features) + bytes(432)


def image(content: bytes, disk_format: str = "raw", **changes: object) -> Image:
    values: dict[str, object] = {
        "id": str(uuid.uuid4()), "disk_format": disk_format, "size_bytes": len(content),
        "virtual_size_bytes": len(content), "hash_algorithm": "sha256",
        "hash_value": hashlib.sha256(content).hexdigest(), "chunks": lambda: iter((content,))}
    return Image(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Virtual:
    return Virtual()


@pytest.fixture
def cache(tmp_path: Path, clock: Virtual) -> ImageCache:
    made = ImageCache(tmp_path / "cache", clock, keep_s=100)
    made.open()
    return made


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# images


def test_an_image_is_fetched_once(cache: ImageCache, tmp_path: Path) -> None:
    calls: list[int] = []

    def chunks() -> Iterator[bytes]:
        calls.append(1)
        yield b"abc"
        yield bytes(1021)

    wanted = image(b"abc" + bytes(1021), chunks=chunks)
    bases = [cache.link(wanted, tmp_path) for _ in range(3)]
    assert calls == [1] and bases[0].size_bytes == 1024
    assert left(tmp_path / "cache") == [f"{wanted.id}.raw"]
    assert stat.S_IMODE(bases[0].path.stat().st_mode) == 0o644


@pytest.mark.parametrize("changes", [{"hash_value": "0" * 64}, {"size_bytes": 3}, {"size_bytes": 9_999}])
def test_other_bytes_than_promised_are_refused(cache: ImageCache, tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(BackendFailed):
        cache.link(image(bytes(1024), **changes), tmp_path)
    assert left(tmp_path / "cache") == []


def test_a_broken_stream_may_be_tried_again(cache: ImageCache, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise ConnectionResetError

    wanted = image(bytes(1024))
    with pytest.raises(BackendBusy):
        cache.link(image(bytes(1024), id=wanted.id, chunks=broken), tmp_path)
    assert left(tmp_path / "cache") == []
    assert cache.link(wanted, tmp_path).path.exists()


@pytest.mark.parametrize("content", [
    qcow2(backing=512), qcow2(features=4), qcow2(encryption=1), qcow2(version=9), bytes(1024), b"QFI\xfb", b"",
], ids=["backing file", "data file", "encrypted", "version", "raw", "cut", "empty"])
def test_hostile_qcow2_is_refused(cache: ImageCache, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BackendFailed):
        cache.link(image(content, "qcow2"), tmp_path)
    assert left(tmp_path / "cache") == []


def test_a_raw_image_that_looks_like_qcow2_stays_raw(cache: ImageCache, tmp_path: Path) -> None:
    content = qcow2(backing=512)
    assert cache.link(image(content, "raw"), tmp_path).disk_format == "raw"


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "-x", "x" * 200])
def test_improper_ids_of_images(cache: ImageCache, tmp_path: Path, name: str) -> None:
    with pytest.raises(BackendFailed):
        cache.link(image(bytes(512), id=name), tmp_path)


def test_forgotten_images_live_on_in_their_guests(cache: ImageCache, clock: Virtual, tmp_path: Path) -> None:
    base = cache.link(image(b"x" * 1024), tmp_path)
    clock.advance(99)
    cache.open()
    assert len(left(tmp_path / "cache")) == 1
    clock.advance(2)
    cache.open()
    assert left(tmp_path / "cache") == []
    assert base.path.read_bytes() == b"x" * 1024


def test_unknown_formats_are_not_supported(cache: ImageCache, tmp_path: Path) -> None:
    with pytest.raises(NotSupported):
        cache.link(image(bytes(512), "vmdk"), tmp_path)


def test_what_a_killed_download_left_is_dropped(cache: ImageCache, tmp_path: Path) -> None:
    (tmp_path / "cache" / "x.raw.0.part").touch()
    cache.open()
    assert left(tmp_path / "cache") == []


# disks


@pytest.fixture
def disks(cache: ImageCache) -> Disks:
    return Disks(cache, QemuImg(LibvirtOptions()))


def spec(*disk: Disk, **changes: object) -> GuestSpec:
    values: dict[str, object] = {"guest": GUEST, "name": "n", "vcpus": 1, "memory_mib": 64, "disks": disk}
    return GuestSpec(**{**values, **changes})  # type: ignore[arg-type]


def test_an_image_larger_than_its_disk(disks: Disks, tmp_path: Path) -> None:
    folder = GuestFolder(tmp_path / "guests", GUEST)
    folder.make()
    with pytest.raises(BackendFailed):
        disks.make(folder, spec(Disk("vda", 1, image=image(qcow2(size=2 << 30), "qcow2"))))


@pytest.mark.parametrize("guest", ["..", "a/b", "", GUEST.upper() + "X", "x" * 36])
def test_improper_ids_of_guests(tmp_path: Path, guest: str) -> None:
    with pytest.raises(NotFound):
        GuestFolder(tmp_path, guest)


def test_what_is_kept_of_a_guest_is_not_for_others(tmp_path: Path) -> None:
    folder = GuestFolder(tmp_path, GUEST)
    folder.make()
    folder.path.joinpath("offered.new").touch(mode=0o644)
    for text in ("a key", "another"):
        folder.keep(folder.offered, text)
        assert folder.offered.read_text() == text and folder.offered.stat().st_mode & 0o777 == 0o600


def test_no_space_is_said_so(tmp_path: Path) -> None:
    fake = tmp_path / "full"
    fake.write_text("#!/bin/sh\necho 'qemu-img: No space left on device' >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(NoSpace):
        QemuImg(LibvirtOptions(qemu_img=str(fake))).create(tmp_path / "disk", MIB)


# config drive and console


def test_config_drive_reads_back(tmp_path: Path) -> None:
    files = {"openstack/latest/meta_data.json": b"{}", "openstack/content/0000": bytes(range(256)),
             "ec2/latest/" + "long-name-" * 5: b"", "openstack/latest/user_data": b"x" * 70_000}
    write_config_drive(tmp_path / "drive", files)
    iso = pycdlib.PyCdlib()
    iso.open(str(tmp_path / "drive"))
    try:
        assert iso.pvd.volume_identifier.strip() == b"config-2"
        for kind in ("rr_path", "joliet_path"):
            for name, content in files.items():
                got = io.BytesIO()
                iso.get_file_from_iso_fp(got, **{kind: f"/{name}"})
                assert got.getvalue() == content
    finally:
        iso.close()


def test_a_rescued_guest_has_a_config_drive_of_its_own(tmp_path: Path) -> None:
    folder = GuestFolder(tmp_path, GUEST)
    rescued = spec(Disk("vda", 0, kind="rescue"), Disk("vdb", 1), config_drive={})
    text = domain_xml(rescued, folder, LibvirtOptions())
    assert str(folder.drive(rescued)) in text and str(folder.config_drive) not in text
    folder.path.mkdir()
    folder.drive(rescued).touch()
    folder.before_rescue.touch()
    folder.forget_rescue()
    assert list(folder.path.iterdir()) == []


def test_config_drive_of_improper_paths(tmp_path: Path) -> None:
    with pytest.raises(BackendFailed):
        write_config_drive(tmp_path / "drive", {"../x": b""})


def test_tail_reads_on_in_the_rotated_log(tmp_path: Path) -> None:
    (tmp_path / "console.log.0").write_bytes(b"older ")
    (tmp_path / "console.log").write_bytes(b"newer")
    assert tail(tmp_path / "console.log", 7) == b"r newer"
    assert tail(tmp_path / "console.log", 3) == b"wer"
    assert tail(tmp_path / "console.log", 0) == b""
    assert tail(tmp_path / "missing", 3) == b""


# domain


def described(wanted: GuestSpec, tmp_path: Path, **options: object) -> ET.Element:
    folder = GuestFolder(tmp_path, GUEST)
    return ET.fromstring(domain_xml(wanted, folder, LibvirtOptions(**options)))  # type: ignore[arg-type]


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    name = "</stratolith:guest><devices/>\x00\x08 \ud800 'a' \"b\" & \U0001f680"
    root = described(spec(Disk("vda", 1), name=name), tmp_path)
    element = root.find(f"./metadata/{{{NAMESPACE}}}guest")
    assert element is not None and element.text is not None and element.text.startswith("</stratolith:guest><devices/>")
    assert len(root.findall("devices")) == 1


def test_kvm_is_only_used_when_told(tmp_path: Path) -> None:
    assert described(spec(Disk("vda", 1)), tmp_path).get("type") == "qemu"
    root = described(spec(Disk("vda", 1)), tmp_path, virt_type="kvm")
    assert root.get("type") == "kvm" and root.find("cpu[@mode='host-model']") is not None
    assert root.find("features/tcg") is None


def test_screens_are_on_sockets_unless_told_otherwise(tmp_path: Path) -> None:
    listens = [one.get("type") for one in described(spec(Disk("vda", 1)), tmp_path).iterfind("devices/graphics/listen")]
    assert listens == ["socket"]
    root = described(spec(Disk("vda", 1)), tmp_path, vnc_listen="127.0.0.1", spice=True)
    assert [(one.get("type"), one.find("listen").get("address"))  # type: ignore[union-attr]
            for one in root.iterfind("devices/graphics")] == [("vnc", "127.0.0.1"), ("spice", None)]
    assert described(spec(Disk("vda", 1)), tmp_path, vnc=False).find("devices/graphics") is None


def test_serial_line_is_on_a_socket_when_its_path_is_short(tmp_path: Path) -> None:
    line = described(spec(Disk("vda", 1)), Path("/s")).find("devices/serial")
    assert line is not None and line.get("type") == "unix" and line.find("log") is not None
    line = described(spec(Disk("vda", 1)), Path("/" + "s" * 90)).find("devices/serial")
    assert line is not None and line.get("type") == "pty" and line.find("log") is not None


def test_where_consoles_are() -> None:
    text = """<domain><devices>
        <graphics type='vnc' port='5901'><listen type='address' address='127.0.0.1'/></graphics>
        <graphics type='spice'><listen type='socket' socket='/run/s.sock'/></graphics>
        <serial type='unix'><source mode='bind' path='/run/tty'/></serial></devices></domain>"""
    assert endpoint(text, ConsoleKind.VNC) == ConsoleEndpoint(ConsoleKind.VNC, "127.0.0.1", 5901)
    assert endpoint(text, ConsoleKind.SPICE) == ConsoleEndpoint(ConsoleKind.SPICE, path="/run/s.sock")
    assert endpoint(text, ConsoleKind.SERIAL) == ConsoleEndpoint(ConsoleKind.SERIAL, path="/run/tty")
    with pytest.raises(NotSupported):
        endpoint("<domain><devices><graphics type='vnc' port='-1'><listen type='address'/></graphics>"
                 "</devices></domain>", ConsoleKind.VNC)


def test_wishes_of_the_image(tmp_path: Path) -> None:
    wished = image(bytes(512), properties={"hw_firmware_type": "uefi", "hw_machine_type": "q35"})
    system = described(spec(Disk("vda", 1, image=wished)), tmp_path).find("os")
    assert system is not None and system.get("firmware") == "efi"
    assert system.find("type[@machine='q35']") is not None


def test_devices_of_every_kind(tmp_path: Path) -> None:
    volume = Disk("sdb", 1, connection=Connection("nbd", {"host": "h", "port": "1", "export": "e"}, read_only=True),
                  volume_id="v1", kind="volume")
    vifs = [Vif("p1", "bridge", "fa:16:3e:00:00:01", "tap1", "br1", 1450),
            Vif("p2", "tap", "fa:16:3e:00:00:02", "tap2")]
    text = domain_xml(spec(Disk("vda", 1), volume, vifs=vifs, config_drive={}), GuestFolder(tmp_path, GUEST),
                      LibvirtOptions(machine="q35"))
    root = ET.fromstring(text)
    assert root.find("devices/controller[@model='virtio-scsi']") is not None
    assert root.find("devices/disk[@device='cdrom']/target[@bus='sata']") is not None
    assert len(root.findall("devices/controller[@model='pcie-root-port']")) > 8
    bridge, tap = find_interface(text, "p1"), find_interface(text, "p2")
    assert bridge is not None and bridge.find("source[@bridge='br1']") is not None
    assert bridge.find("mtu[@size='1450']") is not None and bridge.find("target[@dev='tap1']") is not None
    assert tap is not None and tap.find("target[@managed='no']") is not None
    found = find_volume(text, "v1")
    assert found is not None and found.find("readonly") is not None
    assert find_volume(text, "v2") is None and find_interface(text, "p3") is None


def test_what_qemu_cannot_reach_is_refused() -> None:
    for connection in (Connection("simulated"), Connection("file", {"path": "/x", "format": "vmdk"})):
        with pytest.raises(NotSupported):
            volume_disk(Disk("vdb", 1, connection=connection, volume_id="v"))
    with pytest.raises(NotSupported):
        interface(Vif("p", "carrier pigeon", "fa:16:3e:00:00:01"))
    with pytest.raises(BackendFailed):
        volume_disk(Disk("../x", 1, connection=Connection("file", {"path": "/x"}), volume_id="v"))


DAC = """<capabilities><host><secmodel><model>dac</model><baselabel type='kvm'>+64055:+109</baselabel></secmodel>
</host></capabilities>"""


@pytest.mark.parametrize(("uri", "user", "closed"), [
    ("qemu:///system", 0, True), ("qemu:///session", 1000, True), ("qemu+unix:///session?socket=/x", 1000, True),
    ("qemu:///system", 64055, True), ("qemu:///system", 6405, False), ("qemu:///system", 1000, False)])
def test_disks_are_closed_where_they_can_still_be_read(uri: str, user: int, closed: bool) -> None:
    assert may_close(uri, DAC, user) is closed
    assert may_close(uri, "<capabilities><host/></capabilities>", user) is (closed and user != 64055)


def test_what_is_made_for_a_guest_is_closed(tmp_path: Path) -> None:
    write_config_drive(tmp_path / "drive.iso", {"a": b"b"})
    write_config_drive(tmp_path / "open.iso", {"a": b"b"}, closed=False)
    script = tmp_path / "qemu-img"
    script.write_text('#!/bin/sh\ntouch "$9"\n')
    script.chmod(0o755)
    limits = Limits(LibvirtOptions())
    tool = QemuImg(LibvirtOptions(qemu_img=str(script)), limits)
    tool.flatten(tmp_path / "x", tmp_path / "copy")
    folder = GuestFolder(tmp_path, GUEST)
    folder.make()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (*tmp_path.iterdir(), folder.console_log)}
    ours = modes["open.iso"]
    assert modes["drive.iso"] == 0o600 and modes[GUEST] == 0o711
    assert modes["console.log"] == modes["copy"] == 0o600 and tool.closed
    limits.closed = False
    tool.flatten(tmp_path / "x", tmp_path / "open")
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == ours and not tool.closed
