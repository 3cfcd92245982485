"""The qemu-img command, run with limits: the images it reads may be hostile."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ...core.errors import BackendBusy, BackendFailed, NoSpace
from .options import LibvirtOptions

MIB = 1 << 20


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
        self._wall_s = options.qemu_img_wall_s
        self._limits = []
        if options.qemu_img_memory_mib:
            self._limits.append(f"--as={options.qemu_img_memory_mib * MIB}")
        if options.qemu_img_cpu_s:
            self._limits.append(f"--cpu={options.qemu_img_cpu_s}")

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

    def fetch(self, path: Path, source: Source, disk_format: str = "qcow2") -> None:
        """Copy a disk that another host offers into the file ``path``, wholly or not at all."""
        part = path.with_name(path.name + ".part")
        key = f"tls-creds-psk,id=tls,endpoint=client,username={source.user},dir={escaped(str(source.keys))}"
        where = (f"driver=nbd,host={escaped(source.address)},port={source.port},export={escaped(source.export)},"
                 "tls-creds=tls")
        try:
            self._run(["convert", "-q", "-O", disk_format, "--object", key, "--image-opts", where, str(part)])
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)

    def resize(self, path: Path, size_bytes: int) -> None:
        """Make a qcow2 file larger."""
        self._run(["resize", "-q", "-f", "qcow2", str(path), str(size_bytes)])

    def _make(self, path: Path, base: Sequence[str], size_bytes: int) -> None:
        part = path.with_name(path.name + ".part")
        try:
            self._run(["create", "-q", "-f", "qcow2", *base, str(part), str(size_bytes)])
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)

    def _run(self, arguments: Sequence[str]) -> None:
        command = ["prlimit", *self._limits, "--", self._command, *arguments]
        try:
            # Its many threads would each reserve an arena of 64 MiB and meet the limit by that alone.
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=self._wall_s or None, env={**os.environ, "LC_ALL": "C", "MALLOC_ARENA_MAX": "1"})
        except subprocess.CalledProcessError as exc:
            text = exc.stderr.decode(errors="replace")
            kind = NoSpace if "No space left" in text else BackendFailed
            raise kind("the disk could not be made", detail=text, command=list(arguments)) from exc
        except subprocess.TimeoutExpired as exc:
            raise BackendBusy("the disk was not made in time", command=list(arguments)) from exc
        except OSError as exc:
            raise BackendFailed("qemu-img cannot be run", detail=str(exc)) from exc


def escaped(text: str) -> str:
    """``text`` as a value in QEMU's lists of options, where a comma is written twice."""
    return text.replace(",", ",,")
