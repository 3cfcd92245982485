"""The qemu-img command, run with limits: the images it reads may be hostile."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ...core.drivers.volume import Encryption
from ...core.errors import BackendFailed
from .limited import Limits, wholly
from .options import LibvirtOptions

KEY = "key"
_KEY = ("--object", f"secret,id={KEY},file=/dev/stdin")
DERIVATION_MS = 10
"""How long a try of a passphrase takes: they are random and long, so that none is ever guessed."""
INACCURATE = "Unable to get accurate CPU usage"
"""What QEMU says by chance, where the clock ticks too coarsely to measure how dear a try is."""
TRIES = 100


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

    def __init__(self, options: LibvirtOptions, limits: Limits | None = None) -> None:
        self._command = options.qemu_img
        self._limits = limits or Limits(options)

    @property
    def closed(self) -> bool:
        """Whether files that are made are their owner's alone."""
        return self._limits.closed

    def create(self, path: Path, size_bytes: int, encryption: Encryption | None = None) -> None:
        """Make an empty qcow2 file that reads as zeros."""
        self._make(path, [], size_bytes, encryption)

    def overlay(self, path: Path, base: Path, base_format: str, size_bytes: int,
                encryption: Encryption | None = None) -> None:
        """Make a qcow2 file of ``size_bytes`` whose content is ``base``'s until it is written.

        One that is encrypted lies beside its base and names it without a folder, so that both can go elsewhere; what
        is written is encrypted, be ``base`` so or not.
        """
        if encryption is None:
            self._make(path, ["-b", str(base), "-F", base_format], size_bytes)
        else:
            self._make(path, ["-u", "-b", base.name, "-F", base_format], size_bytes, encryption)

    def decrypt(self, source: Path, layers: int, target: Path, encryption: Encryption) -> None:
        """Copy ``source``, the top of so many encrypted layers, and what lies under them into one plain qcow2 file."""
        prefixes = ("backing." * number for number in range(layers))
        keys = ",".join(f"{prefix}encrypt.key-secret={KEY}" for prefix in prefixes)
        self._run(["convert", "-q", "-U", *_KEY, "--image-opts",
                   f"driver=qcow2,file.filename={escaped(str(source))},{keys}", "-O", "qcow2", str(target)], encryption)

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

    def resize(self, path: Path, size_bytes: int, encryption: Encryption | None = None) -> None:
        """Make a qcow2 file larger."""
        which = ["-f", "qcow2", str(path)]
        if encryption is not None:
            which = [*_KEY, "--image-opts", f"driver=qcow2,file.filename={escaped(str(path))},encrypt.key-secret={KEY}"]
        self._run(["resize", "-q", *which, str(size_bytes)], encryption)

    def _make(self, path: Path, base: Sequence[str], size_bytes: int, encryption: Encryption | None = None) -> None:
        locked: Sequence[str] = ()
        if encryption is not None:
            form = f"encrypt.format={encryption.format},encrypt.key-secret={KEY},encrypt.iter-time={DERIVATION_MS}"
            locked = [*_KEY, "-o", form]
        with wholly(path) as part:
            self._run(["create", "-q", "-f", "qcow2", *locked, *base, str(part), str(size_bytes)], encryption)

    def _run(self, arguments: Sequence[str], encryption: Encryption | None = None) -> None:
        """Run the command; a passphrase is read from its input, so that it is never seen among processes."""
        given = encryption.passphrase.encode() if encryption is not None else b""
        for left in range(TRIES, -1, -1):
            try:
                self._limits.run([self._command, *arguments], given=given)
                return
            except BackendFailed as error:
                if not left or INACCURATE not in str(error.facts.get("detail", "")):
                    raise


def escaped(text: str) -> str:
    """``text`` as a value in QEMU's lists of options, where a comma is written twice."""
    return text.replace(",", ",,")
