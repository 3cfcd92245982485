"""What format image data is in, told from its first bytes, and what makes an image unsafe.

Sources: the published descriptions of QCOW2 (QEMU's docs/interop), VMDK, VHD, VHDX, VDI,
ISO 9660 (ECMA-119), the GUID partition table (UEFI) and LUKS.
"""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Iterable, Iterator

from ...core.errors import UnsupportedMedia

HEAD_BYTES = 34 * 1024
UNCHECKED = frozenset(("ami", "ari", "aki"))
QCOW2_DATA_FILE = 1 << 2
MOST_BYTES = 1 << 60
MAGICS = (
    (0, b"QFI\xfb", "qcow2"), (0, b"QED\0", "qed"), (0, b"KDMV", "vmdk"), (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"conectix", "vhd"), (0, b"vhdxfile", "vhdx"), (0x40, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"LUKS\xba\xbe", "luks"), (0, b"WithoutFreeSpace", "ploop"), (0, b"WithouFreSpacExt", "ploop"),
    (0x8001, b"CD001", "iso"),
)


def detect(head: bytes) -> str:
    """The format of data that begins with ``head``: a disk format's name, ``gpt``, or ``raw`` for none known."""
    for offset, magic, name in MAGICS:
        if head[offset:offset + len(magic)] == magic:
            return name
    return "gpt" if _partitioned(head) else "raw"


def _partitioned(head: bytes) -> bool:
    """A master boot record: its signature, and four partition entries whose flags are legal, one of them used."""
    if head[510:512] != b"\x55\xaa":
        return False
    entries = [head[446 + 16 * i:462 + 16 * i] for i in range(4)]
    return all(entry[0] in (0, 0x80) for entry in entries) and any(entry[4] for entry in entries)


def unsafe(kind: str, head: bytes) -> str:
    """Why data of this format must not be used, or nothing: it would make a host open other files."""
    if kind == "qcow2" and len(head) >= 16:
        version, backing = struct.unpack_from(">IQ", head, 4)
        if backing:
            return "the image has a backing file"
        if version >= 3 and len(head) >= 80 and struct.unpack_from(">Q", head, 72)[0] & QCOW2_DATA_FILE:
            return "the image has an external data file"
    if kind == "qed":
        return "the format is not supported"
    if kind == "vmdk" and _vmdk_kind(head) not in ("monolithicSparse", "streamOptimized"):
        return "only VMDK images of a single file are accepted"
    return ""


def _vmdk_kind(head: bytes) -> str:
    """What the descriptor inside a sparse VMDK says it is, or nothing where that cannot be trusted.

    A descriptor without data names other files. Readers take one without a capacity, and one that lies far behind,
    at its word, so that a harmless text before it must not hide it.
    """
    if not head.startswith(b"KDMV") or len(head) < 44:
        return ""
    capacity, _, first, length = struct.unpack_from("<QQQQ", head, 12)
    if not capacity or not first or (first + length) * 512 > HEAD_BYTES:
        return ""
    kinds = re.findall(rb'createType\s*=\s*"([^"]*)"', head[first * 512:(first + length) * 512])
    return kinds[0].decode("ascii", "replace") if len(kinds) == 1 else ""


def virtual_size(kind: str, head: bytes, size: int) -> int | None:
    """Bytes of the disk inside, or none where the head does not say, or says more than a disk can be."""
    found = _claimed_size(kind, head, size)
    return found if found is not None and found < MOST_BYTES else None


def _claimed_size(kind: str, head: bytes, size: int) -> int | None:
    if kind == "qcow2" and len(head) >= 32:
        return int(struct.unpack_from(">Q", head, 24)[0])
    if kind == "vmdk" and head.startswith(b"KDMV") and len(head) >= 20:
        return int(struct.unpack_from("<Q", head, 12)[0]) * 512
    if kind == "vdi" and len(head) >= 376:
        return int(struct.unpack_from("<Q", head, 368)[0])
    if kind == "vhd" and len(head) >= 56:
        return int(struct.unpack_from(">Q", head, 48)[0])
    return size if kind in ("raw", "gpt", "iso", "luks") else None


@dataclasses.dataclass
class Inspection:
    """Looks at data on its way through, holding back no more than its head."""

    disk_format: str
    enforced: bool
    head: bytes = b""

    def pass_on(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """``chunks``, once the head is seen to be what was said.

        :raises UnsupportedMedia: it is not, or it is unsafe.
        """
        held: list[bytes] = []
        seen = 0
        source = iter(chunks)
        for chunk in source:
            held.append(chunk)
            seen += len(chunk)
            if seen >= HEAD_BYTES:
                break
        self.head = (held[0] if len(held) == 1 else b"".join(held))[:HEAD_BYTES]
        self.check()
        yield from held
        yield from source

    def check(self) -> None:
        """See that the head fits. :raises UnsupportedMedia: it does not."""
        if not self.enforced or self.disk_format in UNCHECKED:
            return
        kind = detect(self.head)
        fits = kind == self.disk_format or (kind == "gpt" and self.disk_format in ("raw", "iso", "vhd"))
        # A VHD of fixed size has its mark only at the end of the data.
        if not fits and not (self.disk_format == "vhd" and kind == "raw"):
            raise UnsupportedMedia(f"Image content did not match disk_format {self.disk_format}: it is {kind}")
        if reason := unsafe(kind, self.head):
            raise UnsupportedMedia(f"Image is not acceptable: {reason}")

    def virtual_size(self, size: int) -> int | None:
        """Bytes of the disk inside data of ``size`` bytes, or none when that is unknown."""
        kind = detect(self.head)
        return virtual_size(kind, self.head, size) if kind == self.disk_format or self.disk_format == "raw" else None
