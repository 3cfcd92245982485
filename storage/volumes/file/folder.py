"""The pool's folder: which file is which volume or snapshot."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ....core.errors import BackendFailed, NotFound
from ...partial import backend_errors, sweep, sync_folder
from ...streams import GIB
from .formats import Format


class Folder:
    """Volumes in ``volumes/<id>.<format>``, snapshots in ``snapshots/<volume>@<id>.<format>``.

    The format is part of the name and never guessed from the content, which a guest writes.
    """

    def __init__(self, path: Path, formats: Mapping[str, Format]) -> None:
        self.path = path
        self.volumes = path / "volumes"
        self.snapshots = path / "snapshots"
        self._formats = formats

    def open(self) -> int:
        """Make the folders; return how many unfinished files were swept out."""
        with backend_errors("opening the pool"):
            for folder in (self.volumes, self.snapshots):
                folder.mkdir(parents=True, exist_ok=True)
            return sweep(self.volumes) + sweep(self.snapshots)

    def volume(self, volume: str) -> tuple[Path, Format]:
        """The volume's file and its format. :raises NotFound: there is none."""
        return self._present(self.volumes, volume, f"there is no volume {volume} in the pool")

    def snapshot(self, volume: str, snapshot: str) -> tuple[Path, Format]:
        """The snapshot's file and its format. :raises NotFound: there is none."""
        return self._present(self.snapshots, f"{volume}@{snapshot}", f"volume {volume} has no snapshot {snapshot}")

    def _present(self, folder: Path, stem: str, otherwise: str) -> tuple[Path, Format]:
        for form in self._formats.values():
            path = folder / f"{stem}.{form.name}"
            if path.exists():
                return path, form
        raise NotFound(otherwise)

    def volume_sizes(self) -> dict[str, int]:
        """Sizes in GiB, rounded up, by volume id. A damaged file counts as 0."""
        return {stem: self._size_gib(path, form) for stem, path, form in self._files(self.volumes)}

    def _size_gib(self, path: Path, form: Format) -> int:
        with contextlib.suppress(FileNotFoundError, BackendFailed):
            return -(-form.size_bytes(path) // GIB)
        return 0

    def snapshot_ids(self, volume: str = "") -> list[str]:
        """Ids of all snapshots, or only of those of ``volume``."""
        pairs = (stem.split("@", 1) for stem, _, _ in self._files(self.snapshots) if "@" in stem)
        return sorted(snapshot for source, snapshot in pairs if not volume or source == volume)

    def has(self, volume: str) -> bool:
        """Whether there is a volume of this id."""
        return any((self.volumes / f"{volume}.{name}").exists() for name in self._formats)

    def snapshot_sizes(self, volume: str) -> dict[str, int]:
        """Sizes in GiB, rounded up, of the snapshots of ``volume`` by their ids."""
        found = {stem.partition("@"): self._size_gib(path, form) for stem, path, form in self._files(self.snapshots)}
        return {snapshot: size for (source, at, snapshot), size in found.items() if at and source == volume}

    def rename_snapshot(self, volume: str, snapshot: str, to_volume: str, to_snapshot: str) -> None:
        """Give a snapshot's file the name of another volume's or another snapshot. :raises NotFound: there is none."""
        path, form = self.snapshot(volume, snapshot)
        self.rename(path, self.snapshots / f"{to_volume}@{to_snapshot}.{form.name}")

    @staticmethod
    def rename(path: Path, target: Path) -> None:
        """Give a file another name, durably."""
        with backend_errors("renaming a volume"):
            path.rename(target)
            sync_folder(target.parent)

    def _files(self, folder: Path) -> Iterator[tuple[str, Path, Format]]:
        with backend_errors("listing the pool"):
            found = sorted(entry.name for entry in os.scandir(folder))
        for name in found:
            stem, _, suffix = name.rpartition(".")
            if stem and not name.startswith(".") and suffix in self._formats:
                yield stem, folder / name, self._formats[suffix]
