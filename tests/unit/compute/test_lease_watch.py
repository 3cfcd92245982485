"""The process that ends a host's guests when its lease is over, and the agent that heeds it."""

import fcntl
import json
import logging
import os
import socket
import struct
from types import SimpleNamespace

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.drivers.fence import Keeping
from stratolith.core.drivers.hypervisor import Killable
from stratolith.core.errors import BackendBusy, BadConfiguration, NotSupported
from stratolith.core.executor import Seeded
from stratolith.plugins.compute import lease_process
from stratolith.plugins.compute.keeper import Keeper
from stratolith.plugins.compute.lease_watch import FIRST_S, LeaseWatch
from stratolith.plugins.compute.posting import Posting
from stratolith.plugins.compute.watchdog import Watchdog

LEASE_S = 30.0


class Kept(Keeping):
    """A fence whose part on the host says what a test wants."""

    def __init__(self, clock):
        self.clock, self.allowed, self.reached = clock, True, True

    def keep(self, host):
        if not self.reached:
            raise BackendBusy("the lease cannot be renewed")
        return self.clock.monotonic() + (LEASE_S if self.allowed else 0)

    def every_s(self):
        return LEASE_S / 3

    def grace_s(self):
        return 15.0


class Guests(Killable):
    """A host's guests: running ones, and those that cannot be ended."""

    def __init__(self):
        self.running, self.stuck, self.asked = {"a", "b"}, set(), 0

    def kill_guests(self):
        self.asked += 1
        self.running &= self.stuck
        return sorted(self.running)


class Device:
    """A watchdog device that counts."""

    def __init__(self):
        self.pats, self.disarmed = 0, False

    def pat(self):
        self.pats += 1

    def disarm(self):
        self.disarmed = True


@pytest.fixture
def host(tmp_path):
    """A host with its watch; ``start`` starts the watch anew."""
    clock = Virtual(3)
    clock.advance(1000)
    made = SimpleNamespace(clock=clock, kept=Kept(clock), guests=Guests(), device=Device(),
                           posting=Posting(tmp_path / "run", "h1"))

    def start():
        made.watch = LeaseWatch("h1", made.kept, made.guests, made.posting, clock, logging.getLogger("test"),
                                made.device)

    def live(seconds, renews=True):
        for second in range(int(seconds)):
            if renews and second % 10 == 0:
                made.watch.renew()
            made.watch.look()
            clock.advance(1)
    made.start, made.live = start, live
    start()
    return made


def test_guests_run_while_the_lease_is_kept(host):
    host.live(200)
    assert host.guests.running == {"a", "b"}
    assert host.guests.asked == 0
    assert host.device.pats == 200
    assert host.posting.read() == host.watch.until > host.clock.monotonic()


def test_a_renewal_that_hangs_for_ever_does_not_save_the_guests(host):
    host.live(10)
    begun = host.clock.monotonic() - 10
    host.live(19, renews=False)
    assert host.guests.running
    while host.guests.running:
        host.live(1, renews=False)
    assert host.clock.monotonic() <= begun + LEASE_S + 2


def test_storage_that_is_out_of_reach(host):
    host.live(10)
    host.kept.reached = False
    host.live(25)
    assert not host.guests.running
    host.kept.reached = True
    host.guests.running = {"c"}
    host.live(11)
    host.guests.running = {"c"}
    host.live(20)
    assert host.guests.running == {"c"}


def test_a_lease_that_is_taken_away_ends_them_at_once(host):
    host.live(10)
    host.kept.allowed = False
    host.live(1)
    assert not host.guests.running
    assert host.posting.read() <= host.clock.monotonic()


def test_guests_that_begin_later_are_ended_too(host):
    host.kept.allowed = False
    host.live(3)
    host.guests.running = {"late"}
    host.live(1)
    assert not host.guests.running


def test_the_device_hears_nothing_while_a_guest_cannot_be_ended(host):
    host.live(10)
    host.guests.stuck = {"a"}
    host.kept.allowed = False
    before = host.device.pats
    host.live(5)
    assert host.device.pats == before
    host.guests.stuck = set()
    host.live(2)
    assert host.device.pats == before + 2


def test_another_start_goes_on_with_what_the_last_was_told(host):
    host.live(10)
    told = host.watch.until
    host.clock.advance(5)
    host.start()
    assert host.watch.until == told
    host.clock.advance(100)
    host.start()
    host.kept.reached = False
    host.live(1)
    assert not host.guests.running


def test_the_first_start_since_the_machine_booted_waits_a_moment(host, tmp_path):
    host.kept.reached = False
    host.live(FIRST_S)
    assert host.guests.running
    host.live(1)
    assert not host.guests.running
    file = tmp_path / "run" / "lease-h1.json"
    file.write_text(json.dumps({"boot": "another", "until": 1e9}))
    assert host.posting.read() is None
    file.write_text("{")
    assert host.posting.read() is None


def test_what_cannot_be_posted_stops_nothing(host, monkeypatch):
    def full(until):
        raise OSError("no space")
    monkeypatch.setattr(host.posting, "write", full)
    host.live(20)
    host.kept.allowed = False
    host.live(11)
    assert not host.guests.running


