"""The config drive: an ISO 9660 file system with Joliet and Rock Ridge names, label ``config-2``."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pycdlib
from pycdlib.pycdlibexception import PyCdlibException

from ...core.errors import BackendFailed

LABEL = "config-2"
TOP = PurePosixPath("/")


class ConfigDrive:
    """Collects files, then writes the file system."""

    def __init__(self) -> None:
        self._iso = pycdlib.PyCdlib()
        self._iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
        self._folders: dict[PurePosixPath, str] = {TOP: ""}
        self._count = 0

    def add(self, path: PurePosixPath, content: bytes) -> None:
        """Add one file at the absolute ``path``, with its folders."""
        parent = self._folder(path.parent)
        self._iso.add_fp(io.BytesIO(content), len(content), f"{parent}/{self._short_name()}.;1", rr_name=path.name,
                         joliet_path=str(path))

    def _folder(self, path: PurePosixPath) -> str:
        if path not in self._folders:
            short = f"{self._folder(path.parent)}/{self._short_name()}"
            self._iso.add_directory(short, rr_name=path.name, joliet_path=str(path))
            self._folders[path] = short
        return self._folders[path]

    def _short_name(self) -> str:
        # ISO 9660's own names are eight capitals and digits: numbers never clash, and nobody reads them.
        self._count += 1
        return f"F{self._count:07d}"

    def write(self, target: Path) -> None:
        """Write the file system to the file ``target``."""
        self._iso.write(str(target))
        self._iso.close()


def write_config_drive(target: Path, files: Mapping[str, bytes], closed: bool = True) -> None:
    """Write ``files`` by path as a config drive, a ``closed`` one for its owner alone.

    :raises BackendFailed: a path cannot be written so.
    """
    if closed:
        target.touch(mode=0o600)
    drive = ConfigDrive()
    try:
        for name in sorted(files):
            path = PurePosixPath("/", name)
            if ".." in path.parts:
                raise BackendFailed("a file of the config drive has an improper path")
            drive.add(path, files[name])
        drive.write(target)
    except PyCdlibException as exc:
        raise BackendFailed("the config drive could not be written", detail=str(exc)) from exc
