"""What the simulated pool remembers: sizes in memory, and one line of a file for each change."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Callable
from pathlib import Path

from ...partial import backend_errors

VOLUME = "volume"
SNAPSHOT = "snapshot"
_COMPACT_AFTER = 4096


class Journal:
    """Sizes in GiB by name, of volumes and of snapshots. One thread at a time may change it.

    With a ``file`` each change is one line appended to it, and survives the process but not a power
    cut. A line that a crash cut short is left out at the next reading.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._descriptor = -1
        self._closing: Callable[[], object] | None = None
        self._lines = 0
        self.sizes: dict[str, dict[str, int]] = {VOLUME: {}, SNAPSHOT: {}}

    def open(self) -> None:
        """Read the file, if there is one, and write it anew without what is over."""
        if self._file is None or self._descriptor >= 0:
            return
        with backend_errors("reading the simulated pool"):
            self._read(self._file)
            self._compact(self._file)

    def _read(self, file: Path) -> None:
        self.sizes = {VOLUME: {}, SNAPSHOT: {}}
        if not file.exists():
            return
        for line in file.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                kind, name, size = json.loads(line)
                self._apply(kind, name, size)

    def _compact(self, file: Path) -> None:
        lines = [_line(kind, name, size) for kind, sizes in self.sizes.items() for name, size in sizes.items()]
        fresh = file.with_name(file.name + ".new")
        fresh.write_bytes(b"".join(lines))
        fresh.replace(file)
        self.close()
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        # A cloud that a test kills closes nothing.
        self._closing = weakref.finalize(self, os.close, self._descriptor)
        self._lines = len(lines)

    def set(self, kind: str, name: str, size_gib: int | None) -> None:
        """Remember the size of ``name``; None forgets it. :raises NoSpace: the file cannot grow."""
        if self._descriptor >= 0 and self._file is not None:
            with backend_errors("remembering a simulated volume"):
                os.write(self._descriptor, _line(kind, name, size_gib))
                self._apply(kind, name, size_gib)
                self._lines += 1
                if self._lines > _COMPACT_AFTER + 4 * sum(map(len, self.sizes.values())):
                    self._compact(self._file)
        else:
            self._apply(kind, name, size_gib)

    def _apply(self, kind: str, name: str, size_gib: int | None) -> None:
        if size_gib is None:
            self.sizes[kind].pop(name, None)
        else:
            self.sizes[kind][name] = size_gib

    def close(self) -> None:
        """Let go of the file."""
        if self._closing is not None:
            self._closing()
        self._closing, self._descriptor = None, -1


def _line(kind: str, name: str, size_gib: int | None) -> bytes:
    return json.dumps([kind, name, size_gib]).encode() + b"\n"