def test_only_a_host_without_guests_disarms_its_device(host):
    host.live(10)
    host.watch.stop()
    assert not host.device.disarmed
    host.kept.allowed = False
    host.live(1)
    host.watch.stop()
    assert host.device.disarmed


# The device.

@pytest.fixture
def device(tmp_path, monkeypatch):
    """A file in place of a device; ``longest`` is the least time it can do."""
    file = tmp_path / "watchdog"
    file.touch()
    found = SimpleNamespace(file=file, least_s=1)

    def control(descriptor, request, given):
        assert request == 0xC0045706
        return struct.pack("i", max(found.least_s, struct.unpack("i", given)[0]))
    monkeypatch.setattr(fcntl, "ioctl", control)
    return found


def test_a_device_is_armed_patted_and_disarmed(device):
    dog = Watchdog(str(device.file), 10)
    dog.pat()
    dog.disarm()
    assert device.file.read_bytes() == b"\0\0V"


def test_devices_that_do_not_serve(device, tmp_path):
    device.least_s = 60
    with pytest.raises(BadConfiguration, match="longer"):
        Watchdog(str(device.file), 10)
    with pytest.raises(BadConfiguration, match="cannot be used"):
        Watchdog(str(tmp_path / "none"), 10)


def test_a_file_is_no_device(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadConfiguration, match="no watchdog"):
        Watchdog(str(tmp_path / "file"), 10)


def test_a_device_has_to_be_quicker_than_the_fence():
    options = SimpleNamespace(lease_watchdog="/dev/watchdog", lease_watchdog_s=14)
    with pytest.raises(BadConfiguration, match="too late"):
        lease_process._watchdog(options, Kept(Virtual()))


# The agent beside it.

class Unkillable:
    """A hypervisor whose guests end with its agent."""

    def observe(self):
        return []


def keeper(host, tmp_path, driver):
    """The keeper of an agent of ``host``."""
    kit = SimpleNamespace(clock=host.clock, executor=Seeded(host.clock), log=logging.getLogger("test"), host="h1",
                          run_dir=tmp_path / "run", options=SimpleNamespace(fence="lease"),
                          driver=lambda registry, name: host.kept)
    return Keeper(kit, driver)


@pytest.fixture
def agent(host, tmp_path):
    """The keeper of the host's agent."""
    return keeper(host, tmp_path, host.guests)


def test_without_a_watch_nothing_may_run(host, agent, caplog):
    agent.keep()
    assert agent.held
    assert "no lease-watch runs here" in caplog.text
    assert host.guests.running, "it may still begin"
    host.clock.advance(15)
    agent.keep()
    assert not host.guests.running


def test_an_agent_heeds_its_watch(host, agent):
    host.live(1)
    agent.keep()
    assert not agent.held
    host.kept.allowed = False
    host.live(1)
    agent.keep()
    assert agent.held


def test_an_agent_ends_the_guests_of_a_watch_that_died(host, agent):
    host.live(1)
    agent.keep()
    host.clock.advance(LEASE_S - 5)
    agent.keep()
    assert host.guests.running
    host.clock.advance(5)
    agent.keep()
    assert agent.held
    assert not host.guests.running


@pytest.mark.parametrize("error", [PermissionError("not yours"), OSError(5, "Input/output error"),
                                   NotADirectoryError("no folder")])
def test_an_agent_that_cannot_read_what_its_watch_posts_goes_by_what_it_read_last(host, agent, monkeypatch, caplog,
                                                                                  error):
    host.live(1)
    agent.keep()

    def read():
        raise error
    monkeypatch.setattr(host.posting, "read", read)
    monkeypatch.setattr(agent._posting, "read", read)
    host.clock.advance(LEASE_S - 5)
    agent.keep()
    assert not agent.held and host.guests.running
    assert caplog.text.count("cannot be read") == 1
    host.clock.advance(5)
    agent.keep()
    assert agent.held and not host.guests.running
    monkeypatch.undo()
    host.live(1)
    agent.keep()
    assert not agent.held


def test_an_agent_that_could_never_read_waits_for_its_watch_and_then_ends_the_guests(host, agent, monkeypatch, caplog):
    def read():
        raise PermissionError("not yours")
    monkeypatch.setattr(agent._posting, "read", read)
    agent.keep()
    assert agent.held and host.guests.running
    assert "it cannot be read what a lease-watch posts" in caplog.text
    host.clock.advance(15)
    agent.keep()
    assert not host.guests.running


def test_a_lease_that_fails_otherwise_is_not_renewed(host, tmp_path, monkeypatch):
    agent = keeper(host, tmp_path, driver=Unkillable())
    agent.keep()
    assert not agent.held

    def keep(name):
        raise NotSupported("the host's name cannot be that of a file")
    monkeypatch.setattr(host.kept, "keep", keep)
    host.clock.advance(LEASE_S)
    agent.keep()
    assert agent.held


# The command.

def test_systemd_is_told(tmp_path, monkeypatch):
    lease_process.tell("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        address = os.path.relpath(tmp_path / "notify")
        line.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        lease_process.tell("READY=1")
        assert line.recv(100) == b"READY=1"
