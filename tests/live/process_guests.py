"""A hypervisor whose guests are processes that write to their disk all the time: what an oracle on the disk can see.

A package of its own as far as the cloud knows: the test puts it, and an entry point for it, on the path of the agents.
"""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
from pathlib import Path

from stratolith.core.config import option
from stratolith.core.drivers.hypervisor import Hypervisor, HypervisorFacts, Killable, ObservedGuest, Power
from stratolith.core.errors import NotFound

BEAT = 'while read -r now rest </proc/uptime; do echo "$3 $now" >>"$4"; sleep 0.02; done'
"""What a guest does: its host's name and the machine's time, to its disk, fifty times a second."""


@dataclasses.dataclass(frozen=True)
class ProcessGuestsOptions:
    """Where disks are."""

    disks: str = option("", "folder of all hosts' disks")


class ProcessGuests(Hypervisor, Killable):
    """Guests of one host. They outlive the agent."""

    Options = ProcessGuestsOptions

    def __init__(self, options, surroundings):
        super().__init__(options, surroundings)
        self.folder = surroundings.state_dir.absolute()

    def open(self):
        self.folder.mkdir(parents=True, exist_ok=True)

    def facts(self):
        return HypervisorFacts("fake", 1_000_000, self.surroundings.host, 64, 65536, 1024,
                               disk_formats=("raw", "qcow2"))

    def observe(self):
        return [ObservedGuest(file.stem, self.power(file.stem)) for file in self.folder.glob("*.guest")]

    def power(self, guest):
        if not self._file(guest).exists():
            raise NotFound("there is no such guest")
        return Power.RUNNING if self._processes(guest) else Power.SHUTDOWN

    def spawn(self, spec):
        self._file(spec.guest).write_text(json.dumps({"name": spec.name}))
        self.start(spec.guest)

    def start(self, guest):
        if self.power(guest) is not Power.RUNNING:
            words = ["sh", "-c", BEAT, "process-guest", str(self.folder), guest, self.surroundings.host,
                     f"{self.options.disks}/{guest}"]
            subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)

    def stop(self, guest, timeout_s):
        self.power(guest)
        self._kill(self._processes(guest))

    def reboot(self, guest, hard):
        self.stop(guest, 0)
        self.start(guest)

    def destroy(self, guest):
        self._kill(self._processes(guest))
        self._file(guest).unlink(missing_ok=True)

    def console_log(self, guest, max_bytes):
        return b""

    def kill_guests(self):
        self._kill(self._processes())
        return [guest for _, guest in self._processes()]

    def _file(self, guest):
        return self.folder / f"{guest}.guest"

    def _processes(self, guest=""):
        """Processes of a guest, or of all, with their guests."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                if words[3:5] == ["process-guest", str(self.folder)] and guest in ("", words[5]):
                    found.append((int(entry.name), words[5]))
        return found

    def _kill(self, processes):
        for process, _ in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for process, _ in processes:
            # Those that this process began are its children; others' are collected elsewhere.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process, 0)
