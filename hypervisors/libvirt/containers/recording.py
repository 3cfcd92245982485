"""One recorder for each running container."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt

from ....core.errors import BackendFailed
from .folder import ContainerFolder

PROGRAM = Path(__file__).with_name("recorder.py")
START_S = 30.0


def recorded(folder: ContainerFolder, console: str) -> bool:
    """Whether a recorder of this console lives: numbers of processes are used again, so its command counts.

    That of the console before may not have ended yet.
    """
    try:
        pid = int((folder.path / "recorder.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
    return command.split(b"\0")[-3:-1] == [console.encode(), bytes(folder.path)]


def record(domain: libvirt.virDomain, folder: ContainerFolder) -> None:
    """See that the console of a running container is recorded. :raises BackendFailed: it cannot be."""
    console = ET.fromstring(domain.XMLDesc(0)).find("./devices/console/source")
    path = console.get("path", "") if console is not None else ""
    if not path or recorded(folder, path):
        # Without a path it has ended again.
        return
    try:
        # Its child outlives this process; where the console has gone meanwhile, there is nothing to record.
        done = subprocess.run([sys.executable, "-I", "-S", str(PROGRAM), path, str(folder.path)], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              timeout=START_S, start_new_session=True)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise BackendFailed("the container's console cannot be recorded", detail=str(exc)) from exc
    if done.returncode and domain.isActive():
        raise BackendFailed("the container's console cannot be recorded", detail=done.stderr.decode(errors="replace"))
