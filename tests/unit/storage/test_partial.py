"""Files that appear whole or not at all."""

import errno
import os
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.errors import BackendFailed, NoSpace
from stratolith.storage.partial import backend_errors, partial, sweep


@pytest.mark.parametrize("sync", [True, False])
def test_committed_file_takes_the_name(tmp_path: Path, sync: bool) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with partial(tmp_path, Virtual(), sync=sync) as made:
        os.write(made.descriptor, b"new")
        assert (tmp_path / "x").read_bytes() == b"old"
        made.commit(tmp_path / "x")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x", b"new")]


def test_uncommitted_file_vanishes(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), partial(tmp_path, Virtual(), sync=True):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_names_of_one_seed_do_not_clash(tmp_path: Path) -> None:
    with partial(tmp_path, Virtual(7), sync=False) as first, partial(tmp_path, Virtual(7), sync=False) as second:
        assert first.path != second.path


def test_sweep_takes_what_is_left_and_spares_what_is_made(tmp_path: Path) -> None:
    (tmp_path / ".partial-left").write_bytes(b"x")
    (tmp_path / "whole").write_bytes(b"x")
    with partial(tmp_path, Virtual(), sync=False) as made:
        assert sweep(tmp_path) == 1
        assert made.path.exists()
        assert not (tmp_path / ".partial-left").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["whole"]


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, NoSpace), (errno.EDQUOT, NoSpace), (errno.EFBIG, NoSpace),
                                              (errno.EIO, BackendFailed)])
def test_system_errors_are_translated(number: int, kind: type[Exception]) -> None:
    with pytest.raises(kind) as raised, backend_errors("work"):
        raise OSError(number, os.strerror(number))
    assert type(raised.value) is kind
    assert isinstance(raised.value.__cause__, OSError)


def test_folder_that_is_gone_is_a_backend_failure(tmp_path: Path) -> None:
    with pytest.raises(BackendFailed), partial(tmp_path / "gone", Virtual(), sync=False):
        raise AssertionError("not reached")
