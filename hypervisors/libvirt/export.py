"""The disks of a guest that departs, offered to another host: one qemu-nbd each, for whoever has the key."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...core.clock import Clock
from ...core.errors import BackendFailed
from .disks import GuestFolder
from .options import LibvirtOptions
from .qemu_img import Source, escaped

USER = "move"
KEYS = "keys.psk"
END_S = 10.0
POLL_S = 0.05


class Exports:
    """The servers of one host. They go on when this process ends; ``offered.json`` in a guest's folder names them."""

    def __init__(self, options: LibvirtOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock

    def open(self, folder: GuestFolder, disks: Mapping[str, Path]) -> dict[str, str]:
        """Serve ``disks``, by the names they shall have; the offer, the same again while all servers live."""
        known = _read(folder)
        if set(known.get("ports", ())) == set(disks) and all(self._pid(folder, name) for name in disks):
            return self._offer(known)
        self.close(folder)
        keys = folder.path / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        record = {"key": self._clock.random_bytes(32).hex(), "ports": {}}
        _private(keys / KEYS, f"{USER}:{record['key']}\n")
        folder.keep(folder.offered, json.dumps(record))
        record["ports"] = {name: self._serve(folder, name, path) for name, path in disks.items()}
        folder.keep(folder.offered, json.dumps(record))
        folder.offered.chmod(0o600)
        return self._offer(record)

    def _offer(self, record: Mapping[str, Any]) -> dict[str, str]:
        return {"address": self._options.move_address, "key": str(record["key"]),
                "ports": json.dumps(record["ports"])}

    def close(self, folder: GuestFolder) -> None:
        """End the servers of a guest's disks; nothing when there are none."""
        for file in sorted(folder.path.glob("*.nbd-pid")):
            pid = self._pid(folder, file.name.removesuffix(".nbd-pid"))
            if pid:
                self._end(pid, folder, file.name.removesuffix(".nbd-pid"))
            file.unlink(missing_ok=True)
        keys = folder.path / "keys"
        (keys / KEYS).unlink(missing_ok=True)
        if keys.exists():
            keys.rmdir()
        folder.offered.unlink(missing_ok=True)

    def _end(self, pid: int, folder: GuestFolder, name: str) -> None:
        deadline = self._clock.monotonic() + END_S
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            while self._pid(folder, name):
                if self._clock.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                self._clock.sleep(POLL_S)

    def _pid_file(self, folder: GuestFolder, name: str) -> Path:
        return folder.path / f"{name}.nbd-pid"

    def _pid(self, folder: GuestFolder, name: str) -> int:
        """The process that serves a disk, 0 when it does not live: numbers are used again, so its command counts."""
        file = self._pid_file(folder, name)
        try:
            pid = int(file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return 0
        return pid if str(file).encode() in command else 0

    def _serve(self, folder: GuestFolder, name: str, path: Path) -> int:
        for port in self._ports():
            if self._start(folder, name, path, port):
                return port
        raise BackendFailed("there is no free port to offer a disk on")

    def _ports(self) -> Iterator[int]:
        """The ports of the range, each once, from any place on."""
        first, _, last = self._options.move_ports.partition("-")
        ports = range(int(first), int(last or first) + 1)
        start = self._clock.random().randrange(len(ports))
        return iter([*ports[start:], *ports[:start]])

    def _start(self, folder: GuestFolder, name: str, path: Path, port: int) -> bool:
        """Start one server; false when the port is taken."""
        # A name with an ending is that of a whole file, which goes as it is.
        form = "qcow2" if path.suffix == ".qcow2" and not Path(name).suffix else "raw"
        key = f"tls-creds-psk,id=tls,endpoint=server,dir={escaped(str(folder.path / 'keys'))}"
        command = [self._options.qemu_nbd, "--fork", f"--pid-file={self._pid_file(folder, name)}", "--persistent",
                   "--read-only", "--shared=4", f"--format={form}", f"--export-name={name}",
                   f"--bind={self._options.move_address}", f"--port={port}", "--object", key, "--tls-creds=tls",
                   str(path)]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  timeout=60, check=False, env={**os.environ, "LC_ALL": "C"})
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise BackendFailed("the disk could not be offered", detail=str(exc)) from exc
        text = done.stderr.decode(errors="replace")
        if done.returncode and "in use" not in text:
            raise BackendFailed("the disk could not be offered", detail=text)
        return done.returncode == 0


def sources(offer: Mapping[str, str], keys: Path) -> dict[str, Source]:
    """The disks of an offer by name; the key is written into the folder ``keys``.

    :raises BackendFailed: the offer is none of this kind.
    """
    try:
        ports = json.loads(offer["ports"])
        _private(keys / KEYS, f"{USER}:{offer['key']}\n")
        return {name: Source(offer["address"], int(port), name, USER, keys) for name, port in ports.items()}
    except (KeyError, ValueError) as exc:
        raise BackendFailed("the offer is none of a libvirt host") from exc


def _read(folder: GuestFolder) -> dict[str, Any]:
    if not folder.offered.exists():
        return {}
    found: dict[str, Any] = json.loads(folder.offered.read_text())
    return found


def _private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
