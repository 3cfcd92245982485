"""Encrypted local disks of the libvirt driver, as far as they need no daemon."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Image
from stratolith.core.drivers.volume import Encryption
from stratolith.core.errors import BackendFailed, NotSupported
from stratolith.hypervisors.libvirt.disks import GuestFolder
from stratolith.hypervisors.libvirt.domain import domain_xml
from stratolith.hypervisors.libvirt.luggage import WHOLE_FILE, local_disks
from stratolith.hypervisors.libvirt.options import LibvirtOptions
from stratolith.hypervisors.libvirt.qemu_img import INACCURATE, TRIES, QemuImg

GUEST = "11111111-2222-4333-8444-555555555555"
KEY = Encryption("0123456789abcdef" * 4)
USAGE = {"type": "passphrase", "usage": f"stratolith/{GUEST}/disks"}


def spec(encryption: Encryption | None = KEY, specs: dict[str, str] | None = None) -> GuestSpec:
    image = Image("i", "raw", 512, 512, "", "", lambda: iter(()))
    disks = [Disk("vda", 1, image=image), Disk("vdb", 1, kind="ephemeral"), Disk("vdc", 0, kind="swap", size_mib=8)]
    return GuestSpec(GUEST, "guest", 1, 64, disks, config_drive={}, extra_specs=specs or {}, encryption=encryption)


@pytest.fixture
def folder(tmp_path: Path) -> GuestFolder:
    made = GuestFolder(tmp_path, GUEST)
    made.make()
    for name in ("base.raw", "root-0.qcow2", "root-1.qcow2", "ephemeral-vdb.qcow2", "swap-vdc.qcow2"):
        (made.path / name).touch()
    (made.path / "base.raw.nbd-pid").touch()
    return made


def described(wanted: GuestSpec, folder: GuestFolder) -> ET.Element:
    return ET.fromstring(domain_xml(wanted, folder, LibvirtOptions()))


def test_every_layer_names_the_key_and_never_says_it(folder: GuestFolder) -> None:
    root = described(spec(), folder)
    disks = root.findall("devices/disk[@device='disk']")
    assert len(disks) == 3
    for disk in disks:
        source = disk.find("source")
        assert source is not None and source.find("encryption[@format='luks']") is not None
        secret = source.find("encryption/secret")
        assert secret is not None and secret.attrib == USAGE
    below = disks[0].find("backingStore")
    assert below is not None and below.get("type") == "file" and below.find("backingStore") is None
    assert [one.get("file") for one in disks[0].iter("source")] == [str(folder.layer(1)), str(folder.layer(0))]
    assert below.find("source/encryption/secret") is not None and below.find("format[@type='qcow2']") is not None
    assert root.find("devices/disk[@device='cdrom']/source/encryption") is None
    assert KEY.passphrase not in ET.tostring(root, encoding="unicode") and KEY.passphrase not in repr(spec())


def test_a_plain_guest_has_nothing_of_it(folder: GuestFolder) -> None:
    root = described(spec(None), folder)
    assert not list(root.iter("encryption")) and not list(root.iter("backingStore"))


@pytest.mark.parametrize("wish", ["hw:ephemeral_encryption"])
def test_no_disk_is_plain_that_should_not_be(folder: GuestFolder, wish: str) -> None:
    with pytest.raises(NotSupported, match="ephemeral_encryption"):
        described(spec(None, {wish: "true"}), folder)
    described(spec(KEY, {wish: "true"}), folder)
    with pytest.raises(NotSupported, match="plain"):
        described(spec(dataclasses.replace(KEY, format="plain")), folder)


def test_encrypted_disks_leave_as_they_are(folder: GuestFolder) -> None:
    names = {"base.raw", "root-0.qcow2", "root-1.qcow2", "ephemeral-vdb.qcow2", "swap-vdc.qcow2"}
    assert set(local_disks(described(spec(), folder), folder)) == names
    assert all(WHOLE_FILE.fullmatch(name) for name in names)
    assert not any(WHOLE_FILE.fullmatch(name) for name in ("../root-0.qcow2", "root-.qcow2", "before-resize.xml", ""))
    assert set(local_disks(described(spec(None), folder), folder)) == {"root-0", "ephemeral-vdb", "swap-vdc"}


SCRIPT = """#!/bin/sh
echo "$@" >> {folder}/words
cat > {folder}/given
[ -e {folder}/wrong ] && {{ echo "Invalid password" >&2; exit 1; }}
count=$(wc -l < {folder}/words)
[ "$count" -gt {fails} ] || {{ echo "qemu-img: {inaccurate}" >&2; exit 1; }}
touch "$MADE"
"""


def tool(folder: Path, monkeypatch: pytest.MonkeyPatch, fails: int) -> QemuImg:
    script = folder / "qemu-img"
    script.write_text(SCRIPT.format(folder=folder, fails=fails, inaccurate=INACCURATE))
    script.chmod(0o755)
    monkeypatch.setenv("MADE", str(folder / "disk.qcow2.part"))
    return QemuImg(LibvirtOptions(qemu_img=str(script)))


def test_a_measurement_that_failed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, monkeypatch, 3).create(tmp_path / "disk.qcow2", 1 << 20, KEY)
    words = (tmp_path / "words").read_text()
    assert words.count("\n") == 4 and "encrypt.format=luks" in words and KEY.passphrase not in words
    assert (tmp_path / "given").read_text() == KEY.passphrase and (tmp_path / "disk.qcow2").exists()


def test_what_always_fails_is_not_tried_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratolith.hypervisors.libvirt.qemu_img.TRIES", 2)
    assert TRIES > 50
    with pytest.raises(BackendFailed):
        tool(tmp_path, monkeypatch, 9).create(tmp_path / "disk.qcow2", 1 << 20, KEY)
    assert (tmp_path / "words").read_text().count("\n") == 3 and not (tmp_path / "disk.qcow2").exists()


def test_other_failures_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wrong").touch()
    with pytest.raises(BackendFailed) as caught:
        tool(tmp_path, monkeypatch, 0).decrypt(tmp_path / "a,b", 2, tmp_path / "disk.qcow2", KEY)
    words = (tmp_path / "words").read_text()
    assert "a,,b,encrypt.key-secret=key,backing.encrypt.key-secret=key" in words
    assert KEY.passphrase not in f"{caught.value.facts} {words}"
