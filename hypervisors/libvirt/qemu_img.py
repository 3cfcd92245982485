"""The qemu-img command, run with limits: the images it reads may be hostile."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from .limited import Limits, wholly
from .options import LibvirtOptions


@dataclasses.dataclass(frozen=True)
class Source:
    """A disk that another host offers over NBD to whoever has the key, which lies in the folder ``keys``."""

    address: str
    port: int
    export: str
    user: str
    keys: Path


class QemuImg:
    """Verbs of qemu-img; the format of every file is always given, never guessed."""

    def __init__(self, options: LibvirtOptions) -> None:
        self._command = options.qemu_img
        self._limits = Limits(options)

    def create(self, path: Path, size_bytes: int) -> None:
        """Make an empty qcow2 file that reads as zeros."""
        self._make(path, [], size_bytes)

    def overlay(self, path: Path, base: Path, base_format: str, size_bytes: int) -> None:
        """Make a qcow2 file of ``size_bytes`` whose content is ``base``'s until it is written."""
        self._make(path, ["-b", str(base), "-F", base_format], size_bytes)

    def flatten(self, source: Path, target: Path) -> None:
        """Copy the qcow2 file ``source`` with all that lies under it into one qcow2 file.

        The source may belong to a guest that is frozen: its lock is not asked for.
        """
        self._run(["convert", "-q", "-U", "-f", "qcow2", "-O", "qcow2", str(source), str(target)])

    def unpack(self, source: Path, source_format: str, target: Path) -> None:
        """Copy an image into the raw file ``target``, with holes where it is empty."""
        self._run(["convert", "-q", "-f", source_format, "-O", "raw", str(source), str(target)])

    def pack(self, source: Path, target: Path) -> None:
        """Copy the raw file ``source``, which may be open elsewhere, into a qcow2 file."""
        self._run(["convert", "-q", "-U", "-f", "raw", "-O", "qcow2", str(source), str(target)])

    def fetch(self, path: Path, source: Source, disk_format: str = "qcow2") -> None:
        """Copy a disk that another host offers into the file ``path``, wholly or not at all."""
        key = f"tls-creds-psk,id=tls,endpoint=client,username={source.user},dir={escaped(str(source.keys))}"
        where = (f"driver=nbd,host={escaped(source.address)},port={source.port},export={escaped(source.export)},"
                 "tls-creds=tls")
        with wholly(path) as part:
            self._run(["convert", "-q", "-O", disk_format, "--object", key, "--image-opts", where, str(part)])

    def resize(self, path: Path, size_bytes: int) -> None:
        """Make a qcow2 file larger."""
        self._run(["resize", "-q", "-f", "qcow2", str(path), str(size_bytes)])

    def _make(self, path: Path, base: Sequence[str], size_bytes: int) -> None:
        with wholly(path) as part:
            self._run(["create", "-q", "-f", "qcow2", *base, str(part), str(size_bytes)])

    def _run(self, arguments: Sequence[str]) -> None:
        self._limits.run([self._command, *arguments])


def escaped(text: str) -> str:
    """``text`` as a value in QEMU's lists of options, where a comma is written twice."""
    return text.replace(",", ",,")
