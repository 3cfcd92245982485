"""Volumes over NBD: one qemu-nbd process for each volume and host."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import select
import shutil
import signal
import threading
from pathlib import Path

from ....core.drivers.volume import Connection
from ....core.errors import BackendFailed, BadConfiguration
from ...partial import backend_errors
from .tools import Limits, found, run

LONGEST_SOCKET_PATH = 107
"""unix(7): sun_path has 108 bytes, the last of them zero."""
START_LIMITS = Limits(memory_mib=0, cpu_s=0, timeout_s=30.0)
"""Only the start is timed: the process serves for as long as it is wanted."""
STOP_TIMEOUT_S = 5.0
CLIENTS = 4
"""More than one, so that a guest that moves or reconnects finds the door open."""


@dataclasses.dataclass(frozen=True)
class NbdSettings:
    """How exports are opened. ``address`` is empty when no other host may be served."""

    program: str
    address: str
    first_port: int
    ports: int
    socket_group: str


class Exports:
    """The exports of one pool. They outlive this process; what is known of them lies in ``folder``.

    Blocks. Any thread may call, but never two for one volume.
    """

    def __init__(self, folder: Path, settings: NbdSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._lock = threading.Lock()

    def open(self, volume: str, host: str, path: Path, form: str, *, local: bool) -> Connection:
        """Serve ``path`` to ``host``, through a socket if it is ``local``; as before if that is done.

        :raises InUse: another process has the volume open.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        key = _key(volume, host)
        details = self._details(key)
        if details is not None and self._alive(key):
            return Connection("nbd", details)
        self._stop(key)  # a crash may have left a server of which nothing was noted
        try:
            if local:
                return Connection("nbd", self._serve_socket(key, volume, path, form))
            return Connection("nbd", self._serve_port(key, volume, path, form, details))
        except BaseException:
            self._stop(key)
            raise

    def _serve_socket(self, key: str, volume: str, path: Path, form: str) -> dict[str, str]:
        socket = self._folder / f"{key}.sock"
        if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
            raise BadConfiguration(f"the path of the folder for sockets is too long: {socket}")
        self._start(key, volume, path, form, ["--socket", str(socket)])
        if self._settings.socket_group:
            with backend_errors("opening a volume to a group"):
                shutil.chown(socket, group=self._settings.socket_group)
                socket.chmod(0o660)
        return self._remember(key, {"socket": str(socket), "export": volume})

    def _serve_port(self, key: str, volume: str, path: Path, form: str,
                    before: dict[str, str] | None) -> dict[str, str]:
        """On the port it had before, so that a guest finds it again after a crash, else on a free one."""
        address = self._settings.address
        first = self._settings.first_port
        with self._lock:
            taken = self._ports()
            free = [port for port in range(first, first + self._settings.ports) if port not in taken]
            for port in [int(before["port"])] if before and "port" in before else free:
                with contextlib.suppress(_PortTakenError):
                    self._start(key, volume, path, form, ["--bind", address, "--port", str(port)])
                    return self._remember(key, {"host": address, "port": str(port), "export": volume})
        raise BackendFailed("no port is free to serve the volume")

    def _start(self, key: str, volume: str, path: Path, form: str, listen: list[str]) -> None:
        program = found(self._settings.program)
        try:
            run([program, "--fork", "--pid-file", str(self._pid_file(key)), "--persistent", "--shared", str(CLIENTS),
                 "--format", form, "--discard", "unmap", "--export-name", volume, *listen, "--", str(path)],
                START_LIMITS)
        except BackendFailed as exc:
            if "Address already in use" in str(exc.facts.get("said", "")):
                raise _PortTakenError from exc
            raise

    def close(self, volume: str, host: str) -> None:
        """Stop serving the volume to ``host``; nothing if it is not served."""
        self._stop(_key(volume, host))

    def close_all(self, volume: str) -> None:
        """Stop serving the volume to anyone."""
        for key in {file.stem for file in self._folder.glob(f"{_digest(volume)}-*")}:
            self._stop(key)

    def _stop(self, key: str) -> None:
        process = self._process(key)
        if process is not None:
            try:
                _end(process)
            finally:
                os.close(process)
        for suffix in ("sock", "pid", "json", "new"):
            (self._folder / f"{key}.{suffix}").unlink(missing_ok=True)

    def _alive(self, key: str) -> bool:
        process = self._process(key)
        if process is None:
            return False
        os.close(process)
        return True

    def _process(self, key: str) -> int | None:
        """A descriptor of the serving process (pidfd_open(2)); None when it is gone.

        Another process may have got its number, so its command line must name our pid file.
        """
        try:
            pid = int(self._pid_file(key).read_text())
            process = os.pidfd_open(pid)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return None
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if os.fsencode(self._pid_file(key)) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return process
        os.close(process)
        return None

    def _pid_file(self, key: str) -> Path:
        return self._folder / f"{key}.pid"

    def _details(self, key: str) -> dict[str, str] | None:
        try:
            details = json.loads((self._folder / f"{key}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return {str(name): str(value) for name, value in details.items()}

    def _remember(self, key: str, details: dict[str, str]) -> dict[str, str]:
        with backend_errors("remembering a connection"):
            fresh = self._folder / f"{key}.new"
            fresh.write_text(json.dumps(details))
            fresh.replace(self._folder / f"{key}.json")
        return details

    def _ports(self) -> set[int]:
        known = (self._details(record.stem) for record in self._folder.glob("*.json"))
        return {int(details["port"]) for details in known if details and "port" in details}


class _PortTakenError(Exception):
    """Another process listens there."""


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _key(volume: str, host: str) -> str:
    """A short file name for the pair: socket paths must be short."""
    return f"{_digest(volume)}-{_digest(host)}"


def _end(process: int) -> None:
    """End the process: it flushes on SIGTERM, and is killed when that takes too long."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, number)
        # select(2) knows no descriptors from 1,024 on.
        waiting = select.poll()
        waiting.register(process, select.POLLIN)
        if waiting.poll(STOP_TIMEOUT_S * 1000):
            return
    raise BackendFailed("the process that serves the volume does not end")
