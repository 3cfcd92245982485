"""The header of a qcow2 file, read without trusting it."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

from ...core.errors import BackendFailed

MAGIC = b"QFI\xfb"
FIXED = struct.Struct(">4sIQIIQI")
"""magic, version, backing file's offset and length, cluster bits, size, encryption."""
INCOMPATIBLE_OFFSET = 72
EXTERNAL_DATA = 1 << 2
"""Incompatible feature bit: the data lie in another file."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What matters of a qcow2 header. ``size_bytes`` is what a guest sees."""

    version: int
    size_bytes: int
    has_backing_file: bool
    has_data_file: bool
    encrypted: bool


def read_header(path: Path) -> Header:
    """The header of the file. :raises BackendFailed: this is no qcow2 file."""
    with path.open("rb") as file:
        start = file.read(INCOMPATIBLE_OFFSET + 8)
    if len(start) < INCOMPATIBLE_OFFSET + 8 or start[:4] != MAGIC:
        raise BackendFailed("the image is not in the format it claims")
    _, version, backing, _, _, size, encryption = FIXED.unpack_from(start)
    features = struct.unpack_from(">Q", start, INCOMPATIBLE_OFFSET)[0] if version >= 3 else 0
    return Header(version, size, backing != 0, bool(features & EXTERNAL_DATA), encryption != 0)


def safe_size(path: Path) -> int:
    """The bytes a guest sees of the qcow2 file, which refers to no other file.

    :raises BackendFailed: it does, or it is encrypted, or it is no qcow2 file.
    """
    header = read_header(path)
    if header.version not in (2, 3):
        raise BackendFailed("the image is of an unknown qcow2 version")
    if header.has_backing_file or header.has_data_file:
        raise BackendFailed("the image refers to another file")
    if header.encrypted:
        raise BackendFailed("the image is encrypted")
    return header.size_bytes
