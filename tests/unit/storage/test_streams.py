"""Reading and writing sparse files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.errors import BackendFailed, NoSpace
from stratolith.storage import streams
from stratolith.storage.copying import clone_or_copy, copy, has_writer
from stratolith.storage.streams import MIB, ZEROS, FileReader, fill, write_pieces


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    """An empty open file."""
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_reader_answers_holes_from_memory(file: int) -> None:
    os.ftruncate(file, 20 * MIB)
    os.pwrite(file, b"x" * 10, 9 * MIB)
    chunks = list(FileReader(os.dup(file), 0, 20 * MIB, 4 * MIB))
    assert sum(chunk is ZEROS for chunk in chunks) >= 3
    data = b"".join(chunks)
    assert len(data) == 20 * MIB
    assert data.index(b"x") == 9 * MIB and data.count(b"x") == 10


def test_reader_closes_at_the_end_when_told_and_when_forgotten(file: int) -> None:
    os.pwrite(file, b"abc", 0)
    used = []
    for finish in (list, FileReader.close, lambda reader: None):
        descriptor = os.dup(file)
        used.append(descriptor)
        finish(FileReader(descriptor, 0, 3, MIB))
    assert len(set(used)) == 1


def test_reader_of_a_file_that_shrinks_says_so(file: int) -> None:
    os.pwrite(file, b"x" * 3 * MIB, 0)
    reader = FileReader(os.dup(file), 0, 3 * MIB, MIB)
    next(reader)
    os.ftruncate(file, MIB)
    with pytest.raises(BackendFailed):
        list(reader)


def test_fill_leaves_holes_alone(file: int) -> None:
    os.ftruncate(file, 64 * MIB)
    assert fill(file, 64 * MIB, [ZEROS] * 10 + [b"x"]) == 40 * MIB + 1
    assert os.fstat(file).st_blocks * 512 < MIB
    assert os.pread(file, 2, 40 * MIB) == b"x\0"


def test_fill_writes_zeros_over_data(file: int) -> None:
    os.pwrite(file, b"x" * MIB, 0)
    fill(file, MIB, [bytes(MIB)])
    assert os.pread(file, MIB, 0) == bytes(MIB)


def test_fill_refuses_what_is_too_long(file: int) -> None:
    with pytest.raises(NoSpace):
        fill(file, 10, [b"12345", b"678901"])


def test_pieces_are_written_whole_when_the_system_takes_a_part(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(streams.os, "pwritev", lambda descriptor, pieces, at: real(descriptor, pieces[0][:1], at))
    monkeypatch.setattr(streams.os, "pwrite", lambda descriptor, data, at: real(descriptor, bytes(data[:3]), at))
    pieces = [bytes([number % 251]) * 5 for number in range(3000)]
    assert write_pieces(file, pieces, 7) == 15_000
    assert os.pread(file, 20_000, 7) == b"".join(pieces)


@pytest.mark.parametrize("way", [copy, clone_or_copy])
def test_copy_keeps_data_and_holes(file: int, tmp_path: Path, way: object) -> None:
    os.ftruncate(file, 100 * MIB)
    for place in (0, 5 * MIB + 1, 100 * MIB - 4):
        os.pwrite(file, b"data", place)
    target = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
    way(file, target)  # type: ignore[operator]
    assert os.fstat(target).st_size == 100 * MIB
    assert os.fstat(target).st_blocks * 512 < MIB
    for place in (0, 5 * MIB + 1, 100 * MIB - 4):
        assert os.pread(target, 4, place) == b"data"
    os.close(target)


def test_a_file_that_nobody_locks_has_no_writer(file: int) -> None:
    assert not has_writer(file)
