"""Ending all guests of a host without libvirt: the daemon may hang, and so may storage."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...core.clock import Clock
from ...core.drivers.hypervisor import Killable

PROCESSES = Path("/proc")
NAME = re.compile(rb"(?:^|=)stratolith-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:,|$)")
"""How libvirt names a guest to QEMU (``-name guest=NAME,...``) and to the controller of a container."""
CONTROLLER = b"/libvirt_lxc"
GONE_S = 1.0
"""Seconds in which a killed process is gone, unless it waits in the kernel."""
POLL_S = 0.02


class Killing(Killable):
    """The facet of a libvirt host whose guests are processes of its machine."""

    guests: Path
    """The folder of guests: which guests are this driver's own."""
    clock: Clock

    def kill_guests(self) -> Sequence[str]:
        unsure = []
        for process, guest, named in running():
            if bytes(self.guests / guest) in named:
                kill(process, guest)
            else:
                unsure.append((process, guest))
        # To look at a folder may hang: left for the end, and for those whose words do not say whose they are.
        for process, guest in unsure:
            if (self.guests / guest).is_dir():
                kill(process, guest)
        end = self.clock.monotonic() + GONE_S
        while (left := self._left()) and self.clock.monotonic() < end:
            self.clock.sleep(POLL_S)
        return left

    def _left(self) -> list[str]:
        return sorted({guest for _, guest, named in running()
                       if bytes(self.guests / guest) in named or (self.guests / guest).is_dir()})


def running() -> Iterator[tuple[int, str, bytes]]:
    """The processes of guests of any cloud: their number, the guest's id, and all words they were started with."""
    for entry in PROCESSES.iterdir():
        if entry.name.isdigit() and (found := _guest(entry)) is not None:
            yield int(entry.name), *found


def _guest(entry: Path) -> tuple[str, bytes] | None:
    # A process may end while it is looked at; one that has ended has no words.
    with contextlib.suppress(OSError):
        words = (entry / "cmdline").read_bytes()
        for before, word in zip((b"", *(parts := words.split(b"\0"))), parts, strict=False):
            if before in (b"-name", b"--name") and (match := NAME.search(word)) is not None:
                return match[1].decode(), words
    return None


def kill(process: int, guest: str) -> None:
    """End a process at once, if it still is the guest's; nothing if it is gone."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(process)
        try:
            found = _guest(PROCESSES / str(process))
            if found is not None and found[0] == guest:
                if found[1].split(b"\0")[0].endswith(CONTROLLER):
                    _kill_children(process)
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _kill_children(controller: int) -> None:
    """A container does not end with its controller; with the first of its processes all others do."""
    with contextlib.suppress(OSError):
        for child in (PROCESSES / str(controller) / "task" / str(controller) / "children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
