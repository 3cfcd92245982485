"""QCOW2 read and written as streams, without files and in constant memory.

Source: the published format description (QEMU's docs/interop/qcow2). Read are versions 2 and 3
with zlib-compressed clusters; written is version 2 with only the clusters that hold data.
"""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator

from ...core.errors import BadRequest

Read = Callable[[int, int], bytes]
"""Gives at most so many bytes from an offset."""

MAGIC = b"QFI\xfb"
OFFSET = 0x00FFFFFFFFFFFE00
COMPRESSED = 1 << 62
ZERO = 1
COPIED = 1 << 63
CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
IN_L2 = CLUSTER // 8
IN_REFCOUNT = CLUSTER // 2
MOST_AT_ONCE = 1 << 20
MOST_L1_BYTES = 32 << 20
"""The longest first table; QEMU's own bound. Without one an image could claim a table of gigabytes."""
KNOWN_FEATURES = 0b1
"""Incompatible features that do not change how data is read: the dirty bit."""


@dataclasses.dataclass
class _Header:
    cluster_bits: int
    size: int
    l1_entries: int
    l1_offset: int


def _header(read: Read) -> _Header:
    data = read(0, 104)
    if len(data) < 72 or data[:4] != MAGIC:
        raise BadRequest("the image is no QCOW2")
    version, backing = struct.unpack_from(">IQ", data, 4)
    bits, size, encrypted, l1_entries, l1_offset = struct.unpack_from(">IQIIQ", data, 20)
    features = struct.unpack_from(">Q", data, 72)[0] if version >= 3 and len(data) >= 80 else 0
    if version not in (2, 3) or backing or encrypted or features & ~KNOWN_FEATURES or not 9 <= bits <= 21:
        raise BadRequest("the QCOW2 image has features that are not supported")
    if 8 * l1_entries > MOST_L1_BYTES:
        raise BadRequest("the QCOW2 image has too large a table")
    return _Header(bits, size, l1_entries, l1_offset)


def raw(read: Read) -> Iterator[bytes]:
    """The disk inside a QCOW2 image, in pieces of at most 2 MiB. :raises BadRequest: it cannot be read."""
    header = _header(read)
    cluster = 1 << header.cluster_bits
    in_l2 = cluster // 8
    l1 = struct.unpack(f">{header.l1_entries}Q", _all(read, header.l1_offset, 8 * header.l1_entries))
    left = header.size
    for entry in l1:
        table = _table(read, entry & OFFSET, in_l2)
        for piece in _pieces(read, table, header.cluster_bits):
            if left <= 0:
                return
            yield piece if len(piece) <= left else piece[:left]
            left -= len(piece)
    while left > 0:
        yield bytes(min(left, MOST_AT_ONCE))
        left -= MOST_AT_ONCE


def _all(read: Read, offset: int, length: int) -> bytes:
    data = read(offset, length)
    if len(data) != length:
        raise BadRequest("the QCOW2 image ends too early")
    return data


def _table(read: Read, offset: int, entries: int) -> tuple[int, ...]:
    return struct.unpack(f">{entries}Q", _all(read, offset, 8 * entries)) if offset else (0,) * entries


def _pieces(read: Read, table: tuple[int, ...], bits: int) -> Iterator[bytes]:
    """The clusters of one table; neighbours are joined."""
    cluster = 1 << bits
    most = max(1, MOST_AT_ONCE >> bits)
    position = 0
    while position < len(table):
        entry = table[position]
        if entry & COMPRESSED:
            yield _inflate(read, entry, bits)
            position += 1
            continue
        offset = 0 if entry & ZERO else entry & OFFSET
        count = 1
        while count < most and position + count < len(table):
            following = table[position + count]
            expected = offset + count * cluster if offset else 0
            if following & COMPRESSED or (0 if following & ZERO else following & OFFSET) != expected:
                break
            count += 1
        if offset:
            data = read(offset, count * cluster)
            yield data + bytes(count * cluster - len(data))
        else:
            yield bytes(count * cluster)
        position += count


