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
            if ended(handle, PATIENCE_S):
                return
    finally:
        os.close(handle)


def ended(handle: int, patience_s: float) -> bool:
    """Wait until the process has ended, but not for longer; tell whether it has.

    poll(2), as select(2) knows no descriptors from 1,024 on.
    """
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(patience_s * 1000))


def _send(handle: int, number: signal.Signals) -> bool:
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    return True
