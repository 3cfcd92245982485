"""The bytes of simulated volumes: nothing while they are zeros, else one sparse file each."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from ....core.clock import Clock
from ...copying import clone_or_copy
from ...partial import backend_errors, partial, sweep
from ...streams import GIB, MIB, ZEROS, FileReader, fill, next_data


class Content:
    """Content by name in one folder; a name without a file is all zeros."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def open(self, known: Collection[str]) -> None:
        """Make the folder and remove what belongs to none of the ``known`` names."""
        with backend_errors("opening the simulated pool"):
            self._folder.mkdir(parents=True, exist_ok=True)
            sweep(self._folder)
            for entry in list(os.scandir(self._folder)):
                if not entry.name.startswith(".") and entry.name not in known:
                    os.unlink(entry.path)

    def write(self, name: str, size_gib: int, chunks: Iterable[bytes]) -> None:
        """Lay ``chunks`` over the start of the content; wholly, or not at all when they raise."""
        with partial(self._folder, self._clock, sync=False) as made:
            self._copy_onto(name, made.descriptor)
            with backend_errors("writing a simulated volume"):
                os.ftruncate(made.descriptor, size_gib * GIB)
            fill(made.descriptor, size_gib * GIB, chunks)
            if next_data(made.descriptor, 0) < size_gib * GIB:
                made.commit(self._folder / name)

    def copy(self, source: str, name: str) -> None:
        """Give ``name`` the content of ``source``."""
        with partial(self._folder, self._clock, sync=False) as made:
            if self._copy_onto(source, made.descriptor):
                made.commit(self._folder / name)

    def _copy_onto(self, name: str, target: int) -> bool:
        try:
            source = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            clone_or_copy(source, target)
        finally:
            os.close(source)
        return True

    def read(self, name: str, size_gib: int) -> Iterator[bytes]:
        """``size_gib`` GiB: the content, then zeros."""
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return (ZEROS for _ in range(size_gib * GIB // len(ZEROS)))
        with backend_errors("reading a simulated volume"):
            kept = os.fstat(descriptor).st_size
        return _followed_by_zeros(FileReader(descriptor, 0, kept, 4 * MIB), size_gib * GIB - kept)

    def delete(self, name: str) -> None:
        """Drop the content."""
        with backend_errors("deleting a simulated volume"):
            (self._folder / name).unlink(missing_ok=True)


def _followed_by_zeros(data: Iterator[bytes], missing_bytes: int) -> Iterator[bytes]:
    yield from data
    for _ in range(missing_bytes // len(ZEROS)):
        yield ZEROS
