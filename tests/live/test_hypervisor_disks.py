"""The libvirt driver's disks, made by the real qemu-img."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from stratolith.core.clock import System
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Image
from stratolith.core.errors import BackendFailed
from stratolith.hypervisors.libvirt.disks import Disks, GuestFolder
from stratolith.hypervisors.libvirt.images import ImageCache
from stratolith.hypervisors.libvirt.options import LibvirtOptions
from stratolith.hypervisors.libvirt.qcow2 import safe_size
from stratolith.hypervisors.libvirt.qemu_img import QemuImg

pytestmark = pytest.mark.live
GUEST = "11111111-2222-4333-8444-555555555555"
MIB = 1 << 20


def image(content: bytes) -> Image:
    return Image("an-image", "raw", len(content), len(content), "sha256", hashlib.sha256(content).hexdigest(),
                 lambda: iter((content,)))


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    cache = ImageCache(tmp_path / "cache", System(), keep_s=1000)
    cache.open()
    return Disks(cache, QemuImg(LibvirtOptions()))


def test_real_qcow2_header_is_understood(tmp_path: Path) -> None:
    QemuImg(LibvirtOptions()).create(tmp_path / "disk", 5 * MIB)
    assert safe_size(tmp_path / "disk") == 5 * MIB


def test_disks_are_made_once_and_root_grows_by_layers(disks: Disks, tmp_path: Path) -> None:
    folder = GuestFolder(tmp_path / "guests", GUEST)
    folder.make()
    wanted = GuestSpec(GUEST, "n", 1, 64, [
        Disk("vda", 1, image=image(b"content".ljust(MIB, b"\0"))), Disk("vdb", 1, kind="ephemeral"),
        Disk("vdc", 0, kind="swap", size_mib=16)])
    for _ in range(2):
        disks.make(folder, wanted)
    assert left(folder.path) == ["base.raw", "console.log", "ephemeral-vdb.qcow2", "root-0.qcow2", "swap-vdc.qcow2"]
    for _ in range(2):
        disks.grow_root(folder, 1, 2 << 30, 1 << 30, None)
    assert folder.layers() == 2
    disks.copy_root(folder, tmp_path / "copy")
    assert safe_size(tmp_path / "copy") == 2 << 30
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(tmp_path / "copy"), str(tmp_path / "raw")],
                   check=True)
    with (tmp_path / "raw").open("rb") as file:
        assert file.read(7) == b"content"


def test_qemu_img_is_limited(tmp_path: Path) -> None:
    with pytest.raises(BackendFailed):
        QemuImg(LibvirtOptions(qemu_img_memory_mib=8)).create(tmp_path / "disk", MIB)
    with pytest.raises(BackendFailed):
        QemuImg(LibvirtOptions(qemu_img="no-such-program")).create(tmp_path / "disk", MIB)
    assert left(tmp_path) == []
