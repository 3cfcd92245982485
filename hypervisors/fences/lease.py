"""Fencing by a lease on storage that all hosts share: who cannot renew it stops its guests by itself.

Each host writes a new number into its file every few seconds. The control side, to stop a host, puts a mark beside
the file, which the host obeys as soon as it sees it, and then watches: when the number has not changed for as long as
a host may run without renewing, and some seconds more, nothing runs there. No clocks are compared: each side measures
by its own only, so that they may differ.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

from ...core.config import option
from ...core.drivers.base import Surroundings
from ...core.drivers.fence import Fence, FenceFacts, Keeping
from ...core.errors import BackendBusy, BadConfiguration, NotSupported

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


@dataclasses.dataclass(frozen=True)
class LeaseOptions:
    """Options of the lease."""

    folder: str = option("", "Folder on storage that all hosts and the control side share.")
    lease_s: float = option(30.0, "Seconds a host may run its guests without renewing.")
    margin_s: float = option(15.0, "Seconds more until the control side believes that they have stopped.")


class Lease(Fence, Keeping):
    """Stops hosts by not letting them renew."""

    Options = LeaseOptions
    options: LeaseOptions

    def __init__(self, options: LeaseOptions, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._folder = Path(options.folder)
        self._watched: dict[str, tuple[tuple[bytes, bytes], float]] = {}
        self._certain: dict[str, bytes] = {}

    def open(self) -> None:
        options = self.options
        if not options.folder:
            raise BadConfiguration("the lease needs the option folder")
        if options.margin_s < self.every_s():
            raise BadConfiguration("the margin of the lease must not be shorter than a third of the lease")

    def facts(self) -> FenceFacts:
        return FenceFacts(proves=True)

    def every_s(self) -> float:
        return self.options.lease_s / 3

    # On the host.

    def grace_s(self) -> float:
        return self.options.margin_s

    def keep(self, host: str) -> float:
        # What is written may arrive late, but never before this moment.
        now = self.clock.monotonic()
        try:
            if self._mark(host).exists():
                return now
            self._write(self._file(host), self.clock.hex_id().encode())
        except OSError as exc:
            raise BackendBusy("the lease cannot be renewed", detail=str(exc)) from exc
        return now + self.options.lease_s

    # On the control side.

    def fence(self, host: str) -> bool:
        now = self.clock.monotonic()
        try:
            mark, number = self._marked(host), self._read(self._file(host))
        except OSError as exc:
            raise BackendBusy("the shared storage of the lease cannot be reached", detail=str(exc)) from exc
        # Another process may have released the host since; then this is another mark.
        if self._certain.get(host) == mark:
            return True
        seen, since = self._watched.get(host, (None, now))
        if seen != (mark, number):
            self._watched[host] = ((mark, number), now)
            return False
        if now - since < self.options.lease_s + self.options.margin_s:
            return False
        self._certain[host] = mark
        return True

    def release(self, host: str) -> None:
        try:
            self._mark(host).unlink(missing_ok=True)
        except OSError as exc:
            raise BackendBusy("the shared storage of the lease cannot be reached", detail=str(exc)) from exc
        self._watched.pop(host, None)
        self._certain.pop(host, None)

    def _file(self, host: str) -> Path:
        if not PLAIN.fullmatch(host):
            raise NotSupported("the host's name cannot be that of a file")
        return self._folder / f"{host}.lease"

    def _mark(self, host: str) -> Path:
        return self._file(host).with_suffix(".stop")

    def _marked(self, host: str) -> bytes:
        """What is in the mark that stops ``host``, which is made if there is none: each has a word of its own."""
        if not self._mark(host).exists():
            self._write(self._mark(host), self.clock.hex_id().encode())
        return self._read(self._mark(host))

    def _read(self, file: Path) -> bytes:
        return file.read_bytes() if file.exists() else b""

    def _write(self, file: Path, data: bytes) -> None:
        """Replace a file at once, and not before its contents are on the storage."""
        fresh = file.with_name(f".{file.name}.{self.clock.hex_id()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(fresh, file)
