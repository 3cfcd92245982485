"""QCOW2 as streams: what is written is read again, and by QEMU's own tool where there is one."""

import random
import shutil
import struct
import subprocess
import tracemalloc
import zlib

import pytest
from stratolith.core.errors import BadRequest
from stratolith.plugins.volume import qcow2

MIB = 1 << 20


def disk(size, seed):
    """A disk with data in some clusters."""
    chance = random.Random(seed)
    data = bytearray(size)
    for _ in range(20):
        at = chance.randrange(size)
        data[at:at + 5000] = chance.randbytes(min(5000, size - at))
    return bytes(data)


def pieces(data, length):
    return (data[at:at + length] for at in range(0, len(data), length))


def packed(data, length=300_000):
    used, size = qcow2.used(pieces(data, length))
    return b"".join(qcow2.write(used, size, pieces(data, length)))


def reader(data):
    return lambda offset, length: data[offset:offset + length]


@pytest.mark.parametrize("size", [0, 512, 65536, 3 * MIB, 70 * MIB + 512])
def test_what_is_written_is_read_again(size):
    data = disk(size, size) if size else b""
    image = packed(data)
    assert b"".join(qcow2.raw(reader(image))) == data
    assert len(image) < 6 * MIB + 65536 * 5


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="qemu-img is not installed")
def test_qemu_agrees(tmp_path):
    data = disk(9 * MIB, 1)
    (tmp_path / "ours").write_bytes(packed(data))
    subprocess.run(["qemu-img", "check", tmp_path / "ours"], check=True, capture_output=True)
    subprocess.run(["qemu-img", "convert", "-O", "raw", tmp_path / "ours", tmp_path / "raw"], check=True)
    assert (tmp_path / "raw").read_bytes() == data
    for options in (["-c"], ["-o", "compat=0.10"], ["-o", "cluster_size=4096"], ["-o", "cluster_size=2M"]):
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, tmp_path / "raw",
                        tmp_path / "theirs"], check=True)
        assert b"".join(qcow2.raw(reader((tmp_path / "theirs").read_bytes()))) == data


def head(**changes):
    values = {"version": 3, "backing": 0, "bits": 16, "size": MIB, "encrypted": 0, "l1": 1, "l1_at": 65536,
              "features": 0, **changes}
    return b"QFI\xfb" + struct.pack(">IQIIQIIQ", values["version"], values["backing"], 0, values["bits"],
                                    values["size"], values["encrypted"], values["l1"], values["l1_at"]
                                    ) + bytes(24) + struct.pack(">Q", values["features"]) + bytes(24)


@pytest.mark.parametrize("data", [b"", b"noise" * 50, head(version=4), head(backing=1), head(encrypted=1),
                                  head(bits=40), head(features=4), head(l1_at=1 << 40)])
def test_nonsense_is_refused(data):
    with pytest.raises(BadRequest):
        list(qcow2.raw(reader(data)))


def test_compressed_clusters():
    cluster = bytes(range(256)) * 256
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -12)
    data = squeezed.compress(cluster) + squeezed.flush()
    at = 3 * 65536
    entry = (1 << 62) | ((len(data) + 511) // 512 - 1 << 54) | at
    image = (head(size=65536).ljust(65536, b"\0") + struct.pack(">Q", 2 * 65536).ljust(65536, b"\0")
             + struct.pack(">Q", entry).ljust(65536, b"\0") + data.ljust(65536, b"\0"))
    assert b"".join(qcow2.raw(reader(image))) == cluster


def test_memory_does_not_grow_with_the_disk():
    def source():
        for _ in range(200):
            yield bytes(MIB)
    tracemalloc.start()
    try:
        used, size = qcow2.used(source())
        length = sum(map(len, qcow2.write(used, size, source())))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 200 * MIB
    assert length < MIB
    assert peak < 8 * MIB


def test_a_first_table_of_gigabytes_is_refused():
    head = bytearray(packed(bytes(65536)))
    struct.pack_into(">I", head, 36, 1 << 30)
    asked = []

    def read(offset, length):
        asked.append(length)
        return bytes(head[offset:offset + length])
    with pytest.raises(BadRequest):
        list(qcow2.raw(read))
    assert max(asked) < MIB
