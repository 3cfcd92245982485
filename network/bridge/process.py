"""Processes of the driver's own that outlive it, found again by their pid files."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

PATIENCE_S = 3.0


def running(pid_file: Path, mark: str) -> int:
    """The pid in the file if that process lives and ``mark`` is one of its arguments, else 0.

    The mark tells our process from a stranger who got the same number later.
    """
    try:
        pid = int(pid_file.read_text())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except (OSError, ValueError):
        return 0
    return pid if mark in arguments else 0


def stop(pid: int, how: signal.Signals = signal.SIGTERM) -> None:
    """End the process: politely, and after three seconds by force. Returns when it is gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        for number in (how, signal.SIGKILL):
            if not _send(handle, number):
                return
            if select.select([handle], [], [], PATIENCE_S)[0]:
                return
    finally:
        os.close(handle)


def _send(handle: int, number: signal.Signals) -> bool:
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    return True
