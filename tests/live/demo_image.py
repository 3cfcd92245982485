"""The demo image for the live tests: built once, kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stratolith.core.drivers.hypervisor import Image
from stratolith.plugins.image import demo
from stratolith.plugins.image.demo.build import BOOT_MIB, MIB, ROOT_MIB, build

CACHE = Path("~/.cache/stratolith").expanduser()


def built() -> Path:
    """The image's file as users build it, built if its recipe changed or it was never built."""
    recipe = hashlib.sha256()
    for module in sorted(Path(next(iter(demo.__path__))).glob("*.py")):
        recipe.update(module.read_bytes())
    file = CACHE / f"demo-{recipe.hexdigest()[:16]}.qcow2"
    return file if file.exists() else build(file, print)


def path() -> Path:
    """The same disk inflated: QEMU inflates a cluster anew for each read, a fifth of the CPU of a guest's start.

    Guests in test_cloud_real.py boot from the packed one, as users' do.
    """
    packed = built()
    file = packed.with_suffix(".inflated.qcow2")
    if not file.exists():
        # Groups of tests run side by side.
        with tempfile.TemporaryDirectory(prefix="inflating-", dir=CACHE) as folder:
            done = Path(folder) / file.name
            subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(packed), str(done)], check=True)
            os.replace(done, file)
    return file


def image() -> Image:
    """The image as a hypervisor driver gets it."""
    file = path()
    content = file.read_bytes()

    def chunks() -> Iterator[bytes]:
        yield from (content[start:start + MIB] for start in range(0, len(content), MIB))

    return Image("d0000000-0000-4000-8000-000000000001", "qcow2", len(content), (1 + BOOT_MIB + ROOT_MIB) * MIB,
                 "sha512", hashlib.sha512(content).hexdigest(), chunks)
