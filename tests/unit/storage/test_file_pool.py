"""What the file pool does beyond the interface, without any program."""

import logging
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.drivers.base import Surroundings
from stratolith.core.drivers.volume import Connector
from stratolith.core.errors import BadConfiguration, NoSpace
from stratolith.storage.volumes.file.driver import File, FileOptions


def pool(folder: Path, **given: object) -> File:
    """An open pool in ``folder``."""
    options = FileOptions(path=str(folder), **{"sync": "none", **given})  # type: ignore[arg-type]
    driver = File(options, Surroundings(Virtual(), logging.getLogger("test"), folder, folder / "run", "here"))
    driver.open()
    return driver


@pytest.fixture
def small_files() -> Iterator[int]:
    """Files cannot become longer than 2 GiB in this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 30, before[1]))
    yield 2
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("wrong", [{"format": "vmdk"}, {"export": "iscsi"}, {"sync": "maybe"},
                                   {"format": "qcow2", "qemu_img": "no-such-program"},
                                   {"export": "nbd", "qemu_nbd": "no-such-program"}])
def test_wrong_option_is_said_at_once(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration):
        pool(tmp_path, **wrong)


def test_raw_pool_needs_no_program(tmp_path: Path) -> None:
    driver = pool(tmp_path, qemu_img="no-such-program", qemu_nbd="no-such-program")
    driver.create("v", 1)
    driver.snapshot("v", "s")
    driver.create_from_snapshot("w", 2, "v", "s")
    assert driver.connect("v", Connector("here")).details["path"] == str(tmp_path / "volumes" / "v.raw")


def test_unfinished_files_are_never_seen_and_swept_out(tmp_path: Path) -> None:
    driver = pool(tmp_path)
    left = tmp_path / "volumes" / ".partial-0123"
    left.write_bytes(b"half")
    assert not driver.observe().volumes
    driver.open()
    assert not left.exists()


def test_files_of_others_are_not_ours(tmp_path: Path) -> None:
    driver = pool(tmp_path)
    for name in ("notes.txt", "raw", ".hidden.raw", "lost+found"):
        (tmp_path / "volumes" / name).write_bytes(b"x")
    (tmp_path / "snapshots" / "no-at-sign.raw").write_bytes(b"x")
    assert not driver.observe().volumes and not driver.observe().snapshots


def test_damaged_qcow2_file_is_observed_without_size(tmp_path: Path) -> None:
    driver = pool(tmp_path)
    (tmp_path / "volumes" / "v.qcow2").write_bytes(b"no header")
    assert driver.observe().volumes == {"v": 0}
    driver.delete("v")
    assert not driver.observe().volumes


def test_over_subscription_is_limited(tmp_path: Path) -> None:
    driver = pool(tmp_path, capacity_gib=2, over_subscription=2.0, reserved_gib=0)
    driver.create("a", 3)
    with pytest.raises(NoSpace):
        driver.create("b", 2)
    driver.create("b", 1)
    with pytest.raises(NoSpace):
        driver.extend("a", 4)
    assert driver.observe().volumes == {"a": 3, "b": 1}
    assert driver.facts().total_gib == 2


def test_reserved_space_is_never_promised(tmp_path: Path) -> None:
    driver = pool(tmp_path, reserved_gib=1 << 30)
    assert driver.facts().free_gib == 0
    with pytest.raises(NoSpace):
        driver.create("v", 1)


def test_file_system_that_refuses_large_files(tmp_path: Path, small_files: int) -> None:
    driver = pool(tmp_path)
    driver.create("v", small_files)
    with pytest.raises(NoSpace):
        driver.create("w", small_files + 1)
    with pytest.raises(NoSpace):
        driver.extend("v", small_files + 1)
    assert driver.observe().volumes == {"v": small_files}
    assert [file.name for file in (tmp_path / "volumes").iterdir()] == ["v.raw"]
