"""Fences: a host counts as stopped only when that is certain."""

import base64
import http.server
import json
import logging
import threading

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.config import Configuration
from stratolith.core.drivers.base import Surroundings, make
from stratolith.core.errors import BackendBusy, BackendFailed, BadConfiguration, NotSupported
from stratolith.plugins.compute.recovery import FENCES


@pytest.fixture
def fence(tmp_path):
    """Makes a fence with options; ``clock`` is that of all."""
    clock = Virtual(5)

    def build(name, **options):
        overrides = {name: {key: str(value) for key, value in options.items()}}
        surroundings = Surroundings(clock, logging.getLogger("test"), tmp_path / "state", tmp_path / "run")
        made = make(FENCES.load(name), name, Configuration.read(None, {}, overrides), surroundings)
        made.open()
        return made
    build.clock = clock
    return build


def test_nothing_proves_nothing(fence):
    none = fence("none")
    assert none.facts().proves is False
    with pytest.raises(NotSupported):
        none.fence("h1")


def test_a_simulated_host_takes_its_time(fence):
    made = fence("simulated", takes_s=5)
    assert made.fence("h1") is False
    fence.clock.advance(5)
    assert made.fence("h1") is True
    made.release("h1")
    assert made.fence("h1") is False
    made.fail("fence", 1)
    with pytest.raises(BackendFailed):
        made.fence("h1")


# The lease. What every fence keeps to, and a host and a control side that know of one another, is in the shipped suite.

def test_a_lease_that_is_renewed_is_kept(fence, tmp_path):
    host = fence("lease", folder=tmp_path, lease_s=30, margin_s=10)
    for _ in range(10):
        fence.clock.advance(10)
        assert host.keep("h1") == fence.clock.monotonic() + 30
    assert (host.every_s(), host.grace_s()) == (10, 10)


def test_a_host_stops_before_the_control_side_believes_it(fence, tmp_path):
    host, control = (fence("lease", folder=tmp_path / "shared", lease_s=30, margin_s=10) for _ in range(2))
    (tmp_path / "shared").mkdir()
    until = host.keep("h1")
    host._folder = tmp_path / "gone"
    believed_at = None
    while believed_at is None:
        fence.clock.advance(10)
        with pytest.raises(BackendBusy):
            host.keep("h1")
        if control.fence("h1"):
            believed_at = fence.clock.monotonic()
    assert until + 10 <= believed_at


def test_a_host_obeys_the_mark_at_once(fence, tmp_path):
    host, control = (fence("lease", folder=tmp_path, lease_s=30, margin_s=10) for _ in range(2))
    host.keep("h1")
    assert control.fence("h1") is False
    assert host.keep("h1") == fence.clock.monotonic()
    fence.clock.advance(39)
    assert control.fence("h1") is False
    fence.clock.advance(2)
    assert control.fence("h1") is True
    control.release("h1")
    assert host.keep("h1") == fence.clock.monotonic() + 30


def test_a_renewal_that_arrives_late_counts_from_its_beginning(fence, tmp_path, monkeypatch):
    host = fence("lease", folder=tmp_path, lease_s=30, margin_s=10)
    begun, write = fence.clock.monotonic(), host._write

    def hang(file, data):
        fence.clock.advance(3600)
        write(file, data)
    monkeypatch.setattr(host, "_write", hang)
    assert host.keep("h1") == begun + 30


def test_a_number_that_arrives_late_does_not_shake_what_is_certain(fence, tmp_path):
    control = fence("lease", folder=tmp_path, lease_s=30, margin_s=10)
    control.fence("h1")
    fence.clock.advance(41)
    assert control.fence("h1") is True
    (tmp_path / "h1.lease").write_text("late")
    assert control.fence("h1") is True


def test_a_control_side_that_starts_anew_watches_anew(fence, tmp_path):
    host, control = (fence("lease", folder=tmp_path, lease_s=30, margin_s=10) for _ in range(2))
    host.keep("h1")
    control.fence("h1")
    fence.clock.advance(60)
    assert control.fence("h1") is True
    again = fence("lease", folder=tmp_path, lease_s=30, margin_s=10)
    assert again.fence("h1") is False


def test_a_host_that_cannot_reach_the_storage_is_not_believed_to_be_stopped(fence, tmp_path):
    control = fence("lease", folder=tmp_path / "gone")
    with pytest.raises(BackendBusy):
        control.fence("h1")


@pytest.mark.parametrize("host", ["../h1", "a/b", "", ".hidden"])
def test_names_that_are_no_names_of_files(fence, tmp_path, host):
    with pytest.raises(NotSupported):
        fence("lease", folder=tmp_path).fence(host)


@pytest.mark.parametrize("options", [{}, {"folder": "/x", "lease_s": 60, "margin_s": 10}])
def test_a_lease_needs_a_folder_and_a_margin(fence, options):
    with pytest.raises(BadConfiguration):
        fence("lease", **options)


