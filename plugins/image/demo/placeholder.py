"""An empty disk in QCOW2: an image for guests that are only simulated. Layout: QEMU's docs/interop/qcow2."""

from __future__ import annotations

import os
import struct
from pathlib import Path

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
HEADER_BYTES = 104
REFCOUNT_ORDER = 4
DISK_BYTES = 64 << 20


def empty_disk(size_bytes: int = DISK_BYTES) -> bytes:
    """A valid image of a disk of ``size_bytes`` (at most 512 MiB) that was never written: four clusters.

    They are the header, the table of counts, the counts of these four clusters, and the top table of the data.
    """
    counts, block, top = CLUSTER, 2 * CLUSTER, 3 * CLUSTER
    header = struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, 0, 0, CLUSTER_BITS, size_bytes, 0, 1, top, counts,
                         1, 0, 0, 0, 0, 0, REFCOUNT_ORDER, HEADER_BYTES)
    clusters = (header, struct.pack(">Q", block), struct.pack(">4H", 1, 1, 1, 1), b"")
    return b"".join(cluster.ljust(CLUSTER, b"\0") for cluster in clusters)


def write(target: Path) -> Path:
    """Write the empty disk to ``target``, wholly or not at all; return its path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.write_bytes(empty_disk())
    os.replace(part, target)
    return target
