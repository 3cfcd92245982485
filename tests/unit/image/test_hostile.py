"""Images that would make a host read other files are refused by their first bytes."""

import struct

import pytest
from stratolith.core.errors import UnsupportedMedia
from stratolith.plugins.image.formats import HEAD_BYTES, Inspection


def vmdk(kind, capacity=2048, first=1, length=20, before=b""):
    """A sparse VMDK with a descriptor of this createType in its place, and ``before`` ahead of it."""
    head = b"KDMV" + struct.pack("<IIQQQQ", 1, 3, capacity, 128, first, length)
    text = f'# Disk DescriptorFile\nversion=1\ncreateType="{kind}"\n'.encode()
    return (head + before).ljust(first * 512, b"\0") + text.ljust(length * 512, b"\0")


def qcow2(version=3, backing=0, features=0):
    head = b"QFI\xfb" + struct.pack(">IQIIQ", version, backing, 0, 16, 1 << 20)
    return head + bytes(40) + struct.pack(">Q", features)


def refused(disk_format, data):
    try:
        list(Inspection(disk_format, True).pass_on([data]))
    except UnsupportedMedia:
        return True
    return False


@pytest.mark.parametrize("kind", ["monolithicSparse", "streamOptimized"])
def test_vmdk_of_one_file(kind):
    assert not refused("vmdk", vmdk(kind))


@pytest.mark.parametrize("data", [
    vmdk("monolithicFlat"), vmdk("twoGbMaxExtentSparse"), vmdk("monolithicSparse", capacity=0),
    vmdk("monolithicSparse", first=0), vmdk("monolithicFlat", before=b'createType="monolithicSparse"'),
    vmdk("monolithicFlat", first=HEAD_BYTES // 512, before=b'createType="monolithicSparse"'),
    vmdk("monolithicSparse", length=1 << 10),
    vmdk('monolithicSparse"\ncreateType="monolithicFlat'),
    b'# Disk DescriptorFile\ncreateType="monolithicSparse"\nRW 100 FLAT "/etc/shadow" 0\n', b"KDMV"])
def test_vmdk_that_may_name_other_files(data):
    assert refused("vmdk", data)


@pytest.mark.parametrize("data", [qcow2(backing=500), qcow2(2, backing=1), qcow2(features=4), qcow2(features=5)])
def test_qcow2_that_names_other_files(data):
    assert refused("qcow2", data)


@pytest.mark.parametrize("disk_format", ["raw", "iso", "vdi", "vhd", "vmdk"])
def test_qcow2_under_another_name(disk_format):
    assert refused(disk_format, qcow2())


def test_a_head_that_comes_in_crumbs():
    data = vmdk("monolithicFlat")
    with pytest.raises(UnsupportedMedia):
        list(Inspection("vmdk", True).pass_on(data[at:at + 7] for at in range(0, len(data), 7)))
