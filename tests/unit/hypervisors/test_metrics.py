"""What part of its time a host spent on what."""

import pytest

pytest.importorskip("libvirt")

from stratolith.hypervisors.libvirt.metrics import Gauge, parts

BEFORE = {"user": 100, "kernel": 50, "idle": 800, "iowait": 50}


def test_parts_of_the_time_between_two_readings():
    after = {"user": 130, "kernel": 60, "idle": 850, "iowait": 60}
    found = parts(BEFORE, after)
    assert found["cpu.user.percent"] == pytest.approx(0.3)
    assert found["cpu.percent"] == pytest.approx(0.4)


def test_no_time_no_parts():
    assert parts(BEFORE, BEFORE) == {}


class Handle:
    """Counters as libvirt gives them."""

    def __init__(self):
        self.times = dict(BEFORE)

    def getCPUStats(self, which):
        return dict(self.times)

    def getMemoryStats(self, which):
        return {"total": 1000, "free": 200, "cached": 250, "buffers": 50}


def test_the_first_reading_tells_only_of_memory():
    gauge, handle = Gauge(), Handle()
    assert gauge.read(handle) == {"memory.percent": 0.5}
    handle.times["user"] += 10
    assert gauge.read(handle)["cpu.percent"] == 1.0
