"""The demo image: small, and the same bytes every time."""

import subprocess
from pathlib import Path

import pytest
from stratolith.plugins.image.demo.build import BOOT_MIB, MIB, build

from . import demo_image

pytestmark = pytest.mark.live


def test_two_builds_are_alike(tmp_path: Path) -> None:
    lines: list[str] = []
    built = build(tmp_path / "demo.qcow2", lines.append)
    assert built.read_bytes() == demo_image.built().read_bytes()
    assert len(lines) == 4 and built.stat().st_size < 24 << 20
    assert [path.name for path in tmp_path.iterdir()] == ["demo.qcow2"]


def test_the_root_file_system_outlives_a_power_cut(tmp_path: Path) -> None:
    """It has a journal: without one files of a guest whose power was cut were found in one another's blocks."""
    disk, root = tmp_path / "disk", tmp_path / "root"
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(demo_image.built()), str(disk)], check=True)
    root.write_bytes(disk.read_bytes()[(1 + BOOT_MIB) * MIB:])
    told = subprocess.run(["dumpe2fs", "-h", str(root)], check=True, capture_output=True, text=True).stdout
    assert "has_journal" in told
    assert subprocess.run(["e2fsck", "-fn", str(root)], capture_output=True, check=False).returncode == 0
