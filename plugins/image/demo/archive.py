"""The initial RAM disk: a tree as a compressed cpio archive, the same bytes every time."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

MAGIC = "070701"
END = "TRAILER!!!"


def pack(root: Path) -> bytes:
    """The tree as ``newc`` cpio, owned by root, without times, compressed."""
    entries = [(".", root), *((str(path.relative_to(root)), path) for path in sorted(root.rglob("*")))]
    parts = [_entry(number, name, path) for number, (name, path) in enumerate(entries, 1)]
    parts.append(_record(END, 0, 0, b""))
    return gzip.compress(b"".join(parts), compresslevel=6, mtime=0)


def _entry(number: int, name: str, path: Path) -> bytes:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return _record(name, number, mode, os.readlink(path).encode())
    return _record(name, number, mode, path.read_bytes() if stat.S_ISREG(mode) else b"")


def _record(name: str, number: int, mode: int, data: bytes) -> bytes:
    """One file: a header of hexadecimal fields, the name, the data, each padded to four bytes."""
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = (MAGIC + "".join(f"{field:08X}" for field in fields)).encode()
    return _padded(header + encoded) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
