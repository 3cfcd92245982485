"""Guests of libvirt are ended as processes, and only those of this cloud."""

import subprocess
import sys
import uuid

import pytest
from stratolith.core.clock import System
from stratolith.hypervisors.libvirt.killing import Killing

FOREVER = "import time; print(flush=True); time.sleep(600)"


class Host(Killing):
    """A host of which only the folder of guests is known."""

    def __init__(self, folder):
        self.guests = folder / "guests"
        self.clock = System()


@pytest.fixture
def begin():
    """Starts a process with words; ended at the end."""
    started = []

    def start(*words):
        process = subprocess.Popen([sys.executable, "-c", FOREVER, *words], stdout=subprocess.PIPE)
        started.append(process)
        # It has its words as soon as it speaks.
        process.stdout.readline()
        return process
    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_guests_are_ended_and_nobody_else(begin, tmp_path):
    host, other = Host(tmp_path / "a"), Host(tmp_path / "b")
    ids = [str(uuid.uuid4()) for _ in range(4)]
    names = [f"guest=stratolith-{one},debug-threads=on" for one in ids]
    mine = begin("-name", names[0], f"file={host.guests}/{ids[0]}/root-0.qcow2")
    (host.guests / ids[1]).mkdir(parents=True)
    diskless = begin("-name", names[1])
    container = begin("--name", f"stratolith-{ids[1]}", "--console", "9")
    theirs = begin("-name", names[2], f"file={other.guests}/{ids[2]}/root-0.qcow2")
    unknown = begin("-name", names[3])
    viewer = begin("less", f"{host.guests}/{ids[0]}/console.log", f"stratolith-{ids[0]}")
    killed = []
    while killed != [-9, -9, -9]:
        # As libvirt does, somebody collects those that have ended.
        host.kill_guests()
        killed = [one.poll() for one in (mine, diskless, container)]
    assert host.kill_guests() == []
    assert [one.poll() for one in (theirs, unknown, viewer)] == [None] * 3
