"""The demo image's parts that need no tool: its RAM disk archive, its scripts, its complaints."""

import gzip
import subprocess
from pathlib import Path

import pytest
from stratolith.core.errors import BackendFailed
from stratolith.plugins.image.demo import tools
from stratolith.plugins.image.demo.archive import pack
from stratolith.plugins.image.demo.guest_files import FILES, FIRST


def tree(root: Path) -> Path:
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "tool").write_bytes(b"12345")
    (root / "bin" / "tool").chmod(0o755)
    (root / "bin" / "name").symlink_to("tool")
    return root


def test_archive_is_the_same_every_time(tmp_path: Path) -> None:
    assert pack(tree(tmp_path / "a")) == pack(tree(tmp_path / "b"))


def test_archive_has_the_form_newc(tmp_path: Path) -> None:
    data = gzip.decompress(pack(tree(tmp_path)))
    found: dict[str, tuple[int, bytes]] = {}
    at = 0
    while at < len(data):
        assert data[at:at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
        name = data[at + 110:at + 110 + fields[11] - 1].decode()
        body = at + 110 + fields[11] + -(110 + fields[11]) % 4
        found[name] = (fields[1], data[body:body + fields[6]])
        at = body + fields[6] + -fields[6] % 4
    assert list(found) == [".", "bin", "bin/name", "bin/tool", "TRAILER!!!"]
    assert found["bin/tool"] == (0o100755, b"12345")
    assert found["bin/name"][0] & 0o170000 == 0o120000 and found["bin/name"][1] == b"tool"


@pytest.mark.parametrize("text", [text for text, _ in FILES.values() if text.startswith("#!/bin/sh")] + [FIRST])
def test_scripts_are_proper_shell(text: str) -> None:
    subprocess.run(["sh", "-n"], input=text.encode(), check=True)


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools, "PATH", str(tmp_path))
    with pytest.raises(BackendFailed, match="apt-get install .*busybox-static.*dropbear-bin.*syslinux"):
        tools.check()
    with pytest.raises(BackendFailed, match="mtools"):
        tools.program("mcopy")