# IPMI, by a program that answers as ipmitool does.

IPMITOOL = """#!/bin/sh
echo "$@" >> {log}
[ "$IPMI_PASSWORD" = secret ] || {{ echo "Unable to establish session" >&2; exit 1; }}
case "$*" in
  *status) echo "Chassis Power is $(cat {state})";;
  *off) echo off > {state}; echo "Chassis Power Control: Down/Off";;
  *on) echo on > {state}; echo "Chassis Power Control: Up/On";;
esac
"""


@pytest.fixture
def ipmi(fence, tmp_path):
    """Makes a fence whose controller is a file."""
    tool, state, log = tmp_path / "ipmitool", tmp_path / "power", tmp_path / "log"
    state.write_text("on\n")
    tool.write_text(IPMITOOL.format(state=state, log=log))
    tool.chmod(0o755)

    def build(**options):
        return fence("ipmi", **{"controllers": "h1=10.0.0.1:6230", "user": "admin", "password": "secret",
                                "command": tool, **options})
    build.state, build.log = state, log
    return build


def test_ipmi_cuts_the_power_and_asks_whether_it_is_off(ipmi):
    made = ipmi()
    assert made.fence("h1") is True
    assert ipmi.state.read_text() == "off\n"
    assert made.fence("h1") is True
    words = ipmi.log.read_text()
    assert words.count("power off") == 1
    assert "-H 10.0.0.1 -p 6230 -U admin -E" in words
    assert "secret" not in words
    made.release("h1")
    assert ipmi.state.read_text() == "on\n"


def test_ipmi_proves_nothing_by_silence(ipmi):
    with pytest.raises(BackendBusy):
        ipmi(password="wrong").fence("h1")
    with pytest.raises(NotSupported):
        ipmi().fence("h2")
    with pytest.raises(NotSupported):
        ipmi(command="/no/such/program").fence("h1")
    ipmi.state.write_text("unknown\n")
    with pytest.raises(BackendFailed):
        ipmi().fence("h1")


def test_controllers_are_written_as_pairs(fence):
    with pytest.raises(BadConfiguration):
        fence("ipmi", controllers="10.0.0.1")


# Redfish, by a controller of the test's own.

class Controller(http.server.BaseHTTPRequestHandler):
    """One system that can be switched off."""

    def do_GET(self):
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/redfish/v1/Systems/1")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        actions = {"#ComputerSystem.Reset": {"target": self.server.target}} if self.server.target else {}
        self.answer({"PowerState": self.server.power, "Actions": actions} if self.server.power else {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == (self.server.target or "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset"):
            self.server.power = {"ForceOff": "Off", "On": "On"}[body["ResetType"]]
        self.answer(None)

    def answer(self, body):
        wanted = "Basic " + base64.b64encode(b"admin:secret").decode()
        if self.headers["Authorization"] != wanted:
            self.send_error(401)
            return
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(200 if data else 204)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        """Quietly."""


@pytest.fixture
def controller():
    """A controller that listens."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Controller)
    server.power, server.target = "On", ""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def redfish(fence, controller, **options):
    address = f"http://127.0.0.1:{controller.server_port}/redfish/v1/Systems/1"
    return fence("redfish", **{"systems": f"h1={address}", "user": "admin", "password": "secret",
                            "allow_http": "true", **options})


def test_redfish_cuts_the_power_and_asks_whether_it_is_off(fence, controller):
    made = redfish(fence, controller)
    assert made.fence("h1") is True
    assert controller.power == "Off"
    made.release("h1")
    assert controller.power == "On"


def test_redfish_proves_nothing_by_silence(fence, controller):
    with pytest.raises(BackendBusy):
        redfish(fence, controller, password="wrong").fence("h1")
    controller.power = None
    with pytest.raises(BackendFailed):
        redfish(fence, controller).fence("h1")
    with pytest.raises(BackendBusy):
        fence("redfish", systems="h1=http://127.0.0.1:9/redfish/v1/Systems/1", allow_http="true").fence("h1")


def test_redfish_resets_where_the_system_says(fence, controller):
    controller.target = "/redfish/v1/Systems/1/Actions/Oem/Reset"
    assert redfish(fence, controller).fence("h1") is True
    assert controller.power == "Off"


def test_redfish_follows_nobody_elsewhere(fence, controller):
    address = f"http://127.0.0.1:{controller.server_port}/elsewhere"
    with pytest.raises(BackendBusy):
        redfish(fence, controller, systems=f"h1={address}").fence("h1")


@pytest.mark.parametrize("options", [{"systems": "h1=http://10.0.0.1/redfish/v1/Systems/1"}, {"systems": "h1=10.0.0.1"},
                                     {"systems": "h1=file:///etc/passwd", "allow_http": "true"},
                                     {"systems": "h1=https://10.0.0.1/x", "ca_file": "/no/such/file"}])
def test_redfish_needs_tls(fence, options):
    with pytest.raises(BadConfiguration):
        fence("redfish", **options)
