"""The demo image: small, and the same bytes every time."""

from pathlib import Path

import pytest
from stratolith.plugins.image.demo.build import build

from . import demo_image

pytestmark = pytest.mark.live


def test_two_builds_are_alike(tmp_path: Path) -> None:
    lines: list[str] = []
    built = build(tmp_path / "demo.qcow2", lines.append)
    assert built.read_bytes() == demo_image.path().read_bytes()
    assert len(lines) == 4 and built.stat().st_size < 24 << 20
    assert [path.name for path in tmp_path.iterdir()] == ["demo.qcow2"]
