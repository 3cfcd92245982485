"""What the file image store does beyond the interface."""

import logging
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.drivers.base import Surroundings
from stratolith.core.errors import BackendFailed, BadConfiguration, NoSpace
from stratolith.storage.images.file.driver import File, FileOptions

MIB = 1 << 20


def store(folder: Path, **given: object) -> File:
    """An open store whose state folder is ``folder``."""
    options = FileOptions(**given)  # type: ignore[arg-type]
    driver = File(options, Surroundings(Virtual(), logging.getLogger("test"), folder, folder))
    driver.open()
    return driver


def test_folder_is_the_states_own_unless_given(tmp_path: Path) -> None:
    store(tmp_path).put("a", [b"x"])
    store(tmp_path, path=str(tmp_path / "elsewhere")).put("b", [b"x"])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "elsewhere" / "b").read_bytes() == b"x"


def test_wrong_option_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration):
        store(tmp_path, sync="perhaps")


def test_reserved_space_is_never_filled(tmp_path: Path) -> None:
    driver = store(tmp_path, reserved_mib=1 << 40)
    assert driver.facts().free_bytes == 0
    with pytest.raises(NoSpace):
        driver.put("a", [b"x"])
    assert not list(tmp_path.iterdir())


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files cannot become longer than 1 MiB in this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("piece_bytes", [64 * 1024, 5 * MIB])
def test_write_that_the_system_refuses_leaves_nothing(tmp_path: Path, piece_bytes: int) -> None:
    driver = store(tmp_path)
    with pytest.raises(NoSpace):
        driver.put("a", [b"x" * piece_bytes] * 100)
    assert not list(tmp_path.iterdir())


def test_upload_that_a_crash_cut_short_is_swept_out(tmp_path: Path) -> None:
    driver = store(tmp_path)
    (tmp_path / ".partial-0123").write_bytes(b"half")
    assert driver.observe() == []
    driver.open()
    assert not list(tmp_path.iterdir())


def test_folder_that_is_gone_is_a_backend_failure(tmp_path: Path) -> None:
    driver = store(tmp_path, path=str(tmp_path / "gone"))
    (tmp_path / "gone").rmdir()
    for call in (driver.observe, driver.facts, lambda: driver.put("a", [b"x"])):
        with pytest.raises(BackendFailed):
            call()
