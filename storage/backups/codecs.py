"""How pieces of backups are made smaller, each by the one-byte code that its record bears."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from ...core.errors import BackendFailed, BadConfiguration

ZERO, RAW, ZLIB, ZSTD = range(4)
CHOICES = ("none", "zlib", "zstd")
ZLIB_LEVEL = 1
"""The fastest: a volume is read, packed and written in one stream."""
ZSTD_LEVEL = 3

Pack = Callable[[bytes], tuple[int, bytes]]


def packer(compression: str) -> Pack:
    """The function that packs a piece and tells its code; what does not become smaller stays as it is.

    :raises BadConfiguration: there is no such compression, or its library is not installed.
    """
    if compression == "none":
        return lambda piece: (RAW, piece)
    if compression == "zlib":
        return _smaller(ZLIB, lambda piece: zlib.compress(piece, ZLIB_LEVEL))
    if compression == "zstd":
        return _smaller(ZSTD, _zstandard().ZstdCompressor(level=ZSTD_LEVEL).compress)
    raise BadConfiguration(f"compression must be one of {', '.join(CHOICES)}, not {compression!r}")


def _smaller(code: int, compress: Callable[[bytes], bytes]) -> Pack:
    def pack(piece: bytes) -> tuple[int, bytes]:
        packed = compress(piece)
        return (code, packed) if len(packed) < len(piece) else (RAW, piece)
    return pack


def unpack(code: int, packed: bytes, size_bytes: int) -> bytes:
    """The piece of ``size_bytes`` that was packed. :raises BackendFailed: it cannot be unpacked."""
    if code == RAW:
        return packed
    try:
        if code == ZLIB:
            return zlib.decompressobj().decompress(packed, size_bytes)
        if code == ZSTD:
            unpacked: bytes = _zstandard().ZstdDecompressor().decompress(packed, max_output_size=size_bytes)
            return unpacked
    except (zlib.error, ValueError, RuntimeError) as exc:
        raise BackendFailed("a piece of a backup cannot be unpacked") from exc
    raise BackendFailed("a piece of a backup is packed in an unknown way")


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as exc:
        raise BadConfiguration("compression zstd needs a library; try: pip install 'stratolith[zstd]'") from exc
    return zstandard