def _inflate(read: Read, entry: int, bits: int) -> bytes:
    shift = 62 - (bits - 8)
    offset = entry & ((1 << shift) - 1)
    sectors = (entry >> shift) & ((1 << (bits - 8)) - 1)
    data = read(offset, (sectors + 1) * 512 - (offset & 511))
    try:
        found = zlib.decompressobj(-15).decompress(data, 1 << bits)
    except zlib.error as exc:
        raise BadRequest("the QCOW2 image holds damaged data") from exc
    return found + bytes((1 << bits) - len(found))


def used(chunks: Iterable[bytes]) -> tuple[bytearray, int]:
    """Which clusters of a disk hold data (one byte each, 0 or 1), and the disk's size in bytes."""
    found, size = bytearray(), 0
    for piece in clusters(chunks):
        found.append(piece.count(0) != len(piece))
        size += len(piece)
    return found, size


def clusters(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A stream cut into clusters; the last may be shorter."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        whole = len(data) - len(data) % CLUSTER
        for offset in range(0, whole, CLUSTER):
            yield data[offset:offset + CLUSTER]
        rest = data[whole:]
    if rest:
        yield rest


def write(used_clusters: bytes | bytearray, size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A disk of ``size`` bytes as QCOW2; only the clusters marked in ``used_clusters`` are kept."""
    tables = -(-len(used_clusters) // IN_L2)
    kept = [n for n in range(tables) if any(used_clusters[n * IN_L2:(n + 1) * IN_L2])]
    l1_clusters = max(1, -(-tables * 8 // CLUSTER))
    data = sum(used_clusters)
    blocks, refcounts = _refcounts(1 + l1_clusters + len(kept) + data)
    l1_at = 1 + refcounts + blocks
    first_l2 = l1_at + l1_clusters
    total = first_l2 + len(kept) + data
    yield _pad(MAGIC + struct.pack(">IQIIQIIQQIIQ", 2, 0, 0, CLUSTER_BITS, size, 0, tables, l1_at * CLUSTER,
                                   CLUSTER, refcounts, 0, 0))
    yield _pad(struct.pack(f">{blocks}Q", *((1 + refcounts + n) * CLUSTER for n in range(blocks))), refcounts)
    for n in range(blocks):
        yield _pad(b"\0\1" * max(0, min(IN_REFCOUNT, total - n * IN_REFCOUNT)))
    places = {n: (first_l2 + i) * CLUSTER | COPIED for i, n in enumerate(kept)}
    yield _pad(struct.pack(f">{tables}Q", *(places.get(n, 0) for n in range(tables))), l1_clusters)
    yield from _l2(used_clusters, kept, first_l2 + len(kept))
    for number, piece in enumerate(clusters(chunks)):
        if number < len(used_clusters) and used_clusters[number]:
            yield _pad(piece)


def _l2(used_clusters: bytes | bytearray, kept: list[int], place: int) -> Iterator[bytes]:
    for n in kept:
        entries = []
        for mark in used_clusters[n * IN_L2:(n + 1) * IN_L2]:
            entries.append(place * CLUSTER | COPIED if mark else 0)
            place += mark
        yield _pad(struct.pack(f">{len(entries)}Q", *entries))


def _refcounts(others: int) -> tuple[int, int]:
    """Clusters of reference counts, and of their table, so that they count themselves too."""
    blocks = refcounts = 1
    while True:
        need = -(-(others + blocks + refcounts) // IN_REFCOUNT)
        table = max(1, -(-need * 8 // CLUSTER))
        if (need, table) == (blocks, refcounts):
            return blocks, refcounts
        blocks, refcounts = max(blocks, need), max(refcounts, table)


def _pad(data: bytes, count: int = 1) -> bytes:
    return data if len(data) == count * CLUSTER else data + bytes(count * CLUSTER - len(data))
