"""Consoles of real guests in a real browser: what is on the screen is seen, what is typed arrives."""

from __future__ import annotations

import os
import tempfile
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.conformance.cases import until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from . import demo_image, libvirt_host
from .browser import Page, browsing
from .cloud_process import BIN, CloudProcess, run

pytestmark = pytest.mark.live
NOVNC = Path("/usr/share/novnc")
SPICE = Path("/usr/share/spice-html5")
COLOURS = """(() => {
    const canvas = document.querySelector("canvas");
    if (!canvas || canvas.width < 200) return 0;
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let lit = 0;
    for (let place = 0; place < data.length; place += 4) lit += data[place] + data[place + 1] + data[place + 2] > 200;
    return lit;
})()"""
"""How many points of the page's canvas are lit."""


class InNamespace(CloudProcess):
    """A cloud that sees files as the libvirt daemon does, which has a mount namespace of its own in these tests."""

    daemon = 0

    def up(self) -> str:
        return run("nsenter", "--mount", "--target", str(self.daemon), str(BIN / "stratolith"), "up", "--detach",
                   "--state", str(self.state), "--listen", f"127.0.0.1:{self.port}", *self.flags)


class World:
    """A cloud with one server."""

    def __init__(self, cloud: CloudProcess, host: libvirt_host.LibvirtHost) -> None:
        self.cloud, self.host = cloud, host
        image = cloud.image("demo", demo_image.path().read_bytes())
        body = {"name": "seen", "imageRef": image, "flavorRef": cloud.flavor("m1.nano"), "networks": "none"}
        self.server = str(cloud.call("POST", "compute", "/servers", {"server": body})["server"]["id"])
        cloud.settled(self.server, "ACTIVE")

    def console(self, protocol: str, kind: str) -> str:
        """The address of a new console."""
        made = self.cloud.call("POST", "compute", f"/servers/{self.server}/remote-consoles",
                               {"remote_console": {"protocol": protocol, "type": kind}})
        return str(made["remote_console"]["url"])

    def log(self) -> str:
        """What the guest wrote on its serial line."""
        body = {"os-getConsoleOutput": {"length": None}}
        return str(self.cloud.call("POST", "compute", f"/servers/{self.server}/action", body)["output"])


@pytest.fixture(scope="module", params=["novnc", "own"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A cloud with a daemon of its own; once with noVNC's files, and once with our own page in their place."""
    if os.geteuid() != 0:
        pytest.fail("the live tests need root")
    # The socket of the serial line needs a short path.
    with tempfile.TemporaryDirectory(prefix="c-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with libvirt_host.running(folder / "l", "consoles") as host:
            if request.param == "novnc":
                assert (NOVNC / "vnc_lite.html").exists(), "these tests need the package novnc"
            novnc = str(NOVNC) if request.param == "novnc" else ""
            cloud = InNamespace(folder / "s", "--hypervisor", "libvirt", "--hypervisors-libvirt-uri", host.uri,
                                "--hypervisors-libvirt-spice", "yes", "--compute-console-novnc", novnc)
            cloud.daemon = host.first_process()
            try:
                cloud.up()
                yield World(cloud, host)
            finally:
                cloud.kill()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A browser."""
    with browsing() as one:
        yield one


def test_screen_of_a_guest(world: World, page: Page, tmp_path: Path) -> None:
    url = world.console("vnc", "novnc")
    page.open(url)
    lit = page.shows(COLOURS)
    assert lit > 500
    shot = page.picture()
    (tmp_path / "screen.png").write_bytes(shot)
    assert shot[:8] == b"\x89PNG\r\n\x1a\n"
    # A page of one colour would be packed to next to nothing.
    assert len(zlib.compress(shot)) > 5_000
    with pytest.raises(InvalidStatus), connect(url.replace("http", "ws").replace("vnc_lite.html?path=%3F", "?")
                                               .replace("token%3D", "token="), proxy=None):
        raise AssertionError


def test_screen_over_spice(world: World, page: Page) -> None:
    assert (SPICE / "spice_auto.html").exists(), "these tests need the package spice-html5"
    page.open(world.console("spice", "spice-html5"))
    assert page.shows(COLOURS) > 500


def test_serial_line_of_a_guest(world: World, page: Page) -> None:
    until(lambda: "demo" in world.log(), 120, "the guest writes")
    page.open(world.console("serial", "serial").replace("ws:", "http:"))
    page.shows("document.getElementById('state')?.textContent.startsWith('Connected')")
    # What is typed before the guest's shell reads its line is lost.
    until(lambda: page.type("echo typed-$((6*7))\n") or page.value(
        "document.getElementById('terminal').textContent.includes('typed-42')"), 240, "the guest answers", 2)
    until(lambda: "typed-42" in world.log(), 60, "the log has it, too")


def test_no_console_is_on_the_network(world: World) -> None:
    # Of its own guests: others on this machine may serve what they like.
    listening = run("ss", "-Hltnp") + world.host.run("ss", "-Hltnp")
    guests = [f"pid={process}," for process in world.host.processes()]
    assert guests and not [line for line in listening.splitlines() if any(guest in line for guest in guests)]
    proxy = world.console("vnc", "novnc").partition("/vnc_lite")[0]
    assert proxy.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(f"{proxy}/vnc_lite.html", timeout=60) as answer:
        assert b"</html>" in answer.read()
